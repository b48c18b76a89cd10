package align_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A kernel is one launch of a scripted program.
type kernel struct {
	name        string
	ns          int64
	grid, block [3]int32
	path        []string // NVTX ranges around it within the step, outermost first
	stream      int
	// tag says what the launch is, for holding a result against; "" for what
	// is not part of the operation.
	tag string
}

// A script is a program to be made a trace of: steps of kernels.
type script struct {
	around   []string           // NVTX ranges around all steps
	stepName func(i int) string // NVTX range of a step; nil for none
	prefix   []kernel           // before the first step
	steps    [][]kernel
	device   int
	graph    bool // each step replays a CUDA graph
}

// clone returns a copy whose steps may be changed.
func (s *script) clone() *script {
	c := *s
	c.prefix = slices.Clone(s.prefix)
	c.steps = make([][]kernel, len(s.steps))
	for i := range s.steps {
		c.steps[i] = slices.Clone(s.steps[i])
	}
	return &c
}

// edit replaces each launch of all steps by what fn returns for it.
func (s *script) edit(fn func(k kernel) []kernel) {
	for i, step := range s.steps {
		var out []kernel
		for _, k := range step {
			out = append(out, fn(k)...)
		}
		s.steps[i] = out
	}
}

// trace builds the trace of a script, and tells the tag of each launch by its
// start.
func (s *script) trace(path string) (*trace.Trace, map[int64]string) {
	return traceOf(path, s)
}

// traceOf builds the trace of programs that run side by side, each in a
// process of its own.
func traceOf(path string, programs ...*script) (*trace.Trace, map[int64]string) {
	var b trace.Builder
	tags := map[int64]string{}
	for i, s := range programs {
		// Starts are unique over processes, to tell launches apart by them.
		s.build(&b, 100+i, int64(1_000_000+i), tags)
	}
	t := b.Trace(path)
	t.Capture.GPUs = []trace.GPU{{Name: "NVIDIA H200", SMs: 132}}
	return t, tags
}

func (s *script) build(b *trace.Builder, pid int, now int64, tags map[int64]string) {
	thread := uint64(pid)<<24 | 1
	var open []string
	enter := func(path []string) {
		same := 0
		for same < len(open) && same < len(path) && open[same] == path[same] {
			same++
		}
		for range len(open) - same {
			b.Pop(thread, now)
		}
		for _, r := range path[same:] {
			b.Push(thread, r, now)
		}
		open = path
	}
	launch := func(k kernel, node, replay int) {
		lane := trace.Lane{GlobalPID: uint64(pid) << 24, PID: pid, Device: s.device, Context: 1, Stream: 7 + k.stream}
		b.Launch(trace.Launch{Name: k.name, Start: now, Duration: k.ns, Grid: k.grid, Block: k.block, Lane: lane, Thread: thread, Node: node, Replay: replay})
		tags[now] = k.tag
		now += (k.ns+500)/1000*1000 + 1000
	}
	for _, k := range s.prefix {
		launch(k, 0, 0)
	}
	captured := map[string][]int{} // nodes by the names of a step's launches
	for i, step := range s.steps {
		var nodes []int
		if s.graph {
			shape := ""
			for _, k := range step {
				shape += k.name + fmt.Sprint(k.grid) + "\n"
			}
			if captured[shape] == nil {
				enter([]string{"capture"})
				for _, k := range step {
					enter(append([]string{"capture"}, k.path...))
					captured[shape] = append(captured[shape], b.Node(thread, uint64(len(tags)+len(captured[shape])+1)))
				}
				enter(nil)
			}
			nodes = captured[shape]
		}
		around := s.around
		if s.stepName != nil {
			around = append(slices.Clone(around), s.stepName(i))
		}
		enter(around)
		replay := 0
		if s.graph {
			replay = 1 + b.Replay(thread)
		}
		for j, k := range step {
			if s.graph {
				launch(k, 1+nodes[j], replay)
				continue
			}
			enter(append(slices.Clone(around), k.path...))
			launch(k, 0, 0)
		}
		enter(s.around)
		now += 20_000
	}
	enter(nil)
}

// scriptOf makes a script of the steps of a recording: those whose range step
// accepts. site tells which launch of the operation each launch is, as truthOf
// does.
func scriptOf(t *trace.Trace, site map[launchID]int, accept func(name string) bool) *script {
	s := &script{stepName: numbered("forward")}
	steps, n := stepOf(t)
	byStep := make([][]kernel, n)
	wanted := make([]bool, n)
	for i := range t.Launches.Len() {
		k := steps[i]
		if k < 0 {
			continue
		}
		path := t.Path(t.IssueRange(i))
		at := slices.IndexFunc(path, stepRange.MatchString)
		wanted[k] = accept(path[at])
		module := path[at+1:]
		if t.LaunchNode(i) != trace.None {
			module = t.Path(t.CaptureRange(i))
			if at := slices.Index(module, "capture"); at >= 0 {
				module = module[at+1:]
			}
		}
		c := t.LaunchConfig(i)
		tag := ""
		if x, ok := site[launchID{t.LaunchLane(i).PID, t.Launches.Start[i]}]; ok {
			tag = fmt.Sprint(x)
		}
		byStep[k] = append(byStep[k], kernel{name: t.Name(i), ns: t.Launches.Duration(i), grid: c.Grid, block: c.Block, path: module, tag: tag})
	}
	for k := range byStep {
		if wanted[k] {
			s.steps = append(s.steps, byStep[k])
		}
	}
	return s
}

// noisy returns a duration about ns with a relative spread of 2 %.
func noisy(rng *rand.Rand, ns float64) int64 {
	return max(1, int64(ns*(1+0.02*rng.NormFloat64())))
}

// numbered names steps NAME 0, NAME 1, ...
func numbered(name string) func(i int) string {
	return func(i int) string { return fmt.Sprintf("%s %d", name, i) }
}

// program makes a script of n steps, each with durations of its own.
func program(seed uint64, n int, step []kernel) *script {
	rng := rand.New(rand.NewPCG(seed, 42))
	s := &script{stepName: numbered("forward")}
	for range n {
		again := slices.Clone(step)
		for i := range again {
			again[i].ns = noisy(rng, float64(again[i].ns))
		}
		s.steps = append(s.steps, again)
	}
	return s
}

// A shape is what the made-up model computes.
type shape struct {
	heads, tokens int64
	gpu           int64 // time of everything, per cent
	dtype         string
}

var fullShape = shape{heads: 32, tokens: 2048, gpu: 100, dtype: "tst"}

// attentionOp is the launches of one attention: per-token work, per-head work.
func (s shape) attentionOp() []kernel {
	head := func(name string, us int64, path ...string) kernel {
		return kernel{name: name, ns: us * 1000 * s.heads / 32 * s.tokens / 2048 * s.gpu / 100, grid: [3]int32{132, 1, 1}, block: [3]int32{384, 1, 1}, path: path}
	}
	token := func(name string, us int64, path ...string) kernel {
		k := head(name, us, path...)
		k.ns, k.grid = us*1000*s.tokens/2048*s.gpu/100, [3]int32{int32(s.tokens), 1, 1}
		return k
	}
	return []kernel{
		token("generalRmsNorm", 12, "self_attn"),
		head("nvjet_sm90_"+s.dtype+"_256x128_64x4_1x2_h_bz_coopA_TNT", 96, "self_attn"),
		head("nvjet_sm90_"+s.dtype+"_128x128_64x6_2x1_v_bz_TNT", 40, "self_attn"),
		token("sm90_fp8_mqa_logits", 60, "self_attn", "indexer"),
		token("topKPerRowPrefill", 30, "self_attn", "indexer"),
		head("rope_kernel", 48, "self_attn"),
		head("flash_fwd_kernel", 200, "self_attn"),
		head("nvjet_sm90_"+s.dtype+"_256x128_64x4_1x2_h_bz_coopA_TNN", 90, "self_attn"),
		token("residual_add_kernel", 11, "self_attn"),
	}
}

// model is the launches of a step: embedding, layers of attention and MLP, head.
func (s shape) model(layers int) []kernel {
	plain := func(name string, us int64, path ...string) kernel {
		return kernel{name: name, ns: us * 1000 * s.tokens / 2048 * s.gpu / 100, grid: [3]int32{int32(s.tokens), 1, 1}, block: [3]int32{256, 1, 1}, path: path}
	}
	step := []kernel{plain("embedding_kernel", 9)}
	for l := range layers {
		layer := fmt.Sprintf("layer %d", l)
		for _, k := range s.attentionOp() {
			k.path = append([]string{layer}, k.path...)
			step = append(step, k)
		}
		step = append(step,
			plain("generalRmsNorm", 12, layer, "mlp"),
			plain("nvjet_sm90_"+s.dtype+"_192x192_64x4_2x1_v_bz_coopB_TNN", 230, layer, "mlp"),
			plain("silu_mul_kernel", 25, layer, "mlp"),
			plain("nvjet_sm90_"+s.dtype+"_320x128_64x3_1x2_h_bz_coopB_TNT", 220, layer, "mlp"),
		)
	}
	return append(step, plain("generalRmsNorm", 12, "lm_head"), plain("lm_head_gemv_kernel", 300, "lm_head"), plain("argmax_kernel", 15, "lm_head"))
}
