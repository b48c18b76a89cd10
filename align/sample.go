package align

import (
	"math/bits"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
	"gonum.org/v1/gonum/stat/distuv"
)

// maxBlocks is the number of values that Sample.Steps keeps.
const maxBlocks = 64

// newSample summarises durations in nanoseconds, which it may reorder. steps
// becomes Sample.Steps, as blocks or blockMedians returned it.
func newSample[T duration32or64](durations []T, steps []float64) *Sample {
	s := new(Sample)
	fillSample(s, durations, steps, newSampleRanks(len(durations)), new(fewSorter[T]))
	return s
}

// fillSample makes s what newSample returns, given the ranks of so many durations.
func fillSample[T duration32or64](s *Sample, durations []T, steps []float64, ranks *sampleRanks, sorter *fewSorter[T]) {
	s.N = len(durations)
	if s.N == 0 {
		return
	}
	s.Steps = steps
	least, most := durations[0], durations[0]
	var t tally
	for _, d := range durations {
		least, most = min(least, d), max(most, d)
		t.add(uint64(d))
	}
	s.MinNS, s.MaxNS = int64(least), int64(most)
	t.into(s)
	if s.N <= maxBlocks {
		if !slices.IsSorted(durations) {
			sorter.sort(durations)
		}
		s.setRanks(ranks, func(rank int) float64 { return float64(durations[rank]) })
		return
	}
	values := make([]T, len(ranks.ascending))
	orderBetween(durations, least, most, ranks.ascending, values)
	s.setRanks(ranks, func(rank int) float64 { return float64(values[ranks.index(rank)]) })
}

// A tally sums durations. Sums in integers are the same in any order, and as a
// summary has them. With more fields it would not be kept in registers.
type tally struct {
	total              int64
	squareHi, squareLo uint64
}

func (t *tally) add(d uint64) {
	t.total += int64(d)
	hi, lo := bits.Mul64(d, d)
	var carry uint64
	t.squareLo, carry = bits.Add64(t.squareLo, lo, 0)
	t.squareHi += hi + carry
}

// merge adds what another tally has.
func (t *tally) merge(o *tally) {
	t.total += o.total
	var carry uint64
	t.squareLo, carry = bits.Add64(t.squareLo, o.squareLo, 0)
	t.squareHi += o.squareHi + carry
}

// into puts what the N durations of a sample add up to into it.
func (t *tally) into(s *Sample) {
	sums := trace.Distribution{N: int64(s.N), Sum: t.total, SquareHi: t.squareHi, SquareLo: t.squareLo}
	s.TotalNS = t.total
	s.MeanNS = float64(s.TotalNS) / float64(s.N)
	s.StddevNS = sums.Stddev()
}

// sampleQuantiles are those of a Sample.
var sampleQuantiles = [...]float64{0.05, 0.5, 0.95}

// sampleRanks are the ranks, from 0, that the quantiles of n durations are made of
// and that bound their median.
type sampleRanks struct {
	n         int
	ascending []int
	lo        int // see medianRank
}

func newSampleRanks(n int) *sampleRanks {
	r := &sampleRanks{n: n, ascending: make([]int, 0, 2*len(sampleQuantiles)+2), lo: medianRank(n)}
	for _, p := range sampleQuantiles {
		i, j, _ := quantileRanks(n, p)
		r.ascending = append(r.ascending, i, j)
	}
	if r.lo >= 0 {
		r.ascending = append(r.ascending, r.lo, n-1-r.lo)
	}
	slices.Sort(r.ascending)
	return r
}

// index returns where a rank is among the ascending ones.
func (r *sampleRanks) index(rank int) int {
	k, _ := slices.BinarySearch(r.ascending, rank)
	return k
}

// setRanks fills in the quantiles of a sample, given the duration of each of their
// ranks.
func (s *Sample) setRanks(ranks *sampleRanks, at func(rank int) float64) {
	for k, to := range []*float64{&s.P5NS, &s.MedianNS, &s.P95NS} {
		i, j, part := quantileRanks(s.N, sampleQuantiles[k])
		*to = at(i) + part*(at(j)-at(i))
	}
	if ranks.lo >= 0 {
		s.LoNS, s.HiNS = at(ranks.lo), at(s.N-1-ranks.lo)
	}
}

// quantileRanks returns the two ranks of n values that their p-quantile lies
// between, and which part of the way it is from one to the other: linear
// interpolation between order statistics, type 7 of Hyndman & Fan 1996, "Sample
// Quantiles in Statistical Packages" (the default of R and NumPy). At 0.5 it is
// the median: the middle value, or the mean of the middle two.
func quantileRanks(n int, p float64) (i, j int, part float64) {
	h := p * float64(n-1)
	i = int(h)
	return i, min(i+1, n-1), h - float64(i)
}

// quantile returns the p-quantile of sorted values.
func quantile[T duration32or64 | float64](sorted []T, p float64) float64 {
	i, j, part := quantileRanks(len(sorted), p)
	lo, hi := float64(sorted[i]), float64(sorted[j])
	return lo + part*(hi-lo)
}

// median returns the median of values, which it reorders.
func median[T duration32or64 | float64](values []T) float64 { return selectQuantile(values, 0.5) }

// medianRank returns the rank, from 0, of the order statistic that with its
// mirror image bounds the median with confidence of at least 95 % (Conover
// 1999, "Practical Nonparametric Statistics", section 3.2), or -1 where n is
// too small, below 6, for any.
//
// The interval of ranks r and n-1-r misses the median with probability
// 2·P(X ≤ r), where X is binomial with n trials of probability 1/2.
func medianRank(n int) int {
	if n < 6 {
		return -1
	}
	x := distuv.Binomial{N: float64(n), P: 0.5}
	lo, hi := 0, n/2 // P(X ≤ lo) ≤ 2.5 % < P(X ≤ hi)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; x.CDF(float64(mid)) <= 0.025 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// blockMedians returns the median of each step that has launches, given
// durations in order of time: step k is durations[bounds[k]:bounds[k+1]]. More
// than maxBlocks steps are taken together in blocks of consecutive steps, each the
// median of its steps' medians: blocks keep what drift and correlation of
// neighbouring steps there is.
func blockMedians[T duration32or64](durations []T, bounds []uint32) []float64 {
	n := 0 // steps that have launches
	for k := 1; k < len(bounds); k++ {
		if bounds[k] > bounds[k-1] {
			n++
		}
	}
	var own []T
	next := 0
	return inBlocks(n, func() float64 {
		for bounds[next] == bounds[next+1] {
			next++
		}
		d := durations[bounds[next]:bounds[next+1]]
		next++
		if len(d) == 1 {
			return float64(d[0])
		}
		own = append(own[:0], d...)
		return medianOf(own)
	})
}

// blocks is blockMedians of steps of one value each: it reduces values to at most
// maxBlocks medians of runs of equal length, give or take one.
func blocks[T duration32or64](values []T) []float64 {
	out := make([]float64, min(len(values), maxBlocks))
	if len(out) == len(values) {
		for b, v := range values {
			out[b] = float64(v)
		}
		return out
	}
	var own []T
	from := 0
	for b := range out {
		to := (b + 1) * len(values) / maxBlocks
		run := values[from:to]
		from = to
		if len(run) > unordered {
			own = append(own[:0], run...)
			run = own
		}
		out[b] = medianOf(run)
	}
	return out
}

// inBlocks reduces n values, which next returns one after the other, as blocks
// does.
func inBlocks(n int, next func() float64) []float64 {
	out := make([]float64, min(n, maxBlocks))
	var own []float64
	for b := range out {
		own = own[:0]
		for range (b+1)*n/len(out) - b*n/len(out) {
			own = append(own, next())
		}
		out[b] = median(own)
	}
	return out
}
