package align_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestStepsOfRanges looks at which ranges are the steps of a model of 3 layers.
func TestStepsOfRanges(t *testing.T) {
	model := fullShape.model(3)
	inLayers := func(step []kernel) []kernel {
		return slices.DeleteFunc(slices.Clone(step), func(k kernel) bool { return len(k.path) == 0 || k.path[0] == "lm_head" })
	}
	for _, x := range []struct {
		reason  string
		e2e     func() *script
		by      string
		steps   int
		perStep int
		kind    string
	}{
		{"a range around each step", func() *script { return program(2, 8, model) }, "nvtx", 8, len(model), "forward #"},
		{"a range around all of them", func() *script {
			s := program(2, 8, model)
			s.around = []string{"serve", "engine loop"}
			return s
		}, "nvtx", 8, len(model), "forward #"},
		{"layers, and nothing around them", func() *script {
			s := program(2, 8, inLayers(model))
			s.stepName = nil
			return s
		}, "nvtx", 8, 3 * 13, "layer 0"},
		{"warm-up, autotuning and loading in ranges of their own", func() *script {
			s := program(2, 12, model)
			s.stepName = func(i int) string {
				return []string{"Load weights", "autotune", "warm-up", "warmup 2"}[min(i, 3)]
			}
			last := s.stepName
			s.stepName = func(i int) string {
				if i < 4 {
					return last(i)
				}
				return fmt.Sprintf("iteration %d", i)
			}
			return s
		}, "nvtx", 8, len(model), "iteration #"},
		{"all of them in a range of a profiler", func() *script {
			s := program(2, 8, model)
			s.around = []string{"profile_region"}
			return s
		}, "nvtx", 8, len(model), "forward #"},
		{"steps named after a profiler", func() *script {
			s := program(2, 10, model)
			s.stepName = warmupFirst(2, "profile step")
			return s
		}, "nvtx", 8, len(model), "profile step #"},
		{"much warm-up, and one step", func() *script {
			s := program(2, 10, model)
			s.stepName = warmupFirst(9, "forward")
			s.edit(func(k kernel) []kernel { k.path = nil; return []kernel{k} })
			return s
		}, "nvtx", 1, len(model), "forward 0"},
		{"steps that are captured, and others that run", func() *script {
			s := program(2, 12, model)
			s.stepName = func(i int) string { return fmt.Sprintf([]string{"capture %d", "decode %d"}[min(i/4, 1)], i) }
			return s
		}, "nvtx", 8, len(model), "decode #"},
		{"warm-up and nothing else", func() *script {
			s := program(2, 8, model)
			s.stepName = warmupFirst(8, "")
			return s
		}, "nvtx", 8, len(model), "warmup"},
		{"a library's ranges around a few of its calls are no steps", func() *script {
			s := program(2, 8, model)
			s.stepName = nil
			s.edit(func(k kernel) []kernel {
				k.path = nil
				if k.name == "topKPerRowPrefill" {
					k.path = []string{"cub::DeviceScan::InclusiveSum"}
				}
				return []kernel{k}
			})
			return s
		}, "period", 8, len(model), ""},
		{"two names take turns", func() *script {
			s := program(2, 8, model)
			s.stepName = func(i int) string { return fmt.Sprintf([]string{"even %d", "odd %d"}[i%2], i) }
			return s
		}, "nvtx", 8, len(model), ""},
	} {
		t.Run(strings.ReplaceAll(x.reason, " ", "-"), func(t *testing.T) {
			c := check(t)
			mock, _ := program(1, 10, fullShape.attentionOp()).trace("mock")
			e2e, _ := x.e2e().trace("e2e")
			r := compare(t, mock, e2e, align.Options{})
			expectNothing(c, r)
			got, want := []any{r.E2E.StepsBy, r.E2E.Steps, r.E2E.LaunchesPerStep, r.E2E.Occurrences}, []any{x.by, x.steps, x.perStep, 3}
			if diff := cmp.Diff(want, got); diff != "" {
				c.Errorf("steps by, number, launches, occurrences (-want +got):\n%s", diff)
			}
			if x.kind != "" && r.E2E.StepKind != x.kind {
				c.Errorf("kind %q, want %q", r.E2E.StepKind, x.kind)
			}
		})
	}
}

// TestSingleStep looks at a capture of one step: its layers repeat, and whether
// they are steps or layers no range tells. Either way all are compared.
func TestSingleStep(t *testing.T) {
	both(t, func(t *testing.T, o align.Options) {
		c := check(t)
		mock, _ := program(1, 10, fullShape.attentionOp()).trace("mock")
		e2e, _ := program(2, 1, fullShape.model(5)).trace("e2e")
		r := compare(t, mock, e2e, o)
		expectNothing(c, r)
		if n := r.E2E.Steps * r.E2E.Occurrences; n != 5 {
			c.Errorf("%d steps with %d occurrences, want 5 layers in all", r.E2E.Steps, r.E2E.Occurrences)
		}
	})
}

// TestInterleavedSteps has two threads of one process issue a step each at the
// same time: their launches alternate, and only ranges tell them apart.
func TestInterleavedSteps(t *testing.T) {
	c := check(t)
	var b trace.Builder
	now := int64(1000)
	step := fullShape.model(2)
	for i := range 8 {
		for thread := range uint64(2) {
			b.Push(thread+1, fmt.Sprintf("forward %d", 2*i+int(thread)), now)
		}
		for _, k := range step {
			for thread := range uint64(2) {
				b.Launch(trace.Launch{Name: k.name, Start: now, Duration: k.ns, Grid: k.grid, Block: k.block, Thread: thread + 1, Lane: trace.Lane{Stream: int(thread)}})
				now += k.ns
			}
		}
		b.Pop(1, now)
		b.Pop(2, now)
	}
	mock, _ := program(1, 10, fullShape.attentionOp()).trace("mock")
	r := compare(t, mock, b.Trace("e2e"), align.Options{})
	if r.Verdict != align.Aligned || len(r.Findings) > 0 {
		c.Errorf("verdict %s, findings %v", r.Verdict, findingCodes(r))
	}
	if r.E2E.Steps != 16 || r.E2E.LaunchesPerStep != len(step) || r.E2E.Occurrences != 2 {
		c.Errorf("%d steps of %d launches, %d occurrences; want 16 of %d, 2", r.E2E.Steps, r.E2E.LaunchesPerStep, r.E2E.Occurrences, len(step))
	}
}

// TestWholeModelMock looks for a mock too long for repeated local alignment: it
// is aligned once.
func TestWholeModelMock(t *testing.T) {
	if testing.Short() {
		t.Skip("15,000 launches a step")
	}
	both(t, func(t *testing.T, o align.Options) {
		c := check(t)
		const layers = 1150 // 14,950 launches, whose square is beyond the bound
		whole := fullShape.model(layers)
		mock, _ := program(1, 3, whole[1:len(whole)-3]).trace("mock")
		e2e, _ := program(2, 3, whole).trace("e2e")
		r := compare(t, mock, e2e, o)
		expectNothing(c, r)
		if o.NoNVTX {
			return // nothing tells the mock's layers from steps
		}
		if r.E2E.Occurrences != 1 || len(r.Sites) != len(whole)-4 {
			c.Errorf("%d occurrences, %d sites, want 1 and %d", r.E2E.Occurrences, len(r.Sites), len(whole)-4)
		}
		if len(r.Before) == 0 || r.Before[0].Name != "embedding_kernel" {
			c.Errorf("before: %+v", r.Before)
		}
	})
}

// TestHeadsWithoutTokens looks at an operation in which nearly all work is done
// per head: what stays equal must be told from what there is.
func TestHeadsWithoutTokens(t *testing.T) {
	const gemm, attention = "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "flash_fwd_kernel"
	op := func(heads int64) []kernel {
		k := func(name string, us int64) kernel {
			return kernel{name: name, ns: us * 1000, grid: [3]int32{132, 1, 1}, block: [3]int32{128, 1, 1}}
		}
		return []kernel{k(gemm, 12*heads), k("transpose_kernel", 30), k(attention, 25*heads), k("nvjet_sm90_tst_128x128_64x6_2x1_v_bz_TNN", 11*heads), k("residual_kernel", 20)}
	}
	mock, _ := program(1, 10, op(32)).trace("mock")
	e2e, _ := program(2, 10, op(8)).trace("e2e")
	r := compare(t, mock, e2e, align.Options{})
	if len(r.Causes) != 1 || r.Causes[0].Code != align.CauseHeadCount || r.Causes[0].Factor != 4 {
		t.Errorf("causes %+v, want a head count of 4", r.Causes)
	}
}
