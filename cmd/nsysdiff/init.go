package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
	"github.com/nsysdiff/nsysdiff/trace"
)

// An initializer is what "nsysdiff init" was asked.
type initializer struct {
	config
	set    *pflag.FlagSet
	both   side
	scopes string // the scope flags, as tables of the configuration
	output string
	force  bool
	help   bool
}

const initText = `Compares the two and writes a configuration file with which they pass: the
tensor parallelism that it sees, the kernels that the mock is expected to run
with their shares, and each difference as one that is accepted for 30 days. Go
through it, then keep it beside the job that runs nsysdiff: a file called
nsysdiff.toml in the working directory is read by itself.

  nsysdiff init mock.sqlite e2e.sqlite -o nsysdiff.toml
  nsysdiff mock.sqlite e2e.sqlite
`

// grace is how long init accepts what differs.
const grace = 30 // days

func newInitializer() *initializer {
	n := &initializer{set: newSet()}
	n.nsys = "nsys"
	n.set.StringVarP(&n.output, "output", "o", "", "write to `FILE` instead of standard output")
	n.set.BoolVar(&n.force, "force", false, "write FILE even if it is there")
	addScope(n.set, "", &n.both.scope)
	addScope(n.set, "mock-", &n.mock.scope)
	addScope(n.set, "e2e-", &n.e2e.scope)
	n.set.VisitAll(func(x *pflag.Flag) {
		x.Hidden = strings.HasPrefix(x.Name, "mock-") || strings.HasPrefix(x.Name, "e2e-")
	})
	n.set.StringVar(&n.nsys, "nsys", n.nsys, "`PROGRAM` that exports .nsys-rep files")
	n.set.BoolVarP(&n.help, "help", "h", false, "print this")
	return n
}

func initialize(ctx context.Context, args []string, env environment) error {
	const hint = "nsysdiff init MOCK E2E [-o FILE]"
	n := newInitializer()
	if err := parseFlags(n.set, args, "nsysdiff help init"); err != nil {
		return err
	}
	switch {
	case n.help:
		return help(ctx, []string{"init"}, env)
	case n.set.NArg() < 2:
		return usage(hint, "init needs a mock and an E2E model")
	case n.set.Changed("output") && n.output == "":
		return emptyOutput()
	}
	n.mock.args, n.e2e.args = n.set.Args()[:1], n.set.Args()[1:]
	toFile := n.output != "" && n.output != "-"
	if toFile {
		if _, err := os.Stat(n.output); err == nil && !n.force {
			return usage("name another file, or write over it with --force", "%s: is there already", n.output)
		}
		n.outputs = []output{{path: n.output}}
	}
	n.scopes = n.scopeTables()
	n.mock.scope, n.e2e.scope = over(n.both.scope, n.mock.scope), over(n.both.scope, n.e2e.scope)
	n.options.ScopedE2E = len(n.e2e.scope.NVTX) > 0
	n.failOn = defaultFailOn(false)
	if err := n.expand(); err != nil {
		return err
	}
	text, err := n.text(ctx, env)
	if err != nil {
		return err
	}
	if toFile {
		if err := writeFile(n.output, text); err != nil {
			return writeProblem(n.output, err)
		}
		return nil
	}
	_, err = env.stdout.Write(text)
	return err
}

// text compares the two sides and returns a configuration with which they
// pass.
func (n *initializer) text(ctx context.Context, env environment) ([]byte, error) {
	mock, e2e, _, err := n.read(ctx, env.stderr, &stopwatch{})
	if err != nil {
		return nil, err
	}
	r, err := n.compare(ctx, mock, e2e, env.now())
	if err != nil {
		return nil, err
	}
	if r.Verdict == align.NotComparable {
		msg, hint := "the two cannot be compared", ""
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Code == align.CodeNotComparable || f.Severity == align.SeverityError {
				msg, hint = f.Message, f.Hint
				break
			}
		}
		return nil, &problem{msg: msg, hint: hint}
	}
	first := r
	tp := 0
	for i := range r.Causes {
		if c := &r.Causes[i]; c.Code == align.CauseHeadCount && c.Factor >= 2 && c.Factor == math.Trunc(c.Factor) {
			tp = int(c.Factor)
		}
	}
	if tp > 0 {
		n.options.TP, n.options.ScaleTP = tp, true
		if r, err = n.compare(ctx, mock, e2e, env.now()); err != nil {
			return nil, err
		}
		if n.failing(r) >= n.failing(first) {
			r, tp = first, 0
			n.options.TP, n.options.ScaleTP = 0, false
		}
	}
	text := n.write(r, tp, env.now())

	// What is written must read, and must pass.
	var file configFile
	if err := decodeTOML("what init wrote", text, &file); err != nil {
		return nil, err
	}
	check := newFlags()
	if err := check.apply("what init wrote", &file.configTable); err != nil {
		return nil, err
	}
	check.mock, check.e2e = n.mock, n.e2e
	if err := check.finish(); err != nil {
		return nil, err
	}
	check.options.ScopedE2E = n.options.ScopedE2E
	after, err := check.compare(ctx, mock, e2e, env.now())
	if err != nil {
		return nil, err
	}
	if exitStatus(after, check.failOn) != exitNothing {
		for i := range after.Findings {
			if f := &after.Findings[i]; check.fails(f) {
				return nil, &problem{msg: "no configuration makes the two pass: " + f.Message, hint: f.Hint}
			}
		}
	}
	return text, nil
}

// failing returns how many findings make the exit status 1.
func (n *initializer) failing(r *align.Result) (count int) {
	for i := range r.Findings {
		if n.fails(&r.Findings[i]) {
			count++
		}
	}
	return count
}

// write returns the configuration.
func (n *initializer) write(r *align.Result, tp int, now time.Time) []byte {
	b := new(bytes.Buffer)
	say := func(format string, args ...any) { fmt.Fprintf(b, format, args...) }
	say("# Configuration of nsysdiff, written by nsysdiff init on %s from\n#\n#   mock  %s\n#   e2e   %s\n#\n",
		now.UTC().Format(time.DateOnly), render.Clean(r.Mock.Path), render.Clean(r.E2E.Path))
	say("# Flags on the command line win over it. Times have a unit. A pattern of kernels\n" +
		"# is a demangled or short name, a glob with * and ?, or a /regular expression/.\n\n")
	say("# How far apart two medians may be, and the difference below which that is not\n# judged.\n")
	say("max_ratio = %g\nmin_time = %s\n\n", r.Limits.MaxRatio, tomlText(time.Duration(r.Limits.MinTimeNS).String()))
	say("# Findings that make the exit status 1.\nfail_on = %s\n\n", tomlList(n.failOn))
	if tp > 0 {
		say("# The work per head differs by %d: the mock has all heads, the model runs with\n"+
			"# this tensor parallelism. Better make a mock of one rank's heads, and delete both.\ntp = %d\nscale_tp = true\n\n", tp, tp)
	} else {
		say("# The model's tensor parallelism, if the mock has all heads:\n# tp = 8\n# scale_tp = true\n\n")
	}
	say("# Bounds of some kernels:\n# [[kernel]]\n# pattern = \"*memset*\"\n# max_ratio = 3\n# min_time = \"10us\"\n\n")
	say("# Which launches take part, on both sides or on one:\n")
	if n.scopes == "" {
		say("# [scope.e2e]\n# nvtx = \"self_attn\"\n\n")
	}
	say("%s", n.scopes)
	writeExpected(b, r)
	writeAccepted(b, r, n.failOn, now)
	say("\n# What holds for nsysdiff --regression, in place of all above:\n# [regression]\n# max_ratio = 1.05\n# min_time = \"500ns\"\n")
	return b.Bytes()
}

// scopeTables returns the tables of the scope flags that were given.
func (n *initializer) scopeTables() string {
	var b strings.Builder
	for _, t := range []struct{ prefix, name string }{{"", "scope"}, {"mock-", "scope.mock"}, {"e2e-", "scope.e2e"}} {
		var lines []string
		set := newSet()
		addScope(set, t.prefix, new(trace.Scope))
		n.set.Visit(func(x *pflag.Flag) {
			if set.Lookup(x.Name) != nil {
				lines = append(lines, strings.TrimPrefix(x.Name, t.prefix)+" = "+tomlValue(x.Value))
			}
		})
		if len(lines) > 0 {
			fmt.Fprintf(&b, "[%s]\n%s\n\n", t.name, strings.Join(lines, "\n"))
		}
	}
	return b.String()
}

// tomlValue returns the value of a scope flag as a configuration has it.
func tomlValue(v pflag.Value) string {
	switch v := v.(type) {
	case patternsValue:
		var words []string
		for _, p := range *v.list {
			words = append(words, p.String())
		}
		return tomlList(words)
	case numbersValue:
		return strings.Join(strings.Fields(fmt.Sprint(*v.list)), ", ")
	}
	return tomlText(v.String())
}

// tomlText quotes text as a basic string of TOML, whose escapes are those of
// JSON; https://toml.io/en/v1.0.0#string.
func tomlText(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string has an encoding, and a buffer takes it
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}

func tomlList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = tomlText(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// An expected kernel of the mock.
type expectedKernel struct {
	name  string
	share float64
	n     int
	extra int // of n, launches that the model lacks
}

// expectedKernels returns the mock's kernels by their short names, those that
// take most of the time first, and the share of what only the mock launches.
// Kernels that only it launches are not among them: they are to go.
func expectedKernels(r *align.Result) (list []expectedKernel, extra float64) {
	for i := range r.Sites {
		s := &r.Sites[i]
		if s.Mock == nil {
			continue
		}
		name := align.ShortName(s.MockName)
		at := slices.IndexFunc(list, func(k expectedKernel) bool { return k.name == name })
		if at < 0 {
			at = len(list)
			list = append(list, expectedKernel{name: name})
		}
		list[at].share += s.MockShare
		list[at].n++
		if s.Verdict == align.Extra {
			list[at].extra++
			extra += s.MockShare
		}
	}
	list = slices.DeleteFunc(list, func(k expectedKernel) bool { return k.extra == k.n })
	slices.SortStableFunc(list, func(a, b expectedKernel) int { return cmp.Compare(b.share, a.share) })
	return list, extra
}

func writeExpected(b *bytes.Buffer, r *align.Result) {
	b.WriteString("# What the mock is expected to launch in a step: kernel, and part of the step's\n" +
		"# kernel time that all its launches take together. time = \"10-20us\" bounds their\n" +
		"# time; required = false lets a kernel be absent; side = \"e2e\" looks there.\n")
	list, extra := expectedKernels(r)
	for _, k := range list {
		fmt.Fprintf(b, "\n[[expect]]\npattern = %s\n", tomlText(k.name))
		percent := 100 * k.share
		if percent >= 1 && k.extra == 0 {
			// The mended mock passes too: without what is extra in it, all else
			// takes a larger part.
			lo, hi := percent, percent/(1-extra)
			lo -= max(1, lo/20)
			hi += max(1, hi/20)
			fmt.Fprintf(b, "share = \"%.0f-%.0f%%\" # %.1f%%", math.Max(0, math.Floor(lo)), math.Min(100, math.Ceil(hi)), percent)
		} else {
			fmt.Fprintf(b, "# share: %.2f%%", percent)
		}
		if k.n > 1 {
			fmt.Fprintf(b, ", %d launches", k.n)
		}
		if k.extra > 0 {
			fmt.Fprintf(b, ", %d of them extra", k.extra)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

// writeAccepted writes what differs as accepted until it is looked at.
func writeAccepted(b *bytes.Buffer, r *align.Result, failOn []string, now time.Time) {
	type key struct{ name, code string }
	var list []key
	reasons := map[key]string{}
	for i := range r.Sites {
		s := &r.Sites[i]
		code := string(s.Verdict)
		switch s.Verdict {
		case align.Slower, align.Faster:
			code = align.CodeLatency
		case align.Missing, align.Extra, align.HeadMismatch:
		default:
			continue
		}
		if !slices.Contains(failOn, code) {
			continue
		}
		k := key{align.ShortName(cmp.Or(s.MockName, s.E2EName)), code}
		if !slices.Contains(list, k) {
			list = append(list, k)
			reasons[k] = cmp.Or(s.Reason, code)
		}
	}
	if len(list) == 0 {
		b.WriteString("# Differences that are known and accepted, such as\n# [[accept]]\n# pattern = \"debug_*\"\n" +
			"# codes = [\"extra\"]\n# reason = \"switched off in production\"\n# expires = 2027-01-31\n")
		return
	}
	b.WriteString("# What differs now. Mend it, or say for what reason it is accepted and until when.\n")
	for _, c := range r.Causes {
		fmt.Fprintf(b, "# %s\n", render.Clean(c.Message))
		if c.Fix != "" {
			fmt.Fprintf(b, "# fix: %s\n", render.Clean(c.Fix))
		}
	}
	expires := now.UTC().AddDate(0, 0, grace).Format(time.DateOnly)
	for _, k := range list {
		fmt.Fprintf(b, "\n[[accept]]\npattern = %s\ncodes = [%s]\nreason = %s\nexpires = %s\n",
			tomlText(k.name), tomlText(k.code), tomlText("TO BE EXPLAINED: "+reasons[k]), expires)
	}
}
