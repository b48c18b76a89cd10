// Readreport reads reports with package nsysdb, all at a time as nsysdiff does,
// and does nothing with them.
//
//	readreport -nvtx report.sqlite
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

func main() {
	nvtx := flag.Bool("nvtx", false, "read NVTX ranges and attribute launches to them")
	workers := flag.Int("workers", 0, "goroutines that read (default: one per processor)")
	flag.Parse()
	var wg sync.WaitGroup
	traces, errs := make([]*trace.Trace, flag.NArg()), make([]error, flag.NArg())
	for i, path := range flag.Args() {
		wg.Go(func() { traces[i], errs[i] = read(path, *nvtx, *workers) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, "readreport:", err)
		os.Exit(2)
	}
	for _, t := range traces {
		fmt.Println(t.Launches.Len(), "launches,", len(t.Ranges), "ranges,", t.Capture.Unattributed, "launches not attributed")
	}
}

func read(path string, nvtx bool, workers int) (*trace.Trace, error) {
	db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{Workers: workers})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.Read(context.Background(), nsysdb.Query{NVTX: nvtx})
}
