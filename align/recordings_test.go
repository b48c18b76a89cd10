package align_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// recordings holds a func() (*trace.Trace, error) by name, which reads the
// report at its first call.
var recordings sync.Map

// recording returns testdata/NAME.sqlite as a trace. All tests share it: it
// must not be changed.
func recording(tb testing.TB, name string) *trace.Trace {
	tb.Helper()
	once, _ := recordings.LoadOrStore(name, sync.OnceValues(func() (*trace.Trace, error) {
		return readReport(filepath.Join("..", "testdata", name+".sqlite"), trace.Scope{})
	}))
	t, err := once.(func() (*trace.Trace, error))()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// scoped returns testdata/NAME.sqlite read with a scope.
func scoped(tb testing.TB, name string, s trace.Scope) *trace.Trace {
	tb.Helper()
	t, err := readReport(filepath.Join("..", "testdata", name+".sqlite"), s)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func readReport(path string, s trace.Scope) (*trace.Trace, error) {
	ctx := context.Background()
	db, err := nsysdb.Open(ctx, path, nsysdb.Options{})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.Read(ctx, nsysdb.Query{Scope: s, NVTX: true, MemOps: true})
}

// nvtxScope is the scope of the ranges that match a pattern.
func nvtxScope(tb testing.TB, pattern string) trace.Scope {
	tb.Helper()
	p, err := trace.ParsePattern(pattern)
	if err != nil {
		tb.Fatal(err)
	}
	return trace.Scope{NVTX: []trace.Pattern{p}}
}

// fewer returns n, or an eighth of it with -short: how often to try something.
func fewer(n int) int {
	if testing.Short() {
		return max(1, n/8)
	}
	return n
}

// compare compares, and fails the test where that errs.
func compare(tb testing.TB, mock, e2e *trace.Trace, o align.Options) *align.Result {
	tb.Helper()
	r, err := align.Compare(context.Background(), mock, e2e, o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// report is the table of one report.
func report(tb testing.TB, t *trace.Trace, o align.Options) *align.Result {
	tb.Helper()
	r, err := align.Report(context.Background(), t, o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}
