package align

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/aclements/go-moremath/stats"
	"gonum.org/v1/gonum/stat/distuv"
)

// resamples is the number of bootstrap resamples of a ratio.
const resamples = 1000

// A bootstrap resamples medians. Its draws are fixed by a seed, so that equal
// input gives an equal interval, and kept, since they depend on the number of
// values alone.
type bootstrap struct {
	mu    sync.Mutex
	draws map[[2]int][]ranks // by number of values and side
}

// ranks are the two ranks whose values' mean is the median of a resample.
type ranks struct{ lo, hi int32 }

func newBootstrap() *bootstrap { return &bootstrap{draws: map[[2]int][]ranks{}} }

// ranks returns, for each resample with replacement of n values, the ranks
// that its median stands on.
//
// A resample need not be made to know its median: the order statistics of n
// uniform draws are beta-distributed, U(k) ~ Beta(k, n+1-k), and U(k+1) given
// U(k) is the least of n-k uniform draws above it (Devroye 1986, "Non-Uniform
// Random Variate Generation", chapter V). A draw u is the value of rank ⌊u·n⌋.
func (b *bootstrap) ranks(n, side int) []ranks {
	key := [2]int{n, side}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, ok := b.draws[key]; ok {
		return r
	}
	rng := rand.New(rand.NewPCG(uint64(n), uint64(side)+1))
	r := make([]ranks, resamples)
	k := (n + 1) / 2
	beta := distuv.Beta{Alpha: float64(k), Beta: float64(n + 1 - k), Src: rng}
	rank := func(u float64) int32 { return int32(min(int(u*float64(n)), n-1)) }
	for i := range r {
		u := beta.Rand()
		r[i] = ranks{rank(u), rank(u)}
		if n%2 == 0 {
			v := u + (1-u)*(1-math.Pow(rng.Float64(), 1/float64(n-k)))
			r[i].hi = rank(v)
		}
	}
	b.draws[key] = r
	return r
}

// ratio returns the 95 % interval of the ratio of two medians, x over y, by
// the percentile bootstrap (Efron 1979), resampling steps: the launches of
// one step share its clocks and caches and are not independent. x and y are
// the medians of steps and are not changed.
func (b *bootstrap) ratio(x, y []float64) (lo, hi float64) {
	x, y = slices.Clone(x), slices.Clone(y)
	slices.Sort(x)
	slices.Sort(y)
	rx, ry := b.ranks(len(x), 0), b.ranks(len(y), 1)
	r := make([]float64, resamples)
	for i := range r {
		mx := (x[rx[i].lo] + x[rx[i].hi]) / 2
		my := (y[ry[i].lo] + y[ry[i].hi]) / 2
		r[i] = ratioOf(mx, my)
	}
	return selectQuantile(r, 0.025), selectQuantile(r, 0.975)
}

// maxFiniteRatio stands for the ratio of something to nothing.
const maxFiniteRatio = 1e9

// ratioOf returns x/y, finite: two durations of 0 are equal, and one of 0
// counts as far below any other.
func ratioOf(x, y float64) float64 {
	switch {
	case x == y:
		return 1
	case y <= 0:
		return maxFiniteRatio
	case x <= 0:
		return 1 / maxFiniteRatio
	}
	return x / y
}

// rankTest returns the two-sided p-value of the Mann-Whitney U test on the
// medians of steps, and false where it cannot be had.
func rankTest(x, y []float64) (float64, bool) {
	if len(x) < 2 || len(y) < 2 {
		return 0, false
	}
	t, err := stats.MannWhitneyUTest(x, y, stats.LocationDiffers)
	if err != nil || math.IsNaN(t.P) {
		return 0, false
	}
	return t.P, true
}
