package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/internal/fan"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/summary"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A source is one report, or one summary of some, on its way into a comparison.
type source struct {
	path    string
	scope   *trace.Scope
	only    bool // its side has no other
	reduced bool // a summary of it is enough
	noted   bool // and says what it was made of, be it only for summaries beside it

	db      *nsysdb.DB
	trace   *trace.Trace     // of a report that is not reduced
	summary *summary.Summary // of others
	err     error            // why it has neither
}

// read reads both sides, several reports at a time. Of a side of several, what
// cannot be read is left out, unless strict, and said in unread; the error joins
// what is wrong with each, in their order.
func (c *config) read(ctx context.Context, stderr io.Writer, watch *stopwatch) (mock, e2e *trace.Trace, unread []string, err error) {
	sources, err := c.sources(ctx, false, stderr, watch)
	if err != nil {
		return nil, nil, nil, err
	}
	mock, without, err := traceOf(ctx, sources[:len(c.mock.reports)], stderr)
	if err != nil {
		return nil, nil, nil, err
	}
	e2e, unread, err = traceOf(ctx, sources[len(c.mock.reports):], stderr)
	if err != nil {
		return nil, nil, nil, err
	}
	c.options.ScopedE2E = c.options.ScopedE2E || e2e != nil && narrowed(e2e)
	return mock, e2e, append(without, unread...), nil
}

// summarise reads the only side and summarises it.
func (c *config) summarise(ctx context.Context, stderr io.Writer, watch *stopwatch) (*summary.Summary, error) {
	sources, err := c.sources(ctx, true, stderr, watch)
	if err != nil {
		return nil, err
	}
	all, _, said := mergeSources(sources, stderr)
	for _, w := range said.repeated {
		(&problem{msg: w}).print(stderr)
	}
	return all, nil
}

// sources reads the reports of both sides, as summaries if summarised says so.
func (c *config) sources(ctx context.Context, summarised bool, stderr io.Writer, watch *stopwatch) ([]source, error) {
	x := &exporter{nsys: c.nsys}
	defer x.clean()

	var sources []source
	for _, s := range []*side{&c.mock, &c.e2e} {
		noted := summarised || len(s.reports) > 1 && slices.ContainsFunc(s.reports, func(path string) bool {
			is, err := summary.IsFile(path)
			return err == nil && is
		})
		for _, path := range s.reports {
			// Launches can only be listed of whole traces.
			reduced := summarised || len(s.reports) > 1 && !c.options.Launches
			sources = append(sources, source{path: path, scope: &s.scope, only: len(s.reports) == 1, reduced: reduced, noted: noted})
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

	// What a side cannot do without is opened before anything is read, which
	// may take long. Of very many not all can be open at a time.
	each(ctx, len(sources), func(i int) {
		if s := &sources[i]; s.only {
			s.open(ctx, x, c)
		}
	})
	watch.lap("open")
	if err := c.fatal(ctx, mocks, e2es); err != nil {
		return nil, err
	}
	bar := newProgress(stderr, len(sources))
	each(ctx, len(sources), func(i int) {
		s := &sources[i]
		if !s.only {
			s.open(ctx, x, c)
		}
		if s.err == nil {
			s.read(ctx, c, bar.report(i))
		} else if s.db != nil {
			s.db.Close()
			s.db = nil
		}
	})
	bar.done()
	watch.lap("read")
	if launches(sources) >= manyLaunches {
		collectOften()
	}
	return sources, c.fatal(ctx, mocks, e2es)
}

// manyLaunches is how many launches take most of the memory, so that a tenth of
// them is more than a collection of garbage is worth.
const manyLaunches = 5e6

// launches returns how many launches were read and are held.
func launches(sources []source) (n int) {
	for i := range sources {
		if t := sources[i].trace; t != nil {
			n += t.Launches.Len()
		}
	}
	return n
}

// open opens the report, or reads the summary.
func (s *source) open(ctx context.Context, x *exporter, c *config) {
	if is, err := summary.IsFile(s.path); err == nil && (is || emptySummary(s.path)) {
		switch s.summary, s.err = summary.ReadFile(s.path); {
		case s.err != nil:
		case c.options.Launches:
			s.err = &problem{msg: s.path + ": is a summary, which does not hold all launches that --json-launches lists", hint: "name the report itself"}
		}
		return
	}
	if s.db, s.err = x.open(ctx, s.path, s.query(c)); s.err == nil {
		s.err = named(s.db.Usable(), s.path)
	}
}

// emptySummary reports whether a file without content has the name of a summary,
// which exporting a report again would not mend.
func emptySummary(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == 0 && strings.HasSuffix(path, ".json.gz")
}

// read reads the report and closes it. Of several on a side it keeps what a
// summary holds, so that a side needs no memory for all of its launches, and
// what comes out does not depend on whether the reports were summarised before.
func (s *source) read(ctx context.Context, c *config, progress func(done, total int64)) {
	if s.summary != nil {
		s.err = inSummary(ctx, s.path, s.summary, s.scope)
		return
	}
	var from summary.Origin
	if s.noted {
		// Before the report is read: should it change meanwhile, the summary
		// is not taken for one of what it became.
		if from, s.err = origin(s.path, s.scope, c.options.NoNVTX); s.err != nil {
			s.db.Close()
			s.db = nil
			return
		}
	}
	q := s.query(c)
	q.Progress = progress
	s.trace, s.err = s.db.Read(ctx, q)
	s.db.Close()
	s.db = nil
	if s.err != nil {
		s.err = named(s.err, s.path)
		return
	}
	s.trace.Capture.Path = s.path
	if s.reduced {
		s.summary, s.err = summary.OfOrigin(ctx, s.trace, from, align.ReduceOptions{NoNVTX: c.options.NoNVTX})
		s.trace = nil
	}
}

// query returns what is read of the report.
func (s *source) query(c *config) nsysdb.Query {
	return nsysdb.Query{Scope: *s.scope, NVTX: !c.options.NoNVTX, MemOps: c.options.MemOps || s.reduced}
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

// traceOf makes one trace of a side's reports, nil if there are none, and says
// which could not be read.
func traceOf(ctx context.Context, sources []source, stderr io.Writer) (t *trace.Trace, unread []string, err error) {
	if len(sources) == 0 {
		return nil, nil, nil
	}
	if t := sources[0].trace; t != nil && len(sources) == 1 {
		return t, nil, nil
	}
	all, whole, said := mergeSources(sources, stderr)
	if len(whole) > 0 {
		t = trace.Merge(whole...)
	} else if t, err = all.Trace(ctx); err != nil {
		return nil, nil, err
	}
	if n := len(t.Reports); n > 1 {
		t.Capture.Path = fmt.Sprintf("%s and %d more", t.Reports[0].Path, n-1)
	}
	t.Capture.Warnings = append(t.Capture.Warnings, said.repeated...)
	t.LeftOut = append(t.LeftOut, said.outOfScope...)
	return t, said.unread, nil
}

// narrowed reports whether a trace was narrowed to NVTX ranges, be it when it
// was summarised: it says so in the words of trace.Scope.
func narrowed(t *trace.Trace) bool {
	return slices.ContainsFunc(t.LeftOut, func(s string) bool { return strings.Contains(s, " outside NVTX range ") })
}

// remarks is what is to be said of the reports of a side.
type remarks struct {
	unread, outOfScope, repeated []string
}

// mergeSources puts the summaries of a side together, or returns its whole
// traces if those are what was read, and says on stderr what could not be.
func mergeSources(sources []source, stderr io.Writer) (all *summary.Summary, whole []*trace.Trace, said remarks) {
	var summaries []*summary.Summary
	for i := range sources {
		switch err := sources[i].err; {
		case err == nil && sources[i].trace != nil:
			whole = append(whole, sources[i].trace)
		case err == nil:
			summaries = append(summaries, sources[i].summary)
		case isEmptyScope(err):
			said.outOfScope = append(said.outOfScope, err.Error())
		default:
			said.unread = append(said.unread, "a report was left out: "+err.Error())
			complain(stderr, err)
		}
	}
	if len(said.unread) > 0 {
		fmt.Fprintf(stderr, "nsysdiff: going on with the other %d of %d reports; --strict fails instead\n", len(summaries)+len(whole), len(sources))
	}
	var duplicates []string
	all, duplicates = summary.Merge(summaries...)
	said.repeated = repeated(all.Reports(), duplicates)
	return all, whole, said
}

// each calls f for 0 to n-1, as many at a time as there are processors, and
// stops early if the context is cancelled.
func each(ctx context.Context, n int, f func(i int)) { fan.Out(ctx, runtime.GOMAXPROCS(0), n, f) }

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
