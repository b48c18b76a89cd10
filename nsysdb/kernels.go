package nsysdb

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/nsysdiff/nsysdiff/internal/intern"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A rawConfig is a trace.Config in the report's own ids.
type rawConfig struct {
	pid                     uint64
	device, context, stream int64
	name, short, mangled    int64 // string ids
	grid, block             [3]int32
	smem, regs              int32
}

func (c rawConfig) Hash() uint64 {
	h := intern.Mix(0, uint64(c.name))
	h = intern.Mix(h, uint64(c.stream)<<32^uint64(c.device)<<16^uint64(c.context)^c.pid)
	h = intern.Mix(h, uint64(uint32(c.grid[0]))|uint64(uint32(c.grid[1]))<<32)
	h = intern.Mix(h, uint64(uint32(c.block[0]))|uint64(uint32(c.grid[2]))<<32)
	h = intern.Mix(h, uint64(uint32(c.block[1]))|uint64(uint32(c.block[2]))<<32)
	return intern.Mix(h, uint64(uint32(c.smem))|uint64(uint32(c.regs))<<32)
}

func compareConfigs(a, b *rawConfig) int {
	switch { // which, unlike cmp.Or, compares no more than is needed
	case a.pid != b.pid:
		return cmp.Compare(a.pid, b.pid)
	case a.device != b.device:
		return cmp.Compare(a.device, b.device)
	case a.context != b.context:
		return cmp.Compare(a.context, b.context)
	case a.stream != b.stream:
		return cmp.Compare(a.stream, b.stream)
	case a.name != b.name:
		return cmp.Compare(a.name, b.name)
	case a.short != b.short:
		return cmp.Compare(a.short, b.short)
	case a.mangled != b.mangled:
		return cmp.Compare(a.mangled, b.mangled)
	case a.grid != b.grid:
		return slices.Compare(a.grid[:], b.grid[:])
	case a.block != b.block:
		return slices.Compare(a.block[:], b.block[:])
	case a.smem != b.smem:
		return cmp.Compare(a.smem, b.smem)
	}
	return cmp.Compare(a.regs, b.regs)
}

// A nodeKey names a graph node: ids are only unique within a process.
type nodeKey struct{ pid, id uint64 }

func (k nodeKey) Hash() uint64 { return intern.Mix(intern.Mix(0, k.id), k.pid) }

// A nodeConfig is a configuration, as kernelReader numbers it, and the id of the
// graph node that it was replayed from, noNode where it was not: what a
// trace.Config is.
type nodeConfig struct {
	config uint32
	node   uint64
}

// noNode is CUPTI's graph node id of a launch that no graph replayed; see
// isGraphNode.
const noNode = 0

func (k nodeConfig) Hash() uint64 { return intern.Mix(intern.Mix(0, k.node), uint64(k.config)) }

func compareNodeKeys(a, b nodeKey) int {
	return cmp.Or(cmp.Compare(a.pid, b.pid), cmp.Compare(a.id, b.id))
}

// noCorrelation stands for a launch without a correlation id. CUPTI's ids are
// 32 bits wide.
const noCorrelation = math.MaxUint32

// A kernelReader reads the launches in scope into columns, as far as NVTX
// ranges do not matter.
//
// Until the launches are finished, Launches.Config holds numbers in order of
// appearance, and Launches.Origin holds the correlation id, so that a launch never
// takes more than its 20 bytes.
type kernelReader struct {
	db       *DB
	scope    *trace.Scope
	names    nameFilter
	from     int64 // bounds of a launch's start
	to       int64
	windowed bool   // the bounds leave something out
	onlyPID  uint64 // the process of launches that do not say
	progress *rowCount

	// Columns with a value for each launch, and those of the configuration,
	// which repeats, with the place of each.
	columns, keys                 []string
	start, end, correlation, node int
	key                           configColumns

	made    nodeEvents
	workers []*kernelWorker
	kept    sync.Pool // of *keptBatch
	out     collector

	// What the workers share, numbered in order of appearance.
	mu          sync.Mutex
	configs     intern.Table[rawConfig]
	facts       []configFacts // by config
	tracks      intern.Table[trackKey]
	nodeConfigs intern.Table[nodeConfig] // of launches in scope

	places []uint32 // by config, once all are known: its place among those in scope
}

// configColumns is the place of each column in a row, -1 where the report has
// none.
type configColumns struct {
	device, context, stream, pid int
	name, short, mangled         int
	grid, block                  [3]int
	static, dynamic, regs        int
}

// configFacts is what counts in a configuration for the choice and the order
// of launches.
type configFacts struct {
	verdict trace.Condition
	track   uint32
	pid     uint64
}

// A trackKey names a track.
type trackKey struct {
	pid    uint64
	device int64
}

func (k trackKey) Hash() uint64 { return intern.Mix(intern.Mix(0, k.pid), uint64(k.device)) }

func compareTrackKeys(a, b trackKey) int {
	return cmp.Or(cmp.Compare(a.pid, b.pid), cmp.Compare(a.device, b.device))
}

// A kernelWorker is what one goroutine has found.
type kernelWorker struct {
	facts      []configFacts // by config, of those that it met
	choosy     bool          // some of them are out of scope
	manyTracks bool
	rows       int64
	replayed   int64
	leftOut    [trace.NumConditions]int64

	// What it numbers itself, of launches in scope.
	nodeConfigs intern.Table[nodeConfig]
	shared      []uint32 // number in kernelReader.nodeConfigs
	made        []int64  // when the node was made
	later       []uint32 // the number of one whose node comes later, or trace.None
	plain       []uint32 // by config, the number of that without a node, or trace.None

	// Of the launches that are left out.
	counts      []int64 // by config
	first, last int64   // least and greatest start

	batch  launchBatch  // in order of the rows
	sorted launchBatch  // the same in order of track and issue, if that differs
	issued *launchBatch // batch or sorted
	order  []uint32
	pairs  []uint64
	parts  []part
}

// A launchBatch is the launches in scope of a batch.
type launchBatch struct {
	start, end          []int64
	config, correlation []uint32 // config is a number in kernelWorker.nodeConfigs, in turn in kernelReader's
}

func (b *launchBatch) len() int { return len(b.start) }

// duration returns how long launch i ran, 0 if it ended before it started.
func (b *launchBatch) duration(i uint32) int64 { return max(b.end[i], b.start[i]) - b.start[i] }

func (db *DB) newKernelReader(s *trace.Scope) *kernelReader {
	r := &kernelReader{db: db, scope: s}
	r.from, r.to = s.Window(&db.capture)
	r.windowed = s.From != nil || s.To != nil
	c := db.layout.columns(db.layout.kernels)
	r.start, r.end = c.need("start"), c.need("end")
	r.correlation, r.node = c.need("correlationId"), c.need("graphNodeId")
	r.columns = c.names
	c = db.layout.columns(db.layout.kernels)
	k := &r.key
	k.device, k.context, k.stream, k.pid = c.need("deviceId"), c.need("contextId"), c.need("streamId"), c.need("globalPid")
	k.name, k.short, k.mangled = c.need("demangledName"), c.need("shortName"), c.need("mangledName")
	for i, axis := range []string{"X", "Y", "Z"} {
		k.grid[i], k.block[i] = c.need("grid"+axis), c.need("block"+axis)
	}
	k.static, k.dynamic = c.need("staticSharedMemory"), c.need("dynamicSharedMemory")
	k.regs = c.need("registersPerThread")
	r.keys = c.names
	if p := db.capture.Processes; len(p) == 1 {
		r.onlyPID = p[0].GlobalPID
	}
	return r
}

func (db *DB) numWorkers() int {
	if db.workers > 0 {
		return db.workers
	}
	return runtime.GOMAXPROCS(0)
}

// prepare makes r ready for a scan by a number of workers.
func (r *kernelReader) prepare(workers int) {
	r.workers = make([]*kernelWorker, workers)
	for i := range r.workers {
		r.workers[i] = &kernelWorker{first: math.MaxInt64, last: math.MinInt64}
	}
	r.configs, r.facts, r.tracks, r.nodeConfigs = intern.Table[rawConfig]{}, nil, intern.Table[trackKey]{}, intern.Table[nodeConfig]{}
	r.out.reset()
	r.progress.reset()
}

// read reads the table, of which it expects so many launches.
func (r *kernelReader) read(ctx context.Context, expected int64) error {
	workers := r.db.numWorkers()
	reset := func() { r.prepare(workers) }
	reset()
	r.out.expect(int(expected))
	opts := table.IntsOptions{Workers: workers, Keys: r.keys, Key: r.config}
	return r.db.src.ints(ctx, r.db.layout.kernels, r.columns, opts, reset, func(b table.Batch) error {
		w := r.workers[b.Worker]
		r.choose(w, &b)
		r.arrange(w)
		for i, c := range w.issued.config {
			w.issued.config[i] = w.shared[c]
		}
		if err := b.InTurn(r.turn(w.issued, w.parts)); err != nil {
			return err
		}
		r.progress.add(b.N)
		return nil
	})
}

// judge returns the condition that launches with this configuration fail.
func judge(s *trace.Scope, names nameFilter, c *rawConfig) trace.Condition {
	if why := s.Lane(pidOf(c.pid), int(c.device), int(c.stream)); why != trace.Satisfied {
		return why
	}
	return names.judge(c.name)
}

// config returns the number of the configuration that the values of the key
// columns make.
func (r *kernelReader) config(worker int, row []table.Value) (uint32, error) {
	var wrong error
	at := func(i int) int64 {
		if i < 0 {
			return null
		}
		n, err := whole(row[i], r.db.layout.kernels, r.keys[i])
		if err != nil {
			wrong = err
		}
		return n
	}
	k := &r.key
	c := rawConfig{
		pid: uint64(at(k.pid)), device: zero(at(k.device)), context: zero(at(k.context)), stream: zero(at(k.stream)),
		name: at(k.name), short: at(k.short), mangled: at(k.mangled),
		grid:  [3]int32{clamp(at(k.grid[0])), clamp(at(k.grid[1])), clamp(at(k.grid[2]))},
		block: [3]int32{clamp(at(k.block[0])), clamp(at(k.block[1])), clamp(at(k.block[2]))},
		smem:  clamp(zero(at(k.static)) + zero(at(k.dynamic))), regs: clamp(at(k.regs)),
	}
	if at(k.pid) == null {
		c.pid = r.onlyPID
	}
	if wrong != nil {
		return 0, wrong
	}

	r.mu.Lock()
	id, isNew := r.configs.ID(&c)
	if isNew {
		track, _ := r.tracks.ID(&trackKey{c.pid, c.device})
		r.facts = append(r.facts, configFacts{verdict: judge(r.scope, r.names, &c), track: track, pid: c.pid})
	}
	f := r.facts[id]
	r.mu.Unlock()

	w := r.workers[worker]
	if n := int(id) + 1; n > len(w.facts) {
		w.facts = slices.Grow(w.facts, n-len(w.facts))[:n]
		w.counts = append(w.counts, make([]int64, n-len(w.counts))...)
		for len(w.plain) < n {
			w.plain = append(w.plain, trace.None)
		}
	}
	w.facts[id] = f
	w.choosy = w.choosy || f.verdict != trace.Satisfied
	w.manyTracks = w.manyTracks || f.track != 0
	return id, nil
}

// choose takes the launches in scope out of a batch, whose columns it uses as
// its own.
func (r *kernelReader) choose(w *kernelWorker, b *table.Batch) {
	w.rows += int64(b.N)
	start, end, config := b.Columns[r.start], b.Columns[r.end], b.Keys
	var correlation, node []int64
	if r.correlation >= 0 {
		correlation = b.Columns[r.correlation]
	}
	if r.node >= 0 {
		node = b.Columns[r.node]
	}
	n := b.N
	if w.choosy || r.windowed {
		n = 0
		for i := range b.N {
			why := w.facts[config[i]].verdict
			if why == trace.Satisfied && (start[i] < r.from || start[i] >= r.to) {
				why = trace.ByTime
			}
			if why != trace.Satisfied {
				w.leftOut[why]++
				w.counts[config[i]]++
				w.first, w.last = min(w.first, start[i]), max(w.last, start[i])
				if node != nil && isGraphNode(node[i]) {
					w.replayed++
				}
				continue
			}
			start[n], end[n], config[n] = start[i], end[i], config[i]
			if correlation != nil {
				correlation[n] = correlation[i]
			}
			if node != nil {
				node[n] = node[i]
			}
			n++
		}
	}

	out := &w.batch
	out.start, out.end, out.config = start[:n], end[:n], config[:n]
	out.correlation = slices.Grow(out.correlation[:0], n)[:n]
	if correlation == nil {
		fill(out.correlation, noCorrelation)
	} else {
		for i, x := range correlation[:n] {
			out.correlation[i] = uint32(min(uint64(x), noCorrelation))
		}
	}
	r.number(w, node)
}

// number replaces the numbers of configurations in w.batch by those that w gives
// to configurations with their nodes.
func (r *kernelReader) number(w *kernelWorker, node []int64) {
	config, plain := w.batch.config, w.plain
	if node != nil {
		node = node[:len(config)]
	}
	for i, c := range config {
		if node != nil && isGraphNode(node[i]) {
			config[i] = r.nodeConfig(w, nodeConfig{c, uint64(node[i])})
			w.replayed++
			continue
		}
		if plain[c] == trace.None {
			plain[c] = r.nodeConfig(w, nodeConfig{c, noNode})
		}
		config[i] = plain[c]
	}
}

func fill(s []uint32, x uint32) {
	for i := range s {
		s[i] = x
	}
}

// nodeConfig returns the number that w gives to a configuration with its node.
func (r *kernelReader) nodeConfig(w *kernelWorker, key nodeConfig) uint32 {
	id, isNew := w.nodeConfigs.ID(&key)
	if isNew {
		r.mu.Lock()
		shared, _ := r.nodeConfigs.ID(&w.nodeConfigs.Keys[id]) // &key would put every key on the heap
		r.mu.Unlock()
		made := int64(0)
		if key.node != noNode {
			e, _ := r.made.captured(nodeKey{w.facts[key.config].pid, key.node})
			made = e.start
		}
		w.shared = append(w.shared, shared)
		w.made = append(w.made, made)
		w.later = append(w.later, trace.None)
	}
	return id
}

// A keptBatch is a batch that waits for its turn.
type keptBatch struct {
	launchBatch
	parts []part
}

// turn returns what to do with a batch when it is its turn.
func (r *kernelReader) turn(b *launchBatch, parts []part) table.Turn {
	var kept *keptBatch
	var spans []span
	return table.Turn{
		Keep: func() {
			if kept, _ = r.kept.Get().(*keptBatch); kept == nil {
				kept = new(keptBatch)
			}
			kept.start, kept.end = append(kept.start[:0], b.start...), append(kept.end[:0], b.end...)
			kept.config, kept.correlation = append(kept.config[:0], b.config...), append(kept.correlation[:0], b.correlation...)
			kept.parts = append(kept.parts[:0], parts...)
			b, parts = &kept.launchBatch, kept.parts
		},
		Do: func() { spans = r.out.reserve(parts) },
		Then: func() {
			r.out.store(b, spans)
			if kept != nil {
				r.kept.Put(kept)
			}
		},
	}
}

// isGraphNode reports whether a graphNodeId says that a CUDA graph launched
// the kernel. CUPTI's field is 0 for any other launch (CUpti_ActivityKernel9
// in cupti_activity.h); exports store that as NULL or, some, as 0.
func isGraphNode(id int64) bool { return id != null && id != 0 }

func zero(x int64) int64 {
	if x == null {
		return 0
	}
	return x
}

func clamp(x int64) int32 { return int32(min(max(zero(x), math.MinInt32), math.MaxInt32)) }
