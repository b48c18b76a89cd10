package nsysdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/sqlite"
)

// scannerVariable, set to "off" in the environment, makes SQLite read
// everything: to tell whether the page scanner is at fault for something.
const scannerVariable = "NSYSDIFF_SCANNER"

// A source reads the tables of a report: the page scanner those that it
// recognises in full; SQLite, which takes many times as long and milliseconds
// to begin, all else. Without cgo there is no SQLite, and the scanner says what
// it does not recognise.
type source struct {
	path    string
	scanner table.Source // nil if it is off or refused the file

	mu  sync.Mutex
	lib table.Source // SQLite, nil until it is needed
}

func openSource(ctx context.Context, path string) (*source, error) {
	s := &source{path: path}
	if os.Getenv(scannerVariable) == "off" {
		_, err := s.sqlite(ctx)
		if !errors.Is(err, sqlite.ErrNoSQLite) {
			return s, err
		}
	}
	scanner, refused := pages.Open(ctx, path)
	switch {
	case refused == nil:
		s.scanner = scanner
		return s, nil
	case !errors.Is(refused, table.ErrUnsupported):
		return nil, refused
	}
	_, err := s.sqlite(ctx)
	if errors.Is(err, sqlite.ErrNoSQLite) {
		err = fmt.Errorf("%w: %w", err, refused)
	}
	return s, err
}

// sqlite returns the source that reads by SQLite.
func (s *source) sqlite(ctx context.Context) (table.Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lib != nil {
		return s.lib, nil
	}
	lib, err := sqlite.Open(ctx, s.path)
	if err != nil {
		return nil, err
	}
	s.lib = lib
	return lib, nil
}

// Close closes SQLite first: to close any descriptor of a file drops the
// process's locks on it, which SQLite's connections may hold.
func (s *source) Close() error {
	var err error
	if s.lib != nil {
		err = s.lib.Close()
	}
	if s.scanner != nil {
		err = errors.Join(err, s.scanner.Close())
	}
	return err
}

// Changed reports whether the file was changed since it was opened.
func (s *source) Changed() (bool, error) {
	if s.scanner != nil {
		return s.scanner.Changed()
	}
	return s.lib.Changed()
}

// read calls fn with the scanner and, if that does not recognise what it
// comes upon, perhaps in mid-table, again with SQLite: reset makes the caller
// forget what it has had.
func (s *source) read(ctx context.Context, reset func(), fn func(table.Source) error) error {
	var refused error
	if s.scanner != nil {
		if refused = fn(s.scanner); !errors.Is(refused, table.ErrUnsupported) {
			return refused
		}
	}
	lib, err := s.sqlite(ctx)
	switch {
	case refused != nil && errors.Is(err, sqlite.ErrNoSQLite):
		return refused
	case err != nil:
		return err
	case refused != nil:
		reset()
	}
	if err := fn(lib); err != nil || s.scanner == nil {
		return err
	}
	// SQLite tells changes from when it was opened, which may be just now.
	changed, err := s.scanner.Changed()
	if changed {
		err = table.ErrChanged
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
}

func nothing() {}

// tables is table.Source.Tables, without what is none of the report's: tables and
// views whose columns cannot be told, but for those of the names given. Of these
// that is an error, since a table without its columns would pass for one of an
// older report.
func (s *source) tables(ctx context.Context, names []string) (tables map[string]table.Table, err error) {
	err = s.read(ctx, nothing, func(t table.Source) (err error) {
		if tables, err = t.Tables(ctx); err != nil {
			return err
		}
		for _, name := range names {
			if err := tables[name].Err; err != nil {
				return err
			}
		}
		return nil
	})
	maps.DeleteFunc(tables, func(_ string, t table.Table) bool { return t.Err != nil })
	return tables, err
}

// count is table.Source.Count.
func (s *source) count(ctx context.Context, name string) (n int64, err error) {
	err = s.read(ctx, nothing, func(t table.Source) (err error) {
		n, err = t.Count(ctx, name)
		return err
	})
	return n, err
}

// rows is table.Source.Rows, each row once.
func (s *source) rows(ctx context.Context, name string, columns []string, fn func([]table.Value) error) error {
	seen, skip := 0, 0
	return s.read(ctx, func() { skip, seen = seen, 0 }, func(t table.Source) error {
		return t.Rows(ctx, name, columns, func(row []table.Value) error {
			if seen++; seen <= skip {
				return nil
			}
			return fn(row)
		})
	})
}

// ints is table.Source.Ints, with reset as for read. NULL reads as null.
func (s *source) ints(ctx context.Context, name string, columns []string, opts table.IntsOptions, reset func(), fn func(table.Batch) error) error {
	opts.Null = null
	return s.read(ctx, reset, func(t table.Source) error { return t.Ints(ctx, name, columns, opts, fn) })
}

// intsInOrder is ints by one goroutine, the caller's, so that batches come in
// order of rowid, each row once.
func (s *source) intsInOrder(ctx context.Context, name string, columns []string, opts table.IntsOptions, fn func(table.Batch) error) error {
	seen, skip := 0, 0
	opts.Workers = 1
	return s.ints(ctx, name, columns, opts, func() { skip, seen = seen, 0 }, func(b table.Batch) error {
		seen += b.N
		if seen <= skip {
			return nil
		}
		if first := b.N - (seen - skip); first > 0 {
			cut := make([][]int64, len(b.Columns))
			for i, c := range b.Columns {
				cut[i] = c[first:b.N]
			}
			b.Columns, b.N = cut, b.N-first
			if b.Keys != nil {
				b.Keys = b.Keys[first:]
			}
		}
		return fn(b)
	})
}
