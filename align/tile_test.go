package align

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTile measures columns as tiles and by gathering each, and wants the same, and
// the order of their steps: of one step to as many as a tile holds, and fewer columns
// than it holds and more, which some steps lack.
func TestTile(t *testing.T) {
	const width = 12 // of a step
	rng := rand.New(rand.NewPCG(5, 2))
	for _, tracks := range []int{1, 2} {
		for n := 1; tracks*n <= maxRows; n++ {
			columns := 2 + rng.IntN(2*maxTile)
			v := randomView(rng, randomTrace(rng, tracks, n*width), columns, width, 1)
			if !v.tiled() {
				t.Fatalf("%d tracks of %d steps are not measured as tiles", tracks, n)
			}
			want, got := make([]cell, columns), v.cells(t.Context(), columns)
			cellsOf[uint32](v, 0, want)
			if diff := cmp.Diff(want, got, sameCells()); diff != "" {
				t.Errorf("%d tracks of %d steps (-gathered +tile):\n%s", tracks, n, diff)
			}
			for i := range got {
				c := &got[i]
				if c.sample == nil {
					continue
				}
				o := orderSteps(c.sample.Steps)
				if c.order == nil && tracks*n > maxBlocks && c.sample.N < tracks*n {
					continue // it has blocks of its own
				}
				if !slices.Equal(c.order, o.at[:o.n]) {
					t.Errorf("%d tracks of %d steps, column %d: order %v, want %v", tracks, n, i, c.order, o.at[:o.n])
				}
			}
			if got[columns-1].sample != nil {
				t.Error("the last column has launches, though no step has it")
			}
		}
	}
	for _, no := range []func() *view{
		func() *view { return randomView(rng, randomTrace(rng, 1, (maxRows+1)*width), 3, width, 1) },
		func() *view {
			v := randomView(rng, randomTrace(rng, 1, 2*width), 3, width, 1)
			v.plots = true
			return v
		},
		func() *view {
			tr := randomTrace(rng, 1, 2*width)
			tr.Launches.Append(1, 1<<32, 0, none)
			return randomView(rng, tr, 3, width, 1)
		},
	} {
		if no().tiled() {
			t.Error("measured as tiles: more steps than a tile holds, values to keep, or durations of 2^32 ns")
		}
	}
}
