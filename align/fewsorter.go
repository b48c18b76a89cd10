package align

import "math/bits"

// A whole number is what a fewSorter sorts.
type whole interface{ duration32or64 | uint64 }

// A fewSorter sorts up to fewValues numbers in a third to a fifth of the time of
// slices.Sort, which takes branches that the processor guesses wrong half of the
// time. Its memory is used again by the next sorting.
type fewSorter[T whole] struct{ one, other [fewValues]T }

// Places are told by 8 bits, so that no place need be checked.
var _ [1<<8 - fewValues]struct{}

// mostByExchange is up to how many numbers runs have that are sorted by exchanges.
const mostByExchange = 6

// sort sorts values, of which there are no more than fewValues, in ascending order.
//
// Runs of equal length are merged, two by two, each pair from both ends at once:
// neither half can run out before the two ends meet (Peters 2021, "quadsort",
// github.com/scandum/quadsort, "parity merge").
func (s *fewSorter[T]) sort(values []T) {
	n := len(values)
	if n < 2 {
		return
	}
	doublings := bits.Len(uint((n - 1) / mostByExchange))
	run := (n + 1<<doublings - 1) >> doublings
	all := run << doublings
	from, to := &s.one, &s.other
	copy(from[:], values)
	if all > n {
		// What the runs lack to be of one length comes last.
		top := values[0]
		for _, v := range values {
			top = max(top, v)
		}
		for i := n; i < all; i++ {
			from[i] = top
		}
	}
	for at := 0; at < all; at += run {
		sortTop(from[at:at+run], run-1)
	}
	for ; run < all; run *= 2 {
		for at := 0; at < all; at += 2 * run {
			mergeRuns(to, from, uint8(at), uint8(run))
		}
		from, to = to, from
	}
	copy(values, from[:])
}

// sortTop puts the n greatest of values where they belong in ascending order. It
// moves one after the other of the greatest to the end, without a branch.
func sortTop[T whole](values []T, n int) {
	for last := len(values) - 1; last >= len(values)-n; last-- {
		greatest := values[0]
		for i := 1; i <= last; i++ {
			v := values[i]
			values[i-1] = min(greatest, v)
			greatest = max(greatest, v)
		}
		values[last] = greatest
	}
}

// mergeRuns merges two ascending runs of n values, the first of which begins at at,
// the second where it ends.
func mergeRuns[T whole](out, in *[fewValues]T, at, n uint8) {
	mid := at + n
	low, high := mid, mid+n-1 // the next of the second run, from below and from above
	end := high
	for begin := at; begin != mid; begin++ {
		a, b := in[begin+mid-low], in[low]
		out[begin] = min(a, b)
		low += b2u(b < a)
		a, b = in[end+mid-1-high], in[high]
		out[end] = max(a, b)
		high -= b2u(b >= a)
		end--
	}
}

// b2u returns 1 for true.
func b2u(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
