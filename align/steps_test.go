package align_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
)

// TestSteps looks at how traces without ranges, or with them, are seen as
// steps. The mock is the attention, the E2E a model of 4 layers.
func TestSteps(t *testing.T) {
	const layers = 4
	op, model := fullShape.attentionOp(), fullShape.model(layers)
	now := kernel{name: "now_and_then_kernel", ns: 3000}
	noise := func(n int) []kernel {
		var ks []kernel
		rng := rand.New(rand.NewPCG(3, 3))
		for range n {
			ks = append(ks, kernel{name: fmt.Sprintf("init_kernel_%c", 'a'+rng.IntN(8)), ns: noisy(rng, 5000)})
		}
		return ks
	}
	for _, x := range []struct {
		reason      string
		mock, e2e   func(s *script)
		options     align.Options
		steps       [2][2]int // least and most, of mock and E2E
		perStep     [2]int    // 0 for any
		sporadic    bool
		only        string // mode that it is about, "" for both
		leftOutE2E  string // what must be said as left out
		leftOutMock string
	}{
		{reason: "steps as they come", steps: [2][2]int{{12, 12}, {10, 10}}, perStep: [2]int{len(op), len(model)}},
		{
			reason: "loading comes before",
			mock:   func(s *script) { s.prefix = noise(70) }, e2e: func(s *script) { s.prefix = noise(400) },
			steps: [2][2]int{{12, 12}, {10, 10}}, perStep: [2]int{len(op), len(model)},
			leftOutMock: "70 launches", leftOutE2E: "400 launches",
		},
		{
			reason: "the capture ends within a step",
			mock:   func(s *script) { s.steps[11] = s.steps[11][:5] }, e2e: func(s *script) { s.steps[9] = s.steps[9][:30] },
			steps: [2][2]int{{10, 12}, {9, 10}}, perStep: [2]int{len(op), len(model)}, sporadic: true,
		},
		{
			reason: "the capture begins within a step",
			mock:   func(s *script) { s.steps[0] = s.steps[0][3:] }, e2e: func(s *script) { s.steps[0] = s.steps[0][40:] },
			steps: [2][2]int{{10, 12}, {8, 10}}, perStep: [2]int{len(op), len(model)}, sporadic: true,
		},
		{
			reason: "a tenth of the steps has one launch more",
			mock:   func(s *script) { s.steps[5] = slices.Insert(s.steps[5], 4, now) },
			e2e:    func(s *script) { s.steps[6] = slices.Insert(s.steps[6], 17, now) },
			steps:  [2][2]int{{11, 12}, {9, 10}}, perStep: [2]int{len(op), len(model)}, sporadic: true,
		},
		{
			reason: "a tenth of the steps has one launch less",
			mock:   func(s *script) { s.steps[5] = slices.Delete(s.steps[5], 4, 5) },
			e2e:    func(s *script) { s.steps[6] = slices.Delete(s.steps[6], 17, 18) },
			steps:  [2][2]int{{11, 12}, {9, 10}}, perStep: [2]int{len(op), len(model)}, sporadic: true,
		},
		{
			reason: "two steps of warm-up skipped, as asked", options: align.Options{SkipWarmup: 2},
			steps: [2][2]int{{10, 10}, {8, 8}}, perStep: [2]int{len(op), len(model)},
			leftOutMock: "skipped as warm-up", leftOutE2E: "skipped as warm-up",
		},
		{
			reason: "ranges say what is warm-up", only: "nvtx",
			mock: func(s *script) { s.stepName = warmupFirst(3, "forward") }, e2e: func(s *script) { s.stepName = warmupFirst(3, "step") },
			steps: [2][2]int{{9, 9}, {7, 7}}, perStep: [2]int{len(op), len(model)},
			leftOutMock: "warmup", leftOutE2E: "warmup",
		},
		{
			reason: "autotuning, which launches much, stands in a range of its own", only: "nvtx",
			e2e: func(s *script) {
				s.stepName = warmupFirst(1, "step")
				s.steps[0] = append(noise(2000), s.steps[0]...)
			},
			steps: [2][2]int{{12, 12}, {9, 9}}, perStep: [2]int{len(op), len(model)},
			leftOutE2E: "warmup",
		},
		{
			reason: "autotuning without ranges", only: "no-nvtx",
			e2e:   func(s *script) { s.steps[0] = append(noise(2000), s.steps[0]...) },
			steps: [2][2]int{{12, 12}, {9, 10}}, perStep: [2]int{len(op), len(model)},
			leftOutE2E: "launches",
		},
		{
			reason: "launches on two streams",
			e2e: func(s *script) {
				s.edit(func(k kernel) []kernel { k.stream = len(k.name) % 2; return []kernel{k} })
			},
			steps: [2][2]int{{12, 12}, {10, 10}}, perStep: [2]int{len(op), len(model)},
		},
		{
			reason: "steps replayed from a graph",
			mock:   func(s *script) { s.graph = true }, e2e: func(s *script) { s.graph = true },
			steps: [2][2]int{{12, 12}, {10, 10}}, perStep: [2]int{len(op), len(model)},
		},
		{
			reason: "three steps are enough",
			mock:   func(s *script) { s.steps = s.steps[:3] }, e2e: func(s *script) { s.steps = s.steps[:3] },
			steps: [2][2]int{{3, 3}, {3, 3}}, perStep: [2]int{len(op), len(model)},
		},
	} {
		for _, mode := range []string{"nvtx", "no-nvtx"} {
			if x.only != "" && x.only != mode {
				continue
			}
			t.Run(strings.ReplaceAll(x.reason, " ", "-")+"/"+mode, func(t *testing.T) {
				c := check(t)
				mock, e2e := program(1, 12, op), program(2, 10, model)
				if x.mock != nil {
					x.mock(mock)
				}
				if x.e2e != nil {
					x.e2e(e2e)
				}
				m, _ := mock.trace("mock")
				e, _ := e2e.trace("e2e")
				o := x.options
				o.NoNVTX = mode == "no-nvtx"
				r := compare(t, m, e, o)
				for i, s := range []*align.Side{r.Mock, r.E2E} {
					if s.Steps < x.steps[i][0] || s.Steps > x.steps[i][1] {
						c.Errorf("%s: %d steps, want %v", s.Path, s.Steps, x.steps[i])
					}
					if s.LaunchesPerStep != x.perStep[i] {
						c.Errorf("%s: %d launches a step, want %d", s.Path, s.LaunchesPerStep, x.perStep[i])
					}
					want := []string{x.leftOutMock, x.leftOutE2E}[i]
					if got := strings.Join(s.LeftOut, "; "); !strings.Contains(got, want) {
						c.Errorf("%s: left out %q, want %q in it", s.Path, got, want)
					}
				}
				if r.E2E.Occurrences != layers {
					c.Errorf("%d occurrences, want %d", r.E2E.Occurrences, layers)
				}
				if x.sporadic {
					r.Findings = slices.DeleteFunc(r.Findings, func(f align.Finding) bool { return f.Code == align.CodeSporadic })
				}
				expectNothing(c, r)
			})
		}
	}
}

// warmupFirst names the first n steps warm-up.
func warmupFirst(n int, name string) func(i int) string {
	return func(i int) string {
		if i < n {
			return "warmup"
		}
		return fmt.Sprintf("%s %d", name, i-n)
	}
}

// TestKindsOfSteps looks at captures in which steps of several kinds alternate:
// the one that holds the mock is compared, the others are said.
func TestKindsOfSteps(t *testing.T) {
	const layers = 3
	decode := func(batch int64) []kernel {
		step := shape{heads: 32, tokens: 16 * batch, gpu: 100, dtype: "tst"}.model(layers)
		for i := range step {
			if step[i].name == "flash_fwd_kernel" {
				step[i].name = "paged_decode_attention_kernel"
			}
		}
		return step
	}
	prefill := fullShape.model(layers)
	kinds := [][]kernel{prefill, decode(32), decode(8)}
	names := []string{"_forward_step %d: 1 ctx reqs, 0 gen reqs", "_forward_step %d: 0 ctx reqs, 32 gen reqs", "_forward_step %d: 0 ctx reqs, 8 gen reqs"}
	schedule := []int{0, 1, 1, 2, 0, 2, 1, 2, 1, 0, 1, 1, 2, 0, 2, 1, 1, 0, 2, 1, 2, 2, 0, 1}
	e2e := &script{stepName: func(i int) string { return fmt.Sprintf(names[schedule[i]], i) }}
	counts := [3]int{}
	for i, k := range schedule {
		e2e.steps = append(e2e.steps, program(uint64(100+i), 1, kinds[k]).steps...)
		counts[k]++
	}
	for _, mode := range []string{"nvtx", "no-nvtx"} {
		for k, kind := range []string{"prefill", "decode-32", "decode-8"} {
			t.Run(kind+"/"+mode, func(t *testing.T) {
				c := check(t)
				mock, _ := program(1, 10, kinds[k][1:10]).trace("mock")
				e, _ := e2e.trace("e2e")
				r := compare(t, mock, e, align.Options{NoNVTX: mode == "no-nvtx"})
				expectNothing(c, r)
				if r.E2E.Steps != counts[k] || r.E2E.Occurrences != layers {
					c.Errorf("%d steps with %d occurrences, want %d with %d", r.E2E.Steps, r.E2E.Occurrences, counts[k], layers)
				}
				if mode == "nvtx" {
					want := strings.ReplaceAll(names[k], "%d", "#")
					if r.E2E.StepKind != want {
						c.Errorf("kind %q, want %q", r.E2E.StepKind, want)
					}
				}
				if got := strings.Join(r.E2E.LeftOut, "; "); !strings.Contains(got, "which launch something else") {
					c.Errorf("left out %q: the other kinds are not named", got)
				}
			})
		}
	}
}

// TestManyLayers finds each layer of models of very many.
func TestManyLayers(t *testing.T) {
	for _, layers := range []int{1, 2, 61, 500, 3000} {
		if layers > 61 && testing.Short() {
			continue
		}
		t.Run(fmt.Sprint(layers), func(t *testing.T) {
			both(t, func(t *testing.T, o align.Options) {
				c := check(t)
				mock, _ := program(1, 10, fullShape.attentionOp()).trace("mock")
				e2e, _ := program(2, 4, fullShape.model(layers)).trace("e2e")
				r := compare(t, mock, e2e, o)
				expectNothing(c, r)
				if r.E2E.Steps != 4 || r.E2E.Occurrences != layers {
					c.Errorf("%d steps of %d launches with %d occurrences, want 4 with %d", r.E2E.Steps, r.E2E.LaunchesPerStep, r.E2E.Occurrences, layers)
				}
			})
		})
	}
}
