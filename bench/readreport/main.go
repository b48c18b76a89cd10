// Readreport reads reports with package nsysdb, one after the other, and does
// nothing with them.
//
//	readreport -nvtx report.sqlite
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/nsysdiff/nsysdiff/nsysdb"
)

func main() {
	nvtx := flag.Bool("nvtx", false, "read NVTX ranges and attribute launches to them")
	workers := flag.Int("workers", 0, "goroutines that read (default: one per processor)")
	flag.Parse()
	for _, path := range flag.Args() {
		if err := read(path, *nvtx, *workers); err != nil {
			fmt.Fprintln(os.Stderr, "readreport:", err)
			os.Exit(2)
		}
	}
}

func read(path string, nvtx bool, workers int) error {
	db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{Workers: workers})
	if err != nil {
		return err
	}
	defer db.Close()
	t, err := db.Read(context.Background(), nsysdb.Query{NVTX: nvtx})
	if err != nil {
		return err
	}
	fmt.Println(t.Launches.Len(), "launches,", len(t.Ranges), "ranges,", t.Capture.Unattributed, "launches not attributed")
	return nil
}
