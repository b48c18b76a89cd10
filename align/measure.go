package align

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/nsysdiff/nsysdiff/internal/fan"
	"github.com/nsysdiff/nsysdiff/internal/hugepages"
	"github.com/nsysdiff/nsysdiff/trace"
)

const none = trace.None

// A view is the steps of one side that are compared, and for each which of
// its launches stands in which column.
type view struct {
	seq   *sequence
	steps []viewStep // in order of track and time
	plots bool       // cells keep values
	long  bool       // some launches take too long for 32 bits

	scratch sync.Pool // of *cellScratch[int64] if long, else of *cellScratch[uint32]
}

// A viewStep is a step and its places, which it shares with those that launch
// the same.
type viewStep struct {
	step *step
	*places
}

// places is where the columns of a step lie; the mock's steps have one place.
type places struct {
	occurrences []*occurrence
	columns     [][]int32 // by occurrence, then by column: launch of the step, or -1
}

// each calls fn for each launch in a column, in order, with the number of its
// step in the view and its index in the trace.
func (v *view) each(column int, fn func(step, launch int)) {
	v.eachOf(column, column+1, func(_, step, launch int) { fn(step, launch) })
}

// eachOf is each for columns from to to-1 side by side; it counts them from 0.
func (v *view) eachOf(from, to int, fn func(column, step, launch int)) {
	for k := range v.steps {
		st := &v.steps[k]
		for _, cols := range st.columns {
			for i, at := range cols[from:to] {
				if at >= 0 {
					fn(i, k, st.step.at(int(at)))
				}
			}
		}
	}
}

// A cellScratch is memory that measuring columns uses again and again.
type cellScratch[T duration32or64] struct {
	columns []columnLaunches[T]
	tile    *tile        // of those that are measured so
	ranks   *sampleRanks // of the last column: most have as many launches
	sorter  fewSorter[T]
}

// columnLaunches is the launches of one column, as they come.
type columnLaunches[T duration32or64] struct {
	durations []T
	// bounds is where the launches of each step begin, from the first step on
	// that has more than one: without any, each has one.
	bounds []uint32
	step   int // of the last launch, -1 before the first
	configCounts
}

// reset makes room for a number of columns, each of so many launches.
func (s *cellScratch[T]) reset(columns, launches int) []columnLaunches[T] {
	for len(s.columns) < columns {
		s.columns = append(s.columns, columnLaunches[T]{})
	}
	for i := range s.columns[:columns] {
		c := &s.columns[i]
		if cap(c.durations) < launches {
			c.durations = hugepages.Make[T](launches)
		}
		c.durations, c.bounds, c.step = c.durations[:0], c.bounds[:0], -1
		c.configCounts.reset()
	}
	return s.columns[:columns]
}

// add adds a launch. There is room for it.
func (c *columnLaunches[T]) add(step, launch int, d T, config uint32) {
	n := len(c.durations)
	if step == c.step || len(c.bounds) > 0 {
		c.bound(step, n)
	}
	c.step = step
	c.durations = c.durations[:n+1]
	c.durations[n] = d
	c.configCounts.add(launch, config)
}

// bound notes that launch n is of a step, where steps have more than one.
func (c *columnLaunches[T]) bound(step, n int) {
	switch {
	case step != c.step:
		c.bounds = append(c.bounds, uint32(n))
	case len(c.bounds) == 0:
		for k := range n {
			c.bounds = append(c.bounds, uint32(k))
		}
	}
}

// steps returns the median of each step, see Sample.Steps.
func (c *columnLaunches[T]) steps() []float64 {
	if len(c.bounds) == 0 {
		return blocks(c.durations)
	}
	return blockMedians(c.durations, append(c.bounds, uint32(len(c.durations))))
}

// newView returns a view of those steps that are in one of the classes.
func newView(s *sequence, steps []step, classes []placedClass) *view {
	at := make([]*places, len(steps))
	parallel(context.Background(), len(classes), func(k int) {
		c := &classes[k]
		p := &places{occurrences: c.occurrences, columns: make([][]int32, len(c.occurrences))}
		for i, o := range c.occurrences {
			p.columns[i] = o.columns
		}
		for _, i := range c.steps {
			at[i] = p
		}
	})
	v := &view{seq: s}
	v.scratch.New = func() any { return new(cellScratch[uint32]) }
	if _, ok := s.t.Launches.Durations(); !ok {
		v.long = true
		v.scratch.New = func() any { return new(cellScratch[int64]) }
	}
	n := 0
	for _, p := range at {
		if p != nil {
			n++
		}
	}
	v.steps = make([]viewStep, 0, n)
	for i, p := range at {
		if p != nil {
			v.steps = append(v.steps, viewStep{&steps[i], p})
		}
	}
	return v
}

// A cell is what one side has in one column.
type cell struct {
	sample  *Sample // nil if it has nothing
	order   []uint8 // where the values of its steps stand, from the least on; nil if that was not worked out
	config  uint32  // the most frequent configuration
	varies  bool    // others have another geometry
	first   int     // a launch that has that configuration
	present float64 // part of the occurrences that have the column
	// tracks and medians are the median of each track, ascending, and ranks
	// their spread, where there are several.
	tracks  []int
	medians []float64
	ranks   *Spread
}

// places returns how many launches a column can have.
func (v *view) places() int {
	n := 0
	for k := range v.steps {
		n += len(v.steps[k].columns)
	}
	return n
}

// cells measures all columns. Where the durations of one column for each processor
// would take too much memory, they are not gathered but counted.
func (v *view) cells(ctx context.Context, columns int) []cell {
	places := max(v.places(), 1)
	limit := max(minGathered, v.seq.t.Launches.Len()/5) / places // columns gathered at a time
	workers := runtime.GOMAXPROCS(0)
	if limit < workers && !v.long && !v.plots {
		return v.countedCells(ctx, columns)
	}
	cells := make([]cell, columns)
	workers = max(min(limit, workers), 1)
	width := max(min(limit/workers, (columns+workers-1)/workers, maxTile), 1)
	var tiles *tileMemory
	if v.tiled() {
		tiles = newTileMemory(columns, places)
	}
	fan.Out(ctx, workers, (columns+width-1)/width, func(i int) {
		from, to := i*width, min(i*width+width, columns)
		switch {
		case tiles != nil:
			tiledCells(v, from, cells[from:to], tiles)
		case v.long:
			cellsOf[int64](v, from, cells[from:to])
		default:
			cellsOf[uint32](v, from, cells[from:to])
		}
	})
	return cells
}

// cellsOf measures some columns, the first of which has the number from.
func cellsOf[T duration32or64](v *view, from int, cells []cell) {
	places := v.places()
	scratch := v.scratch.Get().(*cellScratch[T])
	defer v.scratch.Put(scratch)
	columns := scratch.reset(len(cells), places)
	l := &v.seq.t.Launches
	// As eachOf, whose call for each launch would take as long as what is done with it.
	for k := range v.steps {
		st := &v.steps[k]
		for _, cols := range st.columns {
			for i, at := range cols[from:][:len(columns)] {
				if at >= 0 {
					launch := st.step.at(int(at))
					columns[i].add(k, launch, T(l.Duration(launch)), l.Config[launch])
				}
			}
		}
	}
	samples := make([]Sample, len(columns))
	for i := range columns {
		c, sample := &columns[i], &samples[i]
		if len(c.durations) == 0 {
			continue
		}
		if n := len(c.durations); scratch.ranks == nil || scratch.ranks.n != n {
			scratch.ranks = newSampleRanks(n)
		}
		fillSample(sample, c.durations, c.steps(), scratch.ranks, &scratch.sorter)
		if v.plots {
			slices.Sort(c.durations)
			sample.Values = evenly(c.durations)
		}
		cells[i] = newCell(v, from+i, sample, &c.configCounts, places)
	}
}

// tiledCells is cellsOf for columns that can be measured as a tile.
func tiledCells(v *view, from int, cells []cell, memory *tileMemory) {
	scratch := v.scratch.Get().(*cellScratch[uint32])
	defer v.scratch.Put(scratch)
	if scratch.tile == nil {
		scratch.tile = new(tile)
	}
	scratch.tile.gather(v, from, len(cells))
	scratch.ranks = scratch.tile.measure(v, from, cells, memory, scratch.ranks)
}

// newCell returns the cell of a column that has launches.
func newCell(v *view, column int, sample *Sample, counts *configCounts, places int) cell {
	c := cell{sample: sample, present: float64(sample.N) / float64(places)}
	c.tracks, c.medians = v.trackMedians(column)
	c.ranks = v.spread(c.tracks, c.medians)
	configs := counts.end()
	// Lanes and nodes tell configurations apart and do not matter here.
	alike := func(y symbol) (n int) {
		for _, k := range configs {
			if v.seq.syms[k.config] == y {
				n += k.n
			}
		}
		return n
	}
	if len(configs) > maxListed {
		bySym := map[symbol]int{}
		for _, k := range configs {
			bySym[v.seq.syms[k.config]] += k.n
		}
		alike = func(y symbol) int { return bySym[y] }
	}
	best := -1
	for _, k := range configs {
		if n := alike(v.seq.syms[k.config]); n > best || n == best && k.first < c.first {
			best, c.config, c.first = n, k.config, k.first
		}
	}
	for _, k := range configs {
		if v.seq.syms[k.config].geom != v.seq.syms[c.config].geom {
			c.varies = true
		}
	}
	return c
}

// geometry returns how the launches of a cell were launched.
func (v *view) geometry(c *cell) Geometry {
	cfg := v.seq.t.Configs[c.config]
	return Geometry{Grid: cfg.Grid, Block: cfg.Block, SMem: cfg.SMem, Regs: cfg.Regs, Varies: c.varies}
}

// refs lists the launches in a column.
func (v *view) refs(column int, sd side) []LaunchRef {
	var refs []LaunchRef
	v.each(column, func(_, i int) {
		refs = append(refs, LaunchRef{Side: sd.String(), PID: v.seq.t.LaunchLane(i).PID, Start: v.seq.t.Launches.Start[i]})
	})
	return refs
}

// path returns the NVTX path of launch i, digits normalised, and its
// innermost range.
func (s *sequence) path(i int) ([]string, string) {
	if s.tree == nil {
		return nil, ""
	}
	path := s.t.Path(s.t.ModuleRange(i))
	if len(path) == 0 {
		return nil, ""
	}
	for k := range path {
		path[k] = normalise(path[k])
	}
	return path, path[len(path)-1]
}

// reach is how many launches before and after an occurrence are shown.
const reach = 2

// beside measures what stands just before and just after the occurrences, nearest
// first.
func (v *view) beside(ctx context.Context) (before, after []Neighbour) {
	var all [2 * reach]*Neighbour
	parallel(ctx, len(all), func(k int) {
		distance := 1 + k%reach
		if k < reach {
			distance = -distance
		}
		all[k] = v.neighbour(distance)
	})
	until := func(all []*Neighbour) (out []Neighbour) {
		for _, n := range all {
			if n == nil {
				break
			}
			out = append(out, *n)
		}
		return out
	}
	return until(all[:reach]), until(all[reach:])
}

// neighbour measures the most frequent kernel so many launches after the
// occurrences, or before them if that is less than 0. It returns nil if there
// is none.
func (v *view) neighbour(distance int) *Neighbour {
	l := &v.seq.t.Launches
	total := 0
	each := func(fn func(launch int, name int32)) {
		total = 0
		for k := range v.steps {
			st := v.steps[k].step
			occ := v.steps[k].occurrences
			total += len(occ)
			for i, o := range occ {
				at := o.start + distance
				if distance > 0 {
					at = o.end - 1 + distance
				}
				if at < 0 || at >= st.n || i > 0 && at < occ[i-1].end || i+1 < len(occ) && at >= occ[i+1].start {
					continue
				}
				launch := st.at(at)
				fn(launch, v.seq.syms[l.Config[launch]].name)
			}
		}
	}
	type seen struct{ n, first int }
	byName := map[int32]*seen{}
	last, current := int32(-1), (*seen)(nil)
	each(func(launch int, name int32) {
		if name != last {
			last, current = name, byName[name]
			if current == nil {
				current = &seen{first: launch}
				byName[name] = current
			}
		}
		current.n++
	})
	var best *seen
	var bestName int32
	for name, s := range byName {
		if best == nil || s.n > best.n || s.n == best.n && s.first < best.first {
			best, bestName = s, name
		}
	}
	if best == nil {
		return nil
	}
	chosen := func(fn func(launch int)) {
		each(func(launch int, name int32) {
			if name == bestName {
				fn(launch)
			}
		})
	}
	path, _ := v.seq.path(best.first)
	return &Neighbour{
		Name:     v.seq.t.Name(best.first),
		MedianNS: v.median(best.n, chosen),
		Share:    float64(best.n) / float64(total),
		NVTX:     path,
	}
}

// median returns the median duration of n launches, which each yields.
func (v *view) median(n int, each func(fn func(launch int))) float64 {
	if v.long {
		return medianIn[int64](v, n, each)
	}
	return medianIn[uint32](v, n, each)
}

func medianIn[T duration32or64](v *view, n int, each func(fn func(launch int))) float64 {
	scratch := v.scratch.Get().(*cellScratch[T])
	defer v.scratch.Put(scratch)
	durations := scratch.reset(1, n)[0].durations
	each(func(launch int) { durations = append(durations, T(v.seq.t.Launches.Duration(launch))) })
	return medianOf(durations)
}
