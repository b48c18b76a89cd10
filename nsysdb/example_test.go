//go:build cgo

package nsysdb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"regexp"
	"strings"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

func ExampleOpen() {
	db, err := nsysdb.Open(context.Background(), "../testdata/dsa_mock_ctx.sqlite", nsysdb.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	c := db.Capture()
	fmt.Printf("%s, driver %s, Nsight Systems %s\n", c.GPUs[0].Name, c.Driver, c.Tool)
	fmt.Printf("%d launches of %s\n", c.Launches, c.Command)
	// Output:
	// NVIDIA H200, driver 580.159.04, Nsight Systems 2025.3.2.0
	// 253 launches of ./dsa --iters 20
}

// An error says what is wrong with a file, and what to do about it.
func ExampleError() {
	_, err := nsysdb.Open(context.Background(), "../testdata", nsysdb.Options{})
	if e := (*nsysdb.Error)(nil); errors.As(err, &e) {
		fmt.Println(e)
		fmt.Println("hint:", e.Hint)
	}
	// Output:
	// ../testdata: is a directory, not an exported report
	// hint: name the .sqlite file in it
}

// A report without launches can be opened; Usable says why it holds none.
func ExampleDB_Usable() {
	db, err := nsysdb.Open(context.Background(), "../testdata/dsa_nvtx_only.sqlite", nsysdb.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	fmt.Println(db.Usable())
	// Output:
	// ../testdata/dsa_nvtx_only.sqlite: holds NVTX ranges but no CUDA trace
}

func ExampleDB_Read() {
	ctx := context.Background()
	db, err := nsysdb.Open(ctx, "../testdata/dsa_mock_ctx.sqlite", nsysdb.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	t, err := db.Read(ctx, nsysdb.Query{Scope: trace.Scope{Kernel: regexp.MustCompile("topKPerRow")}})
	if err != nil {
		log.Fatal(err)
	}
	total := int64(0)
	for i := range t.Launches.Len() {
		total += t.Launches.Duration(i)
	}
	fmt.Printf("%d launches, %.1f ms\n", t.Launches.Len(), float64(total)/1e6)
	fmt.Println(t.LeftOut)
	// Output:
	// 23 launches, 3.4 ms
	// [230 launches of kernels that do not match "topKPerRow"]
}

// The kernels inside a CUDA graph have two places: the step that replayed
// them, and the module that was open when they were captured.
func ExampleDB_Read_attribution() {
	ctx := context.Background()
	db, err := nsysdb.Open(ctx, "../testdata/dsa_e2e_gen_graph_node.sqlite", nsysdb.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	t, err := db.Read(ctx, nsysdb.Query{NVTX: true})
	if err != nil {
		log.Fatal(err)
	}
	for i := range t.Launches.Len() {
		if t.LaunchNode(i) != trace.None && t.Launches.Start[i] > 780_120_000 {
			fmt.Println("replayed in", strings.Join(t.Path(t.IssueRange(i)), " / "))
			fmt.Println("captured in", strings.Join(t.Path(t.CaptureRange(i)), " / "))
			break
		}
	}
	// Output:
	// replayed in [Executor] _forward_step 0: 0 ctx reqs, 32 gen reqs
	// captured in capture / layer 0 / self_attn
}

func ExampleDB_Launches() {
	ctx := context.Background()
	db, err := nsysdb.Open(ctx, "../testdata/dsa_mock_ctx.sqlite", nsysdb.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	longest, name := int64(0), ""
	for batch, err := range db.Launches(ctx, trace.Scope{}) {
		if err != nil {
			log.Fatal(err)
		}
		for i, d := range batch.Duration {
			if d > longest {
				longest, name = d, batch.Kernel[i].Short
			}
		}
	}
	fmt.Println(name)
	// Output:
	// sparse_attn_fwd_kernel
}
