package align_test

import (
	"cmp"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
)

// usable lists the recordings whose kernels can be compared.
var usable = []string{
	"compiled_e2e_layers", "compiled_e2e_whole", "compiled_mock_layer",
	"deep_e2e", "deep_mock_layer", "deep_mock_model",
	"dsa_e2e_ctx_tp1", "dsa_e2e_ctx_tp8", "dsa_e2e_gen_graph_node",
	"dsa_mock_ctx", "dsa_mock_ctx_extra", "dsa_mock_ctx_noindexer", "dsa_mock_gen_graph",
	"llama_e2e_prefill", "llama_e2e_prefill_again", "llama_mock_attn",
	"llama_tp_e2e", "llama_tp_e2e_nonvtx", "llama_tp_e2e_regressed", "llama_tp_e2e_tp4", "llama_tp_e2e_tp4_ranks",
	"llama_tp_mock", "llama_tp_mock_b4", "llama_tp_mock_fp16", "llama_tp_mock_s1024", "llama_tp_mock_tp4",
	"serve_e2e_batches", "serve_e2e_mixed", "serve_mock_decode", "serve_mock_prefill",
	"sparse_e2e_2streams", "sparse_e2e_2streams_graph", "sparse_mock", "sparse_mock_2streams",
}

// expectNothing checks that a result finds nothing at all, but that too few
// launches to tell are said to be too few. Kernels that overlap others in some
// steps and not in others take twice as long in some as in others: a handful
// of steps does not tell whether the two sides differ by as much.
func expectNothing(c *checker, r *align.Result) {
	few := func(s *align.Site) bool {
		return s.Verdict == align.SiteUndecided &&
			(min(s.Mock.N, s.E2E.N) < r.Limits.MinSamples || s.MockOverlap > 0 && s.E2EOverlap > 0)
	}
	want := align.Aligned
	for i := range r.Sites {
		if few(&r.Sites[i]) {
			want = align.Undecided
		}
	}
	if r.Verdict != want {
		c.Errorf("verdict %s, want %s", r.Verdict, want)
	}
	for _, f := range r.Findings {
		if f.Code != align.CodeUndecided || want != align.Undecided {
			c.Errorf("finding %s: %s", f.Code, f.Message)
		}
	}
	for _, x := range r.Causes {
		c.Errorf("cause %s: %s", x.Code, x.Message)
	}
	const most = 4 // sites to print
	wrong := 0
	for _, s := range r.Sites {
		if s.Verdict == align.Match || few(&s) {
			continue
		}
		if wrong++; wrong <= most {
			c.Errorf("site %d, %s: %s (%s), ratio %v to %v", s.Index, cmp.Or(align.ShortName(s.MockName), align.ShortName(s.E2EName)), s.Verdict, s.Reason, deref(s.RatioLo), deref(s.RatioHi))
		}
	}
	if wrong > most {
		c.Errorf("%d sites do not match", wrong)
	}
	if len(r.Sites) == 0 {
		c.Errorf("no sites")
	}
}

func deref(f *float64) float64 {
	if f == nil {
		return 0
	}
	return *f
}

// modes are the ways in which a comparison of equals must find nothing.
var modes = []struct {
	name    string
	options align.Options
}{
	{"compare/nvtx", align.Options{}},
	{"compare/no-nvtx", align.Options{NoNVTX: true}},
	{"regression/nvtx", align.Options{Regression: true}},
	{"regression/no-nvtx", align.Options{Regression: true, NoNVTX: true}},
}

// TestEqual compares each recording with itself.
func TestEqual(t *testing.T) {
	for i, name := range usable {
		if testing.Short() && i%4 > 0 {
			continue
		}
		for _, m := range modes {
			t.Run(name+"/"+m.name, func(t *testing.T) {
				r := compare(t, recording(t, name), recording(t, name), m.options)
				c := check(t)
				expectNothing(c, r)
				if r.Verdict != align.Aligned {
					c.Errorf("verdict %s", r.Verdict)
				}
				for _, s := range r.Sites {
					if s.Ratio != nil && *s.Ratio != 1 && m.options.Regression {
						c.Errorf("site %d: ratio %g of equal launches", s.Index, *s.Ratio)
					}
				}
			})
		}
	}
}

// TestRecordedTwice compares recordings of one program.
func TestRecordedTwice(t *testing.T) {
	for _, p := range [][2]string{
		{"llama_e2e_prefill", "llama_e2e_prefill_again"},
		{"llama_tp_e2e", "llama_tp_e2e_nonvtx"},
		{"sparse_mock", "sparse_mock_2streams"},
	} {
		for _, m := range modes {
			if p[0] == "sparse_mock" && m.options.Regression {
				continue // forking to a second stream takes the host longer
			}
			for range 2 {
				t.Run(p[0]+"/"+p[1]+"/"+m.name, func(t *testing.T) {
					expectNothing(check(t), compare(t, recording(t, p[0]), recording(t, p[1]), m.options))
				})
				p[0], p[1] = p[1], p[0]
			}
		}
	}
}

// TestHalves compares the steps of one half of each recording with those of the
// other.
func TestHalves(t *testing.T) {
	halves := []struct {
		name string
		in   func(step, n int) bool
	}{
		{"time", func(step, n int) bool { return step < n/2 }},
		{"parity", func(step, n int) bool { return step%2 == 0 }},
	}
	for i, name := range usable {
		if name == "llama_tp_e2e_nonvtx" {
			continue // no range tells its steps
		}
		if testing.Short() && i%4 > 0 {
			continue
		}
		for _, h := range halves {
			for _, m := range modes {
				t.Run(name+"/"+h.name+"/"+m.name, func(t *testing.T) {
					whole := recording(t, name)
					a := stepsOnly(whole, h.in)
					b := stepsOnly(whole, func(step, n int) bool { return !h.in(step, n) })
					expectNothing(check(t), compare(t, a, b, m.options))
				})
			}
		}
	}
}
