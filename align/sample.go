package align

import (
	"math/bits"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
	"gonum.org/v1/gonum/stat/distuv"
)

// maxBlocks is the number of values that Sample.Steps keeps.
const maxBlocks = 64

// newSample summarises durations in nanoseconds, given in order of time and,
// with bounds, by step: step k is durations[bounds[k]:bounds[k+1]]. It may
// reorder durations. bounds may be nil.
func newSample[T duration32or64](durations []T, bounds []int) *Sample {
	s := &Sample{N: len(durations)}
	if s.N == 0 {
		return s
	}
	if bounds != nil {
		s.Steps = blockMedians(durations, bounds)
	}
	least, most := durations[0], durations[0]
	// Sums in integers are the same in any order, and as a summary has them.
	sums := trace.Distribution{N: int64(s.N)}
	for _, d := range durations {
		s.TotalNS += int64(d)
		least, most = min(least, d), max(most, d)
		hi, lo := bits.Mul64(uint64(d), uint64(d))
		var carry uint64
		sums.SquareLo, carry = bits.Add64(sums.SquareLo, lo, 0)
		sums.SquareHi += hi + carry
	}
	s.MinNS, s.MaxNS = int64(least), int64(most)
	sums.Sum = s.TotalNS
	s.MeanNS = float64(s.TotalNS) / float64(s.N)
	s.StddevNS = sums.Stddev()
	ranks := make([]int, 0, 8)
	quantiles := []float64{0.05, 0.5, 0.95}
	for _, p := range quantiles {
		i, j, _ := quantileRanks(s.N, p)
		ranks = append(ranks, i, j)
	}
	lo := medianRank(s.N)
	if lo >= 0 {
		ranks = append(ranks, lo, s.N-1-lo)
	}
	slices.Sort(ranks)
	values := make([]T, len(ranks))
	orderStatistics(durations, ranks, values)
	at := func(rank int) float64 {
		k, _ := slices.BinarySearch(ranks, rank)
		return float64(values[k])
	}
	for k, to := range []*float64{&s.P5NS, &s.MedianNS, &s.P95NS} {
		i, j, part := quantileRanks(s.N, quantiles[k])
		*to = at(i) + part*(at(j)-at(i))
	}
	if lo >= 0 {
		s.LoNS, s.HiNS = at(lo), at(s.N-1-lo)
	}
	return s
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

// median returns the median of values, which it sorts.
func median[T duration32or64 | float64](values []T) float64 {
	slices.Sort(values)
	return quantile(values, 0.5)
}

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

// blockMedians returns the median of each step that has launches. More than
// maxBlocks steps are taken together in blocks of consecutive steps, each the
// median of its steps' medians: blocks keep what drift and correlation of
// neighbouring steps there is.
func blockMedians[T duration32or64](durations []T, bounds []int) []float64 {
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
		return median(own)
	})
}

// blocks reduces values to at most maxBlocks medians of runs of equal length,
// give or take one.
func blocks(values []int64) []float64 {
	i := -1
	return inBlocks(len(values), func() float64 {
		i++
		return float64(values[i])
	})
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
		out[b] = selectQuantile(own, 0.5)
	}
	return out
}
