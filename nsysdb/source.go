package nsysdb

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/sqlite"
)

// scannerVariable, set to "off" in the environment, makes SQLite read
// everything: to tell whether the page scanner is at fault for something.
const scannerVariable = "NSYSDIFF_SCANNER"

// A source reads the tables of a report: SQLite the schema and the small
// tables; the page scanner, many times as fast, the big tables, as far as it
// recognises them. Without cgo there is no SQLite and the scanner reads
// everything, or says what it does not recognise.
type source struct {
	table.Source              // SQLite, or the scanner if it is alone
	scanner      table.Source // nil if it is off, alone, or refused the file
}

func openSource(ctx context.Context, path string) (*source, error) {
	db, err := sqlite.Open(ctx, path)
	alone := errors.Is(err, sqlite.ErrNoSQLite)
	if err != nil && !alone {
		return nil, err
	}
	if os.Getenv(scannerVariable) == "off" && !alone {
		return &source{Source: db}, nil
	}
	scanner, err2 := pages.Open(ctx, path)
	switch {
	case err2 == nil && alone:
		return &source{Source: scanner}, nil
	case err2 == nil:
		return &source{Source: db, scanner: scanner}, nil
	case alone && errors.Is(err2, table.ErrUnsupported):
		return nil, fmt.Errorf("%w: %w", err, err2)
	case alone:
		return nil, err2
	case errors.Is(err2, table.ErrUnsupported):
		return &source{Source: db}, nil
	}
	db.Close()
	return nil, err2
}

// Close closes SQLite first: to close any descriptor of a file drops the
// process's locks on it, which SQLite's connections may hold.
func (s *source) Close() error {
	err := s.Source.Close()
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
	return s.Source.Changed()
}

// ints is table.Source.Ints by whichever can read the table. If the scanner
// comes upon something that it does not recognise in mid-table, the read
// begins again: reset makes the caller forget the batches it has had. NULL
// reads as null.
func (s *source) ints(ctx context.Context, name string, columns []string, opts table.IntsOptions, reset func(), fn func(table.Batch) error) error {
	opts.Null = null
	if s.scanner != nil {
		err := s.scanner.Ints(ctx, name, columns, opts, fn)
		if !errors.Is(err, table.ErrUnsupported) {
			return err
		}
		reset()
	}
	return s.Ints(ctx, name, columns, opts, fn)
}

// rows is table.Source.Rows by whichever can read the table, with reset as for
// ints.
func (s *source) rows(ctx context.Context, name string, columns []string, reset func(), fn func([]table.Value) error) error {
	if s.scanner != nil {
		err := s.scanner.Rows(ctx, name, columns, fn)
		if !errors.Is(err, table.ErrUnsupported) {
			return err
		}
		reset()
	}
	return s.Rows(ctx, name, columns, fn)
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
			skip = 0
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
