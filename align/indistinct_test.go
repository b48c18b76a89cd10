package align

import "testing"

// TestIndistinct holds that samples too small to be found distinct, of as many
// sites, are not said to be indistinct.
func TestIndistinct(t *testing.T) {
	apart := func(n int) *Site {
		s := &Site{Mock: &Sample{N: n}, E2E: &Sample{N: n}}
		for i := range n {
			s.Mock.Steps, s.E2E.Steps = append(s.Mock.Steps, float64(20+i)), append(s.E2E.Steps, float64(10+i))
		}
		return s
	}
	mixed := func(n int) *Site {
		s := apart(n)
		for i := range s.Mock.Steps {
			s.Mock.Steps[i] = 10.5 + float64(i*7%n)
		}
		return s
	}
	for _, x := range []struct {
		reason string
		site   *Site
		sites  int
		want   bool
	}{
		{"apart, 2 of 70 ways", apart(4), 1, false},
		{"mixed", mixed(4), 1, true},
		{"mixed, but 2 of 20 ways is no significance", mixed(3), 1, false},
		{"apart, and not significant among many sites", apart(4), 100, false},
		{"mixed, and none would be significant among many sites", mixed(4), 100, false},
		{"mixed among many sites, of samples large enough", mixed(8), 100, true},
		{"apart among many sites, of samples large enough", apart(8), 100, false},
	} {
		c := &comparer{sites: x.sites}
		if got := c.indistinct(x.site); got != x.want {
			t.Errorf("%s: %v", x.reason, got)
		}
	}
}
