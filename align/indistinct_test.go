package align

import (
	"math"
	"slices"
	"testing"
)

// TestIndistinct holds that samples that could not be found distinct, among as many
// sites, are not said to be indistinct.
func TestIndistinct(t *testing.T) {
	site := func(x, y []float64) *Site {
		return &Site{Mock: &Sample{N: len(x), Steps: x}, E2E: &Sample{N: len(y), Steps: y}}
	}
	upFrom := func(least float64, n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = least + float64(i)
		}
		return v
	}
	apart := func(nx, ny int) *Site { return site(upFrom(1000, nx), upFrom(0, ny)) }
	mixed := func(nx, ny int) *Site {
		return site(upFrom(100.5, nx), upFrom(100-float64(ny-nx)/2, ny))
	}
	tied := func(s *Site) *Site {
		s.E2E.Steps[0] = s.E2E.Steps[1]
		return s
	}
	for _, x := range []struct {
		reason string
		site   *Site
		sites  int
		want   bool
	}{
		{"apart, 2 of 70 ways", apart(4, 4), 1, false},
		{"mixed", mixed(4, 4), 1, true},
		{"mixed, but 2 of 20 ways is no significance", mixed(3, 3), 1, false},
		{"apart, and not significant among many sites", apart(4, 4), 100, false},
		{"mixed, and none would be significant among many sites", mixed(4, 4), 100, false},
		{"mixed among many sites, of samples large enough", mixed(8, 8), 100, true},
		{"apart among many sites, of samples large enough", apart(8, 8), 100, false},
		{"apart, of unlike sizes", apart(5, 25), 300, false},
		{"apart, of unlike sizes, with a tie", tied(apart(5, 26)), 100, false},
		{"apart, of unlike sizes, the larger of 51", apart(5, 51), 300, false},
		{"apart, of unlike sizes, the larger of 64", tied(apart(64, 5)), 300, false},
		{"mixed, of unlike sizes", mixed(5, 64), 300, true},
		{
			"7 of 8 below all others, which are equal: no way to divide them is significant",
			site(append(slices.Repeat([]float64{32}, 7), 64), slices.Repeat([]float64{64}, 8)), 100, false,
		},
		{"all equal", site(slices.Repeat([]float64{32}, 8), slices.Repeat([]float64{32}, 8)), 1, false},
		{"not a number", site(append(upFrom(0, 7), math.NaN()), upFrom(0, 8)), 1, false},
	} {
		c := &comparer{sites: x.sites}
		if got := c.indistinct(x.site); got != x.want {
			t.Errorf("%s: %v", x.reason, got)
		}
	}
}
