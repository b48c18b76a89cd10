package align_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// stepElements returns a step of about n launches: layers of 60 launches that
// are alike, as models have them.
func stepElements(n int) []align.Element {
	rng := rand.New(rand.NewPCG(30, 31))
	layer := make([]align.Element, 60)
	for i := range layer {
		name := rng.Int32N(25)
		layer[i] = align.NewElement(name, name/2, name/2, name, 0)
	}
	es := make([]align.Element, n)
	for i := range es {
		es[i] = layer[i%len(layer)]
	}
	return es
}

var stepSizes = []int{100, 1_000, 10_000, 100_000}

// BenchmarkGlobal aligns a step with one that is alike, or that differs at
// 1 % of its launches.
func BenchmarkGlobal(b *testing.B) {
	for _, n := range stepSizes {
		a := stepElements(n)
		for _, x := range []struct {
			name  string
			other []align.Element
		}{
			{"alike", stepElements(n)},
			{"differ=1%", mutate(rand.New(rand.NewPCG(32, 33)), a, n/100)},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, x.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := align.AlignGlobal(context.Background(), a, x.other); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/launch")
			})
		}
	}
}

// BenchmarkOccurrences looks for a layer of 60 launches in steps of many.
func BenchmarkOccurrences(b *testing.B) {
	layer := stepElements(60)
	for _, n := range stepSizes {
		step := stepElements(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := align.FindOccurrences(context.Background(), layer, step, int32(80*len(layer)*55/100)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n*len(layer)), "ns/cell")
		})
	}
}

// BenchmarkCompare compares a mock of one layer's attention with models of
// about 1e2 to 1e5 launches a step, by ranges and by period.
func BenchmarkCompare(b *testing.B) {
	mock, _ := program(1, 20, fullShape.attentionOp()).trace("mock")
	for _, layers := range []int{8, 80, 800, 8000} {
		model := fullShape.model(layers)
		e2e, _ := program(2, 10, model).trace("e2e")
		for _, o := range []align.Options{{}, {NoNVTX: true}} {
			benchmarkCompare(b, fmt.Sprintf("%d/no-nvtx=%v", len(model), o.NoNVTX), func() (*align.Result, error) {
				return align.Compare(context.Background(), mock, e2e, o)
			})
		}
	}
}

// BenchmarkRegression compares two runs, of equal steps and of steps that
// differ at 1 % of their launches.
func BenchmarkRegression(b *testing.B) {
	for _, layers := range []int{8, 80, 800} {
		model := fullShape.model(layers)
		base, _ := program(1, 10, model).trace("base")
		changed := program(2, 10, model)
		rng := rand.New(rand.NewPCG(34, 35))
		at := map[int]bool{}
		for range len(model)/100 + 1 {
			at[rng.IntN(len(model))] = true
		}
		for i, step := range changed.steps {
			var out []kernel
			for k, l := range step {
				out = append(out, l)
				if at[k] {
					out = append(out, kernel{name: "added_kernel", ns: 5000})
				}
			}
			changed.steps[i] = out
		}
		equal, _ := program(3, 10, model).trace("new")
		differs, _ := changed.trace("new")
		o := align.Options{Regression: true}
		benchmarkCompare(b, fmt.Sprintf("%d/alike", len(model)), func() (*align.Result, error) {
			return align.Compare(context.Background(), base, equal, o)
		})
		benchmarkCompare(b, fmt.Sprintf("%d/differ=1%%", len(model)), func() (*align.Result, error) {
			return align.Compare(context.Background(), base, differs, o)
		})
	}
}

// BenchmarkUnlikeSteps compares reports of a few long steps of which no two are
// alike, since each lacks other launches: with a mock of one layer's attention, and
// with each other.
func BenchmarkUnlikeSteps(b *testing.B) {
	mock, _ := program(1, 20, fullShape.attentionOp()).trace("mock")
	unlike := func(seed uint64) *script {
		p := program(seed, 20, fullShape.model(400))
		rng := rand.New(rand.NewPCG(seed, 46))
		for i, step := range p.steps {
			p.steps[i] = slices.DeleteFunc(slices.Clone(step), func(kernel) bool { return rng.IntN(1000) == 0 })
		}
		return p
	}
	base, _ := unlike(2).trace("base")
	next, _ := unlike(3).trace("new")
	benchmarkCompare(b, "mock", func() (*align.Result, error) {
		return align.Compare(context.Background(), mock, base, align.Options{NoNVTX: true})
	})
	benchmarkCompare(b, "regression", func() (*align.Result, error) {
		return align.Compare(context.Background(), base, next, align.Options{Regression: true, NoNVTX: true})
	})
}

// BenchmarkLaunches measures each stage of a comparison on traces of 1e4 to 1e7
// launches in steps of 29, most of which is telling steps and measuring them:
// with -short, of up to 1e6.
func BenchmarkLaunches(b *testing.B) {
	ctx := context.Background()
	mock, _ := program(1, 20, fullShape.attentionOp()).trace("mock")
	model := fullShape.model(2)
	for _, n := range []int{1e4, 1e6, 1e7} {
		if testing.Short() && n > 1e6 {
			break
		}
		var t *trace.Trace // made when a benchmark of it is run
		bench := func(name string, fn func(t *trace.Trace)) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				if t == nil {
					t = longTrace(n/len(model), model)
				}
				b.ReportAllocs()
				for b.Loop() {
					fn(t)
				}
				b.ReportMetric(float64(t.Launches.Len())*float64(b.N)/b.Elapsed().Seconds(), "launches/s")
			})
		}
		compare := func(mock *trace.Trace, o align.Options) func(t *trace.Trace) {
			return func(t *trace.Trace) {
				if mock == nil {
					mock = t
				}
				if r, err := align.Compare(ctx, mock, t, o); err != nil || r.Verdict == align.NotComparable {
					b.Fatalf("%v, %+v", err, r)
				}
			}
		}
		bench("ranges", func(t *trace.Trace) { align.CountRanges(t) })
		bench("periods", func(t *trace.Trace) { align.CutPeriods(t) })
		bench("table", func(t *trace.Trace) { report(b, t, align.Options{}) })
		bench("compare", compare(mock, align.Options{}))
		bench("compare-no-nvtx", compare(mock, align.Options{NoNVTX: true}))
		bench("regression", compare(nil, align.Options{Regression: true}))
	}
}

// longTrace makes the trace of a program of many steps, faster than a script.
func longTrace(steps int, model []kernel) *trace.Trace {
	rng := rand.New(rand.NewPCG(40, 41))
	var b trace.Builder
	lane := trace.Lane{GlobalPID: 1 << 24, PID: 1, Context: 1, Stream: 7}
	const thread = 1<<24 | 1
	now := int64(0)
	for i := range steps {
		b.Push(thread, fmt.Sprintf("forward %d", i), now)
		var open []string
		for _, k := range model {
			same := 0
			for same < min(len(open), len(k.path)) && open[same] == k.path[same] {
				same++
			}
			for range len(open) - same {
				b.Pop(thread, now)
			}
			for _, r := range k.path[same:] {
				b.Push(thread, r, now)
			}
			open = k.path
			ns := k.ns + rng.Int64N(k.ns/50+1)
			b.Launch(trace.Launch{Name: k.name, Start: now, Duration: ns, Grid: k.grid, Block: k.block, Lane: lane, Thread: thread})
			now += ns + 1000
		}
		for range len(open) + 1 {
			b.Pop(thread, now)
		}
		now += 20_000
	}
	return b.Trace("long")
}

// BenchmarkRecorded compares recorded pairs, read before.
func BenchmarkRecorded(b *testing.B) {
	for _, p := range [][2]string{{"dsa_mock_gen_graph", "dsa_e2e_gen_graph_node"}, {"llama_mock_attn", "llama_e2e_prefill"}, {"deep_mock_model", "deep_e2e"}} {
		mock, e2e := recording(b, p[0]), recording(b, p[1])
		benchmarkCompare(b, p[0], func() (*align.Result, error) {
			return align.Compare(context.Background(), mock, e2e, align.Options{})
		})
	}
}

func benchmarkCompare(b *testing.B, name string, fn func() (*align.Result, error)) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r, err := fn()
			if err != nil {
				b.Fatal(err)
			}
			if r.Verdict == align.NotComparable {
				b.Fatalf("%+v", r.Findings)
			}
		}
	})
}

// BenchmarkSample summarises the durations of one site.
func BenchmarkSample(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		rng := rand.New(rand.NewPCG(36, 37))
		durations, bounds := make([]int64, n), make([]uint32, n/4+1)
		for i := range durations {
			durations[i] = noisy(rng, 50_000)
		}
		for i := range bounds {
			bounds[i] = uint32(4 * i)
		}
		work := make([]int64, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				copy(work, durations)
				align.NewSample(work, bounds)
			}
		})
	}
}

// BenchmarkBootstrapRatio works out the interval of one site of many.
func BenchmarkBootstrapRatio(b *testing.B) {
	for _, n := range []int{10, 28, 64} {
		rng := rand.New(rand.NewPCG(38, 39))
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = float64(noisy(rng, 50_000)), float64(noisy(rng, 50_000))
		}
		ratio := align.NewBootstrap()
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ratio(x, y)
			}
		})
	}
}
