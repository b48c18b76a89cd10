package trace_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/trace"
)

func TestPattern(t *testing.T) {
	tests := []struct {
		pattern string
		matches []string
		others  []string
	}{
		{"layer 1", []string{"layer 1"}, []string{"layer 12", "Layer 1", "a layer 1", "layer 1 "}},
		{"layer*", []string{"layer", "layer 12", "layer\n1"}, []string{"a layer"}},
		{"layer ?", []string{"layer 1", "layer é", "layer \n"}, []string{"layer 12", "layer "}},
		{"*[Executor] _forward_step 7: *", []string{"[Executor] _forward_step 7: 0 ctx reqs"}, []string{"E _forward_step 7: x", "[Executor] _forward_step 71: x"}},
		{"a.b*", []string{"a.b"}, []string{"aXb"}},
		{"/layer 1?[0-4]$/", []string{"layer 0", "layer 14", "my layer 3"}, []string{"layer 15", "layer 1x"}},
		{"/a/b/", []string{"a/b"}, []string{"ab"}},
		{"/", []string{"/"}, []string{"a/b"}},
		{"//", []string{"//"}, []string{"", "a"}},
		{"/a", []string{"/a"}, []string{"a"}},
		{"bad\xff*", []string{"bad\xff", "bad\xffx"}, []string{"bad"}},
	}
	for _, tt := range tests {
		p, err := trace.ParsePattern(tt.pattern)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		if p.String() != tt.pattern {
			t.Errorf("String of %q is %q", tt.pattern, p.String())
		}
		for _, s := range tt.matches {
			if !p.Match(s) {
				t.Errorf("%q does not match %q", tt.pattern, s)
			}
		}
		for _, s := range tt.others {
			if p.Match(s) {
				t.Errorf("%q matches %q", tt.pattern, s)
			}
		}
	}
	for _, s := range []string{"", "/(/", "/[/"} {
		if _, err := trace.ParsePattern(s); err == nil {
			t.Errorf("ParsePattern(%q) succeeded", s)
		}
	}
	if (trace.Pattern{}).Match("") {
		t.Error("the zero Pattern matches")
	}
}

// FuzzPattern wants every pattern parsed or refused, and each name to match
// itself as a pattern unless it is a regular expression.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{"layer 1", "layer*", "?", "/x/", "//", "a\\*", "[Executor] _forward_step 7: 0 ctx reqs", "\xff?", "a\nb*"} {
		f.Add(s, "layer 1")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		p, err := trace.ParsePattern(pattern)
		if err != nil {
			return
		}
		p.Match(name)
		isRegexp := len(pattern) > 2 && pattern[0] == '/' && pattern[len(pattern)-1] == '/'
		if !isRegexp && utf8.ValidString(pattern) && !p.Match(pattern) {
			t.Errorf("%q does not match itself", pattern)
		}
		if p.Match(name) && !isRegexp && !strings.ContainsAny(pattern, "*?") && name != pattern {
			t.Errorf("%q matches %q", pattern, name)
		}
	})
}

// build makes two steps of two layers on two devices, the second step replayed
// from a graph captured in "capture".
func build() *trace.Trace {
	var b trace.Builder
	lane := func(pid, device, stream int) trace.Lane {
		return trace.Lane{GlobalPID: uint64(pid) << 24, PID: pid, Device: device, Stream: stream}
	}
	b.Push(1, "capture", 0)
	b.Push(1, "layer 0", 1)
	n0 := b.Node(1, 10) + 1
	b.Pop(1, 2)
	b.Push(1, "layer 1", 3)
	n1 := b.Node(1, 11) + 1
	b.Pop(1, 4)
	b.Pop(1, 5)
	b.Push(1, "step 0", 10)
	b.Push(1, "layer 0", 11)
	b.Launch(trace.Launch{Name: "gemm", Start: 20, Duration: 5, Lane: lane(1, 0, 7), Thread: 1})
	b.Pop(1, 12)
	b.Push(1, "layer 1", 13)
	b.Launch(trace.Launch{Name: "norm", Start: 30, Duration: 5, Lane: lane(1, 0, 8), Thread: 1})
	b.Pop(1, 14)
	b.Pop(1, 15)
	b.Push(1, "step 1", 40)
	r := b.Replay(1) + 1
	b.Launch(trace.Launch{Name: "gemm", Start: 50, Duration: 5, Lane: lane(1, 0, 7), Thread: 1, Node: n0, Replay: r})
	b.Launch(trace.Launch{Name: "norm", Start: 60, Duration: 5, Lane: lane(1, 0, 8), Thread: 1, Node: n1, Replay: r})
	b.Pop(1, 45)
	b.Launch(trace.Launch{Name: "other", Start: 70, Duration: 5, Lane: lane(2, 1, 7), Thread: 2})
	return b.Trace("report.sqlite")
}

func TestScopeApply(t *testing.T) {
	nvtx := func(patterns ...string) (out []trace.Pattern) {
		for _, s := range patterns {
			p, err := trace.ParsePattern(s)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, p)
		}
		return out
	}
	tests := []struct {
		name   string
		scope  trace.Scope
		starts []int64
		out    []string
	}{
		{"everything", trace.Scope{}, []int64{20, 30, 50, 60, 70}, nil},
		{"range at any depth, eager and captured", trace.Scope{NVTX: nvtx("layer 1")}, []int64{30, 60}, []string{`3 launches outside NVTX range "layer 1"`}},
		{"outer range at the replay", trace.Scope{NVTX: nvtx("step 1")}, []int64{50, 60}, []string{`3 launches outside NVTX range "step 1"`}},
		{"outer range at the capture", trace.Scope{NVTX: nvtx("capture")}, []int64{50, 60}, []string{`3 launches outside NVTX range "capture"`}},
		{"any of several", trace.Scope{NVTX: nvtx("layer 0", "layer 1")}, []int64{20, 30, 50, 60}, []string{`1 launch outside NVTX range "layer 0" or "layer 1"`}},
		{"kernel", trace.Scope{Kernel: regexp.MustCompile("^ge")}, []int64{20, 50}, []string{`3 launches of kernels that do not match "^ge"`}},
		{"exclude", trace.Scope{Exclude: regexp.MustCompile("gemm|other")}, []int64{30, 60}, []string{`3 launches of kernels that match "gemm|other"`}},
		{"device", trace.Scope{Devices: []int{1}}, []int64{70}, []string{"4 launches on devices other than 1"}},
		{"process", trace.Scope{PIDs: []int{1, 9}}, []int64{20, 30, 50, 60}, []string{"1 launch of processes other than 1, 9"}},
		{"stream", trace.Scope{Streams: []int{8}}, []int64{30, 60}, []string{"3 launches on streams other than 8"}},
		{"window", trace.Scope{From: new(time.Duration(30)), To: new(time.Duration(60))}, []int64{30, 50}, []string{"3 launches outside the time window"}},
		{"all conditions count once", trace.Scope{Devices: []int{0}, Streams: []int{7}, Kernel: regexp.MustCompile("gemm"), NVTX: nvtx("step 1")}, []int64{50},
			[]string{"1 launch on devices other than 0", "2 launches on streams other than 7", `1 launch outside NVTX range "step 1"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := build()
			if err := tt.scope.Apply(tr); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.starts, tr.Launches.Start); d != "" {
				t.Errorf("launches by start (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.out, tr.LeftOut); d != "" {
				t.Errorf("LeftOut (-want +got):\n%s", d)
			}
			n := 0
			for _, track := range tr.Tracks {
				n += track.N
			}
			if n != len(tt.starts) {
				t.Errorf("tracks cover %d launches of %d", n, len(tt.starts))
			}
			if err := tt.scope.Apply(tr); err != nil || len(tr.LeftOut) != len(tt.out) {
				t.Errorf("to apply it again left out more: %v, %v", tr.LeftOut, err)
			}
		})
	}
}

func TestEmptyScope(t *testing.T) {
	p, err := trace.ParsePattern("layer 7")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		scope trace.Scope
		hint  string
	}{
		{trace.Scope{NVTX: []trace.Pattern{p}}, "NVTX ranges: layer * (4), step * (2), capture (1)"},
		{trace.Scope{PIDs: []int{3}}, "processes: 1 (4), 2 (1)"},
		{trace.Scope{Devices: []int{3}, Streams: []int{3}}, "devices: 0 (4), 1 (1); streams: 7 (3), 8 (2)"},
		{trace.Scope{Kernel: regexp.MustCompile("xyz")}, "kernels: gemm (2), norm (2), other (1)"},
		{trace.Scope{From: new(time.Hour)}, "launches start between 0.000 s and 0.000 s"},
	}
	for _, tt := range tests {
		tr := build()
		err := tt.scope.Apply(tr)
		e, ok := err.(*trace.EmptyScopeError)
		if !ok {
			t.Errorf("error %v, want an EmptyScopeError", err)
			continue
		}
		if e.Error() != "report.sqlite: the scope leaves no launches" || e.Hint() != tt.hint {
			t.Errorf("%q, hint %q\nwant hint %q", e.Error(), e.Hint(), tt.hint)
		}
		if tr.Launches.Len() != 5 {
			t.Errorf("the trace was changed: %d launches", tr.Launches.Len())
		}
	}

	var b trace.Builder
	b.Launch(trace.Launch{Name: "k", Start: 1})
	s := trace.Scope{NVTX: []trace.Pattern{p}}
	err = s.Apply(b.Trace("r"))
	if e, ok := err.(*trace.EmptyScopeError); !ok || !strings.Contains(e.Hint(), "holds no NVTX ranges") {
		t.Errorf("without ranges: %v", err)
	}
	if err := s.Apply(new(trace.Builder).Trace("r")); err != nil {
		t.Errorf("a trace without launches: %v", err)
	}
}

func TestChoicesAreCapped(t *testing.T) {
	var c trace.ChoiceCounter
	for i := range 1000 {
		c.Launches(strings.Repeat("k", i%40+1), trace.Lane{PID: i}, int64(i))
		c.Range("layer " + strings.Repeat("9", i%7+1) + strings.Repeat("x", i%30))
	}
	got := c.Choices()
	for _, list := range [][]trace.Choice{got.Kernels, got.PIDs, got.Ranges} {
		if len(list) != trace.MaxChoices {
			t.Errorf("%d choices, want %d", len(list), trace.MaxChoices)
		}
	}
	if got.PIDs[0] != (trace.Choice{Name: "999", N: 999}) {
		t.Errorf("first choice %+v, want the most frequent", got.PIDs[0])
	}
	e := trace.EmptyScopeError{Scope: trace.Scope{Kernel: regexp.MustCompile("x")}, Choices: got}
	if h := e.Hint(); strings.Count(h, "(") != 5 || !strings.HasSuffix(h, ") and 35 more") {
		t.Errorf("hint %q, want 5 of 40 kernels", h)
	}
}

func TestLeftOutNumbers(t *testing.T) {
	s := trace.Scope{Devices: []int{0}}
	for n, want := range map[int64]string{1: "1 launch on", 999: "999 launches on", 4000: "4,000 launches on", 1234567: "1,234,567 launches on"} {
		if got := s.LeftOut(trace.ByDevice, n); !strings.HasPrefix(got, want) {
			t.Errorf("LeftOut(%d) = %q, want %q…", n, got, want)
		}
	}
}
