package align

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSortSteps holds steps sorted before their sample is made against the order that
// is worked out from Sample.Steps.
func TestSortSteps(t *testing.T) {
	rng := rand.New(rand.NewPCG(70, 71))
	left := 0
	for range 3000 {
		durations := make([]int64, 1+rng.IntN(maxBlocks))
		most := int64(math.MaxInt64 >> rng.IntN(63)) // up to what only damaged reports have
		for i := range durations {
			durations[i] = rng.Int64N(most)
		}
		steps := blocks(durations)
		sorted := slices.Sorted(slices.Values(durations))
		orders := sortSteps(durations, []uint8{7}, new(fewSorter[uint64]))
		if len(orders) == 1 {
			left++
			if slices.Max(sorted) < 1<<58 {
				t.Fatalf("not sorted: %v", durations)
			}
			continue
		}
		if !slices.Equal(durations, sorted) {
			t.Fatalf("%v, want %v", durations, sorted)
		}
		var got orderedSteps
		got.in(orders[1:], steps, nil)
		if want := orderSteps(steps); slices.Max(sorted) < 1<<44 && got != *want {
			t.Fatalf("steps %v: %v, want %v", steps, got, *want)
		}
	}
	if left == 0 {
		t.Error("no steps were too long")
	}
}
