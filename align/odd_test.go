package align_test

import (
	"context"
	"slices"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestExtraInWarmup has a mock launch a copy that the model launches in its warm-up
// alone: the steps say that it is extra, whatever lies between them.
func TestExtraInWarmup(t *testing.T) {
	copying := kernel{name: "copy_block_kernel", ns: 12_000, grid: [3]int32{64, 1, 1}, block: [3]int32{256, 1, 1}}
	op := fullShape.attentionOp()
	mock, _ := program(1, 10, slices.Insert(slices.Clone(op), 4, copying)).trace("mock")
	for _, warmups := range []int{1, 3} {
		s := program(2, warmups+10, fullShape.model(12))
		s.stepName = warmupFirst(warmups, "forward")
		for i := range warmups {
			var step []kernel
			for _, k := range s.steps[i] {
				step = append(step, k)
				if k.name == op[3].name {
					step = append(step, copying)
				}
			}
			s.steps[i] = step
		}
		e2e, _ := s.trace("e2e")
		r := compare(t, mock, e2e, align.Options{})
		if r.Verdict != align.Misaligned || !slices.Contains(findingCodes(r), "extra error") || r.E2E.Steps != 10 {
			t.Errorf("%d steps of warm-up: verdict %s of %d steps, findings %v", warmups, r.Verdict, r.E2E.Steps, findingCodes(r))
		}
	}
}

// TestOtherPhaseReduced: steps that are laid upon the base's in a reduced trace do not
// take as long as what was dropped between them.
func TestOtherPhaseReduced(t *testing.T) {
	model := fullShape.model(3)
	reduced := func(seed uint64, tail int) *trace.Trace {
		s := program(seed, 200, model)
		s.stepName = nil
		s.prefix = model[len(model)-tail:]
		whole, _ := s.trace("run")
		r, err := align.Reduce(context.Background(), whole, align.ReduceOptions{Steps: 50, NoNVTX: true})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := compare(t, reduced(1, 0), reduced(2, 20), align.Options{Regression: true, NoNVTX: true})
	expectNothing(check(t), r)
	if s := r.Regression; s == nil || s.Ratio > 1.05 {
		t.Errorf("step times %+v", s)
	}
}

// TestRareKind has a mock of a kind of step that the model takes once: it is not held
// against the kind that the model takes mostly.
func TestRareKind(t *testing.T) {
	prefill := fullShape.model(1)
	decode := shape{heads: 32, tokens: 256, gpu: 100, dtype: "tst"}.model(1)
	for _, own := range []int{1, 2} {
		s := program(2, 20, decode)
		for i := range own {
			s.steps[5*i] = program(uint64(10+i), 1, prefill).steps[0]
		}
		mock, _ := program(1, 10, fullShape.attentionOp()).trace("mock")
		e2e, _ := s.trace("e2e")
		r := compare(t, mock, e2e, align.Options{})
		if r.Verdict != align.Undecided || r.E2E.Steps != own || len(r.Causes) > 0 {
			t.Errorf("verdict %s of %d steps, causes %v", r.Verdict, r.E2E.Steps, r.Causes)
		}
	}
}

// TestRankThatLostLaunches: where one rank of the new run lacks what all ranks of the base
// launch, a warning says so.
func TestRankThatLostLaunches(t *testing.T) {
	model := fullShape.model(4)
	without := slices.DeleteFunc(slices.Clone(model), func(k kernel) bool { return k.name == "rope_kernel" })
	base, _ := traceOf("base", program(1, 10, model), program(2, 10, model))
	next, _ := traceOf("new", program(3, 10, without), program(4, 10, model))
	r := compare(t, base, next, align.Options{Regression: true})
	if !slices.Contains(findingCodes(r), "rank-groups warning") {
		t.Errorf("findings %v", findingCodes(r))
	}
	both := compare(t, next, next, align.Options{Regression: true})
	if !slices.Contains(findingCodes(both), "rank-groups info") {
		t.Errorf("findings of equal groups %v", findingCodes(both))
	}
}

// TestNamelessKernel draws a step in which a kernel has no name.
func TestNamelessKernel(t *testing.T) {
	op := fullShape.attentionOp()
	op[3].name = ""
	mock, _ := program(1, 10, op).trace("mock")
	r := compare(t, mock, mock, align.Options{Plots: true, Regression: true})
	if r.Verdict != align.Aligned || r.Mock.Timeline == nil {
		t.Errorf("verdict %s, timeline %v", r.Verdict, r.Mock.Timeline != nil)
	}
}

// TestCutSteps compares runs of two steps each and one that the capture cut off: that is
// no kind of steps by itself.
func TestCutSteps(t *testing.T) {
	var op []kernel
	for _, name := range []string{"norm", "gemm", "rope", "attention", "gemm", "add", "norm", "gemm", "act", "gemm"} {
		op = append(op, kernel{name: name + "_kernel", ns: 20_000, grid: [3]int32{64, 1, 1}, block: [3]int32{128, 1, 1}})
	}
	base, next := program(1, 3, op), program(2, 3, op)
	base.steps[2] = base.steps[2][:4]
	next.steps[0] = next.steps[0][5:]
	a, _ := base.trace("base")
	b, _ := next.trace("new")
	r := compare(t, a, b, align.Options{Regression: true})
	if r.Verdict != align.Undecided || len(r.Sites) != len(op) {
		t.Errorf("verdict %s, %d sites, findings %v", r.Verdict, len(r.Sites), findingCodes(r))
	}
}
