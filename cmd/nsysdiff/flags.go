package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A config is what a command line asks for.
type config struct {
	mock    side // of a comparison, the base, or the only one
	e2e     side // or the new run; without reports where one side is described by itself
	options align.Options
	failOn  []string
	policy  policy
	path    string // of the configuration file that was read
	strict  bool   // an unreadable report of several is fatal
	pairs   []pair // several comparisons in the place of one
	outputs []output
	top     int
	color   string // "auto", "always" or "never"
	nsys    string // program that exports .nsys-rep files
	verbose bool

	help, helpAll, version bool
}

// flags is the command line as it is parsed.
type flags struct {
	config
	both   trace.Scope
	base   []string
	next   []string
	set    *pflag.FlagSet
	groups []group
	format string
	output string
	outs   []string
	alias  string

	configPath string
	noConfig   bool
	pairsPath  string

	by      string
	minTime *time.Duration
	failSet bool
	emptied []string // flags that a file says hold nothing, which sets no flag
}

// A group is some flags that the manual describes together.
type group struct {
	title string
	set   *pflag.FlagSet
}

// newFlags returns the flags of the program. Their order is that of the
// manual.
func newFlags() *flags {
	f := &flags{set: newSet()}
	f.format, f.color, f.by, f.nsys = "text", "auto", string(align.ByName), "nsys"

	scopeFlags := f.group("Which launches take part. The flags from --nvtx to --to also as --mock-... and --e2e-..., " +
		"which stand in their place on that side (with --regression, base and new)")
	addScope(scopeFlags, "", &f.both)
	addScope(scopeFlags, "mock-", &f.mock.scope)
	addScope(scopeFlags, "e2e-", &f.e2e.scope)
	scopeFlags.VisitAll(func(x *pflag.Flag) {
		x.Hidden = strings.HasPrefix(x.Name, "mock-") || strings.HasPrefix(x.Name, "e2e-")
	})
	scopeFlags.Var(countValue{&f.options.SkipWarmup, 0}, "skip-warmup", "drop `N` more steps at the start of each process and device")
	scopeFlags.BoolVar(&f.options.NoNVTX, "no-nvtx", false, "tell steps and modules without NVTX ranges")

	judge := f.group("How it is judged")
	judge.BoolVar(&f.options.Regression, "regression", false, "compare two runs of one program, base and new, whole and symmetric")
	judge.StringArrayVar(&f.base, "base", nil, "with --regression, the base: a report, a `GLOB` or a folder; may be repeated, for several ranks")
	judge.StringArrayVar(&f.next, "new", nil, "with --regression, the new run: a report, a `GLOB` or a folder; may be repeated")
	judge.Var(ratioValue{&f.options.MaxRatio}, "max-ratio", "how far apart two medians may be, either way (default 2, with --regression 1.05)")
	judge.Var(timeValue{&f.minTime}, "min-time", "difference of medians below which a ratio is not judged (default 3us, with --regression 500ns)")
	judge.Var(countValue{&f.options.MinSamples, 1}, "min-samples", "launches of a kernel below which it is undecided (default 3)")
	judge.Var(codesValue{&f.failOn, &f.failSet}, "fail-on", "findings that make the exit status 1: `CODES` separated by commas, all, or none"+
		" (default "+strings.Join(defaultFailOn(false), ",")+", with --regression also step-time)")
	judge.Var(countValue{&f.options.TP, 1}, "tp", "tensor parallelism of the model, so that a head mismatch of `N` is known for what it is")
	judge.BoolVar(&f.options.ScaleTP, "scale-tp", false, "judge an unsharded mock: its per-head kernels after dividing by --tp, or else by the number of ranks that launch alike")
	judge.StringVar(&f.alias, "alias", "", "`FILE` of kernels to treat as equal, lines \"mock = e2e\" of names or /regexp/")
	judge.Var(regexpValue{&f.options.Ignore}, "ignore", "list these kernels without judging them")
	judge.StringVar(&f.configPath, "config", "", "read what the command line does not say from `FILE` (default "+configName+", if it is there)")
	judge.StringVar(&f.pairsPath, "pairs", "", "compare each pair of `FILE`; see docs/config.md")
	judge.BoolVar(&f.noConfig, "no-config", false, "read no configuration file")
	judge.BoolVar(&f.options.JudgeCommunication, "judge-communication", false, "judge collectives, which wait for their peers, like other kernels")

	show := f.group("What is shown, and where")
	show.Var(choiceValue{&f.format, formatNames()}, "format", "`FORMAT` of the output: "+strings.Join(formatNames(), ", ")+" (default that of the ending of -o FILE, else text)")
	show.StringVarP(&f.output, "output", "o", "", "write to `FILE` instead of standard output, whole or not at all; - is standard output")
	show.StringArrayVar(&f.outs, "out", nil, "also write `FORMAT=FILE`; may be repeated")
	show.Var(choiceValue{&f.by, []string{string(align.ByName), string(align.ByFamily), string(align.ByShort), string(align.ByGrid)}}, "by",
		"what the table by name has a row for: `KEY` name, family, short or name+grid (default name)")
	show.BoolVar(&f.options.MemOps, "memops", false, "show memory copies and sets too")
	show.Var(countValue{&f.top, 1}, "top", "only the first `N` rows of the table by name")
	show.BoolVar(&f.options.Launches, "json-launches", false, "list the launches of each site in JSON")
	show.Var(choiceValue{&f.color, []string{"auto", "always", "never"}}, "color", "colour on standard output: `WHEN` auto, always or never (default auto: on a terminal, unless NO_COLOR is set)")

	other := f.group("Other")
	other.BoolVar(&f.strict, "strict", false, "fail where one of several reports cannot be read, instead of comparing the others")
	other.StringVar(&f.nsys, "nsys", f.nsys, "`PROGRAM` that exports .nsys-rep files")
	other.BoolVarP(&f.verbose, "verbose", "v", false, "print the time of each stage on standard error")
	other.BoolVar(&f.version, "version", false, "print the version")
	other.BoolVarP(&f.help, "help", "h", false, "print a page of help")
	other.BoolVar(&f.helpAll, "help-all", false, "print all flags")

	for _, g := range f.groups {
		f.set.AddFlagSet(g.set)
	}
	return f
}

func newSet() *pflag.FlagSet {
	set := pflag.NewFlagSet("nsysdiff", pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.SortFlags = false
	set.Usage = func() {}
	return set
}

func (f *flags) group(title string) *pflag.FlagSet {
	g := group{title, newSet()}
	f.groups = append(f.groups, g)
	return g.set
}

// addScope adds the flags of a scope, for one side if prefix says so.
func addScope(set *pflag.FlagSet, prefix string, s *trace.Scope) {
	set.Var(patternsValue{&s.NVTX}, prefix+"nvtx", "only launches in NVTX ranges of this name, glob (* and ?) or /regexp/, at any depth; may be repeated")
	set.Var(regexpValue{&s.Kernel}, prefix+"kernel", "only kernels whose name matches")
	set.Var(regexpValue{&s.Exclude}, prefix+"exclude", "no kernels whose name matches")
	set.Var(numbersValue{&s.Devices}, prefix+"device", "only these devices")
	set.Var(numbersValue{&s.PIDs}, prefix+"process", "only these processes, by pid")
	set.Var(numbersValue{&s.Streams}, prefix+"stream", "only these streams")
	set.Var(timeValue{&s.From}, prefix+"from", "only launches from this time after the capture's start, such as 1.5s")
	set.Var(timeValue{&s.To}, prefix+"to", "only launches before this time")
}

func formatNames() []string {
	var names []string
	for _, f := range render.Formats() {
		names = append(names, f.Name)
	}
	return names
}

// ofComparison are the flags that say how two sides are compared.
var ofComparison = []string{
	"max-ratio", "min-time", "min-samples", "tp", "scale-tp", "alias", "ignore", "judge-communication", "skip-warmup", "json-launches",
}

// parse returns what a command line asks for.
func parse(args []string) (*config, error) {
	f := newFlags()
	if err := parseFlags(f.set, args, allFlagsHint); err != nil {
		return nil, err
	}
	c := &f.config
	if c.help || c.helpAll || c.version {
		return c, nil
	}
	if f.pairsPath != "" {
		var err error
		if c.pairs, err = f.readPairs(args); err != nil {
			return nil, err
		}
		return c, f.chooseOutputs()
	}
	if err := f.sides(); err != nil {
		return nil, err
	}
	// Flags for the other side are a mistake, settings for it are not.
	if name := f.changedPrefix("e2e-"); name != "" && len(f.e2e.args) == 0 {
		return nil, usage("give the mock and the E2E, or leave out e2e- with one report", "--%s has no use with one report", name)
	}
	// Nor is one report a comparison that passed: the other may have been a variable
	// of a script that is empty.
	for _, name := range ofComparison {
		if len(f.e2e.args) == 0 && f.set.Changed(name) {
			return nil, usage("give the mock and the E2E: nsysdiff MOCK E2E", "--%s has no use with one report", name)
		}
	}
	for _, name := range []string{"tp", "scale-tp"} {
		if f.options.Regression && f.set.Changed(name) {
			return nil, usage("leave it out, or compare a mock with the model: nsysdiff MOCK E2E", "--%s is of a mock, and --regression compares two runs", name)
		}
	}
	if err := f.configure(); err != nil {
		return nil, err
	}
	return c, f.finish()
}

// finish turns what flags and files say into what is to be done.
func (f *flags) finish() error {
	c := &f.config
	c.options.By = align.Grouping(f.by)
	c.mock.scope = over(f.both, c.mock.scope, f.nothing("mock-")...)
	c.e2e.scope = over(f.both, c.e2e.scope, f.nothing("e2e-")...)
	// Whoever names the operation's range in the model means all of it.
	c.options.ScopedE2E = len(c.e2e.scope.NVTX) > 0
	if f.minTime != nil {
		c.options.MinTime = orNone(*f.minTime)
	}
	if !f.failSet {
		c.failOn = defaultFailOn(c.options.Regression)
	}
	if err := f.check(); err != nil {
		return err
	}
	if f.alias != "" {
		var err error
		if c.options.Aliases, err = readAliases(f.alias); err != nil {
			return err
		}
	}
	return f.chooseOutputs()
}

// chooseOutputs tells what is written where.
func (f *flags) chooseOutputs() (err error) {
	c := &f.config
	if f.set.Changed("output") && f.output == "" {
		return emptyOutput()
	}
	if named := formatOf(f.output); named != "" && !f.set.Changed("format") {
		f.format = named
	}
	if c.outputs, err = parseOutputs(f.format, f.output, f.outs); err != nil {
		return err
	}
	if c.options.Launches && !c.writes("json") {
		return usage("ask for JSON: --format json, or --out json=FILE", "--json-launches has no use without JSON")
	}
	c.options.Plots = c.writes("html")
	c.options.NoFamilies = !c.writes("json")
	return nil
}

// writes reports whether a format is among those that are asked for.
func (c *config) writes(format string) bool {
	return slices.ContainsFunc(c.outputs, func(o output) bool { return o.format.Name == format })
}

// sides tells which reports are of which side.
func (f *flags) sides() error {
	args := f.set.Args()
	switch n := len(args); {
	case len(f.base)+len(f.next) > 0:
		switch {
		case !f.options.Regression:
			return usage("nsysdiff --regression --base REPORTS --new REPORTS", "--base and --new are for --regression")
		case len(f.base) == 0 || len(f.next) == 0:
			return usage("nsysdiff --regression --base REPORTS --new REPORTS", "--base and --new are given together")
		case n > 0:
			return usage("quote a pattern, so that the shell leaves it whole: --base 'a/*.sqlite'", "%s: beside --base and --new no report stands by itself", args[0])
		}
		f.mock.args, f.e2e.args = f.base, f.next
	case n == 0:
		return usage(helpHint, "no report given")
	case n == 1 && f.options.Regression:
		return usage("nsysdiff --regression BASE NEW", "--regression takes two reports, one was given")
	case n > 2 && f.options.Regression:
		return usage("name the ranks of both sides: nsysdiff --regression --base 'a/*.sqlite' --new 'b/*.sqlite'",
			"%d reports given, and --regression cannot tell which are the base's", n)
	default:
		f.mock.args, f.e2e.args = args[:1], args[1:]
	}
	return nil
}

// check looks for flags that contradict each other.
func (f *flags) check() error {
	for _, s := range []struct {
		side  string
		scope trace.Scope
	}{{"", f.both}, {"mock-", f.mock.scope}, {"e2e-", f.e2e.scope}} {
		if err := checkWindow(s.side, s.scope); err != nil {
			return err
		}
	}
	// Of several ranks that launch alike the comparison tells it from their
	// number.
	several := len(f.e2e.args) > 0 && !f.options.Regression
	if f.options.ScaleTP && f.options.TP == 0 && !several {
		return usage("pass --tp N as well", tpUnknown)
	}
	return nil
}

// tpUnknown is what is wrong with --scale-tp where nothing says by how much.
const tpUnknown = "--scale-tp needs to know the tensor parallelism"

// checkWindow looks for a window of time that holds nothing.
func checkWindow(prefix string, s trace.Scope) error {
	if s.From != nil && s.To != nil && *s.From >= *s.To {
		return usage("both are times after the start of the capture", "--%sfrom %v is not before --%sto %v", prefix, *s.From, prefix, *s.To)
	}
	return nil
}

func (f *flags) changedPrefix(prefix string) string {
	name := ""
	f.set.Visit(func(x *pflag.Flag) {
		if strings.HasPrefix(x.Name, prefix) {
			name = x.Name
		}
	})
	return name
}

// nothing returns the flags that a file says hold nothing on a side, whose own begin
// with prefix; without it.
func (f *flags) nothing(prefix string) []string {
	none := slices.Clone(f.emptied)
	for i := range none {
		none[i] = strings.TrimPrefix(none[i], prefix)
	}
	return none
}

// over returns the scope of a side: what was said for it, and for the rest
// what was said for both, but for the flags that hold nothing on it.
func over(both, side trace.Scope, none ...string) trace.Scope {
	if side.NVTX == nil && !slices.Contains(none, "nvtx") {
		side.NVTX = slices.Clone(both.NVTX)
	}
	if side.Kernel == nil && !slices.Contains(none, "kernel") {
		side.Kernel = both.Kernel
	}
	if side.Exclude == nil && !slices.Contains(none, "exclude") {
		side.Exclude = both.Exclude
	}
	if side.Devices == nil && !slices.Contains(none, "device") {
		side.Devices = slices.Clone(both.Devices)
	}
	if side.PIDs == nil && !slices.Contains(none, "process") {
		side.PIDs = slices.Clone(both.PIDs)
	}
	if side.Streams == nil && !slices.Contains(none, "stream") {
		side.Streams = slices.Clone(both.Streams)
	}
	if side.From == nil && !slices.Contains(none, "from") {
		side.From = both.From
	}
	if side.To == nil && !slices.Contains(none, "to") {
		side.To = both.To
	}
	return side
}

// parseFlags parses a command line. hint is how to learn of the flags.
func parseFlags(set *pflag.FlagSet, args []string, hint string) error {
	if name := oneDash(set, args); name != "" {
		return usage("did you mean --"+name+"?", "unknown flag -%s", name)
	}
	if err := set.Parse(args); err != nil {
		return explainFlags(set, hint, err)
	}
	return nil
}

// oneDash returns the first long flag that is given with one dash, as programs in
// Go take it, "" if there is none: -out=x would write a file "ut=x".
func oneDash(set *pflag.FlagSet, args []string) string {
	value := false // the next argument is that of a flag
	for _, arg := range args {
		name, _, assigned := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		x := set.Lookup(name)
		switch {
		case value:
			value = false
		case arg == "--":
			return ""
		case x == nil || !strings.HasPrefix(arg, "-"):
		case strings.HasPrefix(arg, "--"):
			value = !assigned && x.NoOptDefVal == ""
		case len(name) > 1:
			return name
		}
	}
	return ""
}

// formatHint returns the flag that was meant by one that is called like a format, ""
// if none was.
func formatHint(set *pflag.FlagSet, name string) string {
	if _, ok := render.Lookup(name); !ok || set.Lookup("format") == nil {
		return ""
	}
	return "did you mean --format " + name + "?"
}

// explainFlags says what is wrong with a command line in the program's own
// words. hint is how to learn of the flags.
func explainFlags(set *pflag.FlagSet, hint string, err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			return usage(cmp.Or(formatHint(set, short), hint), "unknown flag -%s", unknown.GetSpecifiedName())
		}
		var names []string
		set.VisitAll(func(x *pflag.Flag) { names = append(names, x.Name) })
		name := unknown.GetSpecifiedName()
		if near := nearest(name, names); near != "" {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
		hint = cmp.Or(formatHint(set, name), hint)
		return usage(hint, "unknown flag --%s", name)
	case errors.As(err, &missing):
		x := missing.GetFlag()
		return usage(aboutFlag(x), "flag --%s needs a value", x.Name)
	case errors.As(err, &invalid):
		x := invalid.GetFlag()
		return &problem{msg: fmt.Sprintf("--%s %s: %v", x.Name, invalid.GetValue(), invalid.Unwrap()), hint: aboutFlag(x), err: err}
	}
	return usage(hint, "%v", err)
}

// aboutFlag returns how a flag is used, and for what.
func aboutFlag(x *pflag.Flag) string {
	arg, about := pflag.UnquoteUsage(x)
	return fmt.Sprintf("%s: %s", strings.TrimSpace("--"+x.Name+" "+arg), about)
}
