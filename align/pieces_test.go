package align_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// inPieces is the trace of a program whose steps replay a CUDA graph for each run of
// launches between attentions, which are launched one by one, as vLLM's do.
func inPieces(path string, s *script) *trace.Trace {
	const thread = 100<<24 | 1
	var b trace.Builder
	lane := trace.Lane{GlobalPID: 100 << 24, PID: 100, Context: 1, Stream: 7}
	eager := func(k kernel) bool { return k.name == "flash_fwd_kernel" }
	nodes := make([]int, len(s.steps[0]))
	for i := range nodes {
		if !eager(s.steps[0][i]) {
			nodes[i] = b.Node(thread, uint64(i+1))
		}
	}
	now := int64(1_000_000)
	for _, step := range s.steps {
		replay := -1
		for i, k := range step {
			l := trace.Launch{Name: k.name, Start: now, Duration: k.ns, Grid: k.grid, Block: k.block, Lane: lane, Thread: thread}
			if eager(k) {
				replay = -1
			} else {
				if replay < 0 {
					replay = b.Replay(thread)
				}
				l.Node, l.Replay = 1+nodes[i], 1+replay
			}
			b.Launch(l)
			now += k.ns + 1000
		}
	}
	return b.Trace(path)
}

// TestGraphsInPieces: where a step replays many graphs in turn, none of them is a step,
// and what differs in one layer is seen.
func TestGraphsInPieces(t *testing.T) {
	const layers = 24
	model := fullShape.model(layers)
	base := inPieces("base", program(1, 12, model))
	slow := slices.Clone(model)
	slow[6*13+2].ns *= 3
	more := slices.Insert(slices.Clone(model), 6*13+2, kernel{name: "added_kernel", ns: 40_000, grid: [3]int32{1, 1, 1}, block: [3]int32{1, 1, 1}})
	for _, x := range []struct {
		reason   string
		model    []kernel
		findings []string
	}{
		{"nothing differs", model, nil},
		{"one kernel of one layer is slower", slow, []string{"latency error"}},
		{"one layer has one more", more, []string{"missing error"}},
	} {
		t.Run(x.reason, func(t *testing.T) {
			r := compare(t, base, inPieces("new", program(2, 14, x.model)), align.Options{Regression: true})
			if diff := cmp.Diff(x.findings, findingCodes(r)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if r.Mock.LaunchesPerStep != len(model) || r.Mock.Steps != 12 {
				t.Errorf("%d steps of %d launches, want 12 of %d", r.Mock.Steps, r.Mock.LaunchesPerStep, len(model))
			}
		})
	}
}
