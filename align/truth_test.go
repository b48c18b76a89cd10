package align_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A launchID identifies a launch within one recording.
type launchID struct {
	pid   int
	start int64
}

// A truth says, from NVTX ranges alone, which launch of the operation each
// launch of a recording is, counting from 0.
type truth struct {
	site     map[launchID]int
	measured int // launches of the operation in steps that must be compared
}

var (
	layerRange = regexp.MustCompile(`^layer \d+$`)
	mockStep   = regexp.MustCompile(`^(forward \d+|warmup|\[Executor\] _forward_step .*)$`)
)

// truthOf numbers the launches that lie in a range that op matches, from 0 in
// each range that unit matches: a layer of a model, a step of a mock. A launch
// counts as measured where a range around its issue matches step.
func truthOf(t *testing.T, tr *trace.Trace, op, unit, step *regexp.Regexp) truth {
	t.Helper()
	within := func(r uint32, re *regexp.Regexp) (uint32, bool) {
		for r := range tr.Enclosing(r) {
			if re.MatchString(tr.Strings[tr.Ranges[r].Name]) {
				return r, true
			}
		}
		return 0, false
	}
	// A replayed launch was captured in its layer once and replayed in many
	// steps: the replay tells them apart.
	type group struct {
		replay int64
		unit   uint32
	}
	next := map[group]int{}
	x := truth{site: map[launchID]int{}}
	for i := range tr.Launches.Len() {
		module := tr.ModuleRange(i)
		if _, ok := within(module, op); !ok {
			continue
		}
		g := group{replay: -1}
		if tr.LaunchNode(i) != trace.None {
			g.replay = int64(tr.Launches.Origin[i])
		}
		u, ok := within(module, unit)
		if !ok {
			u, ok = within(tr.IssueRange(i), unit)
		}
		if !ok {
			continue
		}
		g.unit = u
		id := launchID{tr.LaunchLane(i).PID, tr.Launches.Start[i]}
		if _, twice := x.site[id]; twice {
			t.Fatalf("two launches of the operation start at %d", id.start)
		}
		x.site[id] = next[g]
		next[g]++
		if _, ok := within(tr.IssueRange(i), step); ok {
			x.measured++
		}
	}
	return x
}

// TestTruth holds where alignment sees each launch against where the NVTX
// ranges of the recording say it is. Nearly all launches of the operation must
// be found, and none at a wrong place.
func TestTruth(t *testing.T) {
	const (
		attention = `^self_attn$`
		block     = `^(input_layernorm|self_attn)$`
		layer     = `^(input_layernorm|self_attn|mlp)$`
		anyStep   = `_forward_step`
	)
	for _, p := range []struct {
		mock, e2e string
		op        string // ranges of the operation, on both sides
		e2eOp     string // where they differ on the E2E side
		step      string // E2E steps that hold the mock
		e2eOnly   bool   // the mock lacks launches: only the E2E's are held against the truth
		lost      int    // launches of the E2E that only ranges tell from warm-up
		reason    string
	}{
		{mock: "dsa_mock_ctx", e2e: "dsa_e2e_ctx_tp1", op: attention, step: anyStep, reason: "context phase"},
		{mock: "dsa_mock_ctx", e2e: "dsa_e2e_ctx_tp8", op: attention, step: anyStep, reason: "one GEMM under another tile"},
		{mock: "dsa_mock_ctx_noindexer", e2e: "dsa_e2e_ctx_tp1", op: attention, step: anyStep, e2eOnly: true, reason: "5 of 11 launches have no partner"},
		{mock: "dsa_mock_ctx_extra", e2e: "dsa_e2e_ctx_tp1", op: attention, step: anyStep, reason: "one launch too many in the mock"},
		{mock: "dsa_mock_gen_graph", e2e: "dsa_e2e_gen_graph_node", op: attention, step: anyStep, reason: "generation phase, graph replays"},
		{mock: "llama_mock_attn", e2e: "llama_e2e_prefill", op: attention, step: anyStep, reason: "elementwise kernels repeat within a layer"},
		{mock: "llama_mock_attn", e2e: "llama_e2e_prefill_again", op: attention, step: anyStep, reason: "a second recording"},
		{mock: "llama_tp_mock", e2e: "llama_tp_e2e", op: block, step: anyStep, reason: "a second norm stands in the layer's MLP"},
		{mock: "llama_tp_mock", e2e: "llama_tp_e2e_tp4", op: block, step: anyStep, reason: "q, k and v under other tiles"},
		{mock: "llama_tp_mock_tp4", e2e: "llama_tp_e2e", op: block, step: anyStep, reason: "other tiles, the other way round"},
		{mock: "llama_tp_mock_s1024", e2e: "llama_tp_e2e", op: block, step: anyStep, reason: "another sequence length"},
		{mock: "llama_tp_mock_b4", e2e: "llama_tp_e2e", op: block, step: anyStep, reason: "another batch size"},
		{mock: "llama_tp_mock_tp4", e2e: "llama_tp_e2e_tp4_ranks", op: block, step: anyStep, reason: "two processes"},
		{mock: "sparse_mock", e2e: "sparse_e2e_2streams", op: block, step: anyStep, reason: "one stream against two"},
		{mock: "sparse_mock", e2e: "sparse_e2e_2streams_graph", op: block, step: anyStep, reason: "streams of replays are not those of the capture"},
		{mock: "sparse_mock_2streams", e2e: "sparse_e2e_2streams_graph", op: block, step: anyStep, reason: "two streams against a graph"},
		{mock: "serve_mock_decode", e2e: "serve_e2e_batches", op: block, step: ` 32 gen reqs$`, reason: "two batch sizes"},
		{mock: "serve_mock_decode", e2e: "serve_e2e_mixed", op: block, step: ` 32 gen reqs$`, reason: "decode among prefills"},
		{mock: "serve_mock_prefill", e2e: "serve_e2e_mixed", op: block, step: ` 1 ctx reqs`, lost: 4 * 9, reason: "prefill among decodes"},
		{mock: "compiled_mock_layer", e2e: "compiled_e2e_layers", op: mockStep.String(), e2eOp: layerRange.String(), step: anyStep, reason: "a whole layer, compiled"},
		{mock: "deep_mock_layer", e2e: "deep_e2e", op: layer, step: anyStep, reason: "24 layers one after the other"},
	} {
		for _, bare := range []bool{true, false} {
			mode := "/nvtx"
			if bare {
				mode = "/no-nvtx"
			}
			t.Run(p.mock+"/"+p.e2e+mode, func(t *testing.T) {
				c := check(t)
				mock, e2e := recording(t, p.mock), recording(t, p.e2e)
				op, e2eOp := regexp.MustCompile(p.op), regexp.MustCompile(p.op)
				if p.e2eOp != "" {
					e2eOp = regexp.MustCompile(p.e2eOp)
				}
				want := map[string]truth{
					"mock": truthOf(t, mock, op, mockStep, regexp.MustCompile(`^(forward|\[Executor\])`)),
					"e2e":  truthOf(t, e2e, e2eOp, layerRange, regexp.MustCompile(p.step)),
				}
				if bare {
					x := want["e2e"]
					x.measured -= p.lost
					want["e2e"] = x
				}
				r := compare(t, mock, e2e, align.Options{NoNVTX: bare, Launches: true})
				for side, x := range want {
					if side == "mock" && p.e2eOnly {
						continue
					}
					holdAgainst(c, side, x, r)
				}
				if len(c.problems) > 0 {
					c.Errorf("%s", p.reason)
				}
			})
		}
	}
}

// holdAgainst compares the sites of one side's launches with the truth.
func holdAgainst(c *checker, side string, x truth, r *align.Result) {
	right, wrong := 0, 0
	seen := map[launchID]bool{}
	var first string
	for _, s := range r.Sites {
		for _, l := range s.Launches {
			if l.Side != side {
				continue
			}
			id := launchID{l.PID, l.Start}
			if seen[id] {
				c.Errorf("%s: the launch at %d is at two sites", side, l.Start)
			}
			seen[id] = true
			if at, ok := x.site[id]; ok && at == s.Index {
				right++
				continue
			} else if wrong++; first == "" {
				first = align.ShortName(strings.TrimSpace(s.MockName + " " + s.E2EName))
				if ok {
					c.Errorf("%s: a launch that is launch %d of the operation is at site %d, %s", side, at, s.Index, first)
				} else {
					c.Errorf("%s: a launch outside of the operation is at site %d, %s", side, s.Index, first)
				}
			}
		}
	}
	if wrong > 0 {
		c.Errorf("%s: %d launches are at a wrong site", side, wrong)
	}
	if x.measured == 0 || float64(right) < 0.99*float64(x.measured) {
		c.Errorf("%s: %d launches at their site, of %d", side, right, x.measured)
	}
}
