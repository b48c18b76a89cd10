package align_test

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aclements/go-moremath/stats"

	"github.com/nsysdiff/nsysdiff/align"
)

func TestRankTest(t *testing.T) {
	for _, x := range []struct {
		reason string
		x, y   []float64
		lo, hi float64 // bounds of p; both 0 where there is none
	}{
		{"one value tells nothing", []float64{1}, []float64{1, 2, 3}, 0, 0},
		{"all values equal", []float64{2, 2, 2}, []float64{2, 2, 2}, 0, 0},
		{"apart: 2 of the 70 ways to order 4 and 4", []float64{1, 2, 3, 4}, []float64{5, 6, 7, 8}, 2.0 / 70, 2.0 / 70},
		{"interleaved", []float64{1, 3, 5, 7}, []float64{2, 4, 6, 8}, 0.6, 1},
		{"order does not matter", []float64{4, 2, 1, 3}, []float64{8, 5, 7, 6}, 2.0 / 70, 2.0 / 70},
	} {
		p, ok := align.RankTest(x.x, x.y)
		if ok != (x.hi > 0) {
			t.Errorf("%s: p %g, %v", x.reason, p, ok)
		} else if ok && (p < x.lo-1e-9 || p > x.hi+1e-9) {
			t.Errorf("%s: p %g, want %g to %g", x.reason, p, x.lo, x.hi)
		}
	}
}

// TestRankTestExact holds the p-value against its definition: of all ways to
// divide the values, the part whose U is at least as far out on either side.
func TestRankTestExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		x, y := rankedSamples(rng, 2+rng.IntN(5), 2+rng.IntN(5))
		all := slices.Concat(x, y)
		u := uByDefinition(x, y)
		var below, above, ways float64
		for set := range uint(1) << len(all) {
			if bits.OnesCount(set) != len(x) {
				continue
			}
			var a, b []float64
			for i, v := range all {
				if set>>i&1 != 0 {
					a = append(a, v)
				} else {
					b = append(b, v)
				}
			}
			v := uByDefinition(a, b)
			ways++
			if v <= u {
				below++
			}
			if v >= u {
				above++
			}
		}
		want := min(1, 2*below/ways, 2*above/ways)
		p, ok := align.RankTest(x, y)
		if distinct := slices.Max(all) > slices.Min(all); ok != distinct {
			t.Errorf("of %v and %v: %v", x, y, ok)
		} else if ok && math.Abs(p-want) > 1e-12 {
			t.Errorf("of %v and %v p is %g, by definition %g", x, y, p, want)
		}
	}
}

// TestRankTestApart has samples that are apart, of unlike sizes, without ties and
// with some: that is 2 of the ways to choose one of them.
func TestRankTestApart(t *testing.T) {
	for _, n := range [][2]int{{5, 25}, {5, 26}, {26, 5}, {5, 51}, {64, 5}, {8, 64}, {2, 64}} {
		for _, tied := range []bool{false, true} {
			x, y := make([]float64, n[0]), make([]float64, n[1])
			for i := range x {
				x[i] = float64(1000 + i)
			}
			for i := range y {
				y[i] = float64(i)
			}
			if tied {
				y[0] = y[1]
			}
			ways := 1.0
			for i := range n[0] {
				ways *= float64(n[0]+n[1]-i) / float64(i+1)
			}
			if p, ok := align.RankTest(x, y); !ok || math.Abs(p-2/ways) > 1e-9/ways {
				t.Errorf("of %d and %d, ties %v: p is %g, %v, want %g", n[0], n[1], tied, p, ok, 2/ways)
			}
		}
	}
}

// TestRankTestLibrary holds the p-value against that of a library, which is right
// where the distribution of U is the same from both sides: of samples of one size,
// and without ties. It is exact for up to 50 values, with ties 25, and approximates
// as we do beyond, which we do for samples that are both larger.
func TestRankTestLibrary(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	tied := 0
	for range 3000 {
		nx := 2 + rng.IntN(63)
		if rng.IntN(3) > 0 {
			nx = 2 + rng.IntN(16) // with ties, the library takes 10 ms for 25 and 25
		}
		x, y := rankedSamples(rng, nx, nx)
		if all := slices.Sorted(slices.Values(slices.Concat(x, y))); len(slices.Compact(all)) == 2*nx {
			if nx <= 50 {
				x = x[:max(2, rng.IntN(nx))]
			}
		} else {
			tied++
		}
		p, ok := align.RankTest(x, y)
		want, err := stats.MannWhitneyUTest(x, y, stats.LocationDiffers)
		if ok != (err == nil) {
			t.Fatalf("of %v and %v: %v, the library says %v", x, y, ok, err)
		} else if ok && math.Abs(p-want.P) > 1e-9*want.P {
			t.Fatalf("of %v and %v p is %g, the library has %g", x, y, p, want.P)
		}
	}
	if tied < 500 || tied > 2500 {
		t.Errorf("%d of 3000 pairs with ties", tied)
	}
}

// rankedSamples returns samples with many, few or no ties, apart or not.
func rankedSamples(rng *rand.Rand, nx, ny int) (x, y []float64) {
	levels := []int{2, 4, 10, 1 << 40}[rng.IntN(4)]
	shift := rng.IntN(2) * rng.IntN(levels)
	for range nx {
		x = append(x, float64(rng.IntN(levels)))
	}
	for range ny {
		y = append(y, float64(rng.IntN(levels)+shift))
	}
	return x, y
}

// uByDefinition is the number of pairs in which x is larger, ties counted half.
func uByDefinition(x, y []float64) float64 {
	u := 0.0
	for _, a := range x {
		for _, b := range y {
			switch {
			case a > b:
				u++
			case a == b:
				u += 0.5
			}
		}
	}
	return u
}

func BenchmarkRankTest(b *testing.B) {
	for _, of := range []struct {
		name   string
		n      int
		levels int
	}{
		{"10 tied", 10, 8}, {"25 tied", 25, 30}, {"64 tied", 64, 30}, {"28", 28, 1 << 40}, {"64", 64, 1 << 40},
	} {
		b.Run(of.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(5, 6))
			var x, y []float64
			for range of.n {
				x, y = append(x, float64(rng.IntN(of.levels))), append(y, float64(rng.IntN(of.levels)))
			}
			test := align.NewRankTest()
			b.ReportAllocs()
			for b.Loop() {
				test(x, y)
			}
		})
	}
}
