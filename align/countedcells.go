package align

import (
	"context"

	"github.com/nsysdiff/nsysdiff/internal/fan"
)

// byColumn is the launches of a view by column.
type byColumn struct {
	v       *view
	ns      []uint32 // by launch
	divided []interval
}

func (b *byColumn) parts() int { return len(b.divided) }

func (b *byColumn) each(part int, fn func(groups, ns []uint32)) {
	var groups, ns [countedAtOnce]uint32
	n := 0
	steps := b.v.steps[b.divided[part].start:b.divided[part].end]
	for k := range steps {
		st := &steps[k]
		for _, cols := range st.columns {
			for column, at := range cols {
				if at < 0 {
					continue
				}
				groups[n], ns[n] = uint32(column), b.ns[st.step.at(int(at))]
				if n++; n == len(ns) {
					fn(groups[:], ns[:])
					n = 0
				}
			}
		}
	}
	fn(groups[:n], ns[:n])
}

// countedCells measures the columns without gathering their durations.
func (v *view) countedCells(ctx context.Context, columns int) []cell {
	ns, _ := v.seq.t.Launches.Durations()
	places := v.places()
	launches := &byColumn{v, ns, divide(len(v.steps), places*columns)}
	samples := make([]Sample, columns)
	counts := make([]configCounts, columns)
	steps := v.columnSteps(columns)
	tiles := divide(columns, places*columns)
	parallel(ctx, len(tiles), func(t int) {
		from, to := tiles[t].start, tiles[t].end
		own := make([]columnSteps, to-from, to-from+1) // apart from those of others, see fan.ApartBytes
		for i := range own {
			own[i] = newColumnSteps(steps[from+i])
		}
		v.eachOf(from, to, func(column, step, launch int) {
			own[column].add(step, launch, ns[launch], v.seq.t.Launches.Config[launch])
		})
		for i := range own {
			if c := &own[i]; c.durationSums.n > 0 {
				c.into(&samples[from+i])
				samples[from+i].Steps = c.medians()
				counts[from+i] = c.configCounts
			}
		}
	})
	countRanks(ctx, launches, samples, nil)
	cells := make([]cell, columns)
	parallel(ctx, columns, func(i int) {
		if samples[i].N > 0 {
			cells[i] = newCell(v, i, &samples[i], &counts[i], places)
		}
	})
	return cells
}

// columnSteps returns how many steps have each column.
func (v *view) columnSteps(columns int) []int {
	out := make([]int, columns)
	alike := map[*places]int{}
	for k := range v.steps {
		alike[v.steps[k].places]++
	}
	for p, n := range alike {
		for c := range out {
			for _, cols := range p.columns {
				if cols[c] >= 0 {
					out[c] += n
					break
				}
			}
		}
	}
	return out
}

// A columnSteps takes the launches of a column, as they come, and keeps what
// blockMedians returns of them, and what they add up to.
type columnSteps struct {
	have      int       // steps that have launches
	seen      int       // of these
	step      int       // that of the last launch
	durations []uint32  // of that step
	block     []float64 // medians of steps
	blocks    []float64 // medians of blocks
	configCounts
	durationSums
}

// newColumnSteps returns a columnSteps for a column that so many steps have.
func newColumnSteps(have int) columnSteps {
	return columnSteps{have: have, durationSums: noDurations, durations: make([]uint32, 0, 2*fan.ApartBytes/4), block: make([]float64, 0, 2*fan.ApartBytes/8)}
}

// add adds a launch.
func (c *columnSteps) add(step, launch int, ns, config uint32) {
	if step != c.step {
		c.endStep()
		c.step = step
	}
	c.durations = append(c.durations, ns)
	c.configCounts.add(launch, config)
	c.durationSums.add(ns)
}

func (c *columnSteps) endStep() {
	if len(c.durations) == 0 {
		return
	}
	c.block = append(c.block, medianOf(c.durations))
	c.durations = c.durations[:0]
	// Blocks begin and end where those of inBlocks do.
	if c.seen++; c.seen == (len(c.blocks)+1)*c.have/min(c.have, maxBlocks) {
		c.blocks = append(c.blocks, median(c.block))
		c.block = c.block[:0]
	}
}

// medians returns the medians of steps or blocks of steps, see Sample.Steps.
func (c *columnSteps) medians() []float64 {
	c.endStep()
	return c.blocks
}
