package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/nsysdiff/nsysdiff/summary"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A summarizer is what "nsysdiff summarize" was asked.
type summarizer struct {
	config
	set    *pflag.FlagSet
	output string
	force  bool
	help   bool
}

const summarizeText = `Writes what a comparison needs of the reports, steps, positions, durations and
facts of the capture, into a small file that stands wherever a report can. Of
several reports, the ranks of one run, it makes one summary.

FILE is written whole or not at all. If it is there and is a finished summary of
the same content, made with the same flags, it is kept, so that a job can be
submitted again; --force makes it anew. Any other summary is written over.

  nsysdiff summarize report.sqlite -o base.json.gz
  nsysdiff --regression base.json.gz report.sqlite
`

func newSummarizer() *summarizer {
	s := &summarizer{set: newSet()}
	s.nsys = "nsys"
	s.set.StringVarP(&s.output, "output", "o", "", "the summary, a `FILE`; - is standard output")
	s.set.BoolVar(&s.force, "force", false, "write FILE whatever is there")
	s.set.BoolVar(&s.strict, "strict", false, "fail where one of several reports cannot be read, instead of summarising the others")
	addScope(s.set, "", &s.mock.scope)
	s.set.BoolVar(&s.options.NoNVTX, "no-nvtx", false, "tell steps without NVTX ranges, and leave them out")
	s.set.StringVar(&s.nsys, "nsys", s.nsys, "`PROGRAM` that exports .nsys-rep files")
	s.set.BoolVarP(&s.verbose, "verbose", "v", false, "print the time of each stage on standard error")
	s.set.BoolVarP(&s.help, "help", "h", false, "print this")
	return s
}

func summarize(ctx context.Context, args []string, env environment) error {
	const hint = "nsysdiff summarize REPORT... -o FILE"
	s := newSummarizer()
	if err := parseFlags(s.set, args, "nsysdiff help summarize"); err != nil {
		return err
	}
	switch {
	case s.help:
		return help(ctx, []string{"summarize"}, env)
	case s.set.NArg() == 0:
		return usage(hint, "no report to summarise")
	case s.output == "":
		return usage(hint, "no file named for the summary (-o)")
	}
	if err := checkWindow("", s.mock.scope); err != nil {
		return err
	}
	s.mock.args = s.set.Args()
	if err := s.mock.expand(); err != nil {
		return err
	}
	if s.output == "-" {
		if isTerminal(env.stdout) {
			return usage("-o FILE", "a summary is no text for a terminal")
		}
		data, err := s.summary(ctx, env)
		if err != nil {
			return err
		}
		if _, err := env.stdout.Write(data); err != nil {
			return fileProblem("", "standard output", err)
		}
		return nil
	}
	if err := checkOutputs([]output{{path: s.output}}, s.mock.reports); err != nil {
		return err
	}
	done, err := s.done(env.stderr)
	if err != nil {
		return err
	}
	if done {
		fmt.Fprintf(env.stderr, "nsysdiff: %s: kept, it is finished (--force makes it anew)\n", s.output)
		return nil
	}
	data, err := s.summary(ctx, env)
	if err != nil {
		return err
	}
	if err := writeFile(s.output, data); err != nil {
		return writeProblem(s.output, err)
	}
	return nil
}

// summary reads the reports and returns the bytes of their summary.
func (s *summarizer) summary(ctx context.Context, env environment) ([]byte, error) {
	watch := &stopwatch{on: s.verbose, w: env.stderr, last: time.Now()}
	// Of a report by itself a comparison keeps all launches, a summary does
	// not.
	all, err := s.summarise(ctx, env.stderr, watch)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = all.Write(&b)
	return b.Bytes(), err
}

// done reports whether the output is a finished summary of these reports, made
// in this way. The error is that of one that must not be written over.
func (s *summarizer) done(stderr io.Writer) (bool, error) {
	if s.force {
		return false, nil
	}
	ours, err := isOurs(s.output)
	if err != nil || !ours {
		return false, err
	}
	old, err := summary.ReadFile(s.output)
	if err != nil {
		return false, nil // cut short where it was copied to, say: made anew
	}
	output, err := os.Stat(s.output)
	if err != nil {
		return false, fileProblem("", s.output, err)
	}
	newer := true // than the reports: of a large one the origin does not know every byte
	for _, path := range s.mock.reports {
		report, err := os.Stat(path)
		newer = newer && err == nil && !report.ModTime().After(output.ModTime())
		if is, err := summary.IsFile(path); err != nil || is {
			return false, nil // quickly read, and its scope is to be checked
		}
	}
	if s.made(old) {
		return newer, nil
	}
	fmt.Fprintf(stderr, "nsysdiff: %s: made anew, it was not of these reports as they are or not made with these flags\n", s.output)
	return false, nil
}

// made reports whether a summary is of the reports and made in this way.
func (s *summarizer) made(old *summary.Summary) bool {
	var have, want []summary.Origin
	for _, r := range old.Reports() {
		if r.Source == "" {
			return false
		}
		have = append(have, r.Origin)
	}
	for _, path := range s.mock.reports {
		o, err := origin(path, &s.mock.scope, s.options.NoNVTX)
		if err != nil {
			return false
		}
		want = append(want, o)
	}
	compare := func(a, b summary.Origin) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Options, b.Options))
	}
	slices.SortFunc(have, compare)
	slices.SortFunc(want, compare)
	return slices.Equal(have, slices.Compact(want))
}

// origin returns what the summary of a report says of how it was made.
func origin(path string, s *trace.Scope, noNVTX bool) (summary.Origin, error) {
	source, err := summary.Fingerprint(path)
	if err != nil {
		return summary.Origin{}, err
	}
	var flags []string
	add := func(name string, value any) { flags = append(flags, fmt.Sprintf("--%s=%v", name, value)) }
	for _, p := range s.NVTX {
		add("nvtx", strconv.Quote(p.String()))
	}
	if s.Kernel != nil {
		add("kernel", strconv.Quote(s.Kernel.String()))
	}
	if s.Exclude != nil {
		add("exclude", strconv.Quote(s.Exclude.String()))
	}
	for _, n := range s.Devices {
		add("device", n)
	}
	for _, n := range s.PIDs {
		add("process", n)
	}
	for _, n := range s.Streams {
		add("stream", n)
	}
	flags = append(flags, windowFlags(s)...)
	if noNVTX {
		flags = append(flags, "--no-nvtx")
	}
	return summary.Origin{Source: source, Options: strings.Join(flags, " ")}, nil
}

// windowFlags returns the flags of a scope's window of time.
func windowFlags(s *trace.Scope) (flags []string) {
	if s.From != nil {
		flags = append(flags, fmt.Sprintf("--from=%v", *s.From))
	}
	if s.To != nil {
		flags = append(flags, fmt.Sprintf("--to=%v", *s.To))
	}
	return flags
}

// isOurs reports whether there is a summary at a path. The error is that of a
// file that is none.
func isOurs(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return false, nil // writing it will say what is wrong, if anything is
	}
	is, err := summary.IsFile(path)
	if err != nil {
		return false, fileProblem("", path, err)
	}
	if !is {
		return false, usage("name another file, or write over it with --force", "%s: is there and is no summary", path)
	}
	return true, nil
}

// A merger is what "nsysdiff merge" was asked.
type merger struct {
	set    *pflag.FlagSet
	output string
	force  bool
	help   bool
}

const mergeText = `Puts summaries of reports of one run together, in any order and any grouping,
with the same bytes for the same reports. A report that is in several of them,
be it under other names, counts once. FILE is written whole or not at all; a
summary that is there is written over, another file only with --force.

  nsysdiff summarize rank0.sqlite -o rank0.json.gz
  nsysdiff summarize rank1.sqlite -o rank1.json.gz
  nsysdiff merge rank0.json.gz rank1.json.gz -o all.json.gz
`

func newMerger() *merger {
	m := &merger{set: newSet()}
	m.set.StringVarP(&m.output, "output", "o", "", "the merged summary, a `FILE`; - is standard output")
	m.set.BoolVar(&m.force, "force", false, "write FILE whatever is there")
	m.set.BoolVarP(&m.help, "help", "h", false, "print this")
	return m
}

func mergeSummaries(ctx context.Context, args []string, env environment) error {
	const hint = "nsysdiff merge SUMMARY... -o FILE"
	m := newMerger()
	if err := parseFlags(m.set, args, "nsysdiff help merge"); err != nil {
		return err
	}
	switch {
	case m.help:
		return help(ctx, []string{"merge"}, env)
	case m.set.NArg() == 0:
		return usage(hint, "no summary to merge")
	case m.output == "":
		return usage(hint, "no file named for the merged summary (-o)")
	}
	in := side{args: m.set.Args()}
	if err := in.expand(); err != nil {
		return err
	}
	// Merged into a folder that is merged: the second time it is there too.
	if !slices.Contains(in.args, m.output) {
		in.reports = slices.DeleteFunc(in.reports, func(path string) bool { return sameFile(path, m.output) })
		if len(in.reports) == 0 {
			return usage(hint, "no summary to merge beside %s", m.output)
		}
	}
	if m.output == "-" {
		if isTerminal(env.stdout) {
			return usage("-o FILE", "a summary is no text for a terminal")
		}
		return m.merge(ctx, env.stdout, in.reports, env.stderr)
	}
	if err := checkOutputs([]output{{path: m.output}}, in.reports); err != nil {
		return err
	}
	if !m.force {
		if _, err := isOurs(m.output); err != nil {
			return err
		}
	}
	err := writeFileFrom(m.output, func(w io.Writer) error { return m.merge(ctx, w, in.reports, env.stderr) })
	if p := (*problem)(nil); err == nil || errors.As(err, &p) || isSummaryError(err) || ctx.Err() != nil {
		return err
	}
	return writeProblem(m.output, err)
}

func isSummaryError(err error) bool {
	e := (*summary.Error)(nil)
	return errors.As(err, &e)
}

func (m *merger) merge(ctx context.Context, w io.Writer, paths []string, stderr io.Writer) error {
	merged, duplicates, err := summary.MergeFiles(ctx, w, paths...)
	if err != nil {
		return err
	}
	for _, msg := range repeated(merged, duplicates) {
		(&problem{msg: msg}).print(stderr)
	}
	return nil
}

// repeated says which reports were there several times: the duplicates that were
// left out, and those that are there still, summarised in several ways. Of such
// two it cannot be told whether they are of the same launches: summaries of one
// device each are not.
func repeated(merged []summary.Report, duplicates []string) (list []string) {
	for _, path := range duplicates {
		list = append(list, path+": is there several times, be it under another name, and counts once")
	}
	first := map[string]string{} // the options under which a source is there first
	for _, r := range merged {
		options := "without flags"
		if r.Options != "" {
			options = "with " + r.Options
		}
		switch before, again := first[r.Source]; {
		case r.Source == "":
		case again:
			list = append(list, fmt.Sprintf("%s: is there several times, summarised %s and %s, and counts as several reports: leave one out, unless they have no launches in common", r.Path, before, options))
		default:
			first[r.Source] = options
		}
	}
	return list
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
