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

const (
	rowBits = 7            // tell the rows of a tile apart
	maxRows = 1 << rowBits // two steps a block, see Sample.Steps
)

// A block is of two rows at most.
var _ [2*maxBlocks - maxRows]struct{}

// A tile is columns side by side that no step has more than one launch of, and a row
// for each step.
//
// The columns are sorted all at once, by the comparisons of one network, and once for
// all that is asked of the order of durations and, unless there are more than Sample.Steps
// holds, of steps.
type tile struct {
	keys    [maxRows]minmax.Row // duration and, in the lowest rowBits, row; noLaunch where there is none
	n       [maxTile]int        // launches
	configs [maxTile]configCounts

	// Of more rows than maxBlocks: twice the medians of blocks and, in the lowest
	// stepBits, their numbers. Columns that some steps lack have other blocks, and have
	// their medians here.
	blocks [maxBlocks]minmax.Row
	own    [maxTile][]float64
}

const noLaunch = math.MaxInt64 // is after all others

// tiled reports whether the columns of a view can be measured as tiles.
func (v *view) tiled() bool {
	return !v.long && !v.plots && len(v.steps) <= maxRows &&
		!slices.ContainsFunc(v.steps, func(st viewStep) bool { return len(st.columns) != 1 })
}

// gather puts the launches of some columns into the tile, the first of which has the
// number from.
func (t *tile) gather(v *view, from, columns int) {
	for i := range columns {
		t.n[i], t.own[i] = 0, nil
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
			row[i] = int64(ns[launch])<<rowBits | int64(k)
			t.n[i]++
			t.configs[i].add(launch, configs[launch])
		}
	}
	if rows := len(v.steps); rows > maxBlocks {
		t.divide(rows, columns)
	}
}

// divide takes the rows, of which there are more than maxBlocks, together in blocks, as
// the function blocks does.
func (t *tile) divide(rows, columns int) {
	for b := range t.blocks {
		first, last := b*rows/maxBlocks, (b+1)*rows/maxBlocks-1 // one row or two
		for i := range columns {
			twice := t.keys[first][i]>>rowBits + t.keys[last][i]>>rowBits
			t.blocks[b][i] = twice<<stepBits | int64(b)
		}
	}
	for i, n := range t.n[:columns] {
		if n == rows || n == 0 {
			continue
		}
		values := make([]uint32, 0, n)
		for k := range rows {
			if key := t.keys[k][i]; key != noLaunch {
				values = append(values, uint32(key>>rowBits))
			}
		}
		t.own[i] = blocks(values)
	}
}

// sortColumns sorts columns, given by their rows, by Batcher's merge exchange, which takes
// a number of rows that is no power of two as well (Knuth 1998, "Sorting and Searching",
// Algorithm 5.2.2M).
func sortColumns(rows []minmax.Row) {
	if len(rows) < 2 {
		return
	}
	top := 1 << (bits.Len(uint(len(rows)-1)) - 1)
	for p := top; p > 0; p /= 2 {
		for q, r, d := top, 0, p; ; q, r, d = q/2, p, q-p {
			for i := range len(rows) - d {
				if i&p == r {
					minmax.Order(&rows[i], &rows[i+d])
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
	steps   []float64 // by column, then by step or block
	orders  []uint8
}

func newTileMemory(columns, steps int) *tileMemory {
	n := columns * min(steps, maxBlocks)
	return &tileMemory{hugepages.Make[Sample](columns), hugepages.Make[float64](n), hugepages.Make[uint8](n)}
}

// measure makes the cells of the columns that the tile holds.
func (t *tile) measure(v *view, from int, cells []cell, memory *tileMemory, ranks *sampleRanks) *sampleRanks {
	rows := len(v.steps)
	sortColumns(t.keys[:rows])
	if rows > maxBlocks {
		sortColumns(t.blocks[:])
	}
	for i := range cells {
		n := t.n[i]
		if n == 0 {
			continue
		}
		if ranks == nil || ranks.n != n {
			ranks = newSampleRanks(n)
		}
		s := &memory.samples[from+i]
		s.N = n
		var sums tally
		for k := range n {
			sums.add(uint64(t.keys[k][i] >> rowBits))
		}
		s.MinNS, s.MaxNS = t.keys[0][i]>>rowBits, t.keys[n-1][i]>>rowBits
		sums.into(s)
		s.setRanks(ranks, func(rank int) float64 { return float64(t.keys[rank][i] >> rowBits) })
		var order []uint8
		s.Steps, order = t.steps(i, rows, memory, (from+i)*min(rows, maxBlocks))
		cells[i] = newCell(v, from+i, s, &t.configs[i], rows)
		cells[i].order = order
	}
	return ranks
}

// steps returns Sample.Steps of a sorted column and, unless its blocks are its own, where
// each stands, from the least on. They are in memory from place at on.
func (t *tile) steps(i, rows int, memory *tileMemory, at int) (steps []float64, order []uint8) {
	if t.own[i] != nil {
		return t.own[i], nil
	}
	n := min(t.n[i], maxBlocks)
	steps, order = memory.steps[at:at+n:at+n], memory.orders[at:at+n:at+n]
	if rows > maxBlocks {
		for k := range order {
			key := t.blocks[k][i]
			b := key & (1<<stepBits - 1)
			order[k], steps[b] = uint8(b), float64(key>>stepBits)/2
		}
		return steps, order
	}
	var present uint64 // rows, as bits
	for k := range order {
		present |= 1 << (t.keys[k][i] % maxRows)
	}
	for k := range order {
		key := t.keys[k][i]
		place := bits.OnesCount64(present & (1<<(key%maxRows) - 1))
		order[k], steps[place] = uint8(place), float64(key>>rowBits)
	}
	return steps, order
}
