package align_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
)

// TestFewSorter holds the sorting of few numbers against package slices.
func TestFewSorter(t *testing.T) {
	rng := rand.New(rand.NewPCG(62, 63))
	testFewSorter(t, func(most uint64) uint32 { return uint32(rng.Uint64N(min(most, math.MaxUint32) + 1)) })
	testFewSorter(t, func(most uint64) uint64 { return rng.Uint64N(most) })
	testFewSorter(t, func(most uint64) int64 { return rng.Int64N(int64(most)) - int64(most/2) })
}

func testFewSorter[T uint32 | uint64 | int64](t *testing.T, draw func(most uint64) T) {
	t.Helper()
	sorter := align.NewFewSorter[T]()
	for n := range align.FewValues + 1 {
		for run := range 10 {
			values := make([]T, n, n+1)
			for i := range values {
				values[i] = draw(1 << (6 * run)) // all equal at first, and ever fewer are
			}
			values = append(values, 5)[:n]
			want := slices.Sorted(slices.Values(values))
			sorter(values)
			if !slices.Equal(values, want) {
				t.Fatalf("%d of %T: %v, want %v", n, values, values, want)
			}
			if values[:n+1][n] != 5 {
				t.Fatalf("%d of %T: what follows the values was changed", n, values)
			}
		}
	}
}
