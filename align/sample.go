package align

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// maxBlocks is the number of values that Sample.Steps keeps.
const maxBlocks = 64

// newSample summarises durations in nanoseconds, given in order of time and,
// with bounds, by step: step k is durations[bounds[k]:bounds[k+1]]. It sorts
// durations in place. bounds may be nil.
func newSample(durations []int64, bounds []int) *Sample {
	s := &Sample{N: len(durations)}
	if s.N == 0 {
		return s
	}
	if bounds != nil {
		s.Steps = blockMedians(durations, bounds)
	}
	slices.Sort(durations)
	s.MinNS, s.MaxNS = durations[0], durations[s.N-1]
	for _, d := range durations {
		s.TotalNS += d
	}
	s.MeanNS = float64(s.TotalNS) / float64(s.N)
	if s.N > 1 {
		var sq float64
		for _, d := range durations {
			dev := float64(d) - s.MeanNS
			sq += dev * dev
		}
		s.StddevNS = math.Sqrt(sq / float64(s.N-1))
	}
	s.MedianNS = quantile(durations, 0.5)
	s.P5NS = quantile(durations, 0.05)
	s.P95NS = quantile(durations, 0.95)
	if lo := medianRank(s.N); lo >= 0 {
		s.LoNS, s.HiNS = float64(durations[lo]), float64(durations[s.N-1-lo])
	}
	return s
}

// quantile returns the p-quantile of sorted values: linear interpolation
// between order statistics, type 7 of Hyndman & Fan 1996, "Sample Quantiles in
// Statistical Packages" (the default of R and NumPy). At 0.5 it is the median:
// the middle value, or the mean of the middle two.
func quantile[T int64 | float64](sorted []T, p float64) float64 {
	h := p * float64(len(sorted)-1)
	i := int(h)
	if i+1 >= len(sorted) {
		return float64(sorted[len(sorted)-1])
	}
	lo, hi := float64(sorted[i]), float64(sorted[i+1])
	return lo + (h-float64(i))*(hi-lo)
}

// median returns the median of values, which it sorts.
func median[T int64 | float64](values []T) float64 {
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
func blockMedians(durations []int64, bounds []int) []float64 {
	var steps []float64
	var buf []int64
	for k := 0; k+1 < len(bounds); k++ {
		d := durations[bounds[k]:bounds[k+1]]
		switch len(d) {
		case 0:
		case 1:
			steps = append(steps, float64(d[0]))
		default:
			buf = append(buf[:0], d...)
			steps = append(steps, median(buf))
		}
	}
	return blocks(steps)
}

// blocks reduces values to at most maxBlocks medians of runs of equal length,
// give or take one.
func blocks(values []float64) []float64 {
	if len(values) <= maxBlocks {
		return values
	}
	out := make([]float64, maxBlocks)
	for b := range out {
		run := values[b*len(values)/maxBlocks : (b+1)*len(values)/maxBlocks]
		out[b] = median(slices.Clone(run))
	}
	return out
}
