package trace

import (
	"math"
	"math/big"
	"math/bits"
	"slices"
)

// A Distribution is durations by how often they occur: exact in number, sum,
// extremes and standard deviation, within [MaxQuantileError] in its quantiles.
// Distributions add up: that of two sets of durations together is the same
// whichever way it is reached. The zero value is empty.
type Distribution struct {
	N        int64
	Sum      int64 // ns
	Min, Max int64 // ns; both 0 if empty
	// SquareHi and SquareLo are the high and low 64 bits of the sum of
	// squares, ns².
	SquareHi, SquareLo uint64
	Buckets            []Bucket // ascending, each with durations in it
}

// A Bucket counts the durations of one interval: bucket i < 256 holds the
// duration of i nanoseconds, and beyond that each power of two has 128 buckets
// of equal width.
type Bucket struct {
	Index int
	N     int64
}

const (
	bucketBits = 7 // buckets to a power of two, as a power of two
	// NumBuckets bounds Bucket.Index: no duration has a greater one.
	NumBuckets = (64 - bucketBits) << bucketBits
)

// MaxQuantileError is how far a quantile of a [Distribution] may be from that
// of its durations, relative to it: a bucket is 1/128 of its lower bound wide
// at most, and its middle stands for it.
const MaxQuantileError = 1.0 / 256

// bucketOf returns the bucket of a duration of at least 0.
func bucketOf(d int64) int {
	shift := max(bits.Len64(uint64(d))-bucketBits-1, 0)
	return shift<<bucketBits + int(d>>shift)
}

// middle returns the middle of a bucket.
func middle(bucket int) float64 {
	shift := max(bucket>>bucketBits-1, 0)
	low := float64(bucket-shift<<bucketBits) * float64(uint64(1)<<shift)
	return low + float64(uint64(1)<<shift-1)/2
}

// Add counts durations, in nanoseconds, of which one below 0 counts as 0. It
// is fast for many at a time.
func (d *Distribution) Add(ns ...int64) {
	sorted := slices.Clone(ns)
	slices.Sort(sorted)
	var e Distribution
	for _, x := range sorted {
		x = max(x, 0)
		hi, lo := bits.Mul64(uint64(x), uint64(x))
		e.addMoments(&Distribution{N: 1, Sum: x, Min: x, Max: x, SquareHi: hi, SquareLo: lo})
		b := bucketOf(x)
		if n := len(e.Buckets); n == 0 || e.Buckets[n-1].Index != b {
			e.Buckets = append(e.Buckets, Bucket{Index: b})
		}
		e.Buckets[len(e.Buckets)-1].N++
	}
	d.Merge(&e)
}

// Merge adds the durations of another distribution, which is not changed.
func (d *Distribution) Merge(e *Distribution) {
	if e.N == 0 {
		return
	}
	d.addMoments(e)
	merged := make([]Bucket, 0, max(len(d.Buckets), len(e.Buckets)))
	for i, j := 0, 0; i < len(d.Buckets) || j < len(e.Buckets); {
		switch {
		case j == len(e.Buckets) || i < len(d.Buckets) && d.Buckets[i].Index < e.Buckets[j].Index:
			merged = append(merged, d.Buckets[i])
			i++
		case i == len(d.Buckets) || e.Buckets[j].Index < d.Buckets[i].Index:
			merged = append(merged, e.Buckets[j])
			j++
		default:
			merged = append(merged, Bucket{d.Buckets[i].Index, d.Buckets[i].N + e.Buckets[j].N})
			i, j = i+1, j+1
		}
	}
	d.Buckets = merged
}

func (d *Distribution) addMoments(e *Distribution) {
	if d.N == 0 {
		d.Min, d.Max = e.Min, e.Max
	}
	d.N += e.N
	d.Sum += e.Sum
	d.Min, d.Max = min(d.Min, e.Min), max(d.Max, e.Max)
	var carry uint64
	d.SquareLo, carry = bits.Add64(d.SquareLo, e.SquareLo, 0)
	d.SquareHi, _ = bits.Add64(d.SquareHi, e.SquareHi, carry)
}

// Mean returns the mean in nanoseconds, 0 if there are no durations.
func (d *Distribution) Mean() float64 {
	if d.N == 0 {
		return 0
	}
	return float64(d.Sum) / float64(d.N)
}

// Stddev returns the standard deviation with n-1, in nanoseconds; 0 for less
// than two durations.
func (d *Distribution) Stddev() float64 {
	if d.N < 2 {
		return 0
	}
	// (n·Σx² - (Σx)²) / (n·(n-1)), whose difference cancels: in integers.
	if v, ok := d.variance64(); ok {
		return math.Sqrt(v)
	}
	n, sum := big.NewInt(d.N), big.NewInt(d.Sum)
	squares := new(big.Int).SetUint64(d.SquareHi)
	squares.Lsh(squares, 64).Add(squares, new(big.Int).SetUint64(d.SquareLo))
	num := new(big.Int).Mul(n, squares)
	num.Sub(num, sum.Mul(sum, sum))
	den := new(big.Int).Mul(n, big.NewInt(d.N-1))
	v, _ := new(big.Rat).SetFrac(num, den).Float64()
	return math.Sqrt(max(v, 0))
}

// variance64 returns the variance if it is the quotient of two integers that a
// float64 has exactly, so that it is rounded once, as the quotient of great ones is.
func (d *Distribution) variance64() (v float64, ok bool) {
	const exact = 1 << 53
	n := uint64(d.N)
	if d.SquareHi > 0 || d.Sum < 0 || n > 1<<26 {
		return 0, false
	}
	// Of real durations n·Σx² is no less than (Σx)²; otherwise hi is great here.
	hi, lo := bits.Mul64(n, d.SquareLo)
	sumHi, sumLo := bits.Mul64(uint64(d.Sum), uint64(d.Sum))
	lo, borrow := bits.Sub64(lo, sumLo, 0)
	hi, _ = bits.Sub64(hi, sumHi, borrow)
	if hi > 0 || lo > exact {
		return 0, false
	}
	return float64(lo) / float64(n*(n-1)), true
}

// Quantile returns the p-quantile in nanoseconds, 0 ≤ p ≤ 1, by linear
// interpolation between order statistics as align's samples have it (type 7
// of Hyndman & Fan 1996); 0 if there are no durations. The extremes are exact.
func (d *Distribution) Quantile(p float64) float64 {
	if d.N == 0 {
		return 0
	}
	h := p * float64(d.N-1)
	k := int64(h)
	low := d.Rank(k)
	if k+1 >= d.N || h == float64(k) {
		return low
	}
	return low + (h-float64(k))*(d.Rank(k+1)-low)
}

// Rank returns the duration of rank k from 0, in nanoseconds: the middle of
// its bucket, within the extremes.
func (d *Distribution) Rank(k int64) float64 {
	switch {
	case k <= 0:
		return float64(d.Min)
	case k >= d.N-1:
		return float64(d.Max)
	}
	for _, b := range d.Buckets {
		if k -= b.N; k < 0 {
			return min(max(middle(b.Index), float64(d.Min)), float64(d.Max))
		}
	}
	return float64(d.Max)
}

// Valid reports whether the figures of a distribution, read from somewhere,
// agree with each other.
func (d *Distribution) Valid() bool {
	if d.N == 0 {
		return d.Sum == 0 && d.Min == 0 && d.Max == 0 && d.SquareHi == 0 && d.SquareLo == 0 && len(d.Buckets) == 0
	}
	if d.N < 0 || d.Sum < 0 || d.Min < 0 || d.Min > d.Max || len(d.Buckets) == 0 {
		return false
	}
	if d.Buckets[0].Index != bucketOf(d.Min) || d.Buckets[len(d.Buckets)-1].Index != bucketOf(d.Max) {
		return false
	}
	left, last := d.N, -1
	for _, b := range d.Buckets {
		if b.Index <= last || b.N <= 0 || b.N > left {
			return false
		}
		left, last = left-b.N, b.Index
	}
	return left == 0
}
