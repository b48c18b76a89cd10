// Genranks writes the reports of the ranks of one run, made from a recorded
// report. Rank 3 is slower than the others.
//
//	genranks -n 8 testdata/llama_tp_e2e_tp4.sqlite DIR
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/nsysdiff/nsysdiff/internal/ranktest"
)

func main() {
	n := flag.Int("n", 8, "number of ranks")
	slow := flag.Float64("slow", 1.3, "how much longer rank 3 takes")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: genranks [-n N] [-slow F] REPORT DIR")
		os.Exit(2)
	}
	ranks := ranktest.Job(*n, 4)
	if *n > 3 {
		ranks[3].Slow = *slow
	}
	if _, err := ranktest.WriteJob(context.Background(), flag.Arg(0), flag.Arg(1), ranks); err != nil {
		fmt.Fprintln(os.Stderr, "genranks:", err)
		os.Exit(2)
	}
}
