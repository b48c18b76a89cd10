package trace_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/stat"

	"github.com/nsysdiff/nsysdiff/trace"
)

// samples are durations of many shapes: kernels of one time and of two, a long
// tail, clock granularity, extremes.
func samples() map[string][]int64 {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(n int, f func() float64) []int64 {
		out := make([]int64, n)
		for i := range out {
			out[i] = int64(f())
		}
		return out
	}
	return map[string][]int64{
		"one":         {1234},
		"two":         {1000, 3000},
		"zeros":       {0, 0, 0},
		"small":       {1, 2, 3, 127, 128, 255, 256, 257},
		"normal":      draw(1000, func() float64 { return 25000 + 500*rng.NormFloat64() }),
		"two kernels": draw(999, func() float64 { return []float64{124e3, 1040e3}[rng.IntN(2)] * (1 + 0.01*rng.NormFloat64()) }),
		"long tail":   draw(5000, func() float64 { return 2000 * math.Exp(2*rng.NormFloat64()) }),
		"32 ns":       draw(500, func() float64 { return 32 * float64(60+rng.IntN(9)) }),
		"long":        {math.MaxInt64 / 8, math.MaxInt64 / 9, 1},
	}
}

func TestDistribution(t *testing.T) {
	for name, ns := range samples() {
		var d trace.Distribution
		d.Add(ns...)
		sorted := slices.Clone(ns)
		slices.Sort(sorted)
		var sum int64
		xs := make([]float64, len(ns))
		for i, x := range sorted {
			sum += x
			xs[i] = float64(x)
		}
		if d.N != int64(len(ns)) || d.Sum != sum || d.Min != sorted[0] || d.Max != sorted[len(sorted)-1] {
			t.Errorf("%s: N %d, sum %d, min %d, max %d, which are exact", name, d.N, d.Sum, d.Min, d.Max)
		}
		if !d.Valid() {
			t.Errorf("%s: not valid", name)
		}
		if len(ns) > 1 {
			if want, got := stat.StdDev(xs, nil), d.Stddev(); math.Abs(got-want) > 1e-9*want {
				t.Errorf("%s: standard deviation %v, want %v", name, got, want)
			}
		}
		for _, p := range []float64{0, 0.05, 0.25, 0.5, 0.9, 0.95, 0.999, 1} {
			want, got := quantile(xs, p), d.Quantile(p)
			if math.Abs(got-want) > trace.MaxQuantileError*want {
				t.Errorf("%s: quantile %v is %v, want %v within %v", name, p, got, want, trace.MaxQuantileError)
			}
		}
	}
}

// quantile is type 7 of Hyndman & Fan 1996.
func quantile(sorted []float64, p float64) float64 {
	h := p * float64(len(sorted)-1)
	i := int(h)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}

// TestDistributionAddsUp cuts samples in parts and adds these up in any order.
func TestDistributionAddsUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, ns := range samples() {
		var want trace.Distribution
		want.Add(ns...)
		for range 20 {
			shuffled := slices.Clone(ns)
			rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			var parts []trace.Distribution
			for len(shuffled) > 0 {
				n := 1 + rng.IntN(len(shuffled))
				var d trace.Distribution
				d.Add(shuffled[:n]...)
				parts = append(parts, d)
				shuffled = shuffled[n:]
			}
			for len(parts) > 1 {
				i := rng.IntN(len(parts) - 1)
				last := len(parts) - 1
				before := parts[last]
				parts[i].Merge(&parts[last])
				if d := cmp.Diff(before, parts[last]); d != "" {
					t.Fatalf("Merge changed its argument:\n%s", d)
				}
				parts = parts[:last]
			}
			if d := cmp.Diff(want, parts[0]); d != "" {
				t.Fatalf("%s (-all at once +added up):\n%s", name, d)
			}
		}
	}
}

// TestStddevRounded: the standard deviation is the root of the variance rounded
// once, whether its integers fit a float64 or do not.
func TestStddevRounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, spread := range []int64{1, 100, 100_000, 10_000_000, 1_000_000_000} {
		for n := 2; n < 2000; n = n*3/2 + 1 {
			ns := make([]int64, n)
			mean := new(big.Rat)
			for i := range ns {
				ns[i] = 50_000 + rng.Int64N(spread)
				mean.Add(mean, big.NewRat(ns[i], int64(n)))
			}
			variance := new(big.Rat)
			for _, x := range ns {
				d := new(big.Rat).Sub(big.NewRat(x, 1), mean)
				variance.Add(variance, d.Mul(d, d))
			}
			v, _ := variance.Quo(variance, big.NewRat(int64(n-1), 1)).Float64()
			var d trace.Distribution
			d.Add(ns...)
			if got, want := d.Stddev(), math.Sqrt(v); got != want {
				t.Errorf("%d durations over %d ns: %v, want %v", n, spread, got, want)
			}
		}
	}
}

func TestDistributionEmpty(t *testing.T) {
	var d trace.Distribution
	d.Add()
	d.Merge(&trace.Distribution{})
	if d.Mean() != 0 || d.Stddev() != 0 || d.Quantile(0.5) != 0 || !d.Valid() {
		t.Errorf("%+v", d)
	}
	d.Add(-5)
	if d.N != 1 || d.Max != 0 || !d.Valid() {
		t.Errorf("a duration below 0 counts as 0: %+v", d)
	}
}

func TestDistributionValid(t *testing.T) {
	var good trace.Distribution
	good.Add(100, 300, 301, 5000)
	for reason, spoil := range map[string]func(d *trace.Distribution){
		"fewer than buckets":    func(d *trace.Distribution) { d.N-- },
		"more than buckets":     func(d *trace.Distribution) { d.N++ },
		"minimum above maximum": func(d *trace.Distribution) { d.Min, d.Max = d.Max, d.Min },
		"minimum in no bucket":  func(d *trace.Distribution) { d.Min = 99 },
		"maximum in no bucket":  func(d *trace.Distribution) { d.Max = 6000 },
		"negative sum":          func(d *trace.Distribution) { d.Sum = -1 },
		"no buckets":            func(d *trace.Distribution) { d.Buckets = nil },
		"buckets out of order": func(d *trace.Distribution) {
			d.Buckets[0].Index, d.Buckets[1].Index = d.Buckets[1].Index, d.Buckets[0].Index
		},
		"an empty bucket":            func(d *trace.Distribution) { d.Buckets[1].N = 0; d.N-- },
		"an empty one with a sum":    func(d *trace.Distribution) { *d = trace.Distribution{Sum: 1} },
		"an empty one with a bucket": func(d *trace.Distribution) { *d = trace.Distribution{Buckets: []trace.Bucket{{Index: 1, N: 1}}} },
	} {
		d := good
		d.Buckets = slices.Clone(good.Buckets)
		spoil(&d)
		if d.Valid() {
			t.Errorf("%s: valid", reason)
		}
	}
	if !good.Valid() {
		t.Error("the sound one is not valid")
	}
}
