package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

func mustParse(t *testing.T, args ...string) *config {
	t.Helper()
	c, err := parse(args)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	c := mustParse(t, "a", "b")
	want := align.Options{By: align.ByName, NoFamilies: true} // text shows none
	if d := cmp.Diff(want, c.options); d != "" {
		t.Errorf("options (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"missing", "extra", "latency", "head-mismatch", "expected"}, c.failOn); d != "" {
		t.Errorf("fail-on (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"a", "b"}, slices.Concat(c.mock.args, c.e2e.args)); d != "" {
		t.Errorf("reports (-want +got):\n%s", d)
	}
}

func TestScopes(t *testing.T) {
	second, two := time.Second, 2*time.Second
	words := func(list []trace.Pattern) []string {
		var s []string
		for _, p := range list {
			s = append(s, p.String())
		}
		return s
	}
	type side struct {
		NVTX            []string
		Kernel, Exclude string
		Devices, PIDs   []int
		Streams         []int
		From, To        *time.Duration
	}
	of := func(s trace.Scope) side {
		x := side{NVTX: words(s.NVTX), Devices: s.Devices, PIDs: s.PIDs, Streams: s.Streams, From: s.From, To: s.To}
		if s.Kernel != nil {
			x.Kernel = s.Kernel.String()
		}
		if s.Exclude != nil {
			x.Exclude = s.Exclude.String()
		}
		return x
	}
	for _, tt := range []struct {
		reason    string
		args      string
		mock, e2e side
	}{
		{"for both", "--nvtx a,b --nvtx c* --kernel k --exclude x --device 0,1 --process 7 --stream 3 --from 1s --to 2s",
			side{[]string{"a,b", "c*"}, "k", "x", []int{0, 1}, []int{7}, []int{3}, &second, &two},
			side{[]string{"a,b", "c*"}, "k", "x", []int{0, 1}, []int{7}, []int{3}, &second, &two}},
		{"one side's stands in the place of both's", "--nvtx a --e2e-nvtx /b/ --mock-kernel m --kernel k --device 0 --e2e-device 1 --device 2",
			side{NVTX: []string{"a"}, Kernel: "m", Devices: []int{0, 2}},
			side{NVTX: []string{"/b/"}, Kernel: "k", Devices: []int{1}}},
		{"one side only", "--mock-from 1s --e2e-to 2s --e2e-exclude x --mock-process 1 --e2e-stream 2",
			side{From: &second, PIDs: []int{1}},
			side{To: &two, Exclude: "x", Streams: []int{2}}},
	} {
		c := mustParse(t, append(strings.Fields(tt.args), "a", "b")...)
		if d := cmp.Diff(tt.mock, of(c.mock.scope)); d != "" {
			t.Errorf("%s: mock (-want +got):\n%s", tt.reason, d)
		}
		if d := cmp.Diff(tt.e2e, of(c.e2e.scope)); d != "" {
			t.Errorf("%s: e2e (-want +got):\n%s", tt.reason, d)
		}
	}
}

func TestJudgement(t *testing.T) {
	for _, tt := range []struct {
		args string
		got  func(c *config) any
		want any
	}{
		{"--max-ratio 1.5", func(c *config) any { return c.options.MaxRatio }, 1.5},
		{"--min-time 10us", func(c *config) any { return c.options.MinTime }, 10 * time.Microsecond},
		{"--min-time 0", func(c *config) any { return c.options.MinTime < 0 }, true}, // none, not the default
		{"--min-samples 5", func(c *config) any { return c.options.MinSamples }, 5},
		{"--tp 8 --scale-tp", func(c *config) any { return c.options.TP == 8 && c.options.ScaleTP }, true},
		{"--skip-warmup 2", func(c *config) any { return c.options.SkipWarmup }, 2},
		{"--no-nvtx", func(c *config) any { return c.options.NoNVTX }, true},
		{"--judge-communication", func(c *config) any { return c.options.JudgeCommunication }, true},
		{"--json-launches --format json", func(c *config) any { return c.options.Launches }, true},
		{"--memops", func(c *config) any { return c.options.MemOps }, true},
		{"--by name+grid", func(c *config) any { return c.options.By }, align.ByGrid},
		{"--ignore x|y", func(c *config) any { return c.options.Ignore.String() }, "x|y"},
		{"--regression", func(c *config) any { return c.options.Regression }, true},
		{"--top 3", func(c *config) any { return c.top }, 3},
		{"--fail-on none", func(c *config) any { return len(c.failOn) }, 0},
		{"--fail-on all", func(c *config) any { return len(c.failOn) }, len(failCodes())},
		{"--fail-on extra --fail-on variant,shapes", func(c *config) any { return strings.Join(c.failOn, " ") }, "extra variant shapes"},
		{"--nvtx x", func(c *config) any { return c.options.ScopedE2E }, true},
		{"--e2e-nvtx x", func(c *config) any { return c.options.ScopedE2E }, true},
		{"--mock-nvtx x --e2e-kernel y", func(c *config) any { return c.options.ScopedE2E }, false},
		{"--regression --top 1", func(c *config) any { return strings.Join(c.failOn, " ") }, "missing extra latency head-mismatch expected step-time"},
	} {
		c := mustParse(t, append(strings.Fields(tt.args), "a", "b")...)
		if got := tt.got(c); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.args, got, tt.want)
		}
	}
}

func TestAliases(t *testing.T) {
	file := filepath.Join(t.TempDir(), "aliases")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("# comment\n\n gemm<a == b> = /^nvjet_.*/ \na.b = c\n")
	list, err := readAliases(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		i         int
		mock, e2e string
		want      bool
		reason    string
	}{
		{0, "gemm<a == b>", "nvjet_sm90", true, "a name with == in it"},
		{0, "gemm<a == b>", "x nvjet_sm90", false, "the expression is anchored"},
		{1, "a.b", "c", true, "exact"},
		{1, "axb", "c", false, "a dot is a dot"},
		{1, "a.b", "cd", false, "the whole name"},
	} {
		if got := list[tt.i].Mock.MatchString(tt.mock) && list[tt.i].E2E.MatchString(tt.e2e); got != tt.want {
			t.Errorf("%q = %q: %v, want %v (%s)", tt.mock, tt.e2e, got, tt.want, tt.reason)
		}
	}
	for text, want := range map[string]string{
		"a = b\nnonsense": ":2: no \" = \" in it",
		"a = ":            "no \" = \"",
		"/(/ = b":         ":1: error parsing regexp",
	} {
		write(text)
		if _, err := readAliases(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := readAliases(file + "x"); err == nil || !strings.HasSuffix(err.Error(), "no such file or directory") {
		t.Errorf("missing file: %v", err)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"nvtx", "kernel", "max-ratio", "min-time", "format", "verbose"}
	for in, want := range map[string]string{"nvtxx": "nvtx", "kernal": "kernel", "maxratio": "max-ratio", "verb": "verbose", "zzzzzz": "", "x": "", "": ""} {
		if got := nearest(in, words); got != want {
			t.Errorf("nearest(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestHelp holds help to a screen, and to flags that there are.
func TestHelp(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(helpPage(), "\n"), "\n")
	if n := len(lines); n < 24 || n > 40 {
		t.Errorf("help has %d lines, want 24 to 40", n)
	}
	set := newFlags().set
	for _, line := range lines {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
		for word := range strings.FieldsSeq(line) {
			name, long := strings.CutPrefix(strings.TrimRight(strings.Trim(word, "[],;"), "):"), "--")
			if !long || strings.HasSuffix(name, "...") || strings.Contains(line, "nsys export") {
				continue
			}
			if set.Lookup(name) == nil {
				t.Errorf("help names --%s, which is no flag", name)
			}
		}
	}
	var b strings.Builder
	if err := printFlags(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	set.VisitAll(func(x *pflag.Flag) {
		if !x.Hidden && !strings.Contains(b.String(), "--"+x.Name) {
			t.Errorf("--help-all lacks --%s", x.Name)
		}
		if x.Usage == "" {
			t.Errorf("--%s does not say what it is for", x.Name)
		}
	})
}

// TestCompletion holds the scripts to naming every flag and subcommand.
func TestCompletion(t *testing.T) {
	for shell, script := range map[string]string{"bash": bashCompletion(), "zsh": zshCompletion(), "fish": fishCompletion()} {
		sets := []*pflag.FlagSet{newFlags().set}
		for _, s := range subcommands() {
			if !strings.Contains(script, s.name) {
				t.Errorf("%s: no %s", shell, s.name)
			}
			if s.flags != nil {
				sets = append(sets, s.flags())
			}
		}
		for _, set := range sets {
			set.VisitAll(func(x *pflag.Flag) {
				name := "--" + x.Name
				if shell == "fish" {
					name = "-l " + x.Name
				}
				if !strings.Contains(script, name) {
					t.Errorf("%s: no %s", shell, name)
				}
			})
		}
	}
}

// TestShells has each shell that there is read its script, and bash use it.
func TestShells(t *testing.T) {
	scripts := map[string]string{"bash": bashCompletion(), "zsh": zshCompletion(), "fish": fishCompletion()}
	for shell, script := range scripts {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skip(err)
			}
			c := exec.Command(path, "-n")
			c.Stdin = strings.NewReader(script)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"a.sqlite", "b.nsys-rep", "c.json.gz", "d.txt", "e f.sqlite", "e a*.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ words, want string }{
		{"nsysdiff --max-r", "--max-ratio"},
		{"nsysdiff --mock-nv", "--mock-nvtx"},
		{"nsysdiff sum", "summarize"},
		{"nsysdiff a", "a.sqlite"},
		{"nsysdiff b", "b.nsys-rep"},
		{"nsysdiff c", "c.json.gz|completion"},
		{"nsysdiff d", ""},
		{"nsysdiff e", "e f.sqlite"},
		{"nsysdiff --config e", "e a*.txt|e f.sqlite"},
		{"nsysdiff --format m", "markdown"},
		{"nsysdiff --fail-on head", "head-mismatch"},
		{"nsysdiff --config d", "d.txt"},
		{"nsysdiff summarize --fo", "--force"},
		{"nsysdiff summarize a", "a.sqlite"},
		{"nsysdiff summarize --max-r", ""},
		{"nsysdiff completion z", "zsh"},
		{"nsysdiff help me", "merge"},
	} {
		words := strings.Fields(tt.words)
		c := exec.Command(bash, "--norc", "-c", `eval "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nsysdiff; printf '%s\n' "${COMPREPLY[@]}" | sort`)
		c.Args = append(append(c.Args, "bash"), words...)
		c.Dir, c.Env = dir, append(os.Environ(), "SCRIPT="+scripts["bash"])
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got := strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "|"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.words, got, tt.want)
		}
	}
}

func TestFailCodesAreUnique(t *testing.T) {
	var codes []string
	for _, c := range failCodes() {
		codes = append(codes, c.code)
	}
	slices.Sort(codes)
	if n := len(slices.Compact(slices.Clone(codes))); n != len(codes) {
		t.Errorf("codes %v are not unique", codes)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("--nvtx\x00a*\x00m\x00e")
	f.Add("--fail-on\x00all,none\x00-o\x00x\x00m")
	f.Add("--from=1s\x00--to=2s\x00m")
	f.Fuzz(func(t *testing.T, s string) {
		args := strings.Split(s, "\x00")
		for _, a := range args {
			if strings.Contains(a, "alias") || strings.Contains(a, "config") || strings.Contains(a, "pairs") || strings.Contains(a, "--a") {
				t.Skip("reads a file")
			}
		}
		c, err := parse(args)
		if err == nil && !c.help && !c.helpAll && !c.version && (len(c.mock.args) == 0 || len(c.outputs) == 0) {
			t.Errorf("%q: %+v", args, c)
		}
	})
}
