package main

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// read reads the reports, all at a time. If several cannot be used, the error
// joins what is wrong with each, in their order.
func (c *config) read(ctx context.Context, scopes []trace.Scope, stderr io.Writer, watch *stopwatch) ([]*trace.Trace, error) {
	x := &exporter{nsys: c.nsys}
	defer x.clean()

	n := len(c.reports)
	dbs := make([]*nsysdb.DB, n)
	defer func() {
		for _, db := range dbs {
			if db != nil {
				db.Close()
			}
		}
	}()
	err := each(n, func(i int) (err error) {
		if dbs[i], err = x.open(ctx, c.reports[i]); err != nil {
			return err
		}
		return named(dbs[i].Usable(), c.reports[i])
	})
	watch.lap("open")
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	bar := newProgress(stderr, n)
	defer bar.done()
	traces := make([]*trace.Trace, n)
	err = each(n, func(i int) (err error) {
		traces[i], err = dbs[i].Read(ctx, nsysdb.Query{
			Scope:    scopes[i],
			NVTX:     !c.options.NoNVTX,
			MemOps:   c.options.MemOps,
			Progress: bar.report(i),
		})
		if err != nil {
			return named(err, c.reports[i])
		}
		traces[i].Capture.Path = c.reports[i]
		return nil
	})
	watch.lap("read")
	return traces, err
}

// each calls f for 0 to n-1 at a time and joins the errors in this order.
func each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	// One interruption is one error.
	for _, err := range errs {
		if errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errors.Join(errs...)
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
