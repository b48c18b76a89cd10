// Genreport writes a made-up Nsight Systems report.
//
//	genreport -launches 1000000 -o report.sqlite
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/nsysdiff/nsysdiff/internal/gen"
)

func main() {
	var o gen.Options
	out := flag.String("o", "report.sqlite", "`file` to write")
	flag.IntVar(&o.Launches, "launches", 1000, "kernel launches")
	flag.Uint64Var(&o.Seed, "seed", 0, "seed of the noise")
	flag.IntVar(&o.Layers, "layers", 0, "layers in a step (default 8)")
	flag.BoolVar(&o.Mock, "mock", false, "only one layer's attention in a step")
	flag.IntVar(&o.Shards, "shards", 1, "divide per-head work by `n`")
	flag.Float64Var(&o.Noise, "noise", 0, "relative standard deviation of durations (default 0.02)")
	flag.IntVar(&o.Processes, "processes", 1, "processes, each on a device of its own")
	flag.IntVar(&o.Streams, "streams", 1, "streams of a process")
	flag.IntVar(&o.Warmup, "warmup", 0, "steps of warm-up (default 2)")
	flag.BoolVar(&o.Graph, "graph", false, "replay a CUDA graph in each step")
	flag.BoolVar(&o.MemOps, "memops", false, "copies and memsets")
	flag.BoolVar(&o.OpRanges, "op-ranges", false, "an NVTX range around each launch")
	flag.IntVar(&o.Skip, "skip", 0, "leave out each `n`th launch, so that steps differ")
	flag.BoolVar(&o.NoNVTX, "no-nvtx", false, "no NVTX ranges")
	flag.BoolVar(&o.NoAPI, "no-api", false, "no CUDA API calls")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := gen.Write(ctx, *out, o); err != nil {
		fmt.Fprintln(os.Stderr, "genreport:", err)
		os.Exit(1)
	}
}
