package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
)

// run is the program: arguments without its name, its streams and its
// environment to the exit status.
func run(ctx context.Context, args []string, env environment) int {
	status, err := command(ctx, args, env)
	switch {
	case errors.Is(err, syscall.EPIPE):
		// Whoever read the output has seen enough.
		return status
	case err != nil:
		complain(env.stderr, err)
		return exitTrouble
	}
	return status
}

func command(ctx context.Context, args []string, env environment) (int, error) {
	if len(args) > 0 {
		for _, c := range subcommands() {
			if c.name == args[0] {
				return exitNothing, c.run(args[1:], env.stdout)
			}
		}
	}
	c, err := parse(args)
	switch {
	case err != nil:
		return exitTrouble, err
	case c.version:
		return exitNothing, printVersion(env.stdout)
	case c.helpAll:
		return exitNothing, printFlags(env.stdout)
	case c.help:
		return exitNothing, printHelp(env.stdout)
	}
	if err := c.expand(); err != nil {
		return exitTrouble, err
	}
	if c.verbose && c.path != "" {
		fmt.Fprintf(env.stderr, "nsysdiff: configured by %s\n", c.path)
	}
	r, err := c.result(ctx, env)
	if err != nil {
		return exitTrouble, err
	}
	inFile := render.Options{
		Width:   columns(nil, env.getenv),
		Top:     c.top,
		Version: version(),
		Command: append([]string{"nsysdiff"}, args...),
	}
	onScreen := inFile
	onScreen.Width = columns(env.stdout, env.getenv)
	onScreen.Color = useColor(c.color, env.stdout, env.getenv)
	err = write(c.outputs, r, env.stdout, onScreen, inFile)
	if errors.Is(err, syscall.EPIPE) || err == nil {
		return exitStatus(r, c.failOn), err
	}
	return exitTrouble, err
}

// expand finds the reports of both sides, and makes sure that no output is one
// of them.
func (c *config) expand() error {
	if err := c.mock.expand(); err != nil {
		return err
	}
	if err := c.e2e.expand(); err != nil {
		return err
	}
	return checkOutputs(c.outputs, slices.Concat(c.mock.reports, c.e2e.reports))
}

// result reads the reports and compares them, or describes the only side.
func (c *config) result(ctx context.Context, env environment) (*align.Result, error) {
	watch := &stopwatch{on: c.verbose, w: env.stderr, last: time.Now()}
	mock, e2e, err := c.read(ctx, env.stderr, watch)
	if err != nil {
		return nil, err
	}
	o := c.options
	o.Accept = c.policy.at(env.now())
	var r *align.Result
	if e2e == nil {
		r = align.Report(mock, o)
	} else if r, err = align.Compare(ctx, mock, e2e, o); err != nil {
		return nil, err
	}
	align.Expect(r, c.policy.expect)
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
