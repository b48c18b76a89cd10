package trace_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/trace"
)

// rank returns a trace of two launches, the second replayed from a graph.
func rank(path string, pid uint64, duration int64, leftOut ...string) *trace.Trace {
	var b trace.Builder
	lane := trace.Lane{GlobalPID: pid, PID: int(pid), Device: 1, Stream: 7}
	b.Push(1, "capture", 0)
	node := b.Node(1, 42)
	b.Pop(1, 1)
	b.Push(1, "forward", 2)
	b.Launch(trace.Launch{Name: "gemm", Start: 10, Duration: duration, Lane: lane, Thread: 1})
	replay := b.Replay(1)
	b.Launch(trace.Launch{Name: path, Start: 20, Duration: 5, Lane: lane, Thread: 1, Node: node + 1, Replay: replay + 1})
	b.Pop(1, 30)
	t := b.Trace(path)
	t.LeftOut = leftOut
	t.Capture.Warnings = []string{"clocks were not locked"}
	t.Capture.Host = "h-" + path
	return t
}

func TestMerge(t *testing.T) {
	a := rank("a", 1, 100, "1 launch in no NVTX range", "other")
	b := rank("b", 1, math.MaxUint32+7, "1,233 launches in no NVTX range", "other")
	m := trace.Merge(a, b)
	if len(m.Reports) != 2 || m.Reports[0].Host != "h-a" || m.Reports[1].Path != "b" {
		t.Errorf("reports %+v", m.Reports)
	}
	// Equal ids on two hosts stay apart.
	want := []trace.Track{{Report: 0, GlobalPID: 1, PID: 1, Device: 1, First: 0, N: 2}, {Report: 1, GlobalPID: 1, PID: 1, Device: 1, First: 2, N: 2}}
	if d := cmp.Diff(want, m.Tracks); d != "" {
		t.Error(d)
	}
	for i, from := range []struct {
		t *trace.Trace
		i int
	}{{a, 0}, {a, 1}, {b, 0}, {b, 1}} {
		if m.Name(i) != from.t.Name(from.i) || m.Launches.Duration(i) != from.t.Launches.Duration(from.i) || m.Launches.Start[i] != from.t.Launches.Start[from.i] {
			t.Errorf("launch %d is not launch %d of its report", i, from.i)
		}
		if n := []uint32{trace.None, 0, trace.None, 1}[i]; m.LaunchNode(i) != n {
			t.Errorf("launch %d: node %d, want %d", i, m.LaunchNode(i), n)
		}
		if d := cmp.Diff(from.t.Path(from.t.IssueRange(from.i)), m.Path(m.IssueRange(i))); d != "" {
			t.Errorf("launch %d: issued in another range: %s", i, d)
		}
		if d := cmp.Diff(from.t.Path(from.t.CaptureRange(from.i)), m.Path(m.CaptureRange(i))); d != "" {
			t.Errorf("launch %d: captured in another range: %s", i, d)
		}
	}
	if d := cmp.Diff([]string{"1,234 launches in no NVTX range", "other"}, m.LeftOut); d != "" {
		t.Errorf("what is left out adds up: %s", d)
	}
	if d := cmp.Diff([]string{"clocks were not locked"}, m.Capture.Warnings); d != "" {
		t.Errorf("equal warnings are one: %s", d)
	}
	if m.Capture.Launches != 4 || m.Capture.GraphLaunches != 2 {
		t.Errorf("launches do not add up: %+v", m.Capture)
	}
	if a.Capture.Launches != 2 || len(a.LeftOut) != 2 || a.LeftOut[0] != "1 launch in no NVTX range" {
		t.Error("Merge changed its argument")
	}
	if trace.Merge(a) != a {
		t.Error("one trace is returned as it is")
	}
}

func TestMergeReducedWithWhole(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("merged a reduced trace with a whole one")
		}
	}()
	reduced := rank("b", 1, 1)
	reduced.Reduced = &trace.Reduced{Ways: []trace.Way{{By: "whole"}}, TrackLaunches: []int64{2}}
	trace.Merge(rank("a", 1, 1), reduced)
}

func TestLeftOutAddsUp(t *testing.T) {
	for _, tt := range []struct {
		reason string
		in     []string
		want   []string
	}{
		{"plural of one and one", []string{"1 launch of x", "1 launch of x"}, []string{"2 launches of x"}},
		{"none and one", []string{"0 launches of x", "1 launch of x"}, []string{"1 launch of x"}},
		{"other things stay apart", []string{"2 launches of x", "2 launches of y", "1 launch of x"}, []string{"3 launches of x", "2 launches of y"}},
		{"steps", []string{"2 steps skipped", "1,000 steps skipped"}, []string{"1,002 steps skipped"}},
		{"what is not counted stands once", []string{"x", "x", "3 of 4 steps", "3 of 4 steps"}, []string{"x", "3 of 4 steps"}},
		{"not a number as it is written", []string{"1000 launches of x", "1 launch of x"}, []string{"1000 launches of x", "1 launch of x"}},
	} {
		m := trace.NewMerger(0)
		for _, s := range tt.in {
			m.Add(&trace.Trace{Strings: []string{""}, LeftOut: []string{s}})
		}
		if d := cmp.Diff(tt.want, m.Trace().LeftOut); d != "" {
			t.Errorf("%s: %s", tt.reason, d)
		}
	}
}
