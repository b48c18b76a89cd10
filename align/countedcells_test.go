package align

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestCountedCells measures columns by counting and by gathering, and wants the
// same: steps with several occurrences, with places that lack columns, with
// one step for 64 blocks and with many, of one track and of three.
func TestCountedCells(t *testing.T) {
	const columns, width = 7, 12 // of a step
	rng := rand.New(rand.NewPCG(5, 1))
	for _, tracks := range []int{1, 3} {
		for _, steps := range []int{1, 5, 63, 64, 65, 200, 1000} {
			v := randomView(rng, randomTrace(rng, tracks, steps*width), columns, width, 3)
			want, got := v.cells(t.Context(), columns), v.countedCells(t.Context(), columns)
			if diff := cmp.Diff(want, got, sameCells()); diff != "" {
				t.Errorf("%d tracks of %d steps (-gathered +counted):\n%s", tracks, steps, diff)
			}
			if want[columns-1].sample != nil {
				t.Error("the last column has launches, though no step has it")
			}
		}
	}
}

// sameCells compares cells but for their order, which only tiles have.
func sameCells() cmp.Option {
	return cmp.Options{cmp.AllowUnexported(cell{}), cmpopts.IgnoreFields(cell{}, "order")}
}

// randomTrace returns a trace of some tracks of so many launches.
func randomTrace(rng *rand.Rand, tracks, launches int) *trace.Trace {
	tr := &trace.Trace{}
	for k := range 6 {
		tr.Strings = append(tr.Strings, string(rune('a'+k)))
		tr.Configs = append(tr.Configs, trace.Config{Name: uint32(k / 2), Grid: [3]int32{int32(1 + k), 1, 1}})
	}
	for range tracks {
		tr.Tracks = append(tr.Tracks, trace.Track{First: tr.Launches.Len(), N: launches})
		for i := range launches {
			d := int64(rng.IntN(1 << (1 + i%20)))
			if rng.IntN(50) == 0 {
				d = rng.Int64N(1<<32 - 1)
			}
			tr.Launches.Append(int64(i), d, rng.Uint32N(uint32(len(tr.Configs))), none)
		}
	}
	return tr
}

// randomView returns a view of a trace whose steps have so many launches, with
// places of a few kinds, which have up to so many occurrences.
func randomView(rng *rand.Rand, tr *trace.Trace, columns, width, occurrences int) *view {
	var classes []placedClass
	for range 4 {
		c := placedClass{class: new(class)}
		for range 1 + rng.IntN(occurrences) {
			cols := make([]int32, columns)
			for i := range cols {
				if cols[i] = int32(rng.IntN(width)); i == columns-1 || i > 1 && rng.IntN(4) == 0 {
					cols[i] = -1
				}
			}
			c.occurrences = append(c.occurrences, &occurrence{columns: cols})
		}
		classes = append(classes, c)
	}
	var steps []step
	for k, track := range tr.Tracks {
		for first := track.First; first < track.First+track.N; first += width {
			c := classes[rng.IntN(len(classes))].class
			c.steps = append(c.steps, int32(len(steps)))
			steps = append(steps, step{track: k, first: first, n: width})
		}
	}
	return newView(newSequence(tr, newAlphabet(nil), sideE2E, Options{}), steps, classes)
}
