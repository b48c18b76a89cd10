package nsysdb

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nsysdiff/nsysdiff/trace"
)

// cross is the definition of what arrange goes by.
func cross(a, b *trace.Range) bool {
	return a.Start < b.Start && b.Start < a.End && a.End < b.End || b.Start < a.Start && a.Start < b.End && b.End < a.End
}

// nested returns ranges that nest, all of one rank.
func nested(rng *rand.Rand, n int, rank uint32) (ranges []trace.Range) {
	for len(ranges) < n {
		start := rng.Int64N(300)
		r := trace.Range{Start: start, End: start + rng.Int64N(60), Parent: rank, Thread: 1}
		if !slices.ContainsFunc(ranges, func(x trace.Range) bool { return cross(&x, &r) }) {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// TestCrossing leaves out ranges that cross others of lower rank, and finds the
// innermost of those that are left, by the definition.
func TestCrossing(t *testing.T) {
	outs, most := 0, 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var ranges []trace.Range
		for rank := range uint32(1 + rng.IntN(4)) {
			ranges = append(ranges, nested(rng, 1+rng.IntN(20), 2*rank)...)
		}
		sortRanges(ranges, 1)
		var kept []int // in order of start
		byRank := identity(nil, len(ranges))
		slices.SortStableFunc(byRank, func(a, b uint32) int { return cmp.Compare(ranges[a].Parent, ranges[b].Parent) })
		for _, i := range byRank {
			if !slices.ContainsFunc(kept, func(k int) bool { return cross(&ranges[k], &ranges[i]) }) {
				kept = append(kept, int(i))
			}
		}
		slices.Sort(kept)
		innermost := func(in func(r *trace.Range) bool) uint32 {
			found := uint32(trace.None)
			for _, k := range kept {
				if in(&ranges[k]) {
					found = uint32(k)
				}
			}
			return found
		}

		lines, leftOut := timelines(ranges, 2)
		if leftOut != len(ranges)-len(kept) {
			t.Fatalf("seed %d: %d of %d ranges are left out, want %d", seed, leftOut, len(ranges), len(ranges)-len(kept))
		}
		outs, most = outs+min(leftOut, 1), max(most, leftOut)
		for i := range ranges {
			want := uint32(trace.None)
			if slices.Contains(kept, i) {
				want = innermost(func(r *trace.Range) bool {
					return r != &ranges[i] && (r.Start < ranges[i].Start || r.Start == ranges[i].Start && index(ranges, r) < i) &&
						r.End > ranges[i].Start && r.End >= ranges[i].End
				})
			}
			if got := ranges[i].Parent; got != want {
				t.Fatalf("seed %d: the parent of range %d is %d, want %d: %v", seed, i, got, want, ranges)
			}
		}
		for at := int64(-1); at < 400; at++ {
			want := innermost(func(r *trace.Range) bool { return r.Start <= at && at < r.End })
			if got := lines[1].find(at); got != want {
				t.Fatalf("seed %d: at %d range %d is innermost, want %d", seed, at, got, want)
			}
		}
	}
	if outs < 100 || most < 10 {
		t.Errorf("%d of 300 cases leave ranges out, at most %d", outs, most)
	}
}

func index(ranges []trace.Range, r *trace.Range) int {
	for i := range ranges {
		if r == &ranges[i] {
			return i
		}
	}
	return -1
}

func TestRankClasses(t *testing.T) {
	got := rankClasses(map[rangeClass]int{startEnd: 1000, 0: 2, 7: 9, 3: 2})
	for class, want := range map[rangeClass]uint32{7: 1, 0: 2, 3: 3, startEnd: 4} {
		if got[class] != want {
			t.Errorf("class %d has rank %d, want %d", class, got[class], want)
		}
	}
}
