package gen

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

// What a capture records, a row each.
type (
	kernel struct {
		start, end  int64
		config      int
		rank        int
		stream      int64
		correlation int64
		grid        int64 // gridId
		node        int64 // graphNodeId, 0 outside graphs
	}
	memOp struct {
		start, end          int64
		rank                int
		stream, correlation int64
		bytes               int64
		set                 bool // a memset, not a copy
	}
	node struct {
		start        int64
		rank         int
		id, original int64 // original is 0 if the node is no clone
	}
	call struct {
		start, end  int64
		rank        int
		correlation int64
		name        string
	}
	span struct {
		start, end int64
		rank       int
		text       string
	}
)

// A batch is what all processes recorded in one step.
type batch struct {
	kernels []kernel
	memOps  []memOp
	nodes   []node
	calls   []call
	spans   []span
}

func (b *batch) reset() {
	b.kernels, b.memOps, b.nodes, b.calls, b.spans = b.kernels[:0], b.memOps[:0], b.nodes[:0], b.calls[:0], b.spans[:0]
}

// sort sorts by start, keeping the order of issue where starts are equal.
func (b *batch) sort() {
	slices.SortStableFunc(b.kernels, func(x, y kernel) int { return cmp.Compare(x.start, y.start) })
	slices.SortStableFunc(b.memOps, func(x, y memOp) int { return cmp.Compare(x.start, y.start) })
	slices.SortStableFunc(b.nodes, func(x, y node) int { return cmp.Compare(x.start, y.start) })
	slices.SortStableFunc(b.calls, func(x, y call) int { return cmp.Compare(x.start, y.start) })
	slices.SortStableFunc(b.spans, func(x, y span) int { return cmp.Compare(x.start, y.start) })
}

// Ids as in the recorded reports: see testdata/dsa_e2e_gen_graph_node.sqlite.
const (
	captureTime = 445572121 // when the first process starts, ns
	firstStream = 13
	nodeBase    = 1 << 32 // ids of the captured nodes
	cloneBase   = 2 << 32 // ids of the nodes of the instantiated graph
	linkTime    = 2500    // from a call to the earliest start of its kernel, ns
)

// Global ids pack HW:8 | VM:8 | PID:24 | TID:24.
func pid(rank int) int64       { return int64(1232 + rank) }
func globalPID(rank int) int64 { return 1<<48 | pid(rank)<<24 }
func globalTID(rank int) int64 { return globalPID(rank) | pid(rank) }

// A process runs the model and records what it does in its batch.
type process struct {
	rank        int
	o           Options
	kernels     []stepKernel
	out         *batch
	rng         *rand.Rand
	now         int64   // of the host
	free        []int64 // when each stream is idle
	correlation int64
	grid        int64
}

func newProcess(rank int, o Options, kernels []stepKernel, out *batch) *process {
	return &process{
		rank: rank, o: o, kernels: kernels, out: out,
		rng:         rand.New(rand.NewPCG(o.Seed, uint64(rank))),
		now:         captureTime,
		free:        make([]int64, o.Streams),
		correlation: 117,
	}
}

// step runs step n, counted from the start of the program: the warm-up, then,
// for graphs, the capture, then the marked steps.
func (p *process) step(n int) {
	n -= p.o.Warmup
	if n < 0 {
		p.within("warmup", func() { p.forward(false) })
		p.sync()
		return
	}
	if p.o.Graph {
		if n == 0 {
			p.capture()
		}
		n--
	}
	name := fmt.Sprintf("[Executor] _forward_step %d: 1 ctx reqs, 0 gen reqs", n)
	switch {
	case n < 0:
		return
	case p.o.Mock:
		name = fmt.Sprintf("forward %d", n)
	}
	p.within(name, func() {
		if p.o.MemOps {
			p.memOp("cudaMemcpyAsync_v3020", 4096, false)
			p.memOp("cudaMemsetAsync_v3020", 16777216, true)
		}
		if p.o.Graph {
			p.replay()
		} else {
			p.forward(false)
		}
		p.sync()
	})
}

// within records an NVTX range around f.
func (p *process) within(text string, f func()) {
	i := len(p.out.spans)
	p.now += 300
	p.out.spans = append(p.out.spans, span{p.now, 0, p.rank, text})
	p.now += 300
	f()
	p.now += 300
	p.out.spans[i].end = p.now
}

// call records an API call that takes about ns.
func (p *process) call(name string, ns int64) call {
	p.correlation++
	p.now += 400
	c := call{p.now, p.now + ns + p.rng.Int64N(ns/4+1), p.rank, p.correlation, name}
	p.now = c.end
	p.out.calls = append(p.out.calls, c)
	return c
}

// forward issues the kernels of a step one by one, or captures them as the
// nodes of a graph.
func (p *process) forward(capture bool) {
	layer := -2
	for i := 0; i < len(p.kernels); {
		j := i
		for layer = p.kernels[i].layer; j < len(p.kernels) && p.kernels[j].layer == layer; {
			j++
		}
		if layer < 0 {
			p.modules(i, j, capture)
		} else {
			p.within(fmt.Sprintf("layer %d", layer), func() { p.modules(i, j, capture) })
		}
		i = j
	}
}

// modules issues kernels i to j-1, in the ranges of their modules: the indexer
// is inside the attention.
func (p *process) modules(i, j int, capture bool) {
	outer := func(k int) string {
		if m := p.kernels[k].module; m != "indexer" {
			return m
		}
		return "self_attn"
	}
	for i < j {
		end := i
		for end < j && outer(end) == outer(i) {
			end++
		}
		all := func() {
			for k := i; k < end; {
				inner := k
				for inner < end && p.kernels[inner].module == "indexer" {
					inner++
				}
				if inner > k {
					p.within("indexer", func() { p.issue(k, inner, capture) })
					k = inner
					continue
				}
				p.issue(k, k+1, capture)
				k++
			}
		}
		if outer(i) == "" {
			all()
		} else {
			p.within(outer(i), all)
		}
		i = end
	}
}

func (p *process) issue(i, j int, capture bool) {
	for ; i < j; i++ {
		if p.o.OpRanges {
			p.within("op "+p.kernels[i].short, func() { p.issueOne(i, capture) })
		} else {
			p.issueOne(i, capture)
		}
	}
}

func (p *process) issueOne(i int, capture bool) {
	name := "cudaLaunchKernel_v7000"
	if p.kernels[i].smem > 0 {
		name = "cuLaunchKernelEx"
	}
	c := p.call(name, 1800)
	if capture {
		p.out.nodes = append(p.out.nodes, node{c.end, p.rank, nodeBase + int64(i), 0})
		return
	}
	p.run(i, c, 0)
}

// run runs kernel i on the device.
func (p *process) run(i int, c call, node int64) {
	k := p.kernels[i]
	ns := k.ns * (1 + p.o.Noise*p.rng.NormFloat64())
	if k.perHead {
		ns /= float64(p.o.Shards)
	}
	s := i % p.o.Streams
	start := max(p.free[s]+700+p.rng.Int64N(600), c.start+linkTime)
	end := start + max(1, int64(ns))
	p.free[s] = end
	p.grid++
	if p.o.Skip > 0 && p.grid%int64(p.o.Skip) == 0 {
		return
	}
	p.out.kernels = append(p.out.kernels, kernel{
		start, end, k.config, p.rank, firstStream + int64(s), c.correlation, p.grid, node,
	})
}

// capture captures the step as a graph and instantiates it.
func (p *process) capture() {
	p.call("cudaStreamBeginCapture_v10000", 2000)
	p.within("capture", func() { p.forward(true) })
	p.call("cudaStreamEndCapture_v10000", 5000)
	c := p.call("cudaGraphInstantiate_v12000", 600*int64(len(p.kernels))+1000)
	for i := range p.kernels {
		t := c.start + 500*int64(i+1)
		p.out.nodes = append(p.out.nodes, node{t, p.rank, cloneBase + int64(i), nodeBase + int64(i)})
	}
}

func (p *process) replay() {
	c := p.call("cudaGraphLaunch_v10000", 110000)
	for i := range p.kernels {
		p.run(i, c, cloneBase+int64(i))
	}
}

func (p *process) memOp(name string, bytes int64, set bool) {
	c := p.call(name, 4000)
	start := max(p.free[0]+700, c.start+linkTime)
	end := start + 800 + bytes/1000
	p.free[0] = end
	p.out.memOps = append(p.out.memOps, memOp{start, end, p.rank, firstStream, c.correlation, bytes, set})
}

// sync waits for the device.
func (p *process) sync() {
	p.correlation++
	c := call{p.now + 400, p.now + 1400, p.rank, p.correlation, "cudaStreamSynchronize_v3020"}
	for _, t := range p.free {
		c.end = max(c.end, t+2000)
	}
	p.now = c.end
	p.out.calls = append(p.out.calls, c)
}
