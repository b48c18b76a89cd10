package summary_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/summary"
	"github.com/nsysdiff/nsysdiff/trace"
)

// recordings holds a func() (*trace.Trace, error) by name.
var recordings sync.Map

// recording returns testdata/NAME.sqlite as a trace, which must not be changed.
func recording(tb testing.TB, name string) *trace.Trace {
	tb.Helper()
	once, _ := recordings.LoadOrStore(name, sync.OnceValues(func() (*trace.Trace, error) {
		ctx := context.Background()
		db, err := nsysdb.Open(ctx, filepath.Join("..", "testdata", name+".sqlite"), nsysdb.Options{})
		if err != nil {
			return nil, err
		}
		defer db.Close()
		return db.Read(ctx, nsysdb.Query{NVTX: true, MemOps: true})
	}))
	t, err := once.(func() (*trace.Trace, error))()
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// names are the recorded reports with kernels.
func names(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "testdata", "*.sqlite"))
	if err != nil || len(paths) == 0 {
		tb.Fatal("no recorded reports", err)
	}
	var names []string
	for _, p := range paths {
		if name := strings.TrimSuffix(filepath.Base(p), ".sqlite"); name != "dsa_nvtx_only" {
			names = append(names, name)
		}
	}
	return names
}

// summarised returns a trace as it comes back from a summary's file.
func summarised(tb testing.TB, t *trace.Trace, o align.ReduceOptions) *trace.Trace {
	tb.Helper()
	ctx := context.Background()
	s, err := summary.Of(ctx, t, o)
	if err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		tb.Fatal(err)
	}
	if s, err = summary.Read(&b); err != nil {
		tb.Fatal(err)
	}
	t, err = s.Trace(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}
