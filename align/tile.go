package align

import (
	"math/bits"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
)

// maxTile is how many columns are measured at a time. They stand side by side in
// memory, so that a line of the cache that is read for one holds the others', too.
const maxTile = 32

// A tile is columns side by side that no step has more than one launch of, and a row
// for each step.
//
// The columns are sorted all at once, by the comparisons of one network: there are
// no branches for the processor to guess wrong, and no comparison waits for that
// before it. To sort each by itself takes three times as long.
type tile struct {
	keys    [maxBlocks][maxTile]uint64 // duration and, in the lowest stepBits, row; noLaunch where there is none
	present [maxTile]uint64            // the rows that each column has, as bits
	configs [maxTile]configCounts
}

const noLaunch = 1<<64 - 1 // is after all others

// tiled reports whether the columns of a view can be measured as tiles.
func (v *view) tiled() bool {
	return !v.long && !v.plots && len(v.steps) <= maxBlocks && v.places() == len(v.steps)
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
			row[i] = uint64(ns[launch])<<stepBits | uint64(k)
			t.present[i] |= 1 << k
			t.configs[i].add(launch, configs[launch])
		}
	}
}

// sort sorts columns of n rows, by Batcher's merge exchange, which takes a number of
// rows that is no power of two as well (Knuth 1998, "Sorting and Searching", Algorithm
// 5.2.2M).
func (t *tile) sort(n, columns int) {
	if n < 2 {
		return
	}
	top := 1 << (bits.Len(uint(n-1)) - 1)
	for p := top; p > 0; p /= 2 {
		for q, r, d := top, 0, p; ; q, r, d = q/2, p, q-p {
			for i := range n - d {
				if i&p == r {
					exchange(t.keys[i][:columns], t.keys[i+d][:columns])
				}
			}
			if q == p {
				break
			}
		}
	}
}

// exchange puts the lesser of each two values into a.
func exchange(a, b []uint64) {
	b = b[:len(a)]
	for i, x := range a {
		y := b[i]
		a[i], b[i] = min(x, y), max(x, y)
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
	t.sort(rows, len(cells))
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
				at = uint64(bits.OnesCount64(present & (1<<at - 1)))
			}
			s.Steps[at], order[k] = float64(ns), uint8(at)
			sums.add(ns)
		}
		s.MinNS, s.MaxNS = int64(t.keys[0][i]>>stepBits), int64(t.keys[n-1][i]>>stepBits)
		sums.into(s)
		s.setRanks(ranks, func(rank int) float64 { return float64(t.keys[rank][i] >> stepBits) })
		cells[i] = newCell(v, from+i, s, &t.configs[i], rows)
		cells[i].order = order
	}
	return ranks
}
