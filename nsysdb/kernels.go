package nsysdb

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

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

func (c rawConfig) hash() uint64 {
	h := mix(0, uint64(c.name))
	h = mix(h, uint64(c.stream)<<32^uint64(c.device)<<16^uint64(c.context)^c.pid)
	h = mix(h, uint64(uint32(c.grid[0]))|uint64(uint32(c.grid[1]))<<32)
	h = mix(h, uint64(uint32(c.block[0]))|uint64(uint32(c.grid[2]))<<32)
	h = mix(h, uint64(uint32(c.block[1]))|uint64(uint32(c.block[2]))<<32)
	return mix(h, uint64(uint32(c.smem))|uint64(uint32(c.regs))<<32)
}

func compareConfigs(a, b rawConfig) int {
	return cmp.Or(
		cmp.Compare(a.pid, b.pid), cmp.Compare(a.device, b.device), cmp.Compare(a.context, b.context), cmp.Compare(a.stream, b.stream),
		cmp.Compare(a.name, b.name), cmp.Compare(a.short, b.short), cmp.Compare(a.mangled, b.mangled),
		slices.Compare(a.grid[:], b.grid[:]), slices.Compare(a.block[:], b.block[:]),
		cmp.Compare(a.smem, b.smem), cmp.Compare(a.regs, b.regs))
}

// A nodeKey names a graph node: ids are only unique within a process.
type nodeKey struct{ pid, id uint64 }

func (k nodeKey) hash() uint64 { return mix(mix(0, k.id), k.pid) }

func compareNodeKeys(a, b nodeKey) int {
	return cmp.Or(cmp.Compare(a.pid, b.pid), cmp.Compare(a.id, b.id))
}

// noCorrelation stands for a launch without a correlation id. CUPTI's ids are
// 32 bits wide.
const noCorrelation = math.MaxUint32

// A kernelReader reads the launches in scope into columns, as far as NVTX
// ranges do not matter.
//
// Until finish is done, Launches.Config and Launches.Node hold numbers that
// the worker gave, and Launches.Origin holds the correlation id, so that a
// launch never takes more than its 24 bytes.
type kernelReader struct {
	db      *DB
	scope   *trace.Scope
	verdict func(*rawConfig) trace.Condition
	from    int64 // bounds of a launch's start
	to      int64
	onlyPID uint64 // the process of launches that do not say
	report  func(rows int)

	columns []string
	at      kernelColumns

	workers []*kernelWorker

	grow     sync.RWMutex // held for writing while out grows
	out      trace.Launches
	used     atomic.Int64 // launches in out
	extentMu sync.Mutex
	extents  []extent
}

// kernelColumns is the place of each column in a row, -1 where the report has
// none.
type kernelColumns struct {
	start, end, device, context, stream, correlation, pid int
	name, short, mangled                                  int
	grid, block                                           [3]int
	static, dynamic, regs, node                           int
}

// An extent is the launches first, …, first+n-1, which came in one batch.
type extent struct {
	seq, worker, first, n int
}

// A kernelWorker is what one goroutine has found.
type kernelWorker struct {
	configs  interner[rawConfig]
	verdicts []trace.Condition // by config
	counts   []int64           // launches, in scope or not, by config
	first    int64             // least and greatest start, in scope or not
	last     int64
	nodes    interner[nodeKey]
	rows     int64
	replayed int64
	leftOut  [trace.NumConditions]int64
	absent   []int64 // NULLs, for columns that the report does not have

	// Launches in scope of the batch at hand.
	start, duration           []int64
	config, node, correlation []uint32
}

func (db *DB) newKernelReader(s *trace.Scope) *kernelReader {
	r := &kernelReader{db: db, scope: s}
	r.from, r.to = s.Window(&db.capture)
	c, k := db.layout.columns(db.layout.kernels), &r.at
	k.start, k.end = c.need("start"), c.need("end")
	k.device, k.context, k.stream = c.need("deviceId"), c.need("contextId"), c.need("streamId")
	k.correlation, k.pid = c.need("correlationId"), c.need("globalPid")
	k.name, k.short, k.mangled = c.need("demangledName"), c.need("shortName"), c.need("mangledName")
	for i, axis := range []string{"X", "Y", "Z"} {
		k.grid[i], k.block[i] = c.need("grid"+axis), c.need("block"+axis)
	}
	k.static, k.dynamic = c.need("staticSharedMemory"), c.need("dynamicSharedMemory")
	k.regs, k.node = c.need("registersPerThread"), c.need("graphNodeId")
	r.columns = c.names
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

// prepare makes r ready for a scan by a number of workers. names tells which
// names the scope's patterns let through.
func (r *kernelReader) prepare(workers int, names nameFilter) {
	r.verdict = func(c *rawConfig) trace.Condition { return judge(r.scope, names, c) }
	r.workers = make([]*kernelWorker, workers)
	for i := range r.workers {
		r.workers[i] = &kernelWorker{first: math.MaxInt64, last: math.MinInt64}
	}
	r.extents = nil
	r.used.Store(0)
}

// read reads the table, of which it expects so many launches.
func (r *kernelReader) read(ctx context.Context, names nameFilter, expected int64) error {
	workers := r.db.numWorkers()
	reset := func() { r.prepare(workers, names) }
	reset()
	r.out.Resize(int(expected))
	return r.db.src.ints(ctx, r.db.layout.kernels, r.columns, workers, reset, func(b table.Batch) error {
		w := r.workers[b.Worker]
		r.choose(w, b)
		r.store(b, w)
		if r.report != nil {
			r.report(b.N)
		}
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

// choose takes the launches in scope out of a batch.
func (r *kernelReader) choose(w *kernelWorker, b table.Batch) {
	for len(w.absent) < b.N {
		w.absent = append(w.absent, null)
	}
	col := func(i int) []int64 {
		if i < 0 {
			return w.absent[:b.N]
		}
		return b.Columns[i][:b.N]
	}
	k := &r.at
	start, end, correlation, node := col(k.start), col(k.end), col(k.correlation), col(k.node)
	pid, device, cudaContext, stream := col(k.pid), col(k.device), col(k.context), col(k.stream)
	name, short, mangled := col(k.name), col(k.short), col(k.mangled)
	gridX, gridY, gridZ := col(k.grid[0]), col(k.grid[1]), col(k.grid[2])
	blockX, blockY, blockZ := col(k.block[0]), col(k.block[1]), col(k.block[2])
	static, dynamic, regs := col(k.static), col(k.dynamic), col(k.regs)

	w.start, w.duration = w.start[:0], w.duration[:0]
	w.config, w.node, w.correlation = w.config[:0], w.node[:0], w.correlation[:0]
	for i := range b.N {
		c := rawConfig{
			pid: uint64(pid[i]), device: zero(device[i]), context: zero(cudaContext[i]), stream: zero(stream[i]),
			name: name[i], short: short[i], mangled: mangled[i],
			grid:  [3]int32{clamp(gridX[i]), clamp(gridY[i]), clamp(gridZ[i])},
			block: [3]int32{clamp(blockX[i]), clamp(blockY[i]), clamp(blockZ[i])},
			smem:  clamp(zero(static[i]) + zero(dynamic[i])), regs: clamp(regs[i]),
		}
		if pid[i] == null {
			c.pid = r.onlyPID
		}
		replayed := isGraphNode(node[i])
		if replayed {
			w.replayed++
		}
		w.first, w.last = min(w.first, start[i]), max(w.last, start[i])
		id, isNew := w.configs.id(&c)
		if isNew {
			w.verdicts = append(w.verdicts, r.verdict(&w.configs.keys[id])) // &c would put every c on the heap
			w.counts = append(w.counts, 0)
		}
		w.counts[id]++
		why := w.verdicts[id]
		if why == trace.Satisfied && (start[i] < r.from || start[i] >= r.to) {
			why = trace.ByTime
		}
		if why != trace.Satisfied {
			w.leftOut[why]++
			continue
		}
		n := uint32(trace.None)
		if replayed {
			key := nodeKey{c.pid, uint64(node[i])}
			n, _ = w.nodes.id(&key)
		}
		corr := uint32(noCorrelation)
		if x := correlation[i]; x >= 0 && x < noCorrelation {
			corr = uint32(x)
		}
		w.start = append(w.start, start[i])
		w.duration = append(w.duration, end[i]-start[i])
		w.config = append(w.config, id)
		w.node = append(w.node, n)
		w.correlation = append(w.correlation, corr)
	}
	w.rows += int64(b.N)
}

// store copies a batch's launches in scope to the end of r.out.
func (r *kernelReader) store(b table.Batch, w *kernelWorker) {
	n := len(w.start)
	if n == 0 {
		return
	}
	first := int(r.used.Add(int64(n))) - n
	r.grow.RLock()
	if r.out.Len() < first+n {
		r.grow.RUnlock()
		r.grow.Lock()
		if r.out.Len() < first+n {
			r.out.Resize(max(first+n, r.out.Len()+r.out.Len()/2))
		}
		r.grow.Unlock()
		r.grow.RLock()
	}
	for i := range n {
		r.out.Set(first+i, w.start[i], w.duration[i], w.config[i], w.node[i], w.correlation[i])
	}
	r.grow.RUnlock()
	r.extentMu.Lock()
	r.extents = append(r.extents, extent{seq: b.Seq, worker: b.Worker, first: first, n: n})
	r.extentMu.Unlock()
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

// finish brings the workers' numbers together: the launches' Config and Node
// columns then index the two slices, which are in an order that depends on
// their contents alone, and the extents are in order of the rows.
func (r *kernelReader) finish() (configs []rawConfig, nodes []nodeKey) {
	r.out.Resize(int(r.used.Load()))
	slices.SortFunc(r.extents, func(a, b extent) int { return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.first, b.first)) })

	for _, w := range r.workers {
		for i, c := range w.configs.keys {
			if w.verdicts[i] == trace.Satisfied {
				configs = append(configs, c)
			}
		}
		nodes = append(nodes, w.nodes.keys...)
	}
	slices.SortFunc(configs, compareConfigs)
	configs = slices.Compact(configs)
	slices.SortFunc(nodes, compareNodeKeys)
	nodes = slices.Compact(nodes)

	newConfig := make([][]uint32, len(r.workers))
	newNode := make([][]uint32, len(r.workers))
	for k, w := range r.workers {
		newConfig[k] = make([]uint32, len(w.configs.keys))
		for i, c := range w.configs.keys {
			id, _ := slices.BinarySearchFunc(configs, c, compareConfigs)
			newConfig[k][i] = uint32(id) // of no meaning, and not used, for one out of scope
		}
		newNode[k] = make([]uint32, len(w.nodes.keys))
		for i, key := range w.nodes.keys {
			id, _ := slices.BinarySearchFunc(nodes, key, compareNodeKeys)
			newNode[k][i] = uint32(id)
		}
	}
	for _, e := range r.extents {
		for i := e.first; i < e.first+e.n; i++ {
			r.out.Config[i] = newConfig[e.worker][r.out.Config[i]]
			if n := r.out.Node[i]; n != trace.None {
				r.out.Node[i] = newNode[e.worker][n]
			}
		}
	}
	return configs, nodes
}
