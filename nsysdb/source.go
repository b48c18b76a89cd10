package nsysdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/sqlite"
)

// scannerVariable, set to "off" in the environment, makes SQLite read
// everything: to tell whether the page scanner is at fault for something.
const scannerVariable = "NSYSDIFF_SCANNER"

// A source reads the tables of a report. SQLite says which tables there are and reads
// those that describe the capture; the page scanner reads the others, which take
// SQLite many times as long, if it recognises them in full and has read the schema
// as SQLite does. Without SQLite it reads all, and says what it does not recognise.
type source struct {
	path    string
	scanner table.Source // nil if it is off, refused the file, or sees another schema
	lib     table.Source // SQLite; nil in a build without cgo, and if it cannot open the file
	noLib   error        // why it cannot, if the scanner can; nil in a build without cgo
	refused io.Closer    // the file, if the scanner refused it
}

// openSource opens a report and tells the tables of some names that it has. An
// error may be that the columns of one cannot be told, since a table without its
// columns would pass for one of an older report.
//
// The functions of b, of which either may be nil, are called side by side with sources
// of the scanner or of SQLite alone and the tables that these see: SQLite takes several
// times as long to tell. What is found of the scanner's stands if the source that is
// returned still has the scanner.
func openSource(ctx context.Context, path string, names []string, b beside) (_ *source, _ map[string]table.Table, err error) {
	s := &source{path: path}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	var file *table.File
	if os.Getenv(scannerVariable) != "off" || !sqlite.Available {
		// The file stays open until Close, whoever reads it.
		if file, err = pages.OpenFile(path); err != nil {
			return nil, nil, err
		}
	}
	var seen, tables map[string]table.Table
	var refused error
	var lib sync.WaitGroup
	lib.Go(func() {
		if s.lib, err = sqlite.Open(ctx, path); err != nil {
			return
		}
		if tables, err = s.lib.Tables(ctx, names); err == nil && b.lib != nil {
			b.lib(&source{path: path, lib: s.lib}, tables)
		}
	})
	if file != nil {
		if seen, refused = s.scan(ctx, file, names); refused == nil && b.scanner != nil {
			b.scanner(&source{path: path, scanner: s.scanner}, seen)
		}
	}
	lib.Wait()
	switch {
	case refused != nil && !errors.Is(refused, table.ErrUnsupported):
		return nil, nil, refused
	case errors.Is(err, sqlite.ErrNoSQLite) && s.scanner == nil:
		return nil, nil, fmt.Errorf("%w: %w", err, refused)
	case errors.Is(err, sqlite.ErrNoPath) && s.scanner != nil:
		s.noLib = err
	case errors.Is(err, sqlite.ErrNoSQLite):
	case err != nil:
		return nil, nil, err
	case s.scanner != nil:
		if err := s.unchanged(); err != nil {
			return nil, nil, err
		}
	}
	tables, err = s.decide(names, seen, tables)
	return s, tables, err
}

// beside is what is done while a source is opened, see openSource.
type beside struct {
	scanner, lib func(*source, map[string]table.Table)
}

// scan gives the file to the scanner, or keeps it if that refuses it, and tells the
// tables of the names given as the scanner sees them.
func (s *source) scan(ctx context.Context, file *table.File, names []string) (map[string]table.Table, error) {
	scanner, err := pages.New(ctx, s.path, file)
	if err != nil {
		s.refused = file
		return nil, err
	}
	s.scanner = scanner
	return scanner.Tables(ctx, names)
}

// decide returns the tables of the names given that the report has, given those that
// the scanner and SQLite see. It gives up a scanner that sees other ones than SQLite.
func (s *source) decide(names []string, seen, tables map[string]table.Table) (map[string]table.Table, error) {
	switch {
	case s.lib == nil:
		tables = seen
	case s.scanner != nil && !agree(names, seen, tables):
		err := s.scanner.Close()
		s.scanner = nil
		if err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if err := tables[name].Err; err != nil {
			return nil, s.alone(err)
		}
	}
	return tables, nil
}

// alone returns an error of the scanner where there is no SQLite, with the reason for
// that.
func (s *source) alone(err error) error {
	if s.noLib != nil && errors.Is(err, table.ErrUnsupported) {
		return fmt.Errorf("%w: %w", s.noLib, err)
	}
	return err
}

// agree reports whether the scanner sees the tables of the names given as SQLite
// does, or knows that it cannot read them.
func agree(names []string, scanner, lib map[string]table.Table) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		a, ok1 := scanner[name]
		b, ok2 := lib[name]
		return a.Err == nil && (ok1 != ok2 || !slices.Equal(a.Columns, b.Columns))
	})
}

// unchanged returns the error that the file is not that which the scanner opened:
// SQLite, which opened it later, tells changes from then on.
func (s *source) unchanged() error {
	changed, err := s.scanner.Changed()
	if changed {
		err = table.ErrChanged
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
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
	if s.refused != nil {
		err = errors.Join(err, s.refused.Close())
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
func (s *source) read(reset func(), fn func(table.Source) error) error {
	if s.scanner != nil {
		refused := fn(s.scanner)
		if s.lib == nil || !errors.Is(refused, table.ErrUnsupported) {
			return s.alone(refused)
		}
		reset()
	}
	return s.ask(fn)
}

// ask calls fn with SQLite, or with the scanner where there is none.
func (s *source) ask(fn func(table.Source) error) error {
	if s.lib == nil {
		return s.alone(fn(s.scanner))
	}
	return fn(s.lib)
}

func nothing() {}

// metadata is table.Source.Rows, for the small tables that describe a capture.
func (s *source) metadata(ctx context.Context, name string, columns []string, fn func([]table.Value) error) error {
	return s.ask(func(t table.Source) error { return t.Rows(ctx, name, columns, fn) })
}

// count is table.Source.Count.
func (s *source) count(ctx context.Context, name string) (n int64, err error) {
	err = s.read(nothing, func(t table.Source) (err error) {
		n, err = t.Count(ctx, name)
		return err
	})
	return n, err
}

// rows is table.Source.Rows, each row once.
func (s *source) rows(ctx context.Context, name string, columns []string, fn func([]table.Value) error) error {
	seen, skip := 0, 0
	return s.read(func() { skip, seen = seen, 0 }, func(t table.Source) error {
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
	return s.read(reset, func(t table.Source) error { return t.Ints(ctx, name, columns, opts, fn) })
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
