package align

import "slices"

const (
	veryFew   = 16  // values that take less time to sort by exchanges
	fewValues = 256 // that a fewSorter sorts

	fewBuckets  = 1 << 9  // of a count
	manyValues  = 1 << 11 // from which on there are
	manyBuckets = 1 << 12
)

// duration32or64 is a duration in nanoseconds. Half the memory will do for most
// traces: 4.29 s are the longest of 32 bits.
type duration32or64 interface{ uint32 | int64 }

// orderStatistics puts into out the values of the given ranks, ascending and
// counted from 0, of values, which it may reorder.
//
// Values are counted by their high bits, and only the buckets that a rank falls into
// are looked at further: the time is linear, where sorting the durations of 10^8
// launches is most of a comparison's.
func orderStatistics[T duration32or64](values []T, ranks []int, out []T) {
	if len(values) <= veryFew {
		sortTop(values, len(values)-1)
		for k, r := range ranks {
			out[k] = values[r]
		}
		return
	}
	least, most := values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	orderBetween(values, least, most, ranks, out)
}

// orderBetween is orderStatistics for values whose least and greatest are known.
func orderBetween[T duration32or64](values []T, least, most T, ranks []int, out []T) {
	if least == most {
		for k := range ranks {
			out[k] = least
		}
		return
	}
	var few [fewBuckets]uint32 // on the stack
	counts := few[:]
	if len(values) > manyValues {
		counts = make([]uint32, manyBuckets)
	}
	shift := 0
	for (most-least)>>shift >= T(len(counts)) {
		shift++
	}
	for _, v := range values {
		counts[(v-least)>>shift]++
	}
	// The buckets that ranks lie in, and where their values go.
	type rankBucket struct {
		number, below int
		ranks, values interval
	}
	var memory [8]rankBucket
	buckets := memory[:0]
	below, number, size := 0, 0, 1
	for k := 0; k < len(ranks); {
		for below+int(counts[number]) <= ranks[k] {
			below += int(counts[number])
			number++
		}
		in := int(counts[number])
		b := rankBucket{number, below, interval{k, k}, interval{size, size + in}}
		for k < len(ranks) && ranks[k] < below+in {
			k++
		}
		b.ranks.end = k
		buckets = append(buckets, b)
		size += in
	}
	if shift == 0 {
		for _, b := range buckets {
			for i := b.ranks.start; i < b.ranks.end; i++ {
				out[i] = least + T(b.number)
			}
		}
		return
	}
	const wanted = 1 << 31 // in place of a count, with where the next value goes
	for _, b := range buckets {
		counts[b.number] = wanted | uint32(b.values.start)
	}
	in := make([]T, size)
	for _, v := range values {
		// What is not wanted goes to the first place, which takes less time than to
		// guess what is.
		c := &counts[(v-least)>>shift]
		is := *c / wanted
		in[*c&^wanted*is] = v
		*c += is
	}
	within := make([]int, len(ranks))
	for _, b := range buckets {
		for k := b.ranks.start; k < b.ranks.end; k++ {
			within[k] = ranks[k] - b.below
		}
		r := b.ranks
		orderStatistics(in[b.values.start:b.values.end], within[r.start:r.end], out[r.start:r.end])
	}
}

// medianOf returns the median of values, of which there is at least one and which
// it may reorder.
func medianOf[T duration32or64](values []T) float64 {
	switch {
	case len(values) <= unordered:
		return medianOfFew(values)
	case len(values) <= veryFew:
		// Of eight values, as many as a step has of a layer, half of the time that
		// selecting takes.
		sortTop(values, len(values)/2+1)
		return quantile(values, 0.5)
	case len(values) <= manyValues:
		return median(values)
	}
	i, j, part := quantileRanks(len(values), 0.5)
	var at [2]T
	orderStatistics(values, []int{i, j}, at[:])
	return float64(at[0]) + part*float64(at[1]-at[0])
}

// unordered is up to how many values have a median that is told without ordering them.
const unordered = 3

// medianOfFew returns the median of one value to unordered ones.
func medianOfFew[T duration32or64](values []T) float64 {
	a := values[0]
	switch len(values) {
	case 1:
		return float64(a)
	case 2:
		b := values[1]
		return quantile([]T{min(a, b), max(a, b)}, 0.5)
	}
	b, c := values[1], values[2]
	return float64(max(min(a, b), min(max(a, b), c)))
}

// selectQuantile returns the p-quantile of values, which it reorders. It sorts
// no more than it must.
func selectQuantile[T duration32or64 | float64](values []T, p float64) float64 {
	i, j, part := quantileRanks(len(values), p)
	return selectBetween(values, i, j, part)
}

// selectBetween returns what is that part of the way from the value of rank i to
// that of rank j, which is i or i+1. It reorders values.
func selectBetween[T duration32or64 | float64](values []T, i, j int, part float64) float64 {
	selectRank(values, i)
	lo, hi := values[i], values[i]
	if j > i {
		hi = slices.Min(values[j:])
	}
	return float64(lo) + part*(float64(hi)-float64(lo))
}

// selectRank reorders values so that the one of rank k, from 0, stands at k,
// none greater before it and none less after it (Hoare 1961, "Algorithm 65:
// Find").
func selectRank[T duration32or64 | float64](values []T, k int) {
	for len(values) > 1 {
		pivot := pivotOf(values)
		less := lessFirst(values, pivot)
		if k < less {
			values = values[:less]
			continue
		}
		values, k = values[less:], k-less
		equal := equalFirst(values, pivot)
		if k < equal {
			return
		}
		values, k = values[equal:], k-equal
	}
}

// pivotOf returns one of three values which is neither the least nor the greatest of
// them.
func pivotOf[T duration32or64 | float64](values []T) T {
	last := len(values) - 1
	a, b, c := values[0], values[last/2], values[last]
	return max(min(a, b), min(max(a, b), c))
}

// lessFirst puts the values less than pivot before the others, and returns how many
// there are. It takes no branch that the processor would guess wrong half of the time
// (Alexandrescu 2020, "Lomuto's Comeback").
func lessFirst[T duration32or64 | float64](values []T, pivot T) int {
	less := 0
	for i, v := range values {
		values[i] = values[less]
		values[less] = v
		less += int(b2u(v < pivot))
	}
	return less
}

// equalFirst is lessFirst for those equal to pivot, of values none of which is less.
func equalFirst[T duration32or64 | float64](values []T, pivot T) int {
	equal := 0
	for i, v := range values {
		values[i] = values[equal]
		values[equal] = v
		equal += int(b2u(v <= pivot))
	}
	return equal
}
