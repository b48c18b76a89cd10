package nsysdb

import (
	"context"
	"errors"
	"iter"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A Batch is some launches, as columns of equal length. The columns are valid
// until the next batch is asked for.
type Batch struct {
	Start, Duration []int64 // ns
	Kernel          []*Kernel
	// Correlation is the id of the API call, unique within a process; 0 if
	// the report does not tell.
	Correlation []uint32
	// Node is the CUDA graph node that the launch was replayed from; 0 for
	// a launch that no graph replayed.
	Node []uint64
}

// A Kernel is a kernel as it was launched. Launches that were launched alike
// share one.
type Kernel struct {
	Name        string // demangled
	Short       string // without template arguments and parameters
	Mangled     string // "" if the report does not tell
	Lane        trace.Lane
	Grid, Block [3]int32
	SMem        int32 // static and dynamic shared memory, bytes
	Regs        int32 // registers a thread
}

// ErrNVTXScope is what [DB.Launches] yields for a scope with NVTX ranges, which
// only [DB.Read] can apply.
var ErrNVTXScope = errors.New("launches cannot be chosen by NVTX range while they stream")

// Launches yields the launches in scope in batches, in order of the report's
// rows, in constant memory. Errors end the sequence. [DB.Read] gathers all
// launches, and attributes them.
func (db *DB) Launches(ctx context.Context, scope trace.Scope) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		if len(scope.NVTX) > 0 {
			yield(Batch{}, ErrNVTXScope)
			return
		}
		if err := db.launches(ctx, &scope, yield); err != nil && err != errStop {
			yield(Batch{}, explain(db.path, err))
		}
	}
}

func (db *DB) launches(ctx context.Context, scope *trace.Scope, yield func(Batch, error) bool) error {
	switch {
	case db.usable != nil:
		return db.usable
	case db.layout.kernels == "":
		return nil
	}
	texts, err := db.allStrings(ctx)
	if err != nil {
		return err
	}
	r := db.newKernelReader(scope)
	if r.names, err = db.filterNames(ctx, scope); err != nil {
		return err
	}
	r.prepare(1)
	w := r.workers[0]
	var kernels []*Kernel // by config
	var out Batch
	opts := table.IntsOptions{Keys: r.keys, Key: r.config}
	return db.src.intsInOrder(ctx, db.layout.kernels, r.columns, opts, func(b table.Batch) error {
		r.choose(w, &b)
		for i := len(kernels); i < len(r.configs.Keys); i++ {
			kernels = append(kernels, makeKernel(&r.configs.Keys[i], texts))
		}
		chosen := &w.batch
		if chosen.len() == 0 {
			return nil
		}
		out = Batch{Start: chosen.start, Duration: chosen.end, Kernel: out.Kernel[:0], Correlation: chosen.correlation, Node: out.Node[:0]}
		for i, c := range chosen.config {
			out.Duration[i] = chosen.duration(uint32(i))
			key := w.nodeConfigs.Keys[c]
			out.Kernel, out.Node = append(out.Kernel, kernels[key.config]), append(out.Node, key.node)
			if out.Correlation[i] == noCorrelation {
				out.Correlation[i] = 0
			}
		}
		if !yield(out, nil) {
			return errStop
		}
		return nil
	})
}

func makeKernel(c *rawConfig, texts map[int64]string) *Kernel {
	k := &Kernel{Name: resolve(texts, c.name), Mangled: texts[c.mangled], Lane: c.lane(), Grid: c.grid, Block: c.block, SMem: c.smem, Regs: c.regs}
	k.Short = k.Name
	if s, ok := texts[c.short]; ok {
		k.Short = s
	}
	return k
}

// allStrings reads StringIds.
func (db *DB) allStrings(ctx context.Context) (map[int64]string, error) {
	texts := map[int64]string{}
	err := db.eachString(ctx, func(id int64, value []byte) { texts[id] = string(value) })
	return texts, err
}

func resolve(texts map[int64]string, id int64) string {
	if s, ok := texts[id]; ok {
		return s
	}
	return unresolved(id)
}

// A MemOp is a copy or a set of memory on the GPU.
type MemOp struct {
	Start, Duration int64 // ns
	Bytes           int64
	Name            string // as Nsight Systems names it: "[CUDA memcpy Host-to-Device]", "[CUDA memset]"
	Lane            trace.Lane
}

// MemOps returns the memory operations in order of start. Of the scope only
// process, device, stream and time apply to them.
func (db *DB) MemOps(ctx context.Context, scope trace.Scope) ([]MemOp, error) {
	strings := newStringTable()
	ops, err := db.readMemOps(ctx, db.newKernelReader(&scope), strings, nil)
	if err != nil {
		return nil, explain(db.path, err)
	}
	out := make([]MemOp, len(ops))
	for i, op := range ops {
		out[i] = MemOp{Start: op.Start, Duration: op.Duration, Bytes: op.Bytes, Name: strings.list[op.Name], Lane: op.lane}
	}
	return out, nil
}

// A Range is an NVTX range.
type Range struct {
	Name       string
	Start, End int64  // ns; End is math.MaxInt64 for a range that was not closed
	Thread     uint64 // globalTid of the thread that opened it
	Parent     int    // index of the range around it on its thread, -1 if there is none or this one is left out of the nesting
}

// Ranges returns the NVTX ranges in order of start; of those that start
// together, the longer first. Marks and domains are not ranges.
func (db *DB) Ranges(ctx context.Context) ([]Range, error) {
	strings := newStringTable()
	ranges, err := db.readRanges(ctx, nil, strings, nil)
	if err != nil {
		return nil, explain(db.path, err)
	}
	timelines(ranges, db.numWorkers())
	out := make([]Range, len(ranges))
	for i, r := range ranges {
		out[i] = Range{Name: strings.list[r.Name], Start: r.Start, End: r.End, Thread: r.Thread, Parent: -1}
		if r.Parent != trace.None {
			out[i].Parent = int(r.Parent)
		}
	}
	return out, nil
}

// A GraphNode is the creation of a CUDA graph node.
type GraphNode struct {
	GlobalPID uint64
	ID        uint64 // unique within a process
	Original  uint64 // node that this one was cloned from, as by instantiation; 0 if from none
	Created   int64  // ns
	Thread    uint64 // globalTid
}

// GraphNodes returns the creations of CUDA graph nodes in order of process and
// id. A node that instantiation made is there twice, with its original first.
func (db *DB) GraphNodes(ctx context.Context) ([]GraphNode, error) {
	events, err := db.readNodeEvents(ctx)
	if err != nil {
		return nil, explain(db.path, err)
	}
	out := make([]GraphNode, len(events))
	for i, e := range events {
		out[i] = GraphNode{GlobalPID: e.key.pid, ID: e.key.id, Original: e.original, Created: e.start, Thread: e.thread}
	}
	return out, nil
}

// An APICall is a call of the CUDA runtime or driver.
type APICall struct {
	Name        string
	Start, End  int64  // ns
	Thread      uint64 // globalTid; 0 if the report does not tell
	Correlation uint32 // unique within a process; 0 if the report does not tell
}

// APICalls yields the CUDA API calls in order of the report's rows. An error
// ends the sequence.
func (db *DB) APICalls(ctx context.Context) iter.Seq2[APICall, error] {
	return func(yield func(APICall, error) bool) {
		if err := db.apiCalls(ctx, yield); err != nil && err != errStop {
			yield(APICall{}, explain(db.path, err))
		}
	}
}

func (db *DB) apiCalls(ctx context.Context, yield func(APICall, error) bool) error {
	texts, err := db.allStrings(ctx)
	if err != nil {
		return err
	}
	for _, name := range db.layout.calls {
		cols := db.layout.columns(name)
		start, end := cols.need("start"), cols.need("end")
		tid, corr, nameID := cols.need("globalTid"), cols.need("correlationId"), cols.need("nameId")
		err := db.src.intsInOrder(ctx, name, cols.names, table.IntsOptions{}, func(b table.Batch) error {
			for i := range b.N {
				c := APICall{Start: b.Columns[start][i], Thread: uint64(zero(b.Columns[tid][i])), Name: unresolved(null)}
				c.End = c.Start
				if end >= 0 {
					c.End = max(c.Start, b.Columns[end][i])
				}
				if x := b.Columns[corr][i]; x > 0 && x < noCorrelation {
					c.Correlation = uint32(x)
				}
				if nameID >= 0 {
					c.Name = resolve(texts, b.Columns[nameID][i])
				}
				if !yield(c, nil) {
					return errStop
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
