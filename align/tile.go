package align

import (
	"math"
	"math/bits"
	"slices"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
	"github.com/nsysdiff/nsysdiff/internal/minmax"
)

// maxTile is how many columns are measured at a time. They stand side by side in
// memory, so that a line of the cache that is read for one holds the others', too.
const maxTile = minmax.Width

// A tile is columns side by side that no step has more than one launch of, and a row
// for each step.
//
// The columns are sorted all at once, by the comparisons of one network, and once for
// all that is asked of the order of durations and of steps.
type tile struct {
	keys    [maxBlocks]minmax.Row // duration and, in the lowest stepBits, row; noLaunch where there is none
	present [maxTile]uint64       // the rows that each column has, as bits
	configs [maxTile]configCounts
}

const noLaunch = math.MaxInt64 // is after all others

// tiled reports whether the columns of a view can be measured as tiles.
func (v *view) tiled() bool {
	return !v.long && !v.plots && len(v.steps) <= maxBlocks &&
		!slices.ContainsFunc(v.steps, func(st viewStep) bool { return len(st.columns) != 1 })
}

// gather puts the launches of some columns into the tile, the first of which has the
// number from.
func (t *tile) gather(v *view, from, columns int) {
	for i := range columns {
		t.present[i] = 0
		t.configs[i].reset()
	}
	ns, _ := v.seq.t.Launches.Durations()
	configs := v.seq.t.Launches.Config
	for k := range v.steps {
		st := v.steps[k].step
		row := t.keys[k][:columns]
		for i, at := range v.steps[k].columns[0][from:][:columns] {
			if at < 0 {
				row[i] = noLaunch
				continue
			}
			launch := st.at(int(at))
			row[i] = int64(ns[launch])<<stepBits | int64(k)
			t.present[i] |= 1 << k
			t.configs[i].add(launch, configs[launch])
		}
	}
}

// sort sorts the columns of n rows, by Batcher's merge exchange, which takes a number of
// rows that is no power of two as well (Knuth 1998, "Sorting and Searching", Algorithm
// 5.2.2M).
func (t *tile) sort(n int) {
	if n < 2 {
		return
	}
	top := 1 << (bits.Len(uint(n-1)) - 1)
	for p := top; p > 0; p /= 2 {
		for q, r, d := top, 0, p; ; q, r, d = q/2, p, q-p {
			for i := range n - d {
				if i&p == r {
					minmax.Order(&t.keys[i], &t.keys[i+d])
				}
			}
			if q == p {
				break
			}
		}
	}
}

// tileMemory is what tiles put into cells, side by side for all columns: huge pages
// take a fraction of the time that as many small ones take to be touched.
type tileMemory struct {
	samples []Sample
	steps   []float64 // by column, then by step
	orders  []uint8
}

func newTileMemory(columns, steps int) *tileMemory {
	return &tileMemory{hugepages.Make[Sample](columns), hugepages.Make[float64](columns * steps), hugepages.Make[uint8](columns * steps)}
}

// measure makes the cells of the columns that the tile holds.
func (t *tile) measure(v *view, from int, cells []cell, memory *tileMemory, ranks *sampleRanks) *sampleRanks {
	rows := len(v.steps)
	t.sort(rows)
	for i := range cells {
		present := t.present[i]
		n := bits.OnesCount64(present)
		if n == 0 {
			continue
		}
		if ranks == nil || ranks.n != n {
			ranks = newSampleRanks(n)
		}
		at := (from + i) * rows
		s, order := &memory.samples[from+i], memory.orders[at:at+n:at+n]
		s.N, s.Steps = n, memory.steps[at:at+n:at+n]
		var sums tally
		for k := range order {
			key := t.keys[k][i]
			ns, at := key>>stepBits, key%maxBlocks
			if n < rows {
				at = int64(bits.OnesCount64(present & (1<<at - 1)))
			}
			s.Steps[at], order[k] = float64(ns), uint8(at)
			sums.add(uint64(ns))
		}
		s.MinNS, s.MaxNS = t.keys[0][i]>>stepBits, t.keys[n-1][i]>>stepBits
		sums.into(s)
		s.setRanks(ranks, func(rank int) float64 { return float64(t.keys[rank][i] >> stepBits) })
		cells[i] = newCell(v, from+i, s, &t.configs[i], rows)
		cells[i].order = order
	}
	return ranks
}
