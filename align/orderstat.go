package align

import "slices"

const (
	veryFew     = 16      // values that take less time to sort without a branch
	fewValues   = 256     // that are sorted rather than counted
	rankBuckets = 1 << 12 // of a count
)

// duration32or64 is a duration in nanoseconds. Half the memory will do for most
// traces: 4.29 s are the longest of 32 bits.
type duration32or64 interface{ uint32 | int64 }

// orderStatistics puts into out the values of the given ranks, ascending and
// counted from 0, of values, which it may reorder.
//
// Few values are sorted. Many are counted by their high bits, and only the
// buckets that a rank falls into are looked at further: the time is linear,
// where sorting the durations of 10^8 launches is most of a comparison's.
func orderStatistics[T duration32or64](values []T, ranks []int, out []T) {
	if len(values) <= fewValues {
		new(fewSorter[T]).sort(values)
		for k, r := range ranks {
			out[k] = values[r]
		}
		return
	}
	least, most := values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	if least == most {
		for k := range ranks {
			out[k] = least
		}
		return
	}
	shift := 0
	for (most-least)>>shift >= rankBuckets {
		shift++
	}
	var counts [rankBuckets]uint32 // on the stack
	for _, v := range values {
		counts[(v-least)>>shift]++
	}
	// The buckets that ranks lie in, and where their values go.
	type rankBucket struct {
		number, below int
		ranks, values interval
	}
	var buckets []rankBucket
	below, number, size := 0, 0, 0
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
		if c := &counts[(v-least)>>shift]; *c >= wanted {
			in[*c&^wanted] = v
			*c++
		}
	}
	for _, b := range buckets {
		within := make([]int, b.ranks.end-b.ranks.start)
		for i := range within {
			within[i] = ranks[b.ranks.start+i] - b.below
		}
		orderStatistics(in[b.values.start:b.values.end], within, out[b.ranks.start:b.ranks.end])
	}
}

// medianOf returns the median of values, of which there is at least one and which
// it may reorder.
func medianOf[T duration32or64](values []T) float64 {
	switch {
	case len(values) <= veryFew:
		// Of eight values, as many as a step has of a layer, half of the time that
		// selecting takes.
		sortTop(values, len(values)/2+1)
		return quantile(values, 0.5)
	case len(values) <= fewValues:
		return selectQuantile(values, 0.5)
	}
	i, j, part := quantileRanks(len(values), 0.5)
	var at [2]T
	orderStatistics(values, []int{i, j}, at[:])
	return float64(at[0]) + part*float64(at[1]-at[0])
}

// selectQuantile returns the p-quantile of values, which it reorders. It sorts
// no more than it must: of thousands of sites, each with its resamples, sorting
// would be most of the time.
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
// Find"). It divides them without a branch that the processor would guess wrong
// half of the time (Alexandrescu 2020, "Lomuto's Comeback").
func selectRank[T duration32or64 | float64](values []T, k int) {
	for len(values) > 1 {
		last := len(values) - 1
		a, b, c := values[0], values[last/2], values[last]
		pivot := max(min(a, b), min(max(a, b), c))
		less := 0
		for i, v := range values {
			values[i] = values[less]
			values[less] = v
			less += int(b2u(v < pivot))
		}
		if k < less {
			values = values[:less]
			continue
		}
		values, k = values[less:], k-less
		equal := 0
		for i, v := range values {
			values[i] = values[equal]
			values[equal] = v
			equal += int(b2u(v <= pivot))
		}
		if k < equal {
			return
		}
		values, k = values[equal:], k-equal
	}
}
