package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
	"github.com/nsysdiff/nsysdiff/trace"
)

// run is the program: arguments without its name, its streams and its
// environment to the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	status, err := command(ctx, args, stdout, stderr, getenv)
	switch {
	case errors.Is(err, syscall.EPIPE):
		// Whoever read the output has seen enough.
		return status
	case err != nil:
		complain(stderr, err)
		return exitTrouble
	}
	return status
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) (int, error) {
	if len(args) > 0 {
		for _, c := range subcommands() {
			if c.name == args[0] {
				return exitNothing, c.run(args[1:], stdout)
			}
		}
	}
	c, err := parse(args)
	switch {
	case err != nil:
		return exitTrouble, err
	case c.version:
		return exitNothing, printVersion(stdout)
	case c.helpAll:
		return exitNothing, printFlags(stdout)
	case c.help:
		return exitNothing, printHelp(stdout)
	}
	if err := checkOutputs(c.outputs, c.reports); err != nil {
		return exitTrouble, err
	}
	watch := &stopwatch{on: c.verbose, w: stderr, last: time.Now()}
	r, err := c.result(ctx, stderr, watch)
	if err != nil {
		return exitTrouble, err
	}
	inFile := render.Options{
		Width:   columns(nil, getenv),
		Top:     c.top,
		Version: version(),
		Command: append([]string{"nsysdiff"}, args...),
	}
	onScreen := inFile
	onScreen.Width = columns(stdout, getenv)
	onScreen.Color = useColor(c.color, stdout, getenv)
	err = write(c.outputs, r, stdout, onScreen, inFile)
	if errors.Is(err, syscall.EPIPE) || err == nil {
		watch.lap("write")
		return exitStatus(r, c.failOn), err
	}
	return exitTrouble, err
}

// result reads the reports and compares them, or describes the only one.
func (c *config) result(ctx context.Context, stderr io.Writer, watch *stopwatch) (*align.Result, error) {
	scopes := []trace.Scope{c.mock, c.e2e}
	traces, err := c.read(ctx, scopes[:len(c.reports)], stderr, watch)
	if err != nil {
		return nil, err
	}
	var r *align.Result
	if len(traces) == 1 {
		r = align.Report(traces[0], c.options)
	} else if r, err = align.Compare(ctx, traces[0], traces[1], c.options); err != nil {
		return nil, err
	}
	watch.lap("compare")
	return r, nil
}

// A stopwatch prints the time of each stage, if it is on.
type stopwatch struct {
	on   bool
	w    io.Writer
	last time.Time
}

// lap says that a stage is done.
func (s *stopwatch) lap(stage string) {
	if !s.on {
		return
	}
	now := time.Now()
	fmt.Fprintf(s.w, "nsysdiff: %-8s %8.3f s\n", stage, now.Sub(s.last).Seconds())
	s.last = now
}
