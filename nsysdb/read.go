package nsysdb

import (
	"cmp"
	"context"
	"os"
	"slices"

	"github.com/nsysdiff/nsysdiff/internal/intern"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A Query says what [DB.Read] reads. The zero value reads every launch, with
// no ranges and no memory operations, which is enough for a table of kernels. To
// be compared, a trace should have its ranges.
type Query struct {
	// Scope chooses launches. It is applied in full: what can be told
	// without NVTX while reading, so that what is left out costs nothing.
	Scope trace.Scope
	// NVTX reads NVTX ranges and attributes launches to them. It is implied
	// by Scope.NVTX.
	NVTX bool
	// MemOps reads memory copies and sets too. Of the scope only the process,
	// device, stream and time apply to them.
	MemOps bool
	// Progress, if not nil, is called now and then with the number of rows
	// read of the tables of launches, memory operations, ranges and API calls,
	// as far as the query needs them, and of all these, which is an estimate.
	// Calls do not overlap. There are none for what was read ahead.
	Progress func(done, total int64)
}

// Read reads the report's launches.
//
// It needs about 20 bytes a launch in scope, and a constant. Equal files and
// queries give equal traces.
//
// Where the report has no launches the error is that of [DB.Usable]; where the
// scope leaves none of them, a [*trace.EmptyScopeError].
func (db *DB) Read(ctx context.Context, q Query) (*trace.Trace, error) {
	t := db.takeAhead(ctx, q)
	if t == nil {
		var err error
		if t, err = db.read(ctx, &q); err != nil {
			return nil, explain(db.path, err)
		}
	}
	changed, err := db.src.Changed()
	if err != nil {
		return nil, explain(db.path, err)
	}
	if changed {
		return nil, db.fail(Busy, "another program changed the file while it was read", "wait until the export is done")
	}
	if len(q.Scope.NVTX) > 0 { // all else was applied while reading
		if err := q.Scope.Apply(t); err != nil {
			return nil, err
		}
	}
	t.Capture.GPUs = db.gpusOf(t.Tracks)
	return t, nil
}

func (db *DB) read(ctx context.Context, q *Query) (*trace.Trace, error) {
	if db.usable != nil {
		return nil, db.usable
	}
	t := &trace.Trace{Capture: db.capture}
	t.Capture.Processes = slices.Clone(db.capture.Processes)
	t.Capture.Warnings = slices.Clone(db.capture.Warnings)
	t.Capture.Diagnostics = slices.Clone(db.capture.Diagnostics)
	strings := newStringTable()
	nvtx := (q.NVTX || len(q.Scope.NVTX) > 0) && db.capture.HasNVTX
	progress, err := db.newProgress(ctx, q, nvtx)
	if err != nil {
		return nil, err
	}
	r := db.newKernelReader(&q.Scope)
	r.progress = progress.table()

	var configs []rawConfig
	if db.layout.kernels != "" {
		if r.names, err = db.filterNames(ctx, &q.Scope); err != nil {
			return nil, err
		}
		if r.node >= 0 {
			if r.made, err = db.readNodeEvents(ctx); err != nil {
				return nil, err
			}
		}
		if err := r.read(ctx, db.plausible(db.capture.Launches)); err != nil {
			return nil, err
		}
		configs = r.configsInScope()
	}
	if r.inScope() == 0 && r.rows() > 0 {
		return nil, db.emptyScope(ctx, r, q)
	}
	r.count(t)

	var ops []memOp
	if q.MemOps {
		if ops, err = db.readMemOps(ctx, r, strings, progress); err != nil {
			return nil, err
		}
	}
	base, nameless, err := db.makeConfigs(ctx, t, configs, ops, strings)
	if err != nil {
		return nil, err
	}

	lines := map[uint64]*timeline{}
	if nvtx {
		if t.Ranges, err = db.readRanges(ctx, q.Scope.NVTX, strings, progress.table()); err != nil {
			return nil, err
		}
		var leftOut int
		if lines, leftOut = timelines(t.Ranges, db.numWorkers()); leftOut > 0 {
			t.Capture.Warnings = append(t.Capture.Warnings, crossingWarning(leftOut))
		}
	}
	keys, of := r.nodes()
	index, known := makeNodes(t, keys, r.made, lines)
	for i, n := range of {
		if n != trace.None {
			of[i] = index[n]
		}
	}
	r.finish(t, base, of)
	if len(nameless) > 0 {
		for _, c := range t.Launches.Config {
			if nameless[t.Configs[c].Name] {
				t.Capture.Unresolved++
			}
		}
	}

	a := &attributor{t: t, lines: lines, workers: db.numWorkers()}
	a.prepare()
	if nvtx {
		if err := a.attribute(ctx, db, progress); err != nil {
			return nil, err
		}
	}
	t.Capture.Unattributed = a.finish(known)
	t.Strings = strings.list
	return t, nil
}

// plausible bounds a number of rows, as the table's row numbers tell it, by
// what fits into the file, since a damaged file may hold any row number.
func (db *DB) plausible(rows int64) int64 {
	const leastRow = 24 // bytes; real ones have 60 and more
	if info, err := os.Stat(db.path); err == nil {
		rows = min(rows, info.Size()/leastRow)
	}
	return rows
}

// count fills in what the capture holds as a whole, and what was left out.
func (r *kernelReader) count(t *trace.Trace) {
	var leftOut [trace.NumConditions]int64
	t.Capture.Launches = 0
	processes := map[uint64]bool{}
	for _, p := range t.Capture.Processes {
		processes[p.GlobalPID] = true
	}
	for _, w := range r.workers {
		t.Capture.Launches += w.rows
		t.Capture.GraphLaunches += w.replayed
		for i, n := range w.leftOut {
			leftOut[i] += n
		}
	}
	for i := range r.configs.Keys {
		if pid := r.configs.Keys[i].pid; !processes[pid] {
			processes[pid] = true
			t.Capture.Processes = append(t.Capture.Processes, trace.Process{GlobalPID: pid, PID: pidOf(pid)})
		}
	}
	sortProcesses(&t.Capture.Processes)
	for why, n := range leftOut {
		if why := trace.Condition(why); n > 0 {
			t.LeftOut = append(t.LeftOut, r.scope.LeftOut(why, n))
		}
	}
}

// rows returns the number of rows read, in scope or not.
func (r *kernelReader) rows() (n int64) {
	for _, w := range r.workers {
		n += w.rows
	}
	return n
}

// emptyScope returns the error for a scope that left none of r's launches.
func (db *DB) emptyScope(ctx context.Context, r *kernelReader, q *Query) error {
	var c trace.ChoiceCounter
	names := map[int64]string{}
	for _, k := range r.configs.Keys {
		names[k.name] = unresolved(k.name)
	}
	err := db.eachString(ctx, func(id int64, value []byte) {
		if _, ok := names[id]; ok {
			names[id] = string(value)
		}
	})
	if err != nil {
		return err
	}
	for _, w := range r.workers {
		for i, n := range w.counts {
			if n > 0 {
				k := &r.configs.Keys[i]
				c.Launches(names[k.name], k.lane(), n)
			}
		}
		if w.rows > 0 {
			c.Start(w.first - db.capture.Start)
			c.Start(w.last - db.capture.Start)
		}
	}
	if len(q.Scope.NVTX) > 0 {
		strings := newStringTable()
		ranges, err := db.readRanges(ctx, nil, strings, nil)
		if err != nil {
			return err
		}
		for i := range ranges {
			c.Range(strings.list[ranges[i].Name])
		}
	}
	return &trace.EmptyScopeError{Path: db.path, Scope: q.Scope, Choices: c.Choices()}
}

// makeConfigs makes the configurations, without their nodes, fills in t.Lanes and
// t.MemOps, and reads the names that they use. nameless has the string ids that
// stand for names which the report lacks.
func (db *DB) makeConfigs(ctx context.Context, t *trace.Trace, configs []rawConfig, ops []memOp, strings *stringTable) (base []trace.Config, nameless map[uint32]bool, err error) {
	for i := range configs {
		t.Lanes = append(t.Lanes, configs[i].lane())
	}
	for i := range ops {
		t.Lanes = append(t.Lanes, ops[i].lane)
	}
	slices.SortFunc(t.Lanes, compareLanes)
	t.Lanes = slices.Compact(t.Lanes)
	laneOf := func(l trace.Lane) uint32 {
		i, _ := slices.BinarySearchFunc(t.Lanes, l, compareLanes)
		return uint32(i)
	}
	for i := range ops {
		ops[i].Lane = laneOf(ops[i].lane)
		t.MemOps = append(t.MemOps, ops[i].MemOp)
	}

	texts := map[int64]uint32{}
	for i := range configs {
		c := &configs[i]
		for _, id := range []int64{c.name, c.short, c.mangled} {
			texts[id] = trace.None
		}
	}
	err = db.eachString(ctx, func(id int64, value []byte) {
		if at, ok := texts[id]; ok && at == trace.None {
			texts[id] = strings.bytes(value)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	base = make([]trace.Config, len(configs))
	nameless = map[uint32]bool{}
	for i := range configs {
		c := &configs[i]
		name := texts[c.name]
		if name == trace.None {
			name = strings.id(unresolved(c.name))
			nameless[name] = true
		}
		short := texts[c.short]
		if short == trace.None {
			short = name
		}
		base[i] = trace.Config{
			Name: name, Short: short, Mangled: texts[c.mangled], Lane: laneOf(c.lane()),
			Grid: c.grid, Block: c.block, SMem: c.smem, Regs: c.regs,
		}
	}
	return base, nameless, nil
}

// inScope returns the number of launches in scope.
func (r *kernelReader) inScope() (n int) {
	for i := range r.out.tracks {
		n += r.out.tracks[i].n
	}
	return n
}

// configsInScope returns the configurations that the scope lets through, in an
// order that depends on their contents alone.
func (r *kernelReader) configsInScope() (configs []rawConfig) {
	keys := r.configs.Keys
	order := make([]uint32, 0, len(keys))
	for i := range keys {
		if r.facts[i].verdict == trace.Satisfied {
			order = append(order, uint32(i))
		}
	}
	slices.SortFunc(order, func(a, b uint32) int { return compareConfigs(&keys[a], &keys[b]) })
	configs, r.places = make([]rawConfig, len(order)), make([]uint32, len(keys))
	for i, k := range order {
		configs[i], r.places[k] = keys[k], uint32(i)
	}
	return configs
}

// nodes returns the graph nodes of the launches in scope, and the index there of
// that which each of r.nodeConfigs has, or trace.None.
func (r *kernelReader) nodes() (keys []nodeKey, of []uint32) {
	var nodes intern.Table[nodeKey]
	of = make([]uint32, len(r.nodeConfigs.Keys))
	for i, c := range r.nodeConfigs.Keys {
		of[i] = trace.None
		if c.node != noNode {
			of[i], _ = nodes.ID(&nodeKey{r.facts[c.config].pid, c.node})
		}
	}
	return nodes.Keys, of
}

// finish makes t.Configs, t.Launches and t.Tracks of what was read. base is what a
// trace has of the configurations in scope, and of the index in t.Nodes of the node
// that each of r.nodeConfigs has.
func (r *kernelReader) finish(t *trace.Trace, base []trace.Config, of []uint32) {
	order := identity(nil, len(r.out.tracks))
	slices.SortFunc(order, func(a, b uint32) int { return compareTrackKeys(r.tracks.Keys[a], r.tracks.Keys[b]) })
	first := r.out.arrange(order)
	starts := make([][]int, len(order))
	for i, k := range order {
		starts[i] = r.out.tracks[k].starts
		if key, n := r.tracks.Keys[k], r.out.tracks[k].n; n > 0 {
			t.Tracks = append(t.Tracks, trace.Track{GlobalPID: key.pid, PID: pidOf(key.pid), Device: int(key.device), First: first[i], N: n})
		}
	}

	// In order of the configurations, then of the nodes, those without at the end.
	index := identity(nil, len(of))
	at := make([]uint32, len(of)) // in base
	for i, c := range r.nodeConfigs.Keys {
		at[i] = r.places[c.config]
	}
	slices.SortFunc(index, func(a, b uint32) int { return cmp.Or(cmp.Compare(at[a], at[b]), cmp.Compare(of[a], of[b])) })
	t.Configs = make([]trace.Config, len(of))
	final := make([]uint32, len(of))
	for i, k := range index {
		t.Configs[i] = base[at[k]]
		t.Configs[i].Node = of[k]
		final[k] = uint32(i)
	}
	t.Launches, r.out.launches = r.out.launches, trace.Launches{}
	l := &t.Launches
	parallel(len(r.workers), (l.Len()+chunkRows-1)/chunkRows, func(k int) {
		configs := l.Config[k*chunkRows : min(k*chunkRows+chunkRows, l.Len())]
		for i, c := range configs {
			configs[i] = final[c]
		}
	})
	issueOrder(t, first, starts)
}
