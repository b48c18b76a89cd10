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
	below, bucket := 0, 0
	for k := 0; k < len(ranks); {
		for below+int(counts[bucket]) <= ranks[k] {
			below += int(counts[bucket])
			bucket++
		}
		n := k
		for n < len(ranks) && ranks[n] < below+int(counts[bucket]) {
			n++
		}
		if shift == 0 {
			for i := k; i < n; i++ {
				out[i] = least + T(bucket)
			}
		} else {
			in := make([]T, 0, counts[bucket])
			for _, v := range values {
				if (v-least)>>shift == T(bucket) {
					in = append(in, v)
				}
			}
			within := make([]int, n-k)
			for i := range within {
				within[i] = ranks[k+i] - below
			}
			orderStatistics(in, within, out[k:n])
		}
		k = n
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
// Find").
func selectRank[T duration32or64 | float64](values []T, k int) {
	lo, hi := 0, len(values)-1
	for lo < hi {
		a, b, c := values[lo], values[lo+(hi-lo)/2], values[hi]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := lo, hi
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return
		}
	}
}
