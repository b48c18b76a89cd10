package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A source is one report on its way into a comparison.
type source struct {
	path  string
	scope *trace.Scope
	db    *nsysdb.DB
	trace *trace.Trace
	err   error // why it has no trace
}

// read reads both sides, several reports at a time. Of a side of several, what
// cannot be read is left out with a warning, unless strict; the error joins
// what is wrong with each, in their order.
func (c *config) read(ctx context.Context, stderr io.Writer, watch *stopwatch) (mock, e2e *trace.Trace, err error) {
	x := &exporter{nsys: c.nsys}
	defer x.clean()

	var sources []source
	for _, s := range []*side{&c.mock, &c.e2e} {
		for _, path := range s.reports {
			sources = append(sources, source{path: path, scope: &s.scope})
		}
	}
	defer func() {
		for i := range sources {
			if db := sources[i].db; db != nil {
				db.Close()
			}
		}
	}()
	mocks, e2es := sources[:len(c.mock.reports)], sources[len(c.mock.reports):]

	// All are opened before one is read, which may take long.
	each(ctx, len(sources), func(i int) { sources[i].open(ctx, x) })
	watch.lap("open")
	if err := c.fatal(ctx, mocks, e2es); err != nil {
		return nil, nil, err
	}
	bar := newProgress(stderr, len(sources))
	each(ctx, len(sources), func(i int) {
		s := &sources[i]
		if s.err == nil {
			s.read(ctx, c, bar.report(i))
		}
	})
	bar.done()
	watch.lap("read")
	if err := c.fatal(ctx, mocks, e2es); err != nil {
		return nil, nil, err
	}
	return c.mock.merge(mocks, stderr), c.e2e.merge(e2es, stderr), nil
}

// open opens the report.
func (s *source) open(ctx context.Context, x *exporter) {
	if s.db, s.err = x.open(ctx, s.path); s.err == nil {
		s.err = named(s.db.Usable(), s.path)
	}
}

// read reads the report and closes it.
func (s *source) read(ctx context.Context, c *config, progress func(done, total int64)) {
	s.trace, s.err = s.db.Read(ctx, nsysdb.Query{
		Scope:    *s.scope,
		NVTX:     !c.options.NoNVTX,
		MemOps:   c.options.MemOps,
		Progress: progress,
	})
	s.db.Close()
	s.db = nil
	if s.err != nil {
		s.err = named(s.err, s.path)
		return
	}
	s.trace.Capture.Path = s.path
}

// fatal returns the error that keeps the sides from being compared: of a side
// that has no report left or, where strict, of any report.
func (c *config) fatal(ctx context.Context, sides ...[]source) error {
	if err := ctx.Err(); err != nil {
		return err // one interruption is one error
	}
	var errs []error
	for _, sources := range sides {
		var side []error
		empty := 0
		for i := range sources {
			switch err := sources[i].err; {
			case err == nil:
			case isEmptyScope(err):
				empty++
				side = append(side, err)
			default:
				side = append(side, err)
			}
		}
		// A scope may well leave nothing of one rank: a stage of a pipeline
		// without the operation.
		if len(side) == len(sources) || c.strict && len(side) > empty {
			errs = append(errs, side...)
		}
	}
	return errors.Join(errs...)
}

func isEmptyScope(err error) bool {
	e := (*trace.EmptyScopeError)(nil)
	return errors.As(err, &e)
}

// merge makes one trace of a side's reports, nil if there are none. What could
// not be read it names on stderr and among the warnings of the trace.
func (s *side) merge(sources []source, stderr io.Writer) *trace.Trace {
	if len(sources) == 0 {
		return nil
	}
	var traces []*trace.Trace
	var warnings, leftOut []string
	for i := range sources {
		switch err := sources[i].err; {
		case err == nil:
			traces = append(traces, sources[i].trace)
		case isEmptyScope(err):
			leftOut = append(leftOut, err.Error())
		default:
			warnings = append(warnings, "a report was left out: "+err.Error())
			complain(stderr, err)
		}
	}
	t := trace.Merge(traces...)
	if len(sources) > 1 {
		t.Capture.Path = s.name()
	}
	t.Capture.Warnings = append(t.Capture.Warnings, warnings...)
	t.LeftOut = append(t.LeftOut, leftOut...)
	if len(warnings) > 0 {
		fmt.Fprintf(stderr, "nsysdiff: the other %d of %d reports are compared; --strict fails instead\n", len(traces), len(sources))
	}
	return t
}

// each calls f for 0 to n-1, as many at a time as there are processors, and
// stops early if the context is cancelled.
func each(ctx context.Context, n int, f func(i int)) {
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range n {
		limit <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			f(i)
			<-limit
		})
	}
	wg.Wait()
}

// named returns err about path: the user does not know the name of a report
// that was exported for the occasion.
func named(err error, path string) error {
	if e := (*nsysdb.Error)(nil); errors.As(err, &e) {
		renamed := *e
		renamed.Path = path
		return &renamed
	}
	if e := (*trace.EmptyScopeError)(nil); errors.As(err, &e) {
		renamed := *e
		renamed.Path = path
		return &renamed
	}
	return err
}
