package summary_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A pair is two recorded reports that testdata/README.md says something of.
type pair struct {
	mock, e2e  string
	regression bool
}

func (p pair) String() string {
	if p.regression {
		return p.mock + "→" + p.e2e
	}
	return p.mock + "~" + p.e2e
}

var pairs = []pair{
	{"dsa_mock_ctx", "dsa_e2e_ctx_tp1", false},
	{"dsa_mock_ctx", "dsa_e2e_ctx_tp8", false},
	{"dsa_mock_ctx_noindexer", "dsa_e2e_ctx_tp1", false},
	{"dsa_mock_ctx_extra", "dsa_e2e_ctx_tp1", false},
	{"dsa_mock_gen_graph", "dsa_e2e_gen_graph_node", false},
	{"dsa_mock_gen_graph", "dsa_e2e_gen_graph_graph", false},
	{"llama_mock_attn", "llama_e2e_prefill", false},
	{"llama_e2e_prefill", "llama_e2e_prefill_again", true},
	{"llama_tp_mock", "llama_tp_e2e", false},
	{"llama_tp_mock", "llama_tp_e2e_nonvtx", false},
	{"llama_tp_mock", "llama_tp_e2e_tp4", false},
	{"llama_tp_mock_tp4", "llama_tp_e2e_tp4", false},
	{"llama_tp_mock_tp4", "llama_tp_e2e_tp4_ranks", false},
	{"llama_tp_mock_tp4", "llama_tp_e2e", false},
	{"llama_tp_mock_s1024", "llama_tp_e2e", false},
	{"llama_tp_mock_b4", "llama_tp_e2e", false},
	{"llama_tp_mock_fp16", "llama_tp_e2e", false},
	{"llama_tp_e2e", "llama_tp_e2e_nonvtx", true},
	{"llama_tp_e2e", "llama_tp_e2e_regressed", true},
	{"llama_tp_e2e_tp4", "llama_tp_e2e_tp4_ranks", true},
	{"sparse_mock", "sparse_e2e_2streams", false},
	{"sparse_mock_2streams", "sparse_e2e_2streams", false},
	{"sparse_mock", "sparse_e2e_2streams_graph", false},
	{"sparse_mock_2streams", "sparse_e2e_2streams_graph", false},
	{"serve_mock_decode", "serve_e2e_batches", false},
	{"serve_mock_decode", "serve_e2e_mixed", false},
	{"serve_mock_prefill", "serve_e2e_mixed", false},
	{"compiled_mock_layer", "compiled_e2e_layers", false},
	{"compiled_mock_layer", "compiled_e2e_whole", false},
	{"compiled_e2e_layers", "compiled_e2e_whole", true},
	{"deep_mock_layer", "deep_e2e", false},
	{"deep_mock_model", "deep_e2e", false},
	// Of unrelated programs: no likeness is to be found either way.
	{"serve_mock_decode", "dsa_e2e_ctx_tp1", false},
}

func compare(tb testing.TB, mock, e2e *trace.Trace, o align.Options) *align.Result {
	tb.Helper()
	r, err := align.Compare(context.Background(), mock, e2e, o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// report is the table of one report.
func report(tb testing.TB, t *trace.Trace, o align.Options) *align.Result {
	tb.Helper()
	r, err := align.Report(context.Background(), t, o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// An outcome is what a summary must not change of a result.
type outcome struct {
	Verdict   align.Verdict
	Checklist []string
	Sites     []string
	Findings  []string
	Causes    []string
	Sides     []string
}

func outcomeOf(r *align.Result) outcome {
	o := outcome{Verdict: r.Verdict}
	for _, c := range r.Checklist {
		o.Checklist = append(o.Checklist, fmt.Sprint(c.ID, " ", c.Status))
	}
	for i := range r.Sites {
		s := &r.Sites[i]
		o.Sites = append(o.Sites, fmt.Sprintf("%s %s %v %q %q %s %.3g", s.Verdict, s.Family, s.Variant, s.NVTX, s.Module, s.StepKind, s.Present))
	}
	for _, f := range r.Findings {
		o.Findings = append(o.Findings, fmt.Sprint(f.Code, " ", f.Severity, " ", f.Sites, " ", f.Cause))
	}
	for _, c := range r.Causes {
		o.Causes = append(o.Causes, fmt.Sprintf("%s %.2g %v", c.Code, c.Factor, c.Sites))
	}
	for _, s := range []*align.Side{r.Mock, r.E2E} {
		o.Sides = append(o.Sides, fmt.Sprint(s.Path, " ", s.Launches, " ", s.InScope, " ", s.GPUTimeNS, " ", s.Processes, " ", s.Streams, " ", s.StepsBy, " ", s.StepKind, " ", s.LaunchesPerStep, " ", s.Occurrences))
	}
	return o
}

// TestSameOutcome compares reports, and their summaries, and each report with
// the summary of the other.
func TestSameOutcome(t *testing.T) {
	for _, p := range pairs {
		for _, noNVTX := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/noNVTX=%v", p, noNVTX), func(t *testing.T) {
				t.Parallel()
				o := align.Options{Regression: p.regression, NoNVTX: noNVTX, MemOps: true}
				ro := align.ReduceOptions{NoNVTX: noNVTX}
				mock, e2e := recording(t, p.mock), recording(t, p.e2e)
				want := compare(t, mock, e2e, o)
				smock, se2e := summarised(t, mock, ro), summarised(t, e2e, ro)
				both := compare(t, smock, se2e, o)
				if d := cmp.Diff(outcomeOf(want), outcomeOf(both)); d != "" {
					t.Errorf("both as summaries (-reports +summaries):\n%s", d)
				}
				// Where all steps are kept, so are all figures.
				for i := range want.Sites {
					if i < len(both.Sites) && !thinned(both) && !equalSamples(&want.Sites[i], &both.Sites[i]) {
						t.Errorf("site %d: other samples", i)
					}
				}
				checkTables(t, want.Kernels, both.Kernels)
				checkTables(t, want.MemOps, both.MemOps)
				if d := cmp.Diff(outcomeOf(want), outcomeOf(compare(t, smock, e2e, o))); d != "" {
					t.Errorf("mock as summary:\n%s", d)
				}
				if d := cmp.Diff(outcomeOf(want), outcomeOf(compare(t, mock, se2e, o))); d != "" {
					t.Errorf("E2E as summary:\n%s", d)
				}
			})
		}
	}
}

// thinned reports whether a summary left out steps that were compared.
func thinned(r *align.Result) bool {
	return slices.ContainsFunc(slices.Concat(r.Mock.LeftOut, r.E2E.LeftOut), func(s string) bool { return strings.HasSuffix(s, "the summary does not keep") })
}

func equalSamples(a, b *align.Site) bool { return cmp.Equal(a.Mock, b.Mock) && cmp.Equal(a.E2E, b.E2E) }

// TestFewSteps keeps so few steps that most are left out. What both decide, the
// reports and their summaries, they decide alike: only what is so near a bound
// that the steps leave it open may be open in one and not in the other.
func TestFewSteps(t *testing.T) {
	for _, p := range pairs {
		for _, noNVTX := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/noNVTX=%v", p, noNVTX), func(t *testing.T) {
				t.Parallel()
				o := align.Options{Regression: p.regression, NoNVTX: noNVTX}
				ro := align.ReduceOptions{NoNVTX: noNVTX, Steps: 4}
				mock, e2e := recording(t, p.mock), recording(t, p.e2e)
				want := compare(t, mock, e2e, o)
				got := compare(t, summarised(t, mock, ro), summarised(t, e2e, ro), o)
				open := func(v align.Verdict) bool { return v == align.Undecided || v == align.Aligned }
				if got.Verdict != want.Verdict && !(open(got.Verdict) && open(want.Verdict)) {
					t.Errorf("verdict %s, want %s", got.Verdict, want.Verdict)
				}
				if len(got.Sites) != len(want.Sites) {
					t.Fatalf("%d sites, want %d", len(got.Sites), len(want.Sites))
				}
				undecided := 0
				for i := range want.Sites {
					w, g := &want.Sites[i], &got.Sites[i]
					if w.MockName != g.MockName || w.E2EName != g.E2EName {
						t.Errorf("site %d is %s and %s, want %s and %s", i, g.MockName, g.E2EName, w.MockName, w.E2EName)
					}
					switch {
					case g.Verdict == align.SiteUndecided || w.Verdict == align.SiteUndecided:
						undecided++
					case g.Verdict != w.Verdict:
						t.Errorf("site %d is %s (%s), want %s", i, g.Verdict, g.Reason, w.Verdict)
					}
				}
				if undecided*4 > len(want.Sites) {
					t.Errorf("%d of %d sites are undecided", undecided, len(want.Sites))
				}
				if d := cmp.Diff(codes(want), codes(got)); d != "" {
					t.Errorf("codes (-reports +summaries):\n%s", d)
				}
			})
		}
	}
}

// codes are those of a result's findings and causes, but for those that a few
// steps more or less may change: the time of a step must differ by more than
// its noise.
func codes(r *align.Result) []string {
	var codes []string
	for _, f := range r.Findings {
		if f.Code != align.CodeUndecided && f.Code != align.CodeStepTime {
			codes = append(codes, f.Code)
		}
	}
	for _, c := range r.Causes {
		codes = append(codes, "cause "+c.Code)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
