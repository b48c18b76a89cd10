package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

func TestAcceptedUntil(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	p := policy{accept: []acceptance{
		{Acceptance: align.Acceptance{Reason: "for ever"}},
		{Acceptance: align.Acceptance{Reason: "a while"}, until: day("2027-01-31T00:00:00Z")},
	}}
	for now, want := range map[string]string{
		"2027-01-30T00:00:00Z":      "",
		"2027-01-31T23:59:59Z":      "", // it holds on its last day
		"2027-02-01T00:00:00Z":      "2027-01-31",
		"2027-01-31T20:00:00-08:00": "2027-01-31", // over in Greenwich
		"2027-02-01T03:00:00+09:00": "",
	} {
		list := p.at(day(now))
		if list[0].Expired != "" || list[1].Expired != want {
			t.Errorf("%s: expired %q and %q, want none and %q", now, list[0].Expired, list[1].Expired, want)
		}
	}
	if p.accept[1].Expired != "" {
		t.Error("the policy has changed")
	}
}

func TestRanges(t *testing.T) {
	for s, want := range map[string][2]float64{
		"60-65%": {0.6, 0.65}, " 60% - 65% ": {0.6, 0.65}, "0-0.5%": {0, 0.005}, "60–65%": {0.6, 0.65}, "5-5%": {0.05, 0.05},
		"60": {}, "60%": {}, "65-60%": {}, "60-101%": {}, "-1-5%": {}, "a-b%": {}, "0-0%": {}, "60-65": {}, "nan-65%": {}, "": {},
	} {
		lo, hi, err := parseShare(s)
		if (err != nil) != (want == [2]float64{}) || cmp.Diff([2]float64{lo, hi}, want) != "" {
			t.Errorf("share %q: %v to %v, %v", s, lo, hi, err)
		}
	}
	us, ms := time.Microsecond, time.Millisecond
	for s, want := range map[string][2]time.Duration{
		"10-20us": {10 * us, 20 * us}, "800us-1.2ms": {800 * us, 1200 * us}, "10 - 20us": {10 * us, 20 * us}, "0-1ms": {0, ms}, "1–2ms": {ms, 2 * ms},
		"10": {}, "10us": {}, "20-10us": {}, "10-20": {}, "a-b": {}, "1-2parsec": {}, "-1us-5us": {}, "": {},
	} {
		lo, hi, err := parseTimes(s)
		if (err != nil) != (want == [2]time.Duration{}) || [2]time.Duration{lo, hi} != want {
			t.Errorf("time %q: %v to %v, %v", s, lo, hi, err)
		}
	}
}

func TestKeys(t *testing.T) {
	for path, want := range map[string]string{
		"":                "pair",
		"pair":            "name mock e2e base new regression max_ratio",
		"pair.scope":      "nvtx kernel exclude device process stream from to mock e2e",
		"pair.scope.mock": "nvtx kernel exclude device process stream from to",
		"pair.accept":     "pattern codes reason expires",
		"pair.nothing":    "",
	} {
		keys := keysOf(reflect.TypeFor[pairsFile](), strings.FieldsFunc(path, func(r rune) bool { return r == '.' }))
		got := strings.Join(keys, " ")
		if path == "pair" {
			got = strings.Join(keys[:min(7, len(keys))], " ")
		}
		if got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// TestSettingsAreFlags holds every setting to a flag that there is.
func TestSettingsAreFlags(t *testing.T) {
	set := newFlags().set
	for _, r := range new(configTable).rules() {
		if set.Lookup(r.flag) == nil {
			t.Errorf("%s stands for --%s, which is no flag", r.key, r.flag)
		}
	}
}

func TestValueOfWrongType(t *testing.T) {
	for text, want := range map[string]string{
		"scope = 3":                              "x.toml:1: scope: not a table",
		"\n[scope]\nmock = \"a\"":                "x.toml:3: scope.mock: not a table",
		"[[scope]]\nnvtx = \"a\"":                "x.toml:1: scope: not a table",
		"alias = [\"a\"]":                        "x.toml:1: alias: not a table",
		"[alias]\nmock = \"a\"\ne2e = \"b\"":     "x.toml:1: alias: not a list of tables, each of which begins with [[alias]]",
		"accept = 3":                             "x.toml:1: accept: not a list of tables, each of which begins with [[accept]]",
		"[[expect]]\npattern = 3":                "x.toml:2: expect.pattern: not text in quotes",
		"[[expect]]\nrequired = \"yes\"":         "x.toml:2: expect.required: not true or false",
		"\n[max_ratio]\nx = 3":                   "x.toml:2: not a value or a list of values",
		"[[accept]]\npattern = \"x\"\ncodes = 3": "",
	} {
		got := ""
		if err := decodeTOML("x.toml", []byte(text), new(configFile)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestListForOneValue(t *testing.T) {
	for _, tt := range []struct{ text, msg, hint string }{
		{`ignore = ["rms", "rope"]`, `x.toml: ignore: 2 values given, it takes one`, `write one regular expression for all: "rms|rope"`},
		{"[scope.mock]\nexclude = [\"debug\", \"rms\"]", `x.toml: scope.mock.exclude: 2 values given, it takes one`, `write one regular expression for all: "debug|rms"`},
		{`max_ratio = [2, 3]`, `x.toml: max_ratio: 2 values given, it takes one`, "--max-ratio R: "},
		{"[[kernel]]\npattern = \"a\"\nmax_ratio = [2, 3]", "x.toml: kernel 1: max_ratio and min_time take one value each, 2 given", tomlHint},
		{"ignore = [\"rms\"]\nmax_ratio = [2]", "", ""},
		{"fail_on = [\"missing\", \"extra\"]\n[scope]\nnvtx = [\"a\", \"b\"]\ndevice = [0, 1]", "", ""},
	} {
		var file configFile
		err := decodeTOML("x.toml", []byte(tt.text), &file)
		if err == nil {
			err = newFlags().apply("x.toml", &file.configTable)
		}
		var got problem
		if err != nil {
			got = *wrongs(err)[0]
		}
		if got.msg != tt.msg || !strings.HasPrefix(got.hint, tt.hint) {
			t.Errorf("%s: %q, hint %q, want %q, hint %q", tt.text, got.msg, got.hint, tt.msg, tt.hint)
		}
	}
}

// TestEmptyList holds an empty list to take back what a file below says, on its
// side.
func TestEmptyList(t *testing.T) {
	const all = "nvtx = \"a\"\nkernel = \"a\"\nexclude = \"a\"\ndevice = 1\nprocess = 1\nstream = 1\nfrom = \"1s\"\nto = \"2s\"\n"
	const none = "nvtx = []\nkernel = []\nexclude = []\ndevice = []\nprocess = []\nstream = []\nfrom = []\nto = []\n"
	for _, tt := range []struct {
		reason      string
		flags       []string
		pair, below string
		mock, e2e   bool // in the end, is there a scope
	}{
		{"nothing said above", nil, "", "[scope.mock]\n" + all, true, false},
		{"one side over the same", nil, "[scope.mock]\n" + none, "[scope.mock]\n" + all, false, false},
		{"one side over both", nil, "[scope.mock]\n" + none, "[scope]\n" + all, false, true},
		{"both sides over one", nil, "[scope]\n" + none, "[scope.e2e]\n" + all, false, false},
		{"in one file", nil, "", "[scope]\n" + all + "[scope.e2e]\n" + none, true, false},
		{"the command line stands above", []string{"--nvtx", "x"}, "[scope.mock]\nnvtx = []", "", true, true},
	} {
		f := newFlags()
		if err := f.set.Parse(tt.flags); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{tt.pair, tt.below} {
			var file configFile
			if err := decodeTOML("x.toml", []byte(text), &file); err != nil {
				t.Fatal(err)
			}
			if err := f.apply("x.toml", &file.configTable); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.finish(); err != nil {
			t.Fatal(err)
		}
		for name, side := range map[string]struct {
			scope trace.Scope
			want  bool
		}{"mock": {f.mock.scope, tt.mock}, "e2e": {f.e2e.scope, tt.e2e}} {
			if got := !reflect.ValueOf(side.scope).IsZero(); got != side.want {
				t.Errorf("%s: %s: a scope %t, want %t: %+v", tt.reason, name, got, side.want, side.scope)
			}
		}
	}
}

func TestNaturally(t *testing.T) {
	want := []string{"", "a", "rank1", "rank01", "rank2", "rank2a", "rank10", "rank10.5", "rank10.12", "rankx", "z"}
	for i := range want {
		for j := range want {
			if c := naturally(want[i], want[j]); (c < 0) != (i < j) && want[i] != "rank1" && want[i] != "rank01" {
				t.Errorf("%q against %q: %d", want[i], want[j], c)
			}
		}
	}
	if naturally("rank1", "rank01") == 0 {
		t.Error("two names are one")
	}
	got := []string{"z", "rank10", "rank2", "rank01", "a"}
	slices.SortFunc(got, naturally)
	if d := cmp.Diff([]string{"a", "rank01", "rank2", "rank10", "z"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestExpand(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"d/2.sqlite", "d/10.sqlite", "d/2.nsys-rep", "d/3.nsys-rep", "d/s.json.gz", "d/x.json", "d/.hidden.sqlite", "d/sub/4.sqlite", "m.sqlite", "e/x.txt", "[a].sqlite"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args, want, problem string
	}{
		{"d", "d/2.sqlite d/3.nsys-rep d/10.sqlite d/s.json.gz", ""},
		{"d/", "d/2.sqlite d/3.nsys-rep d/10.sqlite d/s.json.gz", ""},
		{"m.sqlite d/*.sqlite", "d/2.sqlite d/10.sqlite m.sqlite", ""},
		{"d/*.sqlite ./d/2.sqlite d", "d/2.sqlite d/3.nsys-rep d/10.sqlite d/s.json.gz", ""},
		{"nosuch", "nosuch", ""}, // reading it says so
		{"[a].sqlite", "[a].sqlite", ""},
		{"e", "", "e: is a directory without reports"},
		{"d/*.txt", "", "d/*.txt: no file has such a name"},
		{"d/[", "", "d/[: not a pattern of file names"},
	} {
		s := side{args: strings.Fields(tt.args)}
		err := s.expand()
		if got := strings.Join(s.reports, " "); err == nil && got != tt.want {
			t.Errorf("%s: %s, want %s", tt.args, got, tt.want)
		}
		if (err == nil) != (tt.problem == "") || err != nil && !strings.HasPrefix(err.Error(), tt.problem) {
			t.Errorf("%s: %v, want %q", tt.args, err, tt.problem)
		}
	}
}

func TestTOMLText(t *testing.T) {
	for _, s := range []string{"a", `quote " and \ back`, "tab\tline\nend", "<T, (int)1>(float *)", "µ \u2028 \x7f", ""} {
		var file struct {
			X string `toml:"x"`
		}
		if err := decodeTOML("test", []byte("x = "+tomlText(s)), &file); err != nil {
			t.Errorf("%q: %v", s, err)
		} else if file.X != s {
			t.Errorf("%q reads as %q", s, file.X)
		}
	}
}

func TestLineOfKey(t *testing.T) {
	for text, want := range map[string]int{
		"a = 1\n\n x = 2\n":            3,
		"[scope.x]\na = 1\n":           1,
		"[[ x ]]":                      1,
		"a = 1\n\"x\" = 2":             2,
		"scope.x = 1":                  1,
		"a = \"x\" # x = 1\nx\t= 1":    2,
		"a = 1":                        0,
		"[[p]]\nx = 1\n[[p]]\nx = 2\n": 0, // which of them is not known
		"\na = {b = 2, x = 1}":         2,
		"a = {x = 1}\nx = 1":           0,
		"a . x = 1":                    1,
	} {
		if got := lineOf([]byte(text), "x"); got != want {
			t.Errorf("%q: line %d, want %d", text, got, want)
		}
	}
}

// FuzzConfig holds any file to being read or refused in one line.
func FuzzConfig(f *testing.F) {
	f.Add("max_ratio = 2\n[scope.e2e]\nnvtx = [\"a*\"]\n")
	f.Add("[[expect]]\npattern = \"/x/\"\nshare = \"1-2%\"\n")
	f.Add("[[accept]]\npattern = \"x\"\ncodes = [\"extra\"]\nreason = \"r\"\nexpires = 2027-01-31\n")
	f.Add("tp = [[1]]\n")
	f.Fuzz(func(t *testing.T, text string) {
		var file configFile
		err := decodeTOML("nsysdiff.toml", []byte(text), &file)
		if err == nil {
			err = newFlags().apply("nsysdiff.toml", &file.configTable)
		}
		if err != nil {
			for _, p := range wrongs(err) {
				var b strings.Builder
				p.print(&b)
				if n := strings.Count(b.String(), "\n"); n > 2 || !strings.HasPrefix(b.String(), "nsysdiff: nsysdiff.toml") {
					t.Errorf("%q: %q", text, b.String())
				}
			}
		}
	})
}
