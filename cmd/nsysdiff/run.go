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
	"github.com/nsysdiff/nsysdiff/trace"
)

// run is the program: arguments without its name and its surroundings to the
// exit status.
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
		if s, ok := lookupSubcommand(args[0]); ok {
			if s.flags == nil && asksForHelp(args[1:]) {
				return exitNothing, s.help(env.stdout)
			}
			return exitNothing, s.run(ctx, args[1:], env)
		}
		if err := misspelt(args[0]); err != nil {
			return exitTrouble, err
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
	var d document
	if len(c.pairs) > 0 {
		d, err = c.runPairs(ctx, env)
	} else {
		d, err = c.runOne(ctx, env)
	}
	if err != nil {
		return exitTrouble, err
	}
	err = write(c.outputs, d, c.rendering(args, env), env, c.watch(env))
	if errors.Is(err, syscall.EPIPE) || err == nil {
		return d.status, err
	}
	return exitTrouble, err
}

// A document is what a run has to say, in any format.
type document struct {
	status      int
	render      func(io.Writer, render.Format, render.Options) error
	stepSummary func(w io.Writer, o render.Options, limit int) error // for GitHub Actions, in so many bytes
}

// runOne makes the only comparison.
func (c *config) runOne(ctx context.Context, env environment) (document, error) {
	if err := c.expand(); err != nil {
		return document{}, err
	}
	if err := checkOutputs(c.outputs, c.reports()); err != nil {
		return document{}, err
	}
	r, err := c.result(ctx, env)
	if err != nil {
		return document{}, err
	}
	warnIdle(c.policy.at(env.now()), r)
	return document{
		status: exitStatus(r, c.failOn),
		render: func(w io.Writer, f render.Format, o render.Options) error {
			o.Fails = c.fails
			return f.Write(w, r, o)
		},
		stepSummary: func(w io.Writer, o render.Options, limit int) error {
			o.Fails = c.fails
			return render.StepSummary(w, r, o, limit)
		},
	}, nil
}

// fails reports whether a finding makes the exit status 1.
func (c *config) fails(f *align.Finding) bool { return fails(f, c.failOn) }

// A rendering is how results are shown, on standard output and in files.
type rendering struct{ screen, file render.Options }

func (c *config) rendering(args []string, env environment) rendering {
	file := render.Options{
		Width:   columns(nil, env.getenv),
		Top:     c.top,
		Version: version(),
		Command: append([]string{"nsysdiff"}, args...),
	}
	screen := file
	screen.Width = columns(env.stdout, env.getenv)
	screen.Color = useColor(c.color, env.stdout, env.getenv)
	return rendering{screen, file}
}

// expand finds the reports of both sides.
func (c *config) expand() error {
	if err := c.mock.expand(); err != nil {
		return err
	}
	return c.e2e.expand()
}

// reports returns the reports of both sides, once they are found.
func (c *config) reports() []string { return slices.Concat(c.mock.reports, c.e2e.reports) }

// result reads the reports and compares them, or describes the only side.
func (c *config) result(ctx context.Context, env environment) (*align.Result, error) {
	if c.verbose && c.path != "" {
		fmt.Fprintf(env.stderr, "nsysdiff: configured by %s\n", c.path)
	}
	watch := c.watch(env)
	mock, e2e, unread, err := c.read(ctx, env.stderr, watch)
	if err != nil {
		return nil, err
	}
	r, err := c.compare(ctx, mock, e2e, env.now())
	if err != nil {
		return nil, err
	}
	for _, what := range unread {
		r.Findings = append(r.Findings, align.Finding{
			Code: align.CodeCapture, Severity: align.SeverityWarning, Message: what,
			Hint: "what was compared is the rest; export it again, or record it again",
		})
	}
	for _, path := range c.e2e.shared(&c.mock) {
		r.E2E.Warnings = append(slices.Clip(r.E2E.Warnings), path+": is on both sides, and a report equals itself")
	}
	watch.lap("compare")
	return r, nil
}

// compare judges what was read by options and policy.
func (c *config) compare(ctx context.Context, mock, e2e *trace.Trace, now time.Time) (*align.Result, error) {
	o := c.options
	o.Accept = c.policy.at(now)
	var r *align.Result
	var err error
	if e2e == nil {
		if r, err = align.Report(ctx, mock, o); err != nil {
			return nil, err
		}
	} else {
		if r, err = compareUntil(ctx, mock, e2e, o); err != nil {
			return nil, err
		}
		if o.ScaleTP && r.Limits.TP == 0 && r.Verdict != align.NotComparable {
			return nil, usage("pass --tp N as well", tpUnknown)
		}
	}
	align.Expect(r, c.policy.expect)
	return r, nil
}

// compareUntil compares two traces and does not outlast its context: between two
// looks at it align may work for seconds, and an interrupted user waits for
// nothing. What it still does then ends with the process.
func compareUntil(ctx context.Context, mock, e2e *trace.Trace, o align.Options) (*align.Result, error) {
	type outcome struct {
		r   *align.Result
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		r, err := align.Compare(ctx, mock, e2e, o)
		done <- outcome{r, err}
	}()
	select {
	case out := <-done:
		return out.r, out.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *config) watch(env environment) *stopwatch {
	return &stopwatch{on: c.verbose, w: env.stderr, last: time.Now()}
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
