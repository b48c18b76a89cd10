package summary_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/summary"
)

// A baseline is a summary, kept where the next run finds it.
func Example() {
	ctx := context.Background()
	summarise := func(path string) *summary.Summary {
		db, err := nsysdb.Open(ctx, path, nsysdb.Options{})
		if err != nil {
			log.Fatal(err)
		}
		defer db.Close()
		t, err := db.Read(ctx, nsysdb.Query{NVTX: true})
		if err != nil {
			log.Fatal(err)
		}
		s, err := summary.Of(ctx, t, align.ReduceOptions{})
		if err != nil {
			log.Fatal(err)
		}
		return s
	}
	var baseline bytes.Buffer
	if err := summarise("../testdata/llama_tp_e2e.sqlite").Write(&baseline); err != nil {
		log.Fatal(err)
	}
	fmt.Println("less than 10 kB:", baseline.Len() < 10_000)

	s, err := summary.Read(&baseline)
	if err != nil {
		log.Fatal(err)
	}
	base, err := s.Trace(ctx)
	if err != nil {
		log.Fatal(err)
	}
	next, err := summarise("../testdata/llama_tp_e2e_regressed.sqlite").Trace(ctx)
	if err != nil {
		log.Fatal(err)
	}
	r, err := align.Compare(ctx, base, next, align.Options{Regression: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Verdict)
	// Output:
	// less than 10 kB: true
	// misaligned
}
