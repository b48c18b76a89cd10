package align_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/nsysdiff/nsysdiff/align"
)

// TestBootstrapRatio holds the interval, which is worked out from the distribution
// of a resampled median, against plain resampling.
func TestBootstrapRatio(t *testing.T) {
	rng := rand.New(rand.NewPCG(16, 17))
	draw := func(n int, scale float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = scale * math.Exp(0.1*rng.NormFloat64()) // a long tail
		}
		return v
	}
	for _, n := range [][2]int{{5, 5}, {8, 20}, {20, 8}, {40, 41}, {64, 64}} {
		x, y := draw(n[0], 300), draw(n[1], 100)
		before := slices.Clone(x)
		lo, hi := align.BootstrapRatio(x, y)
		if !slices.Equal(x, before) {
			t.Error("the input was changed")
		}
		again, _ := align.BootstrapRatio(x, y)
		if again != lo {
			t.Error("two runs differ")
		}
		wantLo, wantHi := plainBootstrap(rng, x, y)
		// 20 quantiles of each median are not all of them: a few per cent of the
		// interval's width.
		slack := 0.15 * (wantHi - wantLo)
		if math.Abs(lo-wantLo) > slack || math.Abs(hi-wantHi) > slack {
			t.Errorf("%v steps: interval %.4f to %.4f, plain resampling gives %.4f to %.4f", n, lo, hi, wantLo, wantHi)
		}
	}
}

// TestBootstrapTails: the interval that a few pairs of quantiles give is that of all.
func TestBootstrapTails(t *testing.T) {
	rng := rand.New(rand.NewPCG(20, 21))
	draw := func(n int, kind int) []float64 {
		v := make([]float64, n)
		for i := range v {
			switch kind {
			case 0: // many equal, some 0
				v[i] = float64(rng.IntN(4))
			case 1: // one far from the others
				v[i] = 1000
				if i == 0 {
					v[i] = 1e12 * rng.Float64()
				}
			default:
				v[i] = float64(noisy(rng, 50_000)) * math.Exp(rng.NormFloat64())
			}
		}
		return v
	}
	for range fewer(2000) {
		x, y := draw(2+rng.IntN(63), rng.IntN(4)), draw(2+rng.IntN(63), rng.IntN(4))
		lo, hi := align.BootstrapRatio(x, y)
		// 10 of 400 are 2.5 %.
		all := slices.Sorted(slices.Values(align.BootstrapRatios(x, y)))
		wantLo, wantHi := all[9], all[390]
		if math.Abs(lo-wantLo) > 1e-9*wantLo || math.Abs(hi-wantHi) > 1e-9*wantHi {
			t.Fatalf("%v over %v: %v to %v, want %v to %v", x, y, lo, hi, wantLo, wantHi)
		}
	}
}

func plainBootstrap(rng *rand.Rand, x, y []float64) (lo, hi float64) {
	resampled := func(v []float64) float64 {
		r := make([]float64, len(v))
		for i := range r {
			r[i] = v[rng.IntN(len(v))]
		}
		slices.Sort(r)
		return (r[(len(r)-1)/2] + r[len(r)/2]) / 2
	}
	n := fewer(20_000)
	ratios := make([]float64, n)
	for i := range ratios {
		ratios[i] = resampled(x) / resampled(y)
	}
	slices.Sort(ratios)
	return ratios[n*25/1000], ratios[n*975/1000]
}

// TestBootstrapCoverage checks that the interval holds the true ratio about as
// often as it says. The percentile bootstrap of a median is a little narrow
// for small samples.
func TestBootstrapCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 19))
	runs := fewer(400)
	held := 0
	for range runs {
		x, y := make([]float64, 20), make([]float64, 20)
		for i := range x {
			x[i], y[i] = math.Exp(0.05*rng.NormFloat64()), math.Exp(0.05*rng.NormFloat64())
		}
		if lo, hi := align.BootstrapRatio(x, y); lo <= 1 && 1 <= hi {
			held++
		}
	}
	if part := float64(held) / float64(runs); part < 0.88 {
		t.Errorf("the interval holds the ratio in %.1f %% of the runs, want about 95 %%", 100*part)
	}
}

// TestMedianRanks holds how likely ranks are for a resampled median against the
// number of draws that must lie below it.
func TestMedianRanks(t *testing.T) {
	for n := 1; n <= align.MaxBlocks; n++ {
		ranks := align.MedianRanks(n)
		mirrored := slices.Clone(ranks)
		slices.Reverse(mirrored)
		if !slices.Equal(ranks, mirrored) {
			t.Errorf("%d values: %v is not symmetric", n, ranks)
		}
		if n%2 == 0 {
			continue
		}
		seen := 0
		for rank, count := range ranks {
			seen += count
			// The median's rank is no greater if most draws' are.
			below := distuv.Binomial{N: float64(n), P: float64(rank+1) / float64(n)}
			if want := 20 * (1 - below.CDF(float64(n/2))); rank+1 < n && math.Abs(float64(seen)-want) > 0.5001 {
				t.Errorf("%d values: %d of 20 quantiles up to rank %d, want %.2f", n, seen, rank, want)
			}
		}
		if seen != 20 {
			t.Errorf("%d values: %d quantiles, want 20", n, seen)
		}
	}
}

// TestLowerPairs: an interval's end is told from few pairs, whatever the numbers of
// values.
func TestLowerPairs(t *testing.T) {
	for nx := 1; nx <= align.MaxBlocks; nx++ {
		for ny := 1; ny <= align.MaxBlocks; ny++ {
			if n := align.LowerPairs(nx, ny); n < 1 || n > 27 {
				t.Fatalf("%d and %d values: %d pairs, want 27 at most", nx, ny, n)
			}
		}
	}
}
