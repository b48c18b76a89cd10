package align

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"gonum.org/v1/gonum/stat/distuv"
)

// resamples is the number of bootstrap resamples of a ratio.
const resamples = 1000

// A bootstrap resamples medians. Its draws are fixed by a seed, so that equal
// input gives an equal interval, and kept, since they depend on the number of
// values alone.
type bootstrap struct {
	mu    sync.Mutex
	draws map[[2]int][]ranks    // by number of values and side
	pairs map[[2]int]*resampled // by number of values of both sides
}

// ranks are the two ranks whose values' mean is the median of a resample.
type ranks struct{ lo, hi int32 }

// A resampling is the ranks that both medians of some resamples stand on, and how
// many resamples these are.
type resampling struct {
	x, y ranks
	n    int
}

// resampled is all resamples of two numbers of values, and of these the ones that
// the ends of the interval can be among, whatever the values.
type resampled struct {
	nx, ny         int
	all, low, high []resampling
}

func newBootstrap() *bootstrap {
	return &bootstrap{draws: map[[2]int][]ranks{}, pairs: map[[2]int]*resampled{}}
}

// ranks returns, for each resample with replacement of n values, the ranks
// that its median stands on.
//
// A resample need not be made to know its median: the order statistics of n
// uniform draws are beta-distributed, U(k) ~ Beta(k, n+1-k), and U(k+1) given
// U(k) is the least of n-k uniform draws above it (Devroye 1986, "Non-Uniform
// Random Variate Generation", chapter V). A draw u is the value of rank ⌊u·n⌋.
func (b *bootstrap) ranks(n, side int) []ranks {
	key := [2]int{n, side}
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

// resampled returns the resamples of nx and ny values.
func (b *bootstrap) resampled(nx, ny int) *resampled {
	key := [2]int{nx, ny}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r, ok := b.pairs[key]; ok {
		return r
	}
	x, y := b.ranks(nx, 0), b.ranks(ny, 1)
	r := &resampled{nx: nx, ny: ny}
	known := map[resampling]int{}
	for i := range resamples {
		of := resampling{x: x[i], y: y[i]}
		k, ok := known[of]
		if !ok {
			k, known[of] = len(r.all), len(r.all)
			r.all = append(r.all, of)
		}
		r.all[k].n++
	}
	r.low = lowest(r.all, nx, ny)
	// The greatest of x over y are the least of y over x.
	r.high = swapped(lowest(swapped(r.all), ny, nx))
	b.pairs[key] = r
	return r
}

// swapped returns resamples with x and y in each other's place.
func swapped(all []resampling) []resampling {
	out := make([]resampling, len(all))
	for i, r := range all {
		out[i] = resampling{r.y, r.x, r.n}
	}
	return out
}

// tail is how many of the least ratios, and of the greatest, the interval is told
// from: its ends lie between the last two of them.
const tail = resamples/40 + 1

// lowest returns those of the resamples of nx and ny values that can be among the
// tail least ratios of x over y.
//
// A ratio is no greater than another whose x stands on no lesser ranks and whose y
// on no greater ones. What has tail others that are no greater than it can be left
// out: with it or without, the least values are the same. Most are seen to have them
// by counting.
func lowest(all []resampling, nx, ny int) []resampling {
	// upTo[a][b], at first the resamples whose x stands on a at most and no less, and
	// whose y on b at least and no more, becomes those of less x or more y, too.
	own := make([][]int, nx)
	upTo := make([][]int, nx)
	for a := range own {
		own[a], upTo[a] = make([]int, ny), make([]int, ny)
	}
	for _, r := range all {
		own[r.x.hi][r.y.lo] += r.n
	}
	for a := range upTo {
		row := 0
		for b := ny - 1; b >= 0; b-- {
			row += own[a][b]
			upTo[a][b] = row
			if a > 0 {
				upTo[a][b] += upTo[a-1][b]
			}
		}
	}
	var kept []resampling
	for _, r := range all {
		// Of resamples that stand on the same ranks each is no greater than the other,
		// and they must not leave out one another.
		if upTo[r.x.lo][r.y.hi]-own[r.x.lo][r.y.hi] < tail {
			kept = append(kept, r)
		}
	}
	kept = minimal(kept)
	// In about the order of their ratios, as if values of like rank were alike.
	slices.SortStableFunc(kept, func(a, b resampling) int {
		return cmp.Compare(int(a.x.lo+a.x.hi)*ny-int(a.y.lo+a.y.hi)*nx, int(b.x.lo+b.x.hi)*ny-int(b.y.lo+b.y.hi)*nx)
	})
	return kept
}

// minimal returns those of some resamples that have no tail others whose x stands on
// no greater ranks and y on no lesser ones, each rank by itself.
func minimal(some []resampling) []resampling {
	noGreater := func(a, b *resampling) bool {
		return a.x.lo <= b.x.lo && a.x.hi <= b.x.hi && a.y.lo >= b.y.lo && a.y.hi >= b.y.hi
	}
	var kept []resampling
	for i := range some {
		less := -some[i].n // without itself
		for k := range some {
			if noGreater(&some[k], &some[i]) {
				less += some[k].n
			}
		}
		if less < tail {
			kept = append(kept, some[i])
		}
	}
	return kept
}

// resampleBits is how many bits tell resamples apart.
const resampleBits = 10

// Each resample must have a number of resampleBits.
var _ [1<<resampleBits - resamples]struct{}

// A ratioScratch is memory that intervals use again and again.
type ratioScratch struct {
	fewSorter[uint64]
	keys      [resamples]uint64
	resampled *resampled // of the last interval: most are of as many values
}

// ratio returns the 95 % interval of the ratio of two medians, x over y, by
// the percentile bootstrap (Efron 1979), resampling steps: the launches of
// one step share its clocks and caches and are not independent. x and y are
// the medians of steps, ascending.
func (b *bootstrap) ratio(x, y []float64, scratch *ratioScratch) (lo, hi float64) {
	r := scratch.resampled
	if r == nil || r.nx != len(x) || r.ny != len(y) {
		r = b.resampled(len(x), len(y))
		scratch.resampled = r
	}
	low, high := r.low, r.high
	if x[0] <= 0 || y[0] <= 0 {
		// What ratioOf says then is not always in order.
		low, high = r.all, r.all
	}
	_, _, part := quantileRanks(resamples, 0.025)
	inner, outer := scratch.least(low, x, y, 0)
	lo = outer + part*(inner-outer)
	_, _, part = quantileRanks(resamples, 0.975)
	inner, outer = scratch.least(high, x, y, ^uint64(0))
	return lo, inner + part*(outer-inner)
}

// least returns the last two of the tail least ratios of x over y, or of the tail
// greatest if flip is all ones: the inner is the less extreme one.
func (s *ratioScratch) least(some []resampling, x, y []float64, flip uint64) (inner, outer float64) {
	ratio := func(r *resampling) float64 { return ratioOf(x[r.x.lo]+x[r.x.hi], y[r.y.lo]+y[r.y.hi]) }
	// Ratios are above 0, and in the order of their bits, the last of which may say
	// whose they are. None matters that is greater than the first ones, which are
	// enough resamples and among the least mostly, see lowest.
	var bound uint64
	keys, n, first := s.keys[:len(some)], 0, 0
	for i := range some {
		r := &some[i]
		key := (math.Float64bits(ratio(r))^flip)&^(1<<resampleBits-1) | uint64(i)
		if first < tail {
			first += r.n
			bound = max(bound, key)
		}
		keys[n] = key
		n += int(b2u(key <= bound))
	}
	if n <= fewValues {
		s.sort(keys[:n])
	} else {
		slices.Sort(keys[:n])
	}
	at := func(k int) *resampling { return &some[keys[k]&(1<<resampleBits-1)] }
	k, seen := 0, at(0).n
	for seen < tail-1 {
		k++
		seen += at(k).n
	}
	outer = ratio(at(k))
	if seen < tail {
		k++
	}
	return ratio(at(k)), outer
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
