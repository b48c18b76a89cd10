package align_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A wantSite is what a site must be. Name begins the short name of the mock's
// kernel, or of the E2E's where the mock has none; "" is any.
type wantSite struct {
	name    string
	verdict align.SiteVerdict
	lo, hi  float64 // bounds of the ratio; both 0 where there is none
}

// A wantCause is what a cause must be. The factor of a difference that makes
// the mock, or the new run, the smaller is below 1.
type wantCause struct {
	code   string
	lo, hi float64 // bounds of the factor; both 0 for none
}

// An outcome is what a comparison must say.
type outcome struct {
	verdict     align.Verdict
	steps       [2]int // of mock and E2E, over all tracks
	perStep     [2]int // launches
	occurrences int
	sites       []wantSite
	findings    []string // "code severity", with "/cause" where one explains it; sorted, each once
	causes      []wantCause
	before      []string // how the names of what is launched beside the occurrences begin
	after       []string
}

// A recordedPair is two recordings and what testdata/README.md says of them.
type recordedPair struct {
	mock, e2e string
	e2eNVTX   string // NVTX scope of the E2E
	reason    string
	options   align.Options
	want      outcome

	// bare changes what is expected where NVTX ranges are ignored; steps are
	// then at least those expected, since the warm-up looks like a step.
	bare func(*outcome)
	// layered says that the E2E launches nothing but its layers, so that
	// without ranges each layer is a step.
	layered bool
}

// alike is n sites that match within ratios lo to hi.
func alike(n int, lo, hi float64) []wantSite {
	return slices.Repeat([]wantSite{{"", align.Match, lo, hi}}, n)
}

// except is sites with some replaced.
func except(sites []wantSite, by map[int]wantSite) []wantSite {
	for i, s := range by {
		sites[i] = s
	}
	return sites
}

const (
	gemm      = "nvjet_sm90_tst_"
	attention = "cudnn_generated_fort_native_sdpa"
)

// attentionBlock is the 8 launches of the attention block of llama_tp_*.
func attentionBlock(verdicts [8]align.SiteVerdict, ratios [8][2]float64) []wantSite {
	names := [8]string{"rms_norm_kernel", gemm, gemm, gemm, "rope_kernel", attention, gemm, "elementwise<add>"}
	var sites []wantSite
	for i, n := range names {
		sites = append(sites, wantSite{n, verdicts[i], ratios[i][0], ratios[i][1]})
	}
	return sites
}

func all8(v align.SiteVerdict) (vs [8]align.SiteVerdict) {
	for i := range vs {
		vs[i] = v
	}
	return vs
}

var (
	llamaBefore = []string{"elementwise<add>", gemm}
	llamaAfter  = []string{"rms_norm_kernel", gemm}
	dsaSteps    = [2]int{20, 8}
)

// dsaSites is the 11 launches of dsa_mock_ctx.
func dsaSites(changed map[int]wantSite) []wantSite {
	return except([]wantSite{
		{gemm + "176x128", align.Match, 0.97, 1.03},
		{"generalRmsNorm", align.Match, 0.97, 1.03},
		{gemm + "320x128", align.Match, 0.97, 1.03},
		{gemm + "256x128", align.Match, 0.97, 1.03},
		{gemm + "64x64", align.Match, 0.97, 1.03},
		{"fusedCatFp8Kernel", align.Match, 0.96, 1.04},
		{"sm90_fp8_mqa_logits", align.Match, 0.97, 1.03},
		{"topKPerRowPrefill", align.Match, 0.97, 1.03},
		{"applyMLARopeAppendPagedKV", align.Match, 0.97, 1.03},
		{"sparse_attn_fwd_kernel", align.Match, 0.97, 1.03},
		{gemm + "256x128", align.Match, 0.97, 1.03},
	}, changed)
}

// overlapped is the sites of sparse_* whose branches overlap in the E2E.
func overlapped() []wantSite {
	return except(alike(30, 0.79, 1.08), map[int]wantSite{
		2:  {gemm + "64x24", "", 0.60, 0.75},         // index_k: the interval may span the bound
		3:  {gemm + "8x64", align.Match, 0.68, 0.80}, // index_weight
		4:  {gemm + "256x128", align.Faster, 0.38, 0.43},
		5:  {"elementwise<launch_clamp", align.Match, 0.74, 0.83}, // relu
		22: {gemm + "96x64", "", 0.48, 0.52},                      // q_a_proj
		23: {"rms_norm_kernel", align.Match, 0.58, 0.66},
		26: {"rms_norm_kernel", align.Match, 0.58, 0.66},
	})
}

var recordedPairs = []recordedPair{
	{
		mock: "llama_tp_mock", e2e: "llama_tp_e2e",
		reason: "the same attention block in 4 layers",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 8}, perStep: [2]int{8, 64}, occurrences: 4,
			sites:  attentionBlock(all8(align.Match), [8][2]float64{{1.14, 1.22}, {0.98, 1.06}, {0.98, 1.06}, {0.98, 1.06}, {0.98, 1.02}, {0.97, 1.03}, {0.97, 1.03}, {0.98, 1.04}}),
			before: llamaBefore, after: llamaAfter,
		},
	},
	{
		mock: "llama_tp_mock", e2e: "llama_tp_e2e_nonvtx",
		reason: "recorded without NVTX: steps are told by their period, warm-up included",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 10}, perStep: [2]int{8, 64}, occurrences: 4,
			sites:  attentionBlock(all8(align.Match), [8][2]float64{{1.14, 1.22}, {0.98, 1.06}, {0.98, 1.06}, {0.98, 1.06}, {0.98, 1.02}, {0.97, 1.03}, {0.97, 1.03}, {0.98, 1.04}}),
			before: llamaBefore, after: llamaAfter,
		},
	},
	{
		mock: "llama_tp_mock", e2e: "llama_tp_e2e_tp4",
		reason: "the mock has 4 times the heads of a rank; norm and residual do not scale",
		want: outcome{
			verdict: align.Misaligned, steps: [2]int{8, 8}, perStep: [2]int{8, 64}, occurrences: 4,
			sites:    attentionBlock(headMismatch, [8][2]float64{{1.13, 1.22}, {3.6, 3.8}, {2.3, 2.5}, {2.3, 2.5}, {3.6, 3.8}, {2.5, 2.7}, {3.3, 3.5}, {1, 1.05}}),
			findings: []string{"head-mismatch error/head-count", "shapes warning/head-count"},
			causes:   []wantCause{{align.CauseHeadCount, 4, 4}},
			before:   llamaBefore, after: llamaAfter,
		},
	},
	{
		mock: "llama_tp_mock", e2e: "llama_tp_e2e_tp4", options: align.Options{TP: 4, ScaleTP: true},
		reason: "the mock is known not to be sharded: its per-head sites are judged after dividing by 4",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 8}, perStep: [2]int{8, 64}, occurrences: 4,
			sites: attentionBlock([8]align.SiteVerdict{align.Match, align.Variant, align.Variant, align.Variant, align.Match, align.Match, align.Match, align.Match},
				[8][2]float64{{1.13, 1.22}, {3.6, 3.8}, {2.3, 2.5}, {2.3, 2.5}, {3.6, 3.8}, {2.5, 2.7}, {3.3, 3.5}, {1, 1.05}}),
			findings: []string{"variant info/head-count"},
			causes:   []wantCause{{align.CauseHeadCount, 4, 4}, {align.CauseTiles, 0, 0}},
		},
	},
	{
		mock: "llama_tp_mock_tp4", e2e: "llama_tp_e2e_tp4",
		reason: "both sharded alike",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 8}, perStep: [2]int{8, 64}, occurrences: 4,
			sites:  attentionBlock(all8(align.Match), [8][2]float64{{1.15, 1.25}, {0.97, 1.03}, {0.93, 1.02}, {0.93, 1.02}, {0.97, 1.03}, {0.97, 1.03}, {0.97, 1.03}, {0.95, 1.05}}),
			before: llamaBefore, after: llamaAfter,
		},
	},
	{
		mock: "llama_tp_mock_tp4", e2e: "llama_tp_e2e_tp4", options: align.Options{TP: 4},
		reason: "a sharded mock matches whatever TP is expected",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 8}, perStep: [2]int{8, 64}, occurrences: 4,
			sites: attentionBlock(all8(align.Match), [8][2]float64{{1.15, 1.25}, {0.97, 1.03}, {0.93, 1.02}, {0.93, 1.02}, {0.97, 1.03}, {0.97, 1.03}, {0.97, 1.03}, {0.95, 1.05}}),
		},
	},
	{
		mock: "llama_tp_mock_tp4", e2e: "llama_tp_e2e_tp4_ranks",
		reason: "two ranks in two processes, 6 steps each, both compared",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 12}, perStep: [2]int{8, 64}, occurrences: 4,
			sites:  attentionBlock(all8(align.Match), [8][2]float64{{1.15, 1.25}, {0.97, 1.03}, {0.93, 1.02}, {0.93, 1.02}, {0.97, 1.03}, {0.97, 1.03}, {0.97, 1.03}, {0.95, 1.05}}),
			before: llamaBefore, after: llamaAfter,
		},
	},
	{
		mock: "llama_tp_mock_tp4", e2e: "llama_tp_e2e",
		reason: "head count the other way round: the mock has a quarter",
		want: outcome{
			verdict: align.Misaligned, steps: [2]int{8, 8}, perStep: [2]int{8, 64}, occurrences: 4,
			sites:    attentionBlock(headMismatch, [8][2]float64{{1.15, 1.25}, {0.26, 0.3}, {0.39, 0.44}, {0.39, 0.44}, {0.26, 0.29}, {0.37, 0.42}, {0.28, 0.32}, {0.94, 1.02}}),
			findings: []string{"head-mismatch error/head-count", "shapes warning/head-count"},
			causes:   []wantCause{{align.CauseHeadCount, 0.25, 0.25}},
			before:   llamaBefore, after: llamaAfter,
		},
	},
	{
		mock: "llama_tp_mock_s1024", e2e: "llama_tp_e2e",
		reason: "half the sequence: all shorter, attention, quadratic in the sequence, more",
		want: outcome{
			verdict: align.Misaligned, steps: [2]int{8, 8}, perStep: [2]int{8, 64}, occurrences: 4,
			sites: attentionBlock([8]align.SiteVerdict{align.Match, align.Match, align.Variant, align.Variant, align.Match, align.Faster, align.Match, align.Match},
				[8][2]float64{{0.5, 0.66}, {0.5, 0.66}, {0.5, 0.66}, {0.5, 0.66}, {0.5, 0.66}, {0.35, 0.39}, {0.5, 0.66}, {0.5, 0.66}}),
			findings: []string{"latency error/shape", "shapes warning/shape", "variant info/shape"},
			causes:   []wantCause{{align.CauseShape, 0.49, 0.51}, {align.CauseTiles, 0, 0}},
			before:   llamaBefore, after: llamaAfter,
		},
	},
	{
		mock: "llama_tp_mock_b4", e2e: "llama_tp_e2e",
		reason: "4 requests for 1: all longer, residual and norm too, attention no more than the rest",
		want: outcome{
			verdict: align.Misaligned, steps: [2]int{8, 8}, perStep: [2]int{8, 64}, occurrences: 4,
			sites:    attentionBlock(all8(align.Slower), [8][2]float64{{4.1, 4.4}, {3.8, 4.1}, {3.2, 3.8}, {3.2, 3.8}, {3.8, 4.1}, {3.1, 3.4}, {3.7, 4}, {3.8, 4.1}}),
			findings: []string{"latency error/shape", "shapes warning/shape"},
			causes:   []wantCause{{align.CauseShape, 3.9, 4.1}},
			before:   llamaBefore, after: llamaAfter,
		},
	},
	{
		mock: "llama_tp_mock_fp16", e2e: "llama_tp_e2e",
		reason: "fp16 for bf16: GEMMs and residual are other kernels; Triton's and cuDNN's names do not show the type",
		want: outcome{
			verdict: align.Misaligned, steps: [2]int{8, 8}, perStep: [2]int{8, 64}, occurrences: 4,
			sites: []wantSite{
				{"rms_norm_kernel", align.Match, 1.13, 1.2},
				{"nvjet_sm90_hsh_", align.Extra, 0, 0}, {gemm, align.Missing, 0, 0},
				{"nvjet_sm90_hsh_", align.Extra, 0, 0}, {gemm, align.Missing, 0, 0},
				{"nvjet_sm90_hsh_", align.Extra, 0, 0}, {gemm, align.Missing, 0, 0},
				{"rope_kernel", align.Match, 0.98, 1.02},
				{attention, align.Match, 0.98, 1.08},
				{"nvjet_sm90_hsh_", align.Extra, 0, 0}, {gemm, align.Missing, 0, 0},
				{"elementwise<add>", align.Extra, 0, 0}, {"elementwise<add>", align.Missing, 0, 0},
			},
			findings: []string{"extra error/dtype", "missing error/dtype"},
			causes:   []wantCause{{align.CauseDtype, 0, 0}},
			before:   llamaBefore, after: llamaAfter,
		},
	},

	{
		mock: "dsa_mock_ctx", e2e: "dsa_e2e_ctx_tp1",
		reason: "identical launch by launch, though by name one GEMM is 2.9x",
		want: outcome{
			verdict: align.Aligned, steps: dsaSteps, perStep: [2]int{11, 69}, occurrences: 4,
			sites:  dsaSites(nil),
			before: []string{"generalRmsNorm", gemm}, after: []string{"generalRmsNorm", gemm},
		},
	},
	{
		mock: "dsa_mock_ctx", e2e: "dsa_e2e_ctx_tp8",
		reason: "one rank of TP=8: per-head work is 8x shorter, norms, indexer and top-k equal",
		want: outcome{
			verdict: align.Misaligned, steps: dsaSteps, perStep: [2]int{11, 69}, occurrences: 4,
			sites: dsaSites(map[int]wantSite{
				2:  {gemm + "320x128", align.HeadMismatch, 7, 8.2},
				8:  {"applyMLARopeAppendPagedKV", align.HeadMismatch, 3, 8.2},
				9:  {"sparse_attn_fwd_kernel", align.HeadMismatch, 7.7, 8.2},
				10: {gemm + "256x128", align.HeadMismatch, 7, 8.2},
			}),
			findings: []string{"head-mismatch error/head-count", "shapes warning/head-count"},
			causes:   []wantCause{{align.CauseHeadCount, 8, 8}},
		},
	},
	{
		mock: "dsa_mock_ctx", e2e: "dsa_e2e_ctx_tp8", options: align.Options{TP: 8, ScaleTP: true},
		reason: "judged after dividing by the expected 8, nothing is wrong",
		want: outcome{
			verdict: align.Aligned, steps: dsaSteps, perStep: [2]int{11, 69}, occurrences: 4,
			sites: dsaSites(map[int]wantSite{
				2:  {gemm + "320x128", align.Variant, 7, 8.2},
				8:  {"applyMLARopeAppendPagedKV", align.Match, 3, 8.2},
				9:  {"sparse_attn_fwd_kernel", align.Match, 7.7, 8.2},
				10: {gemm + "256x128", align.Match, 7, 8.2},
			}),
			findings: []string{"variant info/head-count"},
			causes:   []wantCause{{align.CauseHeadCount, 8, 8}, {align.CauseTiles, 0, 0}},
		},
	},
	{
		mock: "dsa_mock_ctx_noindexer", e2e: "dsa_e2e_ctx_tp1",
		reason: "the mock does not call the indexer: 5 launches missing in each layer",
		want: outcome{
			verdict: align.Misaligned, steps: dsaSteps, perStep: [2]int{6, 69}, occurrences: 4,
			sites: dsaSites(map[int]wantSite{
				3: {gemm + "256x128", align.Missing, 0, 0},
				4: {gemm + "64x64", align.Missing, 0, 0},
				5: {"fusedCatFp8Kernel", align.Missing, 0, 0},
				6: {"sm90_fp8_mqa_logits", align.Missing, 0, 0},
				7: {"topKPerRowPrefill", align.Missing, 0, 0},
			}),
			findings: []string{"missing error/module-not-called"},
			causes:   []wantCause{{align.CauseModuleNotCalled, 0, 0}},
		},
	},
	{
		mock: "dsa_mock_ctx_extra", e2e: "dsa_e2e_ctx_tp1",
		reason: "the mock ends with a debug kernel",
		want: outcome{
			verdict: align.Misaligned, steps: dsaSteps, perStep: [2]int{12, 69}, occurrences: 4,
			sites:    append(dsaSites(nil), wantSite{"debug_nan_check", align.Extra, 0, 0}),
			findings: []string{"extra error"},
		},
	},
	{
		mock: "dsa_mock_gen_graph", e2e: "dsa_e2e_gen_graph_node",
		reason: "generation, both replayed from CUDA graphs, 8 layers",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{40, 20}, perStep: [2]int{14, 177}, occurrences: 8,
			sites:  alike(14, 0.95, 1.2),
			before: []string{"generalRmsNorm", gemm}, after: []string{"generalRmsNorm", gemm},
		},
	},
	{
		mock: "dsa_mock_gen_graph", e2e: "dsa_e2e_gen_graph_graph",
		reason: "20 graph launches are opaque: record again with =node, not a list of missing kernels",
		want: outcome{
			verdict:  align.NotComparable,
			findings: []string{"not-comparable error", "opaque-graphs error"},
		},
	},

	{
		mock: "llama_mock_attn", e2e: "llama_e2e_prefill",
		reason: "matches in 6 layers, loading the weights left out",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{20, 10}, perStep: [2]int{15, 257}, occurrences: 6,
			sites: alike(15, 0.93, 1.03),
		},
	},

	{
		mock: "sparse_mock", e2e: "sparse_e2e_2streams", layered: true,
		reason: "one stream against two: the program issues everything in the same order",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 6}, perStep: [2]int{30, 210}, occurrences: 6,
			sites: alike(30, 0.94, 1.07),
			after: []string{"rms_norm_kernel", gemm},
		},
	},
	{
		mock: "sparse_mock_2streams", e2e: "sparse_e2e_2streams", layered: true,
		reason: "two streams on both sides",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 6}, perStep: [2]int{30, 210}, occurrences: 6,
			sites: alike(30, 0.94, 1.07),
		},
	},
	{
		mock: "sparse_mock", e2e: "sparse_e2e_2streams_graph",
		reason: "replayed branches overlap, and what runs beside the other branch takes longer in the E2E",
		want: outcome{
			verdict: align.Misaligned, steps: [2]int{8, 8}, perStep: [2]int{30, 210}, occurrences: 6,
			sites:    overlapped(),
			findings: []string{"cuda-graph info", "latency error/overlap", "undecided warning/overlap"},
			causes:   []wantCause{{align.CauseOverlap, 0, 0}},
		},
	},
	{
		mock: "sparse_mock_2streams", e2e: "sparse_e2e_2streams_graph",
		reason: "as on one stream: eager launches of the mock do not overlap either",
		want: outcome{
			verdict: align.Misaligned, steps: [2]int{8, 8}, perStep: [2]int{30, 210}, occurrences: 6,
			sites:    overlapped(),
			findings: []string{"cuda-graph info", "latency error/overlap", "undecided warning/overlap"},
			causes:   []wantCause{{align.CauseOverlap, 0, 0}},
		},
	},

	{
		mock: "serve_mock_decode", e2e: "serve_e2e_batches",
		reason: "of two batch sizes the mock's is chosen",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{12, 9}, perStep: [2]int{12, 84}, occurrences: 4,
			sites: except(alike(12, 0.95, 1.05), map[int]wantSite{11: {"elementwise<add>", align.Match, 1.2, 1.32}}),
		},
	},
	{
		mock: "serve_mock_decode", e2e: "serve_e2e_mixed",
		reason: "prefill steps are a third kind",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{12, 10}, perStep: [2]int{12, 84}, occurrences: 4,
			sites: except(alike(12, 0.95, 1.05), map[int]wantSite{11: {"elementwise<add>", align.Match, 1.2, 1.32}}),
		},
	},
	{
		mock: "serve_mock_decode", e2e: "serve_e2e_batches", e2eNVTX: "*8 gen reqs",
		reason: "against the other batch size: other tiles in equal time, attention longer, one shape cause",
		want: outcome{
			verdict: align.Misaligned, steps: [2]int{12, 7}, perStep: [2]int{12, 84}, occurrences: 4,
			sites: except(alike(12, 0.9, 1.5), map[int]wantSite{
				1: {gemm, align.Variant, 0.95, 1.06}, 2: {gemm, align.Variant, 0.95, 1.06}, 3: {gemm, align.Variant, 0.95, 1.06},
				8:  {"decode_attention_kernel", align.Slower, 2.3, 2.5},
				10: {gemm, align.Variant, 0.95, 1.06},
			}),
			findings: []string{"latency error/shape", "shapes warning/shape", "variant info/tile-variant"},
			causes:   []wantCause{{align.CauseShape, 4, 4}, {align.CauseTiles, 0, 0}},
		},
	},
	{
		mock: "serve_mock_prefill", e2e: "serve_e2e_mixed",
		reason: "of three kinds of steps the 6 prefills hold the mock",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 6}, perStep: [2]int{9, 68}, occurrences: 4,
			sites: alike(9, 0.95, 1.05),
		},
		// The first one stands before the first replay, where nothing tells it
		// from warm-up.
		bare: func(o *outcome) { o.steps[1] = 5 },
	},

	{
		mock: "compiled_mock_layer", e2e: "compiled_e2e_layers",
		reason: "a whole layer, compiled on both sides",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 6}, perStep: [2]int{13, 63}, occurrences: 4,
			sites: alike(13, 0.95, 1.05),
		},
	},
	{
		mock: "compiled_mock_layer", e2e: "compiled_e2e_whole",
		reason: "compiled as one graph, norms are fused with what stands before them; no ranges inside; 1,299 launches of tuning come before",
		want: outcome{
			verdict: align.Misaligned, steps: [2]int{8, 6}, perStep: [2]int{13, 51}, occurrences: 4,
			sites: except(alike(13, 0.95, 1.05), map[int]wantSite{
				0:  {"triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_0", align.Extra, 0, 0},
				7:  {"triton_red_fused__to_copy__unsafe_view_", align.Variant, 0.6, 0.7}, // in half of the layers
				12: {"triton_poi_fused__unsafe_view_add_4", align.Extra, 0, 0},
			}),
			findings: []string{"extra error", "sporadic info", "variant info/tile-variant"},
			causes:   []wantCause{{align.CauseTiles, 0, 0}},
		},
	},

	{
		mock: "deep_mock_layer", e2e: "deep_e2e",
		reason: "24 layers of kernels of a few microseconds; the mock's layer stays in the L2 cache",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{8, 4}, perStep: [2]int{15, 364}, occurrences: 24,
			sites: alike(15, 0.85, 1.02),
		},
	},
	{
		mock: "deep_mock_model", e2e: "deep_e2e",
		reason: "a whole-model mock is found once a step",
		want: outcome{
			verdict: align.Aligned, steps: [2]int{3, 4}, perStep: [2]int{360, 364}, occurrences: 1,
			sites:  alike(360, 0.88, 1.27),
			before: []string{"vectorized_gather_kernel"}, after: []string{"rms_norm_kernel", gemm},
		},
		// Without ranges nothing tells the mock's 24 layers from 24 steps, nor
		// the 2 steps of warm-up from the 3 others.
		bare: func(o *outcome) {
			o.steps[0], o.perStep[0], o.occurrences = 5*24, 15, 24
			o.sites = alike(15, 0.88, 1.27)
		},
	},
}

var headMismatch = [8]align.SiteVerdict{align.Match, align.HeadMismatch, align.HeadMismatch, align.HeadMismatch, align.HeadMismatch, align.HeadMismatch, align.HeadMismatch, align.Match}

func TestRecordedPairs(t *testing.T) {
	for _, p := range recordedPairs {
		for _, bare := range []bool{false, true} {
			t.Run(p.name(bare), func(t *testing.T) {
				if bare && p.e2eNVTX != "" {
					t.Skip("the scope is of NVTX ranges")
				}
				c := check(t)
				e2e := recording(t, p.e2e)
				if p.e2eNVTX != "" {
					e2e = scoped(t, p.e2e, nvtxScope(t, p.e2eNVTX))
				}
				o, want := p.options, p.want
				o.NoNVTX = bare
				if bare && p.bare != nil {
					p.bare(&want)
				}
				r := compare(t, recording(t, p.mock), e2e, o)
				want.check(c, r, bare, bare && p.layered)
				if len(c.problems) > 0 {
					c.Errorf("%s", p.reason)
				}
			})
		}
	}
}

// name is the name of a pair's test.
func (p *recordedPair) name(bare bool) string {
	name := p.mock + "/" + p.e2e
	if p.options.TP > 0 {
		name += "/tp"
	}
	if p.options.ScaleTP {
		name += "-scaled"
	}
	if p.e2eNVTX != "" {
		name += "/" + strings.Trim(p.e2eNVTX, "*")
	}
	if bare {
		return name + "/no-nvtx"
	}
	return name + "/nvtx"
}

// mostWarmup is how many steps of warm-up any of the recorded programs ran
// before those that it measures, in each process.
const mostWarmup = 3

// check holds a result against what is expected.
func (w *outcome) check(c *checker, r *align.Result, bare, layered bool) {
	if r.Verdict != w.verdict {
		c.Errorf("verdict %s, want %s", r.Verdict, w.verdict)
	}
	w.checkSteps(c, r, bare, layered)
	if diff := cmp.Diff(w.findings, findingCodes(r), cmpopts.EquateEmpty()); diff != "" {
		c.Errorf("findings (-want +got):\n%s", diff)
	}
	checkCauses(c, w.causes, r)
	checkSites(c, w.sites, r)
	checkNeighbours(c, "before", w.before, r.Before)
	checkNeighbours(c, "after", w.after, r.After)
}

func (w *outcome) checkSteps(c *checker, r *align.Result, bare, layered bool) {
	sides := [2]*align.Side{r.Mock, r.E2E}
	for i, s := range sides {
		name := []string{"mock", "E2E"}[i]
		steps, perStep, occurrences := s.Steps, s.LaunchesPerStep, s.Occurrences
		if layered && i == 1 {
			if perStep*w.occurrences != w.perStep[i] || occurrences != 1 || steps%w.occurrences != 0 {
				c.Errorf("%s: %d steps of %d launches with %d occurrences, want steps of one layer", name, steps, perStep, occurrences)
			}
			steps, perStep, occurrences = steps/w.occurrences, perStep*w.occurrences, occurrences*w.occurrences
		}
		most := w.steps[i]
		if bare && most > 0 {
			most += mostWarmup * max(len(s.Tracks), 1)
		}
		if steps < w.steps[i] || steps > most {
			c.Errorf("%s: %d steps, want %d (to %d)", name, steps, w.steps[i], most)
		}
		if perStep != w.perStep[i] {
			c.Errorf("%s: %d launches a step, want %d", name, perStep, w.perStep[i])
		}
		if i == 1 && occurrences != w.occurrences {
			c.Errorf("%d occurrences, want %d", occurrences, w.occurrences)
		}
	}
}

// findingCodes returns the kinds of findings of a result, sorted, each once.
func findingCodes(r *align.Result) []string {
	var codes []string
	for _, f := range r.Findings {
		s := f.Code + " " + string(f.Severity)
		if f.Cause != "" {
			s += "/" + f.Cause
		}
		codes = append(codes, s)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func checkCauses(c *checker, want []wantCause, r *align.Result) {
	var codes, got []string
	for _, w := range want {
		codes = append(codes, w.code)
	}
	for _, x := range r.Causes {
		got = append(got, x.Code)
	}
	if diff := cmp.Diff(codes, got, cmpopts.EquateEmpty()); diff != "" {
		c.Errorf("causes (-want +got):\n%s", diff)
		return
	}
	for i, w := range want {
		x := &r.Causes[i]
		if x.Factor < w.lo || x.Factor > w.hi {
			c.Errorf("cause %s: factor %.4g, want %g to %g", x.Code, x.Factor, w.lo, w.hi)
		}
		if x.Message == "" || len(x.Evidence) == 0 || len(x.Sites) == 0 {
			c.Errorf("cause %s lacks message, evidence or sites: %+v", x.Code, x)
		}
	}
}

func checkSites(c *checker, want []wantSite, r *align.Result) {
	if len(r.Sites) != len(want) {
		c.Errorf("%d sites, want %d", len(r.Sites), len(want))
		return
	}
	for i, w := range want {
		s := &r.Sites[i]
		name := align.ShortName(s.MockName)
		if s.MockName == "" {
			name = align.ShortName(s.E2EName)
		}
		if !strings.HasPrefix(name, w.name) {
			c.Errorf("site %d is %s, want %s", i, name, w.name)
		}
		if w.verdict != "" && s.Verdict != w.verdict {
			c.Errorf("site %d, %s: %s (%s), want %s", i, name, s.Verdict, s.Reason, w.verdict)
		}
		switch {
		case (s.Ratio != nil) != (w.hi > 0):
			c.Errorf("site %d, %s: ratio present %v", i, name, s.Ratio != nil)
		case s.Ratio != nil && (*s.Ratio < w.lo || *s.Ratio > w.hi):
			c.Errorf("site %d, %s: ratio %.3f, want %g to %g", i, name, *s.Ratio, w.lo, w.hi)
		}
	}
}

func checkNeighbours(c *checker, side string, want []string, got []align.Neighbour) {
	for i, w := range want {
		switch {
		case i >= len(got):
			c.Errorf("%s: %d neighbours, want %d", side, len(got), len(want))
		case !strings.HasPrefix(align.ShortName(got[i].Name), w):
			c.Errorf("%s: neighbour %d is %s, want %s", side, i, align.ShortName(got[i].Name), w)
		}
	}
}

// TestRecordedRanks looks at what is said of each of two ranks.
func TestRecordedRanks(t *testing.T) {
	for _, bare := range []bool{false, true} {
		c := check(t)
		r := compare(t, recording(t, "llama_tp_mock_tp4"), recording(t, "llama_tp_e2e_tp4_ranks"), align.Options{NoNVTX: bare})
		if len(r.E2E.Tracks) != 2 {
			c.Errorf("%d tracks, want 2", len(r.E2E.Tracks))
		}
		for _, tr := range r.E2E.Tracks {
			if tr.Steps < 6 || tr.Steps > 8 || tr.Occurrences != 4 || tr.LaunchesPerStep != 64 {
				c.Errorf("track %+v, want 6 steps (8 with warm-up) of 64 launches, 4 occurrences", tr)
			}
			if tr.Pace < 0.95 || tr.Pace > 1.05 {
				c.Errorf("pid %d: pace %g of two ranks that run alike", tr.PID, tr.Pace)
			}
		}
		for _, s := range r.Sites {
			if s.Ranks == nil || s.Ranks.N != 2 {
				c.Errorf("site %d: spread %+v, want one over 2 ranks", s.Index, s.Ranks)
			}
		}
	}
}

// TestRecordedRegressions holds the pairs of base and new run against what
// testdata/README.md says of them.
func TestRecordedRegressions(t *testing.T) {
	slower := func(lo, hi float64) wantSite { return wantSite{"rms_norm_kernel", align.Slower, lo, hi} }
	added := wantSite{"elementwise<mul>", align.Missing, 0, 0}
	regressed := except(alike(68, 0.93, 1.08), map[int]wantSite{
		1: slower(2, 2.3), 9: slower(2, 2.3), 14: added,
		17: slower(2, 2.3), 25: slower(2, 2.3), 30: added,
		33: slower(2, 2.3), 41: slower(2, 2.3), 46: added,
		49: slower(2, 2.3), 57: slower(2, 2.3), 62: added,
		65: slower(2.5, 3.2), // the last norm, of one row
	})
	for _, p := range []struct {
		base, next string
		rank       int // of the new run's processes: 1 or 2; 0 for all
		reason     string
		verdict    align.Verdict
		perStep    [2]int
		findings   []string
		sites      []wantSite
		// Bounds of new over base of kernel time and of the step's time.
		kernel, step [2]float64
		hostDiffers  bool // the step's time may be told to differ, since the programs issue at another pace
	}{
		{
			base: "llama_tp_e2e", next: "llama_tp_e2e_nonvtx", reason: "a second recording",
			verdict: align.Aligned, perStep: [2]int{64, 64}, sites: alike(64, 0.95, 1.06),
			kernel: [2]float64{0.98, 1.02}, step: [2]float64{0.9, 1.1},
		},
		{
			base: "llama_e2e_prefill", next: "llama_e2e_prefill_again", reason: "a second recording",
			verdict: align.Aligned, perStep: [2]int{257, 257}, sites: alike(257, 0.9, 1.1),
			kernel: [2]float64{0.98, 1.02}, step: [2]float64{0.9, 1.1},
		},
		{
			base: "llama_e2e_prefill_again", next: "llama_e2e_prefill", reason: "the other way round",
			verdict: align.Aligned, perStep: [2]int{257, 257}, sites: alike(257, 0.9, 1.1),
			kernel: [2]float64{0.98, 1.02}, step: [2]float64{0.9, 1.1},
		},
		{
			base: "llama_tp_e2e", next: "llama_tp_e2e_regressed",
			reason:  "norms run in blocks of 32 instead of 256 threads, and each MLP launches one kernel more",
			verdict: align.Misaligned, perStep: [2]int{64, 68}, sites: regressed,
			findings: []string{"latency error", "missing error", "shapes info"},
			kernel:   [2]float64{1.02, 1.04}, step: [2]float64{1.03, 1.07}, hostDiffers: true,
		},
		{
			base: "llama_tp_e2e_tp4", next: "llama_tp_e2e_tp4_ranks", rank: 1,
			reason:  "sites beyond 5 % are all under 12 µs: noise",
			verdict: align.Aligned, perStep: [2]int{64, 64}, sites: alike(64, 0.93, 1.12),
			kernel: [2]float64{0.98, 1.02}, step: [2]float64{0.9, 1.3}, hostDiffers: true,
		},
		{
			base: "llama_tp_e2e_tp4", next: "llama_tp_e2e_tp4_ranks", rank: 2,
			reason:  "sites beyond 5 % are all under 12 µs: noise",
			verdict: align.Aligned, perStep: [2]int{64, 64}, sites: alike(64, 0.93, 1.12),
			kernel: [2]float64{0.98, 1.02}, step: [2]float64{0.9, 1.3}, hostDiffers: true,
		},
		{
			base: "llama_tp_e2e_tp4", next: "llama_tp_e2e_tp4_ranks",
			reason:  "both ranks at once",
			verdict: align.Aligned, perStep: [2]int{64, 64}, sites: alike(64, 0.93, 1.12), findings: []string{"ranks warning"},
			kernel: [2]float64{0.98, 1.02}, step: [2]float64{0.9, 1.3}, hostDiffers: true,
		},
		{
			base: "compiled_e2e_layers", next: "compiled_e2e_whole",
			reason:  "12 launches fewer, kernel time 0.98: gaps, not kernels",
			verdict: align.Misaligned, perStep: [2]int{63, 51},
			kernel: [2]float64{0.97, 0.99}, step: [2]float64{0.4, 0.5},
		},
	} {
		for _, bare := range []bool{false, true} {
			name := p.base + "/" + p.next + "/nvtx"
			if p.rank > 0 {
				name = p.base + "/" + p.next + "/" + []string{"", "first", "second"}[p.rank] + "/nvtx"
			}
			if bare {
				name = strings.TrimSuffix(name, "nvtx") + "no-nvtx"
			}
			t.Run(name, func(t *testing.T) {
				c := check(t)
				next := recording(t, p.next)
				if p.rank > 0 {
					next = scoped(t, p.next, trace.Scope{PIDs: []int{next.Tracks[p.rank-1].PID}})
				}
				r := compare(t, recording(t, p.base), next, align.Options{Regression: true, NoNVTX: bare})
				if r.Verdict != p.verdict {
					c.Errorf("verdict %s, want %s", r.Verdict, p.verdict)
				}
				if got := [2]int{r.Mock.LaunchesPerStep, r.E2E.LaunchesPerStep}; got != p.perStep {
					c.Errorf("%v launches a step, want %v", got, p.perStep)
				}
				if p.sites != nil {
					checkSites(c, p.sites, r)
					got := slices.DeleteFunc(findingCodes(r), func(s string) bool { return p.hostDiffers && s == "step-time warning" })
					if diff := cmp.Diff(p.findings, got, cmpopts.EquateEmpty()); diff != "" {
						c.Errorf("findings (-want +got):\n%s", diff)
					}
				}
				s := r.Regression
				if s == nil {
					c.Errorf("no step times")
				} else {
					within(c, "kernel time", s.NewKernelNS/s.BaseKernelNS, p.kernel)
					within(c, "step time", s.NewStepNS/s.BaseStepNS, p.step)
				}
				if len(c.problems) > 0 {
					c.Errorf("%s", p.reason)
				}
			})
		}
	}
}

func within(c *checker, what string, got float64, bounds [2]float64) {
	if !(got >= bounds[0] && got <= bounds[1]) {
		c.Errorf("%s: %.4g, want %g to %g", what, got, bounds[0], bounds[1])
	}
}

// TestBeginningThatOneRunLacks: without ranges, steps of which one run launches what
// precedes the attention and the other does not are not cut by the launches before it.
func TestBeginningThatOneRunLacks(t *testing.T) {
	layer, extra := recording(t, "dsa_e2e_ctx_tp1"), recording(t, "dsa_mock_ctx_extra")
	for _, pair := range [][2]*trace.Trace{{layer, extra}, {extra, layer}} {
		r := compare(t, pair[0], pair[1], align.Options{Regression: true, NoNVTX: true})
		n := map[align.SiteVerdict]int{}
		for _, s := range r.Sites {
			n[s.Verdict]++
		}
		if n[align.Match] != 11 || n[align.Slower]+n[align.Faster] > 0 {
			t.Errorf("%s and %s: %v, want 11 that match and none slower or faster", r.Mock.Path, r.E2E.Path, n)
		}
	}
}
