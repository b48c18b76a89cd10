package align_test

import (
	"context"
	"fmt"
	"log"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// The whole way from two exported reports to an answer.
func Example() {
	ctx := context.Background()
	read := func(path string) *trace.Trace {
		db, err := nsysdb.Open(ctx, path, nsysdb.Options{})
		if err != nil {
			log.Fatal(err)
		}
		defer db.Close()
		t, err := db.Read(ctx, nsysdb.Query{NVTX: true})
		if err != nil {
			log.Fatal(err)
		}
		return t
	}
	mock := read("../testdata/llama_tp_mock.sqlite")
	e2e := read("../testdata/llama_tp_e2e_tp4.sqlite")

	r, err := align.Compare(ctx, mock, e2e, align.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d launches in %d layers, over %d steps\n", r.Verdict, r.Mock.LaunchesPerStep, r.E2E.Occurrences, r.E2E.Steps)
	for _, s := range r.Sites {
		fmt.Printf("%.24s %.1f %s\n", align.ShortName(s.MockName), *s.Ratio, s.Verdict)
	}
	for _, c := range r.Causes {
		fmt.Println(c.Message)
	}
	// Output:
	// misaligned: 8 launches in 4 layers, over 8 steps
	// rms_norm_kernel 1.2 match
	// nvjet_sm90_tst_256x128_6 3.7 head-mismatch
	// nvjet_sm90_tst_128x128_6 2.4 head-mismatch
	// nvjet_sm90_tst_128x128_6 2.4 head-mismatch
	// rope_kernel 3.7 head-mismatch
	// cudnn_generated_fort_nat 2.6 head-mismatch
	// nvjet_sm90_tst_256x128_6 3.4 head-mismatch
	// elementwise<add> 1.0 match
	// the mock runs 4 times as many heads as the E2E rank: only the work done per head scales, the work done per token does not, as under TP=4
}

// forwards makes a trace of a few forward passes of some kernels, each of
// which takes so many microseconds.
func forwards(path string, n int, names []string, us []int64) *trace.Trace {
	var b trace.Builder
	const thread = 1
	now := int64(0)
	for i := range n {
		b.Push(thread, fmt.Sprintf("forward %d", i), now)
		for k, name := range names {
			b.Launch(trace.Launch{Name: name, Start: now, Duration: us[k] * 1000, Thread: thread})
			now += us[k]*1000 + 1000
		}
		b.Pop(thread, now)
	}
	return b.Trace(path)
}

// A trace need not come from a report.
func ExampleCompare() {
	mock := forwards("mock", 5, []string{"norm", "gemm", "attention", "debug_print"}, []int64{8, 90, 80, 2})
	e2e := forwards("model", 5,
		[]string{"embedding", "norm", "gemm", "rope", "attention", "mlp", "norm", "gemm", "rope", "attention", "mlp"},
		[]int64{20, 8, 90, 15, 80, 300, 8, 90, 15, 80, 300})

	r, err := align.Compare(context.Background(), mock, e2e, align.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Verdict)
	for _, f := range r.Findings {
		fmt.Printf("%s: %s\n", f.Code, f.Message)
	}
	// Output:
	// misaligned
	// missing: 1 launch missing in the mock between gemm and attention, 15 µs in each occurrence: rope
	// extra: 1 launch extra in the mock at the end, after attention, 2 µs a step: debug_print
}

// With Regression the traces are two runs of one program.
func ExampleCompare_regression() {
	names := []string{"norm", "gemm", "attention"}
	base := forwards("base", 8, names, []int64{8, 90, 80})
	next := forwards("new", 8, names, []int64{8, 90, 100})

	r, err := align.Compare(context.Background(), base, next, align.Options{Regression: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range r.Sites {
		fmt.Printf("%s %.2f %s\n", s.MockName, *s.Ratio, s.Verdict)
	}
	fmt.Printf("kernel time of a step: %.0f to %.0f µs\n", r.Regression.BaseKernelNS/1e3, r.Regression.NewKernelNS/1e3)
	// Output:
	// norm 1.00 match
	// gemm 1.00 match
	// attention 1.25 slower
	// kernel time of a step: 178 to 198 µs
}

func ExampleReport() {
	t := forwards("model", 4, []string{"norm", "gemm", "norm", "attention"}, []int64{8, 90, 10, 80})
	r, err := align.Report(context.Background(), t, align.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, k := range r.Kernels {
		fmt.Printf("%-9s %d launches, median %.0f µs, %.1f %%\n", k.Name, k.Mock.N, k.Mock.MedianNS/1e3, 100*k.MockShare)
	}
	// Output:
	// gemm      4 launches, median 90 µs, 47.9 %
	// attention 4 launches, median 80 µs, 42.6 %
	// norm      8 launches, median 9 µs, 9.6 %
}
