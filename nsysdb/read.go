package nsysdb

import (
	"context"
	"os"
	"slices"
	"sync"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A Query says what [DB.Read] reads. The zero value reads every launch, with
// no ranges and no memory operations.
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
	// read of the table of launches, and of all, which is an estimate. Calls
	// do not overlap.
	Progress func(done, total int64)
}

// Read reads the report's launches.
//
// It needs about 24 bytes a launch in scope, and a constant. Equal files and
// queries give equal traces.
//
// Where the report has no launches the error is that of [DB.Usable]; where the
// scope leaves none of them, a [*trace.EmptyScopeError].
func (db *DB) Read(ctx context.Context, q Query) (*trace.Trace, error) {
	t, err := db.read(ctx, &q)
	if err != nil {
		return nil, explain(db.path, err)
	}
	changed, err := db.src.Changed()
	if err != nil {
		return nil, explain(db.path, err)
	}
	if changed {
		return nil, db.fail(Busy, "another program changed the file while it was read", "wait until the export is done")
	}
	if err := q.Scope.Apply(t); err != nil {
		return nil, err
	}
	return t, nil
}

func (db *DB) read(ctx context.Context, q *Query) (*trace.Trace, error) {
	if db.usable != nil {
		return nil, db.usable
	}
	t := &trace.Trace{Capture: db.capture}
	t.Capture.GPUs = slices.Clone(db.capture.GPUs)
	t.Capture.Processes = slices.Clone(db.capture.Processes)
	t.Capture.Warnings = slices.Clone(db.capture.Warnings)
	t.Capture.Diagnostics = slices.Clone(db.capture.Diagnostics)
	strings := newStringTable()
	r := db.newKernelReader(&q.Scope)
	r.report = progressFunc(q.Progress, db.capture.Launches)

	var configs []rawConfig
	var used []nodeKey
	if db.layout.kernels != "" {
		names, err := db.filterNames(ctx, &q.Scope)
		if err != nil {
			return nil, err
		}
		if err := r.read(ctx, names, db.expectedLaunches()); err != nil {
			return nil, err
		}
		configs, used = r.finish()
	}
	if r.out.Len() == 0 && r.rows() > 0 {
		return nil, db.emptyScope(ctx, r, q)
	}
	t.Launches = r.out
	r.out = trace.Launches{}
	r.count(t)

	var ops []memOp
	if q.MemOps {
		var err error
		if ops, err = db.readMemOps(ctx, r, strings); err != nil {
			return nil, err
		}
	}
	if err := db.makeConfigs(ctx, t, configs, ops, strings); err != nil {
		return nil, err
	}

	lines := map[uint64]*timeline{}
	nvtx := (q.NVTX || len(q.Scope.NVTX) > 0) && db.capture.HasNVTX
	if nvtx {
		var err error
		if t.Ranges, err = db.readRanges(ctx, strings); err != nil {
			return nil, err
		}
		lines = timelines(t.Ranges)
	}
	var known []bool
	if len(used) > 0 {
		events, err := db.readNodeEvents(ctx)
		if err != nil {
			return nil, err
		}
		known = makeNodes(t, used, events, lines)
	}

	trackOf, tracks := tracksOf(configs)
	issueOrder(&t.Launches, trackOf, tracks, r.extents)
	t.MakeTracks()

	a := &attributor{t: t, lines: lines}
	a.prepare()
	if nvtx {
		if err := a.attribute(ctx, db); err != nil {
			return nil, err
		}
	}
	t.Capture.Unattributed = a.finish(nvtx, known)
	t.Strings = strings.list
	return t, nil
}

// progressFunc returns what a kernelReader calls for each batch.
func progressFunc(fn func(done, total int64), total int64) func(rows int) {
	if fn == nil {
		return nil
	}
	var mu sync.Mutex
	done := int64(0)
	return func(rows int) {
		mu.Lock()
		defer mu.Unlock()
		done += int64(rows)
		fn(done, max(done, total))
	}
}

// expectedLaunches bounds what the table's row numbers tell by what fits into
// the file, since a damaged file may hold any row number.
func (db *DB) expectedLaunches() int64 {
	const leastRow = 24 // bytes; real ones have 60 and more
	n := db.capture.Launches
	if info, err := os.Stat(db.path); err == nil {
		n = min(n, info.Size()/leastRow)
	}
	return n
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
		for i := range w.configs.keys {
			if pid := w.configs.keys[i].pid; !processes[pid] {
				processes[pid] = true
				t.Capture.Processes = append(t.Capture.Processes, trace.Process{GlobalPID: pid, PID: pidOf(pid)})
			}
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
	for _, w := range r.workers {
		for _, k := range w.configs.keys {
			names[k.name] = unresolved(k.name)
		}
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
		for i := range w.configs.keys {
			k := &w.configs.keys[i]
			c.Launches(names[k.name], k.lane(), w.counts[i])
		}
		if w.rows > 0 {
			c.Start(w.first - db.capture.Start)
			c.Start(w.last - db.capture.Start)
		}
	}
	if len(q.Scope.NVTX) > 0 {
		strings := newStringTable()
		ranges, err := db.readRanges(ctx, strings)
		if err != nil {
			return err
		}
		for i := range ranges {
			c.Range(strings.list[ranges[i].Name])
		}
	}
	return &trace.EmptyScopeError{Path: db.path, Scope: q.Scope, Choices: c.Choices()}
}

// makeConfigs fills in t.Configs, t.Lanes and t.MemOps, and reads the names
// that they use.
func (db *DB) makeConfigs(ctx context.Context, t *trace.Trace, configs []rawConfig, ops []memOp, strings *stringTable) error {
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
	err := db.eachString(ctx, func(id int64, value []byte) {
		if at, ok := texts[id]; ok && at == trace.None {
			texts[id] = strings.bytes(value)
		}
	})
	if err != nil {
		return err
	}
	t.Configs = make([]trace.Config, len(configs))
	nameless := make([]bool, len(configs))
	for i := range configs {
		c := &configs[i]
		name := texts[c.name]
		if name == trace.None {
			name, nameless[i] = strings.id(unresolved(c.name)), true
		}
		short := texts[c.short]
		if short == trace.None {
			short = name
		}
		t.Configs[i] = trace.Config{
			Name: name, Short: short, Mangled: texts[c.mangled], Lane: laneOf(c.lane()),
			Grid: c.grid, Block: c.block, SMem: c.smem, Regs: c.regs,
		}
	}
	if slices.Contains(nameless, true) {
		for _, c := range t.Launches.Config {
			if nameless[c] {
				t.Capture.Unresolved++
			}
		}
	}
	return nil
}

// tracksOf returns the track of each config, which are in order of process
// and device, and the number of tracks.
func tracksOf(configs []rawConfig) (trackOf []uint32, n int) {
	trackOf = make([]uint32, len(configs))
	for i := range configs {
		if i == 0 || configs[i].pid != configs[i-1].pid || configs[i].device != configs[i-1].device {
			n++
		}
		trackOf[i] = uint32(n - 1)
	}
	return trackOf, n
}
