package align_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsysdiff/nsysdiff/align"
)

// TestOrderStatistics holds counting against sorting.
func TestOrderStatistics(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, test := range []struct {
		reason string
		n      int
		value  func(i int) int64
	}{
		{"one value", 1, func(int) int64 { return 7 }},
		{"few", 100, func(int) int64 { return rng.Int64N(1000) }},
		{"many equal", 5000, func(int) int64 { return 42 }},
		{"many of few", 20000, func(int) int64 { return rng.Int64N(3) }},
		{"many", 20000, func(int) int64 { return 1000 + rng.Int64N(1e6) }},
		{"a tail that takes all buckets", 20000, func(i int) int64 {
			if i == 77 {
				return 1 << 60
			}
			return rng.Int64N(1e6)
		}},
		{"negative, as a damaged report may have them", 5000, func(int) int64 { return rng.Int64N(1e9) - 5e8 }},
	} {
		t.Run(test.reason, func(t *testing.T) {
			values := make([]int64, test.n)
			for i := range values {
				values[i] = test.value(i)
			}
			sorted := slices.Clone(values)
			slices.Sort(sorted)
			ranks := []int{0, test.n / 20, test.n / 2, test.n / 2, (test.n - 1) * 95 / 100, test.n - 1}
			want := make([]int64, len(ranks))
			for k, r := range ranks {
				want[k] = sorted[r]
			}
			got := make([]int64, len(ranks))
			align.OrderStatistics(values, ranks, got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSelectQuantile holds selecting against sorting.
func TestSelectQuantile(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 1; n < 200; n++ {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(rng.IntN(n/2 + 1)) // many equal
		}
		sorted := slices.Sorted(slices.Values(values))
		for _, p := range []float64{0, 0.025, 0.3, 0.5, 0.975, 1} {
			h := p * float64(n-1)
			i := int(h)
			want := sorted[i] + (h-float64(i))*(sorted[min(i+1, n-1)]-sorted[i])
			if got := align.SelectQuantile(slices.Clone(values), p); got != want {
				t.Fatalf("quantile %v of %v: %v, want %v", p, sorted, got, want)
			}
		}
	}
}

// TestMedianOf holds medians against those of sorted values.
func TestMedianOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for n := 1; n < 600; n += 1 + n/40 {
		for range 100 {
			values := make([]uint32, n)
			for i := range values {
				values[i] = rng.Uint32N(uint32(2 * n)) // some are equal
			}
			sorted := slices.Sorted(slices.Values(values))
			want := (float64(sorted[(n-1)/2]) + float64(sorted[n/2])) / 2
			if got := align.MedianOf(slices.Clone(values)); got != want {
				t.Fatalf("median of %v: %v, want %v", values, got, want)
			}
		}
	}
}
