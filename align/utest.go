package align

import (
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/stat/distuv"
)

// A uTest is the Mann-Whitney U test, which tells whether one of two samples
// tends to have the larger values (Mann and Whitney 1947, "On a Test of Whether
// one of Two Random Variables is Stochastically Larger than the Other", Annals of
// Mathematical Statistics 18). The zero value is ready.
//
// Medians of short kernels are full of ties, since the timers that their times
// come from are coarse, and with ties every pair of samples has a distribution of
// its own. To work that out takes milliseconds in the libraries that do, and a
// report may have tens of thousands of sites.
type uTest struct {
	mu      sync.Mutex
	without map[[2]int][]float64 // by the sizes: the distribution where no values tie
}

// The exact distribution is used where the product of the sizes is no larger. Beyond,
// the normal approximation is close, since both samples are large enough: Sample.Steps
// has maxBlocks at most. With ties it takes 0.1 ms for 25 and 25 values.
const (
	maxExact     = 50 * 50
	maxExactTied = 25 * 25
)

// p returns the two-sided p-value of two samples in ascending order, and false
// where it cannot be had: of fewer than two values a side, or all of them equal,
// or not all of them numbers.
func (t *uTest) p(x, y []float64) (float64, bool) {
	if len(x) < 2 || len(y) < 2 {
		return 0, false
	}
	if math.IsNaN(x[0] + x[len(x)-1] + y[0] + y[len(y)-1]) { // they are sorted to one end
		return 0, false
	}
	ties, u := uOf(x, y)
	if len(ties) == 1 {
		return 0, false
	}
	nx, ny, all := len(x), len(y), 2*len(x)*len(y)
	if nx > ny { // the smaller sample takes the smaller tables
		nx, ny, u = ny, nx, all-u
	}
	if 2*u > all { // the same of values of the other sign
		u = all - u
		slices.Reverse(ties)
	}
	tied := len(ties) < nx+ny
	switch {
	case !tied && nx*ny <= maxExact:
		return min(1, 2*t.untied(nx, ny)[u/2]), true
	case tied && nx*ny <= maxExactTied:
		below, above := uDistribution(nx, ties, u, 1), 1.0
		if u > 0 {
			above -= below[u-1] // of a distribution that ties have skewed, the lesser of both tails
		}
		return min(1, 2*below[u], 2*above), true
	}
	return approximateP(nx, ny, ties, u), true
}

// least returns the least p-value that there can be of the values of two samples,
// if they were divided otherwise into samples of these sizes, and false where it
// cannot be had.
func (t *uTest) least(x, y []float64) (float64, bool) {
	all := slices.Concat(x, y)
	slices.Sort(all)
	low, ok := t.p(all[:len(x)], all[len(x):])
	high, _ := t.p(all[len(y):], all[:len(y)])
	return min(low, high), ok
}

// uOf returns how many values of both samples, which are in ascending order, are
// equal to each other, from the least on, and twice the U of x: the number of pairs
// in which x is larger, those in which both are equal counted half.
func uOf(x, y []float64) (ties []int, u int) {
	ties = make([]int, 0, len(x)+len(y))
	for i, j := 0, 0; i < len(x) || j < len(y); {
		fromX, fromY := i, j
		v := math.Inf(1)
		if i < len(x) {
			v = x[i]
		}
		if j < len(y) {
			v = min(v, y[j])
		}
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		u += (i - fromX) * (fromY + j)
		ties = append(ties, i-fromX+j-fromY)
	}
	return ties, u
}

// untied returns, by U, the probability of at most that U for samples of these
// sizes without ties, up to the middle of the distribution.
func (t *uTest) untied(nx, ny int) []float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := [2]int{nx, ny}
	if d := t.without[key]; d != nil {
		return d
	}
	ties := make([]int, nx+ny)
	for i := range ties {
		ties[i] = 1
	}
	if t.without == nil {
		t.without = map[[2]int][]float64{}
	}
	d := uDistribution(nx, ties, nx*ny/2, 2)
	t.without[key] = d
	return d
}

// uDistribution returns, from 0 to most, the probability of at most that U, if any
// nx of the values were the first sample's. U is in units of half a pair, or of unit
// halves.
//
// The ways to choose are counted from the least values on: of those that are
// equal, choosing k adds to U the pairs with smaller values of the second sample,
// and half of those among each other (Klotz 1966, "The Wilcoxon, Ties, and the
// Computer", Journal of the American Statistical Association 61).
func uDistribution(nx int, ties []int, most, unit int) []float64 {
	ways := make([][]float64, nx+1) // by how many are chosen, and U
	cells := make([]float64, (nx+1)*(most+1))
	ends := make([]interval, nx+1) // of the U that there are ways to
	for k := range ways {
		ways[k] = cells[k*(most+1) : (k+1)*(most+1)]
	}
	ways[0][0], ends[0] = 1, interval{0, 1}
	before, all := 0, 0
	for _, tie := range ties {
		all += tie
	}
	for _, tie := range ties {
		n := before + tie
		for k := min(nx, n); k >= max(1, nx-all+n); k-- {
			// Those still to be chosen are above all of the second sample so far.
			room := most + 1 - 2*(nx-k)*(n-k)/unit
			end := &ends[k]
			for j := max(1, k-before); j <= min(k, tie); j++ {
				// k-j of the values before are of the first sample already.
				add := (2*j*(before-k+j) + j*(tie-j)) / unit
				from := ends[k-j]
				from.end = min(from.end, room-add)
				if from.start >= from.end {
					continue
				}
				to, choices := ways[k][from.start+add:from.end+add], choose(tie, j)
				for i, w := range ways[k-j][from.start:from.end] {
					to[i] += choices * w
				}
				if end.start == end.end {
					end.start = from.start + add
				}
				end.start, end.end = min(end.start, from.start+add), max(end.end, from.end+add)
			}
		}
		before = n
	}
	out := ways[nx]
	sum, pairs := 0.0, choose(all, nx)
	for u := range out {
		sum += out[u]
		out[u] = sum / pairs
	}
	return out
}

// choose returns the number of ways to choose k of n.
func choose(n, k int) float64 {
	c := 1.0
	for i := range min(k, n-k) {
		c = c * float64(n-i) / float64(i+1)
	}
	return math.Round(c)
}

// approximateP returns the p-value of twice a U in the lower half by the normal
// approximation, corrected for ties and for continuity.
func approximateP(nx, ny int, ties []int, u int) float64 {
	t := 0
	for _, tie := range ties {
		t += tie*tie*tie - tie
	}
	pairs, n := float64(nx*ny), float64(nx+ny)
	sigma := math.Sqrt(pairs / 12 * (n + 1 - float64(t)/(n*(n-1))))
	z := (float64(u)/2 + 0.5 - pairs/2) / sigma
	return min(1, 2*distuv.UnitNormal.CDF(z))
}
