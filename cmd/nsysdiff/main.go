package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

func main() {
	collectLate()
	ctx, stop := signal.NotifyContext(context.Background(), interrupts()...)
	// A second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], environment{os.Stdout, os.Stderr, os.Getenv, time.Now}))
}

// interrupts returns the signals that end a run, with what it keeps in temporary
// directories removed: also that of a terminal that goes away, unless nohup or the
// like had it ignored.
func interrupts() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// collectLate puts the first collection of garbage off until the heap is 256 MB
// instead of 4: most reports are compared by then, a million launches among them,
// and on many processors a collection takes longer than to read as much. There is
// little garbage: a comparison takes 10 % more memory so, at most half more if no
// step of it is like another. From then on collections are as usual.
func collectLate() {
	if os.Getenv("GOGC") != "" {
		return
	}
	const late = 6400
	debug.SetGCPercent(late)
	runtime.AddCleanup(new([64]byte), func(usual int) {
		if was := debug.SetGCPercent(usual); was != late {
			debug.SetGCPercent(was) // collectOften came before
		}
	}, 100)
}

// collectOften has garbage collected when the heap has grown by a tenth instead
// of to twice its size. The launches of large reports are most of the heap and
// hold no pointers, so that it takes a millisecond, and what was read with and
// compared with is used again in place of memory that was never touched.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(10)
	}
}
