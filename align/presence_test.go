package align_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestPartlyMissing: what only some occurrences, or steps, have is not said to be in
// each.
func TestPartlyMissing(t *testing.T) {
	op := oneRank.attentionOp()
	// model returns steps of four layers, in which has says where there is one kernel more.
	model := func(name string, has func(step, layer int) bool) *trace.Trace {
		s := &script{stepName: numbered("forward")}
		for step := range 10 {
			var ks []kernel
			for layer := range 4 {
				ks = append(ks, slices.Clone(op[:4])...)
				if has(step, layer) {
					ks = append(ks, kernel{name: "kv_cache_store", ns: 20_000, path: op[3].path})
				}
				ks = append(append(ks, op[4:]...), kernel{name: "mlp_gemm", ns: 300_000, path: []string{"mlp"}})
			}
			s.steps = append(s.steps, ks)
		}
		tr, _ := s.trace(name)
		return tr
	}
	all := func(int, int) bool { return true }
	none := func(int, int) bool { return false }
	mock, _ := program(1, 10, op).trace("mock")
	for _, x := range []struct {
		reason      string
		first, next *trace.Trace
		regression  bool
		want        string
	}{
		{"each", mock, model("e2e", all), false, ", 20 µs in each occurrence: kv_cache_store"},
		{"every second step", mock, model("e2e", func(s, _ int) bool { return s%2 == 0 }), false, ", 20 µs in 50 % of the occurrences: kv_cache_store"},
		{"most steps of the model", mock, model("e2e", func(s, _ int) bool { return s > 1 }), false, ", 20 µs in 80 % of the occurrences: kv_cache_store"},
		{"each step", model("base", none), model("new", func(_, l int) bool { return l == 1 }), true, ", 20 µs a step: kv_cache_store"},
		{"most steps", model("base", none), model("new", func(s, l int) bool { return s > 1 && l == 1 }), true, ", 20 µs in 80 % of the steps: kv_cache_store"},
		{
			"two, in more and in fewer steps", model("base", none), model("new", func(s, l int) bool { return s > 1 && l == 1 || s > 2 && l == 3 }), true,
			", 40 µs in 70 to 80 % of the steps: kv_cache_store",
		},
	} {
		r := compare(t, x.first, x.next, align.Options{Regression: x.regression})
		var said []string
		for _, f := range r.Findings {
			if f.Code == align.CodeMissing {
				said = append(said, f.Message)
			}
		}
		if len(said) != 1 || !strings.HasSuffix(said[0], x.want) {
			t.Errorf("%s: %q, want one with %q at its end", x.reason, said, x.want)
		}
	}
}
