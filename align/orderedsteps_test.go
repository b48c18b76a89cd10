package align_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
)

// TestOrderSteps holds steps sorted once, and the medians of their halves, against
// sorting each half.
func TestOrderSteps(t *testing.T) {
	rng := rand.New(rand.NewPCG(60, 61))
	apart := func(a, b []float64) float64 {
		median := func(v []float64) float64 {
			slices.Sort(v)
			return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
		}
		r := align.RatioOf(median(a), median(b))
		return max(r, 1/r)
	}
	for run := range 3000 {
		steps := make([]float64, run%65)
		spread := int64(1) << rng.IntN(45) // from all equal to hours, in quarters
		for i := range steps {
			steps[i] = float64(rng.Int64N(spread)) / 4
		}
		before := slices.Clone(steps)
		ascending, half := align.OrderSteps(steps)
		if !slices.Equal(steps, before) {
			t.Fatal("the input was changed")
		}
		if want := slices.Sorted(slices.Values(steps)); !slices.Equal(ascending, want) {
			t.Fatalf("%v, want %v", ascending, want)
		}
		want := 1.0
		if n := len(steps); n >= 4 {
			var even, odd []float64
			for i, v := range steps {
				if i%2 == 0 {
					even = append(even, v)
				} else {
					odd = append(odd, v)
				}
			}
			want = max(apart(even, odd), apart(slices.Clone(steps[:n/2]), slices.Clone(steps[n/2:])))
		}
		if half != want {
			t.Fatalf("halves of %v are %v apart, want %v", steps, half, want)
		}
	}
}
