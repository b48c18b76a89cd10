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
	stepName func(i int) string // NVTX range of a step
	prefix   []kernel           // before the first step
	steps    [][]kernel
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

const (
	scriptPID    = 100
	scriptThread = 100<<24 | 1
)

// trace builds the trace of a script, and tells the tag of each launch by its
// start.
func (s *script) trace(path string) (*trace.Trace, map[int64]string) {
	var b trace.Builder
	tags := map[int64]string{}
	now := int64(1_000_000)
	launch := func(k kernel) {
		lane := trace.Lane{GlobalPID: scriptPID << 24, PID: scriptPID, Context: 1, Stream: 7 + k.stream}
		b.Launch(trace.Launch{Name: k.name, Start: now, Duration: k.ns, Grid: k.grid, Block: k.block, Lane: lane, Thread: scriptThread})
		tags[now] = k.tag
		now += k.ns + 500
	}
	for _, k := range s.prefix {
		launch(k)
	}
	for i, step := range s.steps {
		b.Push(scriptThread, s.stepName(i), now)
		var open []string
		for _, k := range step {
			same := 0
			for same < len(open) && same < len(k.path) && open[same] == k.path[same] {
				same++
			}
			for range len(open) - same {
				b.Pop(scriptThread, now)
			}
			for _, r := range k.path[same:] {
				b.Push(scriptThread, r, now)
			}
			open = k.path
			launch(k)
		}
		for range len(open) + 1 {
			b.Pop(scriptThread, now)
		}
		now += 20_000
	}
	t := b.Trace(path)
	t.Capture.GPUs = []trace.GPU{{Name: "NVIDIA H200", SMs: 132}}
	return t, tags
}

// scriptOf makes a script of the steps of a recording: those whose range step
// accepts. site tells which launch of the operation each launch is, as truthOf
// does.
func scriptOf(t *trace.Trace, site map[launchID]int, accept func(name string) bool) *script {
	s := &script{stepName: func(i int) string { return fmt.Sprintf("forward %d", i) }}
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
		if t.Launches.Node[i] != trace.None {
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
