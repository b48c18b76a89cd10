package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// printMan prints a manual page, man(7), made from the flags.
func printMan(w io.Writer) error {
	var b strings.Builder
	b.WriteString(".TH NSYSDIFF 1\n.SH NAME\nnsysdiff \\- compare the GPU kernels of Nsight Systems reports\n.SH SYNOPSIS\n")
	lines := []string{"[flags] MOCK E2E...", "[flags] --regression BASE NEW", "[flags] REPORT", "[flags] --pairs FILE"}
	for _, s := range subcommands() {
		lines = append(lines, s.usage)
	}
	for i, line := range lines {
		if i > 0 {
			b.WriteString(".br\n")
		}
		b.WriteString(".B nsysdiff\n" + roff(line) + "\n")
	}
	b.WriteString(".SH DESCRIPTION\n")
	intro, _, _ := strings.Cut(helpPage(), "\n\n")
	b.WriteString(roff(strings.ReplaceAll(intro, "\n", " ")) + "\n")
	b.WriteString(".SH OPTIONS\n")
	for _, g := range newFlags().groups {
		b.WriteString(".SS " + roff(g.title) + "\n")
		manFlags(&b, g.set)
	}
	b.WriteString(".SH SUBCOMMANDS\n")
	for _, s := range subcommands() {
		b.WriteString(".SS " + roff("nsysdiff "+s.usage) + "\n")
		text := s.text
		if text == "" {
			text = strings.ToUpper(s.about[:1]) + s.about[1:] + ".\n"
		}
		for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
			if strings.HasPrefix(block, "  ") {
				b.WriteString(".PP\n.nf\n" + roffLines(block) + "\n.fi\n")
			} else {
				b.WriteString(".PP\n" + roffLines(block) + "\n")
			}
		}
		if s.flags != nil {
			manFlags(&b, s.flags())
		}
	}
	b.WriteString(".SH FINDINGS\nThe codes that \\-\\-fail\\-on takes.\n")
	for _, c := range failCodes() {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(c.code), roff(c.about))
	}
	b.WriteString(".SH EXIT STATUS\n.TP\n.B 0\nno finding that \\-\\-fail\\-on names\n.TP\n.B 1\nat least one\n" +
		".TP\n.B 2\ntrouble: usage, an unreadable report, reports that cannot be compared, a failed write\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// manFlags writes flags and what they are for.
func manFlags(b *strings.Builder, set *pflag.FlagSet) {
	set.VisitAll(func(x *pflag.Flag) {
		if x.Hidden {
			return
		}
		arg, about := pflag.UnquoteUsage(x)
		name := "--" + x.Name
		if x.Shorthand != "" {
			name = "-" + x.Shorthand + ", " + name
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(strings.TrimSpace(name+" "+arg)), roff(about))
	})
}

// roffLines escapes each line of a text.
func roffLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = roff(lines[i])
	}
	return strings.Join(lines, "\n")
}

// roff escapes text for man(7).
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
