package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
)

// helpText fits a screen of 80 columns and 40 lines.
const helpText = `nsysdiff compares Nsight Systems reports: does a mock of one layer launch the
same GPU kernels, as fast, as the model that it stands for?

  nsysdiff MOCK E2E...             find the mock in the model and compare
  nsysdiff --regression BASE NEW   compare two runs of one program
  nsysdiff REPORT                  print the kernel table of one report
  nsysdiff --pairs FILE            make several comparisons
  nsysdiff summarize | merge       write small summaries of big reports
  nsysdiff init MOCK E2E           write a configuration, nsysdiff.toml
  nsysdiff help SUBCOMMAND         help on one of these

A report is a file that "nsys export --type sqlite" writes, an .nsys-rep if
there is an nsys to export it, or a summary. Several, a 'GLOB' or a folder are
the ranks of one run. Flags (all of them: nsysdiff --help-all):

  --nvtx PATTERN           only launches in an NVTX range: name, glob, /regexp/
  --kernel, --exclude RE   only, or no, kernels whose name matches
  --mock-..., --e2e-...    these and other scope flags for one side
  --base, --new REPORTS    with --regression, the ranks of both runs
  --max-ratio R            how far apart two medians may be (2; regression 1.05)
  --tp N [--scale-tp]      the model's tensor parallelism [divide by it]
  --config FILE            thresholds, expected kernels, accepted differences
  --fail-on CODES          what the exit status is 1 for
  --by KEY, --top N        table by name, family, short, name+grid; its length
  --format FORMAT          ` + "%s" + `
  -o FILE                  write there; --out FORMAT=FILE writes one more
  -v, --version, -h        times of stages; version; this help

Examples:
  nsysdiff mock.sqlite e2e.sqlite
  nsysdiff --e2e-nvtx self_attn --out html=page.html mock.sqlite 'rank*.sqlite'
  nsysdiff --by family --top 20 e2e.sqlite

Exit status: 0 no finding that --fail-on names, 1 at least one, 2 trouble.
`

// helpPage returns a page of help.
func helpPage() string { return fmt.Sprintf(helpText, strings.Join(formatNames(), ", ")) }

func printHelp(w io.Writer) error {
	_, err := io.WriteString(w, helpPage())
	return err
}

// printFlags prints all flags by group.
func printFlags(w io.Writer) error {
	var b strings.Builder
	b.WriteString("usage: nsysdiff [flags] MOCK E2E...\n" +
		"       nsysdiff [flags] --regression BASE NEW\n" +
		"       nsysdiff [flags] REPORT\n" +
		"       nsysdiff [flags] --pairs FILE\n")
	for _, s := range subcommands() {
		b.WriteString("       nsysdiff " + s.usage + "\n")
	}
	for _, g := range newFlags().groups {
		b.WriteString("\n")
		for _, line := range render.Wrap(g.title+":", 80) {
			b.WriteString(line + "\n")
		}
		g.set.VisitAll(func(x *pflag.Flag) { describe(&b, x) })
	}
	b.WriteString("\nSubcommands:\n")
	for _, s := range subcommands() {
		fmt.Fprintf(&b, "  %-16s %s\n", s.name, s.about)
	}
	b.WriteString("\nCodes for --fail-on:\n")
	for _, c := range failCodes() {
		fmt.Fprintf(&b, "  %-16s %s\n", c.code, c.about)
	}
	b.WriteString("\nFormats:\n")
	for _, f := range render.Formats() {
		fmt.Fprintf(&b, "  %-16s %s\n", f.Name, f.About)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// help prints what a subcommand is for, and its flags.
func (s *subcommand) help(w io.Writer) error {
	var b strings.Builder
	b.WriteString("usage: nsysdiff " + s.usage + "\n\n")
	if s.text != "" {
		b.WriteString(s.text)
	} else {
		b.WriteString(strings.ToUpper(s.about[:1]) + s.about[1:] + ".\n")
	}
	if s.flags != nil {
		b.WriteString("\n")
		s.flags().VisitAll(func(x *pflag.Flag) { describe(&b, x) })
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// describe writes a flag and what it is for, in 80 columns.
func describe(b *strings.Builder, x *pflag.Flag) {
	if x.Hidden {
		return
	}
	arg, about := pflag.UnquoteUsage(x)
	name := "--" + x.Name
	if x.Shorthand != "" {
		name = "-" + x.Shorthand + ", " + name
	}
	fmt.Fprintf(b, "  %s\n", strings.TrimSpace(name+" "+arg))
	for _, line := range render.Wrap(about, 72) {
		fmt.Fprintf(b, "        %s\n", line)
	}
}

// flagArg returns the name of a flag's value, "" for a switch.
func flagArg(x *pflag.Flag) string {
	arg, _ := pflag.UnquoteUsage(x)
	return arg
}
