package align

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/mathext"
)

// A bootstrap tells how sure the ratio of two medians is: the 95 % interval of the
// percentile bootstrap (Efron 1979).
//
// No resample is drawn for it. The median of n values that are drawn with
// replacement from n is the value of a rank whose distribution depends on n alone:
// the part of the values that lie below is of a beta distribution, whose parameters
// both are (n+1)/2 (Maritz & Jarrett 1978, "A Note on Estimating the Variance of the
// Sample Median"; for even n Harrell & Davis 1982, "A New Distribution-Free Quantile
// Estimator"). Some quantiles of it stand for each median, and all pairs of them for
// the ratio. So equal input gives an equal interval, and for each pair of numbers of
// values the few pairs of ranks that can be its ends are known beforehand.
type bootstrap struct {
	mu    sync.Mutex
	lower map[[2]int][]rankPair // by number of values of both sides
}

// medianQuantiles is how many equally likely quantiles stand for a resampled median.
// The first of 20 is that of 2.5 %, so that the interval is exact where one side does
// not vary. Where both are normal it is 2 % too narrow, half of what 1000 resamples
// are uncertain by.
const medianQuantiles = 20

// tail is how many of all pairs of quantiles lie below the interval, up to its end
// and with it, or above it.
const tail = medianQuantiles * medianQuantiles / 40

// A rankPair is the ranks, from 0, of two resampled medians, and how many pairs of
// quantiles have them.
type rankPair struct{ x, y, n int }

func newBootstrap() *bootstrap { return &bootstrap{lower: map[[2]int][]rankPair{}} }

// medianRanks returns, by rank, how many of the quantiles of the median of n values
// have it.
func medianRanks(n int) []int {
	counts := make([]int, n)
	seen, shape := 0, float64(n+1)/2
	for rank := range counts {
		below := mathext.RegIncBeta(shape, shape, float64(rank+1)/float64(n))
		// Half a quantile is far from what rounding does to those of whole ones.
		upTo := int(math.Round(below * medianQuantiles))
		counts[rank], seen = upTo-seen, upTo
	}
	return counts
}

// lowerPairs returns the pairs of ranks of nx and ny values that can be among the
// tail least ratios of x over y.
//
// A ratio is no greater than another if its x is of no greater rank and its y of no
// lesser one. What has tail others that are no greater than it can be left out.
func (b *bootstrap) lowerPairs(nx, ny int) []rankPair {
	key := [2]int{nx, ny}
	b.mu.Lock()
	defer b.mu.Unlock()
	if pairs, ok := b.lower[key]; ok {
		return pairs
	}
	var pairs []rankPair
	x, y := medianRanks(nx), medianRanks(ny)
	upToX := 0
	for i, n := range x {
		upToX += n
		fromY := 0
		for k := ny - 1; k >= 0; k-- {
			fromY += y[k]
			if own := n * y[k]; own > 0 && upToX*fromY-own < tail {
				pairs = append(pairs, rankPair{i, k, own})
			}
		}
	}
	b.lower[key] = pairs
	return pairs
}

// pairBits is how many bits tell the pairs apart that lowerPairs returns, of which
// there are no more than tail/1 + tail/2 + ... + tail/tail.
const pairBits = 5

// A ratioScratch is memory that intervals use again and again.
type ratioScratch struct {
	keys   [1 << pairBits]uint64
	nx, ny int
	lower  []rankPair // of nx and ny values: most sites have as many
}

// ratio returns the 95 % interval of the ratio of two medians, x over y,
// resampling steps: the launches of one step share its clocks and caches and are not
// independent. x and y are the medians of steps, ascending.
func (b *bootstrap) ratio(x, y []float64, s *ratioScratch) (lo, hi float64) {
	if s.nx != len(x) || s.ny != len(y) {
		s.nx, s.ny, s.lower = len(x), len(y), b.lowerPairs(len(x), len(y))
	}
	keys := s.keys[:len(s.lower)]
	// Ratios are above 0, and in the order of their bits, the last of which may say
	// whose they are.
	key := func(ratio float64, i int) uint64 { return math.Float64bits(ratio)&^(1<<pairBits-1) | uint64(i) }
	for i, p := range s.lower {
		keys[i] = key(ratioOf(x[p.x], y[p.y]), i)
	}
	p := s.last(keys)
	lo = ratioOf(x[p.x], y[p.y])
	// The greatest ratios are the least of y over x, and ranks from above are as
	// likely as ranks from below.
	x0, y0 := len(x)-1, len(y)-1
	for i, p := range s.lower {
		keys[i] = key(ratioOf(y[y0-p.y], x[x0-p.x]), i)
	}
	p = s.last(keys)
	return lo, ratioOf(x[x0-p.x], y[y0-p.y])
}

// last returns the last one of the tail, given the keys of lower pairs, which it
// reorders. The least keys are found one after the other, by exchanges without a
// branch: there are fewer in the tail than it would take to sort all.
func (s *ratioScratch) last(keys []uint64) (p rankPair) {
	for seen := 0; len(keys) > 0 && seen < tail; keys = keys[1:] {
		least := keys[len(keys)-1]
		for i := len(keys) - 2; i >= 0; i-- {
			v := keys[i]
			keys[i+1] = max(least, v)
			least = min(least, v)
		}
		p = s.lower[least&(1<<pairBits-1)]
		seen += p.n
	}
	return p
}

// maxFiniteRatio is the greatest ratio, which also stands for that of something to
// nothing.
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
	return min(max(x/y, 1/maxFiniteRatio), maxFiniteRatio)
}
