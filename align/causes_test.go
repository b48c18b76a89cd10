package align_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestCauses compares made-up mocks with a made-up model of 3 layers.
func TestCauses(t *testing.T) {
	base := fullShape
	with := func(change func(*shape)) shape {
		s := base
		change(&s)
		return s
	}
	without := func(step []kernel, names ...string) []kernel {
		return slices.DeleteFunc(slices.Clone(step), func(k kernel) bool { return slices.Contains(names, k.name) })
	}
	const indexerLogits, topk = "sm90_fp8_mqa_logits", "topKPerRowPrefill"
	for _, x := range []struct {
		reason    string
		mock, e2e []kernel
		options   align.Options
		mockGPU   string
		verdict   align.Verdict
		findings  []string
		causes    []wantCause
		says      string // in the first cause's message or evidence
	}{
		{
			reason: "equal", mock: base.attentionOp(), e2e: base.model(3), verdict: align.Aligned,
		},
		{
			reason: "4 times the heads", mock: base.attentionOp(), e2e: with(func(s *shape) { s.heads = 8 }).model(3),
			verdict: align.Misaligned, findings: []string{"head-mismatch error/head-count"}, causes: []wantCause{{align.CauseHeadCount, 4, 4}}, says: "TP=4",
		},
		{
			reason: "a quarter of the heads", mock: with(func(s *shape) { s.heads = 8 }).attentionOp(), e2e: base.model(3),
			verdict: align.Misaligned, findings: []string{"head-mismatch error/head-count"}, causes: []wantCause{{align.CauseHeadCount, 0.25, 0.25}},
		},
		{
			reason: "4 times the heads, to be scaled", mock: base.attentionOp(), e2e: with(func(s *shape) { s.heads = 8 }).model(3), options: align.Options{TP: 4, ScaleTP: true},
			verdict: align.Aligned, causes: []wantCause{{align.CauseHeadCount, 4, 4}},
		},
		{
			reason: "4 times the heads where 8 are expected", mock: base.attentionOp(), e2e: with(func(s *shape) { s.heads = 8 }).model(3), options: align.Options{TP: 8},
			verdict: align.Misaligned, findings: []string{"head-mismatch error/head-count"}, causes: []wantCause{{align.CauseHeadCount, 4, 4}}, says: "expected TP is 8",
		},
		{
			reason: "8 to be divided out where the factor is 4", mock: base.attentionOp(), e2e: with(func(s *shape) { s.heads = 8 }).model(3), options: align.Options{TP: 8, ScaleTP: true},
			verdict: align.Misaligned, findings: []string{"head-mismatch error/head-count"}, causes: []wantCause{{align.CauseHeadCount, 4, 4}},
		},
		{
			reason: "sharded like the E2E", mock: with(func(s *shape) { s.heads = 8 }).attentionOp(), e2e: with(func(s *shape) { s.heads = 8 }).model(3), options: align.Options{TP: 4},
			verdict: align.Aligned,
		},
		{
			reason: "3 times the heads, no power of two", mock: with(func(s *shape) { s.heads = 24 }).attentionOp(), e2e: with(func(s *shape) { s.heads = 8 }).model(3),
			verdict: align.Misaligned, findings: []string{"head-mismatch error/head-count"}, causes: []wantCause{{align.CauseHeadCount, 3, 3}},
		},
		{
			reason: "4 times the tokens", mock: with(func(s *shape) { s.tokens = 8192 }).attentionOp(), e2e: base.model(3),
			verdict: align.Misaligned, findings: []string{"latency error/shape", "shapes warning/shape"}, causes: []wantCause{{align.CauseShape, 3.9, 4.1}}, says: "tokens",
		},
		{
			reason: "a quarter of the tokens", mock: with(func(s *shape) { s.tokens = 512 }).attentionOp(), e2e: base.model(3),
			verdict: align.Misaligned, findings: []string{"latency error/shape", "shapes warning/shape"}, causes: []wantCause{{align.CauseShape, 0.24, 0.26}},
		},
		{
			reason: "fp16 for bf16", mock: with(func(s *shape) { s.dtype = "hsh" }).attentionOp(), e2e: base.model(3),
			verdict: align.Misaligned, findings: []string{"extra error/dtype", "missing error/dtype"}, causes: []wantCause{{align.CauseDtype, 0, 0}}, says: "bf16",
		},
		{
			reason: "a module not called", mock: without(base.attentionOp(), indexerLogits, topk), e2e: base.model(3),
			verdict: align.Misaligned, findings: []string{"missing error/module-not-called"}, causes: []wantCause{{align.CauseModuleNotCalled, 0, 0}}, says: "indexer",
		},
		{
			reason: "part of a module not called", mock: without(base.attentionOp(), topk), e2e: base.model(3),
			verdict: align.Misaligned, findings: []string{"missing error"},
		},
		{
			reason: "attention and a projection take 1.6 times as long: no whole number of heads", mock: slowed(slowed(base.attentionOp(), 160, "flash_fwd_kernel"), 160, base.attentionOp()[7].name), e2e: base.model(3),
			verdict: align.Aligned,
		},
		{
			reason: "8 times the heads, beside kernels that take a moment", mock: decodeOp(8), e2e: decodeModel(3),
			verdict: align.Misaligned, findings: []string{"head-mismatch error/head-count"}, causes: []wantCause{{align.CauseHeadCount, 8, 8}}, says: "TP=8",
		},
		{
			reason: "what waits for memory takes 0.4 times as long on equal grids: a warm cache, not fewer tokens", mock: slowed(slowed(slowed(base.attentionOp(), 40, "generalRmsNorm"), 40, topk), 40, "residual_add_kernel"), e2e: base.model(3),
			verdict: align.Misaligned, findings: []string{"latency error"},
		},
		{
			reason: "all takes 2.5 times as long: another clock", mock: with(func(s *shape) { s.gpu = 250 }).attentionOp(), e2e: base.model(3),
			verdict: align.Misaligned, findings: []string{"latency error/clock"}, causes: []wantCause{{align.CauseClock, 2.45, 2.55}}, says: "clock",
		},
		{
			reason: "all takes 2.5 times as long: another GPU", mock: with(func(s *shape) { s.gpu = 250 }).attentionOp(), e2e: base.model(3), mockGPU: "NVIDIA L40S",
			verdict: align.Misaligned, findings: []string{"latency error/clock"}, causes: []wantCause{{align.CauseClock, 2.45, 2.55}}, says: "different GPUs",
		},
		{
			reason: "all takes 1.2 times as long: within the bound, and still to be known", mock: with(func(s *shape) { s.gpu = 120 }).attentionOp(), e2e: base.model(3),
			verdict: align.Aligned, causes: []wantCause{{align.CauseClock, 1.18, 1.22}},
		},
		{
			reason: "another tile in equal time", mock: renamed(base.attentionOp(), 1, "nvjet_sm90_tst_128x256_64x4_2x1_v_bz_coopA_TNT"), e2e: base.model(3),
			verdict: align.Aligned, findings: []string{"variant info/tile-variant"}, causes: []wantCause{{align.CauseTiles, 0, 0}},
		},
	} {
		for _, mode := range []string{"nvtx", "no-nvtx"} {
			if mode == "no-nvtx" && x.reason == "a module not called" {
				continue // two launches make no module by themselves
			}
			t.Run(strings.ReplaceAll(x.reason, " ", "-")+"/"+mode, func(t *testing.T) {
				c := check(t)
				mock, _ := program(1, 10, x.mock).trace("mock")
				e2e, _ := program(2, 8, x.e2e).trace("e2e")
				if x.mockGPU != "" {
					mock.Capture.GPUs = []trace.GPU{{Name: x.mockGPU}}
				}
				o := x.options
				o.NoNVTX = mode == "no-nvtx"
				r := compare(t, mock, e2e, o)
				if r.Verdict != x.verdict {
					c.Errorf("verdict %s, want %s", r.Verdict, x.verdict)
				}
				if r.E2E.Occurrences != 3 {
					c.Errorf("%d occurrences, want 3", r.E2E.Occurrences)
				}
				if diff := cmp.Diff(x.findings, findingCodes(r), cmpopts.EquateEmpty()); diff != "" {
					c.Errorf("findings (-want +got):\n%s", diff)
				}
				for _, s := range r.Sites {
					if s.P != nil && s.Verdict == align.Match {
						c.Errorf("site %d matches, and has p %v", s.Index, *s.P)
					}
				}
				checkCauses(c, x.causes, r)
				if x.says != "" && len(r.Causes) > 0 {
					first := r.Causes[0]
					if all := first.Message + strings.Join(first.Evidence, " "); !strings.Contains(all, x.says) {
						c.Errorf("cause says %q, want %q in it", all, x.says)
					}
				}
				if x.options.ScaleTP && x.verdict == align.Aligned && !slices.ContainsFunc(r.Sites, func(s align.Site) bool { return s.ScaledRatio != nil }) {
					c.Errorf("no site has a scaled ratio")
				}
			})
		}
	}
}

// slowed makes the kernels of a name take so many per cent of their time.
func slowed(step []kernel, percent int64, name string) []kernel {
	for i := range step {
		if step[i].name == name {
			step[i].ns = step[i].ns * percent / 100
		}
	}
	return step
}

// decodeOp is the launches of one attention over one token, with so many times the
// heads: what works per head does not show it by its grid, and the rest is short.
func decodeOp(heads int64) []kernel {
	k := func(name string, ns int64, blocks int32) kernel {
		return kernel{name: name, ns: ns, grid: [3]int32{blocks, 1, 1}, block: [3]int32{384, 1, 1}, path: []string{"self_attn"}}
	}
	return []kernel{
		k("generalRmsNorm", 2600, 32),
		k("nvjet_sm90_tst_64x8_64x16_4x1_v_bz_TNT", 6000*heads, 132),
		k("rope_kernel", 2400, 32),
		k("reshape_and_cache_kernel", 2200, 32),
		k("flash_fwd_splitkv_kernel", 25_000*heads, 132),
		k("nvjet_sm90_tst_64x16_64x16_4x1_v_bz_TNT", 7000*heads, 132),
	}
}

// decodeModel is the launches of a step of layers of decodeOp and an MLP.
func decodeModel(layers int) []kernel {
	whole := fullShape.model(1)
	step := slices.Clone(whole[:1])
	for range layers {
		step = append(append(step, decodeOp(1)...), whole[10:14]...)
	}
	return append(step, whole[14:]...)
}

func renamed(step []kernel, at int, name string) []kernel {
	step[at].name = name
	return step
}

// TestHeadsOfRegression: attention and projections that take twice as long in the new
// run, on equal grids, are no other number of heads there.
func TestHeadsOfRegression(t *testing.T) {
	slow := fullShape.model(3)
	for _, name := range []string{"flash_fwd_kernel", "rope_kernel", slow[2].name, slow[3].name, slow[8].name} {
		slow = slowed(slow, 200, name)
	}
	both(t, func(t *testing.T, o align.Options) {
		o.Regression = true
		a, _ := program(1, 10, fullShape.model(3)).trace("base")
		b, _ := program(2, 10, slow).trace("new")
		r := compare(t, a, b, o)
		if r.Verdict != align.Misaligned || slices.ContainsFunc(r.Causes, func(x align.Cause) bool { return x.Code == align.CauseHeadCount }) {
			t.Errorf("verdict %s, causes %v", r.Verdict, r.Causes)
		}
	})
}

// TestAttentionOfRegression: of two runs whose attention alone differs, nothing tells a
// longer context from a slower kernel.
func TestAttentionOfRegression(t *testing.T) {
	for _, x := range []struct {
		percent int64
		verdict align.Verdict
		says    string
	}{
		{200, align.Misaligned, "the new run attends to a longer context (KV cache) than the base, or runs a slower attention"},
		{50, align.Aligned, "the base attends to a longer context (KV cache) than the new run, or runs a slower attention"},
	} {
		both(t, func(t *testing.T, o align.Options) {
			o.Regression = true
			a, _ := program(1, 10, fullShape.model(3)).trace("base")
			b, _ := program(2, 10, slowed(fullShape.model(3), x.percent, "flash_fwd_kernel")).trace("new")
			r := compare(t, a, b, o)
			if r.Verdict != x.verdict || len(r.Causes) != 1 || !strings.Contains(r.Causes[0].Message, x.says) || !strings.Contains(r.Causes[0].Fix, "it is attention that became") {
				t.Errorf("attention takes %d %%: verdict %s, causes %v, want %s and %q", x.percent, r.Verdict, r.Causes, x.verdict, x.says)
			}
		})
	}
}

// TestAttentionAndGemmsOfRegression: where GEMMs take longer, too, and by more time, it is
// not attention's context.
func TestAttentionAndGemmsOfRegression(t *testing.T) {
	slow := fullShape.model(3)
	for _, k := range fullShape.model(1) {
		if name := k.name; name == "flash_fwd_kernel" || strings.HasPrefix(name, "nvjet") {
			slow = slowed(slow, 200, name)
		}
	}
	both(t, func(t *testing.T, o align.Options) {
		o.Regression = true
		a, _ := program(1, 10, fullShape.model(3)).trace("base")
		b, _ := program(2, 10, slow).trace("new")
		if r := compare(t, a, b, o); r.Verdict != align.Misaligned || len(r.Causes) > 0 {
			t.Errorf("verdict %s, causes %v", r.Verdict, r.Causes)
		}
	})
}

// TestFactorOfRegression: causes of two runs say new over base, as sites do.
func TestFactorOfRegression(t *testing.T) {
	slow := fullShape
	slow.gpu = 200
	a, _ := program(1, 10, fullShape.model(3)).trace("base")
	b, _ := program(2, 10, slow.model(3)).trace("new")
	r := compare(t, a, b, align.Options{Regression: true})
	checkCauses(check(t), []wantCause{{align.CauseClock, 1.98, 2.02}}, r)
	if len(r.Causes) > 0 && !strings.Contains(r.Causes[0].Message, "of the new run take 2 times as long") {
		t.Errorf("cause says %q", r.Causes[0].Message)
	}
}

// TestGraphAgainstEager is told from the launches, and is no difference of
// kernels.
func TestGraphAgainstEager(t *testing.T) {
	for _, regression := range []bool{false, true} {
		eager, graph := program(1, 10, fullShape.model(3)), program(2, 10, fullShape.model(3))
		graph.graph = true
		a, _ := eager.trace("eager")
		b, _ := graph.trace("graph")
		r := compare(t, a, b, align.Options{Regression: regression})
		if r.Verdict != align.Aligned || !slices.Contains(findingCodes(r), "cuda-graph info") && !slices.Contains(findingCodes(r), "cuda-graph info/cuda-graph") {
			t.Errorf("regression %v: verdict %s, findings %v", regression, r.Verdict, findingCodes(r))
		}
	}
}

// TestNotComparable looks at mocks of which the E2E has less than half, or
// nothing: what is nearest is said, not a list of missing kernels.
func TestNotComparable(t *testing.T) {
	strange := func(n int) []kernel {
		var ks []kernel
		for i := range n {
			ks = append(ks, kernel{name: "strange_" + string(rune('a'+i)) + "_kernel", ns: 10_000})
		}
		return ks
	}
	for _, x := range []struct {
		reason string
		mock   []kernel
		says   string
		where  string // with ranges
	}{
		{"a third of the launches", append(strange(6), fullShape.attentionOp()[4:7]...), "topKPerRowPrefill", `begins in NVTX range "forward #/layer #/self_attn`},
		{"nothing in common", strange(8), "none of the mock's 8 kernels", ""},
	} {
		for _, bare := range []bool{false, true} {
			mock, _ := program(1, 10, x.mock).trace("mock")
			e2e, _ := program(2, 8, fullShape.model(3)).trace("e2e")
			r := compare(t, mock, e2e, align.Options{NoNVTX: bare})
			if r.Verdict != align.NotComparable || len(r.Sites) > 0 || len(r.Findings) != 1 || r.Findings[0].Code != align.CodeNotComparable {
				t.Errorf("%s: verdict %s, %d sites, findings %v", x.reason, r.Verdict, len(r.Sites), findingCodes(r))
				continue
			}
			if !strings.Contains(r.Findings[0].Message, x.says) || r.Findings[0].Hint == "" {
				t.Errorf("%s: %q, hint %q; want %q in it", x.reason, r.Findings[0].Message, r.Findings[0].Hint, x.says)
			}
			if says := strings.Contains(r.Findings[0].Message, "NVTX range"); says != (x.where != "" && !bare) || says && !strings.Contains(r.Findings[0].Message, x.where) {
				t.Errorf("%s: %q, want %q in it only where there are ranges", x.reason, r.Findings[0].Message, x.where)
			}
			for _, k := range r.Checklist {
				if k.Status != align.NotChecked {
					t.Errorf("%s: check %s is %s", x.reason, k.ID, k.Status)
				}
			}
			if len(r.Checklist) != 5 || len(r.Kernels) == 0 {
				t.Errorf("%s: %d checks, %d kernels; the table by name is shown always", x.reason, len(r.Checklist), len(r.Kernels))
			}
		}
	}
}

// TestEmptySides compares traces without launches.
func TestEmptySides(t *testing.T) {
	empty, _ := (&script{}).trace("empty")
	full, _ := program(1, 5, fullShape.attentionOp()).trace("full")
	for _, p := range [][2]*trace.Trace{{empty, full}, {full, empty}, {empty, empty}} {
		r := compare(t, p[0], p[1], align.Options{})
		if r.Verdict != align.NotComparable || !slices.Contains(findingCodes(r), "not-comparable error") {
			t.Errorf("%s, %s: verdict %s, findings %v", p[0].Capture.Path, p[1].Capture.Path, r.Verdict, findingCodes(r))
		}
	}
	if r := report(t, empty, align.Options{}); r.Mode != align.ModeReport || len(r.Kernels) != 0 {
		t.Errorf("report of nothing: mode %s, %d kernels", r.Mode, len(r.Kernels))
	}
}

// TestContext looks at what stands beside the occurrences, and at launches of
// the operation's range that the mock lacks at its edge.
func TestContext(t *testing.T) {
	op := fullShape.attentionOp()
	mock, _ := program(1, 10, op[:8]).trace("mock") // without the residual
	e2e, _ := program(2, 8, fullShape.model(3)).trace("e2e")
	r := compare(t, mock, e2e, align.Options{})
	if len(r.After) == 0 || r.After[0].Name != "residual_add_kernel" || r.After[0].Share != 1 {
		t.Errorf("after: %+v, want residual_add_kernel beside all occurrences first", r.After)
	}
	if len(r.Before) == 0 || r.Before[0].Share >= 1 {
		t.Errorf("before: %+v, want the MLP beside all but the first layer", r.Before)
	}
	if diff := cmp.Diff([]string{"edge warning"}, findingCodes(r)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}

	// Narrowed to the range, what is at the edge is missing.
	s := nvtxScope(t, "self_attn")
	if err := s.Apply(e2e); err != nil {
		t.Fatal(err)
	}
	r = compare(t, mock, e2e, align.Options{ScopedE2E: true})
	if got := verdictsByName(r)["residual_add_kernel"]; got != align.Missing || r.Verdict != align.Misaligned {
		t.Errorf("scoped: %s, verdict %s; want missing, misaligned", got, r.Verdict)
	}
}

// TestHeadsAndTokens compares mocks that differ from the model in both.
func TestHeadsAndTokens(t *testing.T) {
	for _, test := range []struct {
		mock, e2e     string
		tokens, heads float64
	}{
		{"llama_tp_mock_b4", "llama_tp_e2e_tp4", 4, 4},
		{"llama_tp_mock_s1024", "llama_tp_e2e_tp4", 0.5, 0}, // the heads' factor 4 hides behind tiles and a short sequence
		{"llama_tp_mock_tp4", "llama_tp_mock_s1024", 2, 0},  // and the other way round
		{"llama_tp_mock_s1024", "llama_tp_e2e", 0.5, 0},
	} {
		t.Run(test.mock+"/"+test.e2e, func(t *testing.T) {
			r := compare(t, recording(t, test.mock), recording(t, test.e2e), align.Options{})
			got := map[string]float64{}
			for _, c := range r.Causes {
				got[c.Code] = c.Factor
			}
			if got[align.CauseShape] != test.tokens || got[align.CauseHeadCount] != test.heads {
				t.Errorf("causes %v, want shape %v, head-count %v", got, test.tokens, test.heads)
			}
		})
	}
}

// TestSwapped gives the reports in the wrong order.
func TestSwapped(t *testing.T) {
	for mock, e2e := range map[string]string{"dsa_e2e_ctx_tp1": "dsa_mock_ctx", "llama_tp_e2e": "llama_tp_mock"} {
		both(t, func(t *testing.T, o align.Options) {
			r := compare(t, recording(t, mock), recording(t, e2e), o)
			if r.Verdict != align.NotComparable || !strings.Contains(r.Findings[len(r.Findings)-1].Message+r.Findings[0].Message, "wrong order") {
				t.Errorf("%s against %s: %s, %+v", mock, e2e, r.Verdict, r.Findings)
			}
		})
	}
}

// TestNothingJudged ignores everything.
func TestNothingJudged(t *testing.T) {
	r := compare(t, recording(t, "dsa_mock_ctx_extra"), recording(t, "dsa_e2e_ctx_tp1"), align.Options{Ignore: regexp.MustCompile(".")})
	if r.Verdict != align.Undecided || r.Checklist[0].Status != align.NotChecked {
		t.Errorf("%s, %+v", r.Verdict, r.Checklist[0])
	}
}

// TestModuleNotCalledAnywhere has a mock of the whole model whose layers all lack
// the indexer: that is one cause, which explains the one finding.
func TestModuleNotCalledAnywhere(t *testing.T) {
	const layers = 3
	step := slices.DeleteFunc(fullShape.model(layers), func(k kernel) bool {
		return k.name == "sm90_fp8_mqa_logits" || k.name == "topKPerRowPrefill"
	})
	mock, _ := program(1, 10, step).trace("mock")
	e2e, _ := program(2, 8, fullShape.model(layers)).trace("e2e")
	r := compare(t, mock, e2e, align.Options{})
	if diff := cmp.Diff([]string{"missing error/module-not-called"}, findingCodes(r)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if len(r.Causes) != 1 {
		t.Fatalf("%d causes: %v", len(r.Causes), r.Causes)
	}
	c := r.Causes[0]
	if !strings.HasSuffix(c.Message, "all 2 launches of that NVTX range are missing, in each of 3 places") {
		t.Errorf("message %q", c.Message)
	}
	if len(c.Sites) != 2*layers || len(c.Evidence) != 2 {
		t.Errorf("sites %v, evidence %q", c.Sites, c.Evidence)
	}
}
