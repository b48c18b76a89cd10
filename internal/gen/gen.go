// Package gen writes made-up reports of any size, for tests and benchmarks.
//
// A generated report has the tables, columns and types of an export of schema
// 3.20 (Nsight Systems 2025.3). What it records is modelled on the recorded
// reports in testdata: a served model whose steps run the kernels of a
// DeepSeek-style layer once per layer, from one or several processes, launched
// one by one or replayed from a CUDA graph.
package gen

import (
	"cmp"
	"context"
	"fmt"
	"os"
)

// Options say what a report holds. The zero value is the default that the
// fields name.
type Options struct {
	// Launches is the number of kernel launches over all processes: 1000 if
	// 0. The last step is cut short where it does not fit.
	Launches int
	// Seed chooses the noise. Equal options give equal reports.
	Seed uint64

	// Layers is the number of layers in a step: 8 if 0.
	Layers int
	// Mock leaves only one layer's attention in a step, as a program that
	// measures it alone would run.
	Mock bool
	// Shards divides the time of the kernels that work per head: 1 if 0.
	Shards int
	// Noise is the relative standard deviation of durations: 0.02 if 0, none
	// if negative.
	Noise float64

	// Processes is the number of processes, each on a device of its own: 1
	// if 0. They do the same work in lockstep. Their correlation ids and
	// graph node ids repeat, as those of real ones do.
	Processes int
	// Streams is the number of streams that a process spreads the kernels of
	// a layer over: 1 if 0.
	Streams int

	// Warmup is the number of steps before those that are marked as such: 2
	// if 0, none if negative.
	Warmup int
	// Graph replays a CUDA graph in each step after the warm-up.
	Graph bool
	// MemOps adds a copy and a memset to each step.
	MemOps bool
	// OpRanges puts an NVTX range around each API call that launches or
	// captures a kernel, as torch.autograd.profiler.emit_nvtx does.
	OpRanges bool
	// Skip leaves out each Skip-th launch of a process, none if 0: steps differ
	// from each other then.
	Skip int
	// NoNVTX leaves out the NVTX ranges, NoAPI the CUDA API calls.
	NoNVTX, NoAPI bool
}

func (o Options) withDefaults() Options {
	o.Launches = cmp.Or(o.Launches, 1000)
	o.Layers = cmp.Or(o.Layers, 8)
	if o.Mock {
		o.Layers = 1
	}
	o.Shards = cmp.Or(o.Shards, 1)
	o.Noise = max(0, cmp.Or(o.Noise, 0.02))
	o.Processes = cmp.Or(o.Processes, 1)
	o.Streams = cmp.Or(o.Streams, 1)
	o.Warmup = max(0, cmp.Or(o.Warmup, 2))
	return o
}

// LaunchesPerStep returns how many launches one process makes in a step.
func (o Options) LaunchesPerStep() int {
	return len(o.withDefaults().sequence())
}

// Write writes a report to path, replacing a file of that name.
func Write(ctx context.Context, path string, opts Options) error {
	o := opts.withDefaults()
	if o.Launches < 0 || o.Layers < 0 || o.Shards < 0 || o.Processes < 0 || o.Streams < 0 {
		return fmt.Errorf("%s: negative number in %+v", path, opts)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	w, err := create(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	err = write(ctx, w, o)
	if err := cmp.Or(err, w.close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// write simulates the capture once per table, which needs no memory for the
// rows and puts the rows of a table in adjacent pages, as the exporter does.
func write(ctx context.Context, w *writer, o Options) error {
	if err := w.facts(o); err != nil {
		return err
	}
	err := simulate(ctx, o, func(b *batch) error {
		return cmp.Or(each(b.kernels, w.kernel), each(b.memOps, w.memOp), each(b.nodes, w.node))
	})
	if err == nil && !o.NoAPI {
		err = simulate(ctx, o, func(b *batch) error { return each(b.calls, w.call) })
	}
	if err == nil && !o.NoNVTX {
		err = simulate(ctx, o, func(b *batch) error { return each(b.spans, w.span) })
	}
	return err
}

func each[T any](rows []T, put func(T) error) error {
	for _, row := range rows {
		if err := put(row); err != nil {
			return err
		}
	}
	return nil
}

// simulate runs the capture and calls emit with what each step recorded, in
// order of start.
func simulate(ctx context.Context, o Options, emit func(*batch) error) error {
	var b batch
	step := o.sequence()
	procs := make([]*process, o.Processes)
	for i := range procs {
		procs[i] = newProcess(i, o, step, &b)
	}
	for n, left := 0, o.Launches; left > 0; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		// Processes stay in lockstep, as ranks that wait for each other do.
		var now int64
		for _, p := range procs {
			now = max(now, p.now)
		}
		b.reset()
		for _, p := range procs {
			p.now = now
			p.step(n)
		}
		b.sort()
		b.kernels = b.kernels[:min(left, len(b.kernels))]
		left -= len(b.kernels)
		if err := emit(&b); err != nil {
			return err
		}
	}
	return nil
}
