package summary

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestGraphNodes summarises replays of a graph whose first nodes are not among
// them: each launch keeps its own node, and what nodes share of a configuration
// stands in the line once.
func TestGraphNodes(t *testing.T) {
	var b trace.Builder
	lane := trace.Lane{GlobalPID: 1, PID: 1, Stream: 7}
	var nodes []int
	b.Push(1, "capture", 0)
	for i := range 6 {
		b.Push(1, fmt.Sprintf("layer %c", 'a'+i), int64(i))
		nodes = append(nodes, b.Node(1, uint64(100+i)))
		b.Pop(1, int64(i))
	}
	b.Pop(1, 6)
	for step := range int64(4) {
		replay := b.Replay(1)
		for i, node := range nodes[2:] {
			b.Launch(trace.Launch{Name: "gemm", Start: 1000*step + int64(10*i), Duration: 5, Lane: lane, Thread: 1, Node: node + 1, Replay: replay + 1})
		}
		b.Launch(trace.Launch{Name: "gemm", Start: 1000*step + 500, Duration: 5, Lane: lane, Thread: 1})
	}
	whole := b.Trace("report.sqlite")
	if n := len(whole.Configs); n != 5 {
		t.Fatalf("%d configurations, want one for each of 4 nodes and one without", n)
	}
	reduced, err := align.Reduce(context.Background(), whole, align.ReduceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e := encoder{t: reduced}
	p := e.part()
	if n := len(p.Configs.Name); n != 1 {
		t.Errorf("%d configurations in the line, want 1", n)
	}
	read, err := decode(p)
	if err != nil {
		t.Fatal(err)
	}
	type launch struct {
		Start int64
		Node  uint64
		Path  string
	}
	launches := func(t *trace.Trace) (all []launch) {
		for i := range t.Launches.Len() {
			l := launch{Start: t.Launches.Start[i], Path: fmt.Sprint(t.Path(t.CaptureRange(i)))}
			if n := t.LaunchNode(i); n != trace.None {
				l.Node = t.Nodes[n].ID
			}
			all = append(all, l)
		}
		return all
	}
	want := launches(whole)
	if want[0] != (launch{0, 102, "[capture layer c]"}) || want[4] != (launch{500, 0, "[]"}) {
		t.Fatalf("%+v", want[:5])
	}
	for _, x := range []struct {
		what string
		t    *trace.Trace
	}{{"reduced", reduced}, {"read", read}} {
		if d := cmp.Diff(want, launches(x.t)); d != "" {
			t.Errorf("%s (-want +got):\n%s", x.what, d)
		}
	}
}
