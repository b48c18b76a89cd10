package align_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestProcessors compares traces long enough to be divided among processors:
// what comes out must not depend on how many there are.
func TestProcessors(t *testing.T) {
	mock, _ := program(1, 20, fullShape.attentionOp()).trace("mock")
	const steps = 1600
	model := fullShape.model(2)
	slower := fullShape
	slower.gpu = 110
	base, _ := program(2, steps, model).trace("e2e")
	next, _ := program(3, steps, slower.model(2)).trace("next")
	ranks, _ := traceOf("ranks", program(4, steps, model), program(5, steps, model))
	mixed := twoThreads(steps, model)

	for _, test := range []struct {
		name      string
		mock, e2e *trace.Trace
		options   align.Options
	}{
		{"by ranges", mock, base, align.Options{}},
		{"by period", mock, base, align.Options{NoNVTX: true}},
		{"ranks", mock, ranks, align.Options{}},
		{"two threads of one process", mock, mixed, align.Options{}},
		{"regression", base, next, align.Options{Regression: true}},
		{"regression by period", base, next, align.Options{Regression: true, NoNVTX: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			result := func(processors int) string {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
				r, err := align.Compare(context.Background(), test.mock, test.e2e, test.options)
				if err != nil {
					t.Fatal(err)
				}
				if r.Verdict == align.NotComparable || r.E2E.Steps < steps/2 {
					t.Fatalf("%s, %d steps of the E2E: the test tells nothing", r.Verdict, r.E2E.Steps)
				}
				text, err := json.MarshalIndent(r, "", " ")
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			}
			want := result(1)
			for _, n := range []int{2, 7} {
				if diff := cmp.Diff(want, result(n)); diff != "" {
					t.Errorf("with %d processors (-1 +%d):\n%s", n, n, diff)
				}
			}
		})
	}
}

// TestCountRanges holds what is counted by parts of the launches against what
// the program is known to have done.
func TestCountRanges(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(7))
	const steps = 2000
	tr := twoThreads(steps, []kernel{{name: "a", ns: 3000, path: []string{"attention"}}, {name: "b", ns: 2000}, {name: "c", ns: 1000, path: []string{"mlp"}}, {name: "d", ns: 1000}, {name: "e", ns: 1000}})
	groups, outside, covered := align.CountRanges(tr)
	want := []align.RangeCount{
		{Name: "forward #", Ranges: steps, Repeats: steps, NS: 8000 * steps},
		{Name: "copy #", Ranges: steps, Repeats: steps, NS: 5 * 5000 * steps},
		{Name: "attention", Ranges: steps, Repeats: steps, NS: 3000 * steps},
		{Name: "mlp", Ranges: steps, Repeats: steps, NS: 1000 * steps},
		{Name: "sample", Ranges: steps, Repeats: steps, NS: 400 * steps},
	}
	if diff := cmp.Diff(want, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if want := int64(100 * steps); outside != want {
		t.Errorf("%d ns in no range, want %d", outside, want)
	}
	// The last step is followed by what is outside.
	if want := 33000. * steps / (33500*steps - 500); covered != want {
		t.Errorf("steps cover %v, want %v", covered, want)
	}
}

// twoThreads returns a trace of one process whose second thread launches a
// kernel, in a range of its own for each step, between any two of the first
// thread's: no step's launches follow one another. After each step there is a
// launch in another range, and one in none.
func twoThreads(steps int, model []kernel) *trace.Trace {
	var b trace.Builder
	lane := trace.Lane{GlobalPID: 1 << 24, PID: 1, Context: 1, Stream: 7}
	now := int64(0)
	launch := func(thread uint64, k kernel) {
		b.Launch(trace.Launch{Name: k.name, Start: now, Duration: k.ns, Grid: k.grid, Block: k.block, Lane: lane, Thread: thread})
		now += k.ns + 1000
	}
	const main, side = 1<<24 | 1, 1<<24 | 2
	for i := range steps {
		b.Push(main, fmt.Sprintf("forward %d", i), now)
		b.Push(side, fmt.Sprintf("copy %d", i), now)
		for _, k := range model {
			for _, r := range k.path {
				b.Push(main, r, now)
			}
			launch(main, k)
			launch(side, kernel{name: "copy_kernel", ns: 5000})
			for range k.path {
				b.Pop(main, now)
			}
		}
		b.Pop(main, now)
		b.Pop(side, now)
		b.Push(main, "sample", now)
		launch(main, kernel{name: "sample_kernel", ns: 400})
		b.Pop(main, now)
		launch(main, kernel{name: "bare_kernel", ns: 100})
		now += 20_000
	}
	return b.Trace("two threads")
}
