package summary_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestReducedSteps looks at which steps are kept, and what they stand for.
func TestReducedSteps(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		steps, limit, want int
	}{
		{3, 0, 3}, {64, 0, 64}, {65, 0, 33}, {128, 0, 64}, {129, 0, 33}, {1000, 0, 63}, {10, 4, 3},
	} {
		r, err := align.Reduce(ctx, repeated(tt.steps, 4), align.ReduceOptions{Steps: tt.limit})
		if err != nil {
			t.Fatal(err)
		}
		steps := r.Reduced.Ways[0].Steps
		sum := 0
		for i, s := range steps {
			sum += s.Weight
			if s.N != 4 || s.Index%steps[1].Index != 0 || i > 0 && s.Index <= steps[i-1].Index {
				t.Errorf("%d steps: step %d is %+v", tt.steps, i, s)
			}
		}
		if len(steps) != tt.want || sum != tt.steps {
			t.Errorf("%d steps: %d are kept, want %d; they stand for %d", tt.steps, len(steps), tt.want, sum)
		}
	}
}

// TestReducedFigures holds what a comparison says of a summary against what it
// says of the report.
func TestReducedFigures(t *testing.T) {
	tr := repeated(1000, 4)
	s := summarised(t, tr, align.ReduceOptions{})
	got := compare(t, s, s, align.Options{}).E2E
	want := compare(t, tr, tr, align.Options{}).E2E
	if got.Launches != 4000 || got.InScope != 4000 || got.GPUTimeNS != want.GPUTimeNS || got.Tracks[0].Launches != 4000 || got.StepKind != want.StepKind {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got.Steps != 63 || strings.Join(got.LeftOut, "; ") != "937 of 1,000 steps, which the summary does not keep" {
		t.Errorf("%d steps, left out %q", got.Steps, got.LeftOut)
	}
	// Of 1,000 steps 500 are skipped; the summary keeps every 16th.
	half := compare(t, s, s, align.Options{SkipWarmup: 500}).E2E
	if half.Steps != 31 {
		t.Errorf("%d steps are left of the second half, want 31", half.Steps)
	}
}

// TestKindsByTime keeps as many steps of a rare kind as of a frequent one: the
// one with the most time is still the main one.
func TestKindsByTime(t *testing.T) {
	var b trace.Builder
	now := int64(0)
	step := func(name string, kernels []string, ns int64) {
		b.Push(1, name, now)
		for _, k := range kernels {
			now += 1000
			b.Launch(trace.Launch{Name: k, Start: now, Duration: ns, Thread: 1})
			now += ns
		}
		b.Pop(1, now)
	}
	for i := range 3000 {
		step(fmt.Sprintf("step %d: 0 ctx", i), []string{"decode_a", "decode_b", "decode_c"}, 10_000)
		if i%50 == 0 {
			step(fmt.Sprintf("step %d: 1 ctx", i), []string{"prefill_a", "prefill_b", "prefill_c"}, 200_000)
		}
	}
	tr := b.Trace("served")
	s := summarised(t, tr, align.ReduceOptions{})
	for _, o := range []align.Options{{}, {Regression: true}} {
		want, got := compare(t, tr, tr, o), compare(t, s, s, o)
		if want.E2E.StepKind != "step #: 0 ctx" || got.E2E.StepKind != want.E2E.StepKind || got.Sites[0].MockName != "decode_a" {
			t.Errorf("main kind %q, of the report %q", got.E2E.StepKind, want.E2E.StepKind)
		}
	}
}

func TestIrreducible(t *testing.T) {
	_, err := align.Reduce(context.Background(), repeated(3, 4), align.ReduceOptions{SkipWarmup: 3})
	if e := (*align.IrreducibleError)(nil); !errors.As(err, &e) || e.Hint() == "" {
		t.Errorf("all steps skipped: %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := align.Reduce(cancelled, repeated(3, 4), align.ReduceOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
