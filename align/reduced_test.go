package align_test

import (
	"context"
	"slices"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestKernelsOfNoKeptStep compares reduced traces in whose totals there are kernels that
// none of the steps kept launches: their names are known, too, before the tables and
// the rest are worked out side by side (which the race detector sees).
func TestKernelsOfNoKeptStep(t *testing.T) {
	reduced := func(seed uint64) *trace.Trace {
		s := program(seed, 400, fullShape.model(1))
		for i := range s.steps {
			if i%2 == 1 {
				s.steps[i] = slices.Insert(s.steps[i], 5, kernel{name: "rare_kernel_" + string(rune('a'+i/2%26)) + string(rune('a'+i/52)), ns: 20_000})
			}
		}
		whole, _ := s.trace("whole")
		r, err := align.Reduce(context.Background(), whole, align.ReduceOptions{Steps: 4})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := compare(t, reduced(1), reduced(2), align.Options{Regression: true})
	rows := 0
	for _, k := range r.Kernels {
		if len(k.Name) == len("rare_kernel_aa") && k.Name[:12] == "rare_kernel_" {
			rows++
		}
	}
	if rows != 200 {
		t.Errorf("%d rows of rare kernels, want 200", rows)
	}
}
