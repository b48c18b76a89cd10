package align_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestOtherPhase compares captures without ranges that begin anywhere in a step: where
// a step begins is not told by its period.
func TestOtherPhase(t *testing.T) {
	model := fullShape.model(3)
	capture := func(seed uint64, model []kernel, tail int) *script {
		s := program(seed, 12, model)
		s.stepName = nil
		s.prefix = model[len(model)-tail:]
		return s
	}
	without := slices.Delete(slices.Clone(model), 20, 21)
	for _, tails := range [][2]int{{0, 1}, {1, 0}, {5, 17}, {40, 2}, {13, 26}} {
		t.Run(fmt.Sprint(tails), func(t *testing.T) {
			c := check(t)
			a, _ := capture(1, model, tails[0]).trace("base")
			b, _ := capture(2, model, tails[1]).trace("new")
			r := compare(t, a, b, align.Options{Regression: true, NoNVTX: true})
			expectNothing(c, r)
			if len(r.Sites) != len(model) {
				c.Errorf("%d sites, want %d", len(r.Sites), len(model))
			}
			b, _ = capture(2, without, tails[1]).trace("new")
			r = compare(t, a, b, align.Options{Regression: true, NoNVTX: true})
			if diff := cmp.Diff([]string{"extra error"}, findingCodes(r)); diff != "" {
				c.Errorf("findings (-want +got):\n%s", diff)
			}
			for _, s := range r.Sites {
				if s.E2E == nil && s.MockName != model[20].name {
					c.Errorf("%s is gone, want %s", s.MockName, model[20].name)
				}
			}
		})
	}
}

// TestOneStepOfTheShape has one step of many that launches what the mock does in the
// same shape: its layers are many, and no other steps are taken instead.
func TestOneStepOfTheShape(t *testing.T) {
	other := shape{heads: 32, tokens: 4 * 2048, gpu: 100, dtype: "tst"}.model(4)
	for _, own := range []int{1, 2, 3} {
		both(t, func(t *testing.T, o align.Options) {
			c := check(t)
			s := program(3, 40, other)
			for i := range own {
				s.steps[7+10*i] = program(uint64(10+i), 1, fullShape.model(4)).steps[0]
			}
			mock, _ := program(1, 10, fullShape.attentionOp()).trace("mock")
			e2e, _ := s.trace("e2e")
			r := compare(t, mock, e2e, o)
			expectNothing(c, r)
			if r.E2E.Steps != own || r.E2E.Occurrences != 4 {
				c.Errorf("%d steps of %d occurrences, want %d of 4", r.E2E.Steps, r.E2E.Occurrences, own)
			}
		})
	}
}

// TestOneStepIsSkipped compares runs of which one has no step left after warm-up, if its
// steps are to be those of the other.
func TestOneStepIsSkipped(t *testing.T) {
	several, _ := program(1, 6, fullShape.model(4)).trace("several")
	one, _ := program(2, 1, fullShape.model(4)).trace("one")
	for _, pair := range [][2]*trace.Trace{{several, one}, {one, several}} {
		r := compare(t, pair[0], pair[1], align.Options{Regression: true, SkipWarmup: 1})
		if r.Verdict == align.Aligned || len(r.Findings) == 0 {
			t.Errorf("verdict %s, findings %v, and nothing was left to compare", r.Verdict, findingCodes(r))
		}
	}
}
