package nsysdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"syscall"
	"testing"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/sqlite"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A scripted is a table.Source whose one table holds a column of the numbers
// from 0 to rows-1, of which it reads some and then ends with an error.
type scripted struct {
	rows  int
	batch int   // rows to a batch
	until int   // rows that come before err
	err   error // nil if it reads all
	key   uint32

	calls  []string          // what was asked of it
	opts   table.IntsOptions // of the last call of Ints
	closed *[]string         // names of the sources that were closed
	name   string
	fresh  bool // Changed says so
}

func (s *scripted) Tables(context.Context, []string) (map[string]table.Table, error) {
	s.calls = append(s.calls, "tables")
	return nil, s.err
}

func (s *scripted) Count(context.Context, string) (int64, error) {
	s.calls = append(s.calls, "count")
	return int64(s.rows), s.err
}

func (s *scripted) last() int {
	if s.err != nil {
		return s.until
	}
	return s.rows
}

func (s *scripted) Rows(_ context.Context, _ string, _ []string, fn func([]table.Value) error) error {
	s.calls = append(s.calls, "rows")
	for i := range s.last() {
		if err := fn([]table.Value{{Kind: table.Integer, Int: int64(i)}}); err != nil {
			return err
		}
	}
	return s.err
}

func (s *scripted) Ints(_ context.Context, _ string, _ []string, opts table.IntsOptions, fn func(table.Batch) error) error {
	s.calls = append(s.calls, "ints")
	s.opts = opts
	for seq, i := 0, 0; i < s.last(); seq++ {
		b := table.Batch{Seq: seq, Columns: [][]int64{nil}}
		for ; b.N < s.batch && i < s.last(); i++ {
			b.Columns[0] = append(b.Columns[0], int64(i))
			if opts.Keys != nil {
				b.Keys = append(b.Keys, s.key+uint32(i))
			}
			b.N++
		}
		if err := fn(b); err != nil {
			return err
		}
	}
	return s.err
}

func (s *scripted) Changed() (bool, error) { return s.fresh, nil }

func (s *scripted) Close() error {
	*s.closed = append(*s.closed, s.name)
	return errors.New(s.name)
}

// handoverWays are the ways to read a source: each returns the rows that it
// had, with those before the last reset forgotten.
var handoverWays = map[string]func(ctx context.Context, s *source) ([]int64, error){
	"rows": func(ctx context.Context, s *source) (got []int64, err error) {
		err = s.rows(ctx, "t", []string{"a"}, func(row []table.Value) error {
			got = append(got, row[0].Int)
			return nil
		})
		return got, err
	},
	"ints": func(ctx context.Context, s *source) (got []int64, err error) {
		err = s.ints(ctx, "t", []string{"a"}, table.IntsOptions{}, func() { got = nil }, func(b table.Batch) error {
			got = append(got, b.Columns[0]...)
			return nil
		})
		return got, err
	},
	"intsInOrder": func(ctx context.Context, s *source) (got []int64, err error) {
		err = s.intsInOrder(ctx, "t", []string{"a"}, table.IntsOptions{}, func(b table.Batch) error {
			if b.N == 0 || len(b.Columns[0]) != b.N || b.Keys != nil {
				return fmt.Errorf("a batch of %d rows: %v, keys %v", b.N, b.Columns, b.Keys)
			}
			got = append(got, b.Columns[0]...)
			return nil
		})
		return got, err
	},
	"intsInOrder with keys": func(ctx context.Context, s *source) (got []int64, err error) {
		err = s.intsInOrder(ctx, "t", []string{"a"}, table.IntsOptions{Keys: []string{"k"}}, func(b table.Batch) error {
			for i, k := range b.Keys {
				// SQLite numbers keys from 1000 here, the scanner from 0.
				if a := b.Columns[0][i]; int64(k)%1000 != a {
					return fmt.Errorf("row %d has the key %d", a, k)
				}
			}
			if len(b.Keys) != b.N {
				return fmt.Errorf("%d keys of %d rows", len(b.Keys), b.N)
			}
			got = append(got, b.Columns[0]...)
			return nil
		})
		return got, err
	},
}

// TestHandover has the scanner fail after each number of rows: the result is
// that of SQLite alone, each row once, if the scanner refused, and nothing is
// asked of SQLite if it read all or failed for good.
func TestHandover(t *testing.T) {
	refusal := fmt.Errorf("page 7: %w", table.ErrUnsupported)
	changed := fmt.Errorf("r.sqlite: %w", table.ErrChanged)
	damaged := fmt.Errorf("%w: page 9", sqlite.ErrCorrupt)
	const rows = 11
	for _, c := range []struct {
		name            string
		scanner, sqlite error // how the reads end
		handedOver      bool
		want            error
	}{
		{"the scanner reads all", nil, nil, false, nil},
		{"the scanner refuses", refusal, nil, true, nil},
		{"the file changed", changed, nil, false, changed},
		{"canceled", context.Canceled, nil, false, context.Canceled},
		{"both fail", refusal, damaged, true, damaged},
	} {
		for way, read := range handoverWays {
			for _, sizes := range [][2]int{{3, 4}, {4, 3}, {1, 5}, {5, 1}, {20, 20}} {
				for until := range rows + 1 {
					scanner := &scripted{name: "scanner", rows: rows, batch: sizes[0], until: until, err: c.scanner}
					lib := &scripted{name: "sqlite", rows: rows, batch: sizes[1], until: until, err: c.sqlite, key: 1000}
					got, err := read(t.Context(), &source{scanner: scanner, lib: lib})
					what := fmt.Sprintf("%s: %s, batches of %v, after %d rows", c.name, way, sizes, until)
					if err != c.want {
						t.Errorf("%s: error %v, want %v", what, err, c.want)
					}
					if c.want == nil {
						want := make([]int64, rows)
						for i := range want {
							want[i] = int64(i)
						}
						if !slices.Equal(want, got) {
							t.Errorf("%s: rows %v", what, got)
						}
					}
					if len(lib.calls) > 0 != c.handedOver || len(scanner.calls) != 1 {
						t.Errorf("%s: the scanner was asked for %v, SQLite for %v", what, scanner.calls, lib.calls)
					}
				}
			}
		}
	}
}

// TestHandoverOfNumbers: what is read at once is that of SQLite alone, too.
func TestHandoverOfNumbers(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{{nil, "scanner"}, {table.ErrUnsupported, "sqlite"}} {
		s := &source{scanner: &scripted{name: "scanner", rows: len("scanner"), err: c.err}, lib: &scripted{name: "sqlite", rows: len("sqlite")}}
		if n, err := s.count(t.Context(), "t"); int(n) != len(c.want) || err != nil {
			t.Errorf("count: %d, %v, want %d", n, err, len(c.want))
		}
	}
}

// TestMetadata: SQLite reads it, and the scanner where there is no SQLite.
func TestMetadata(t *testing.T) {
	for _, c := range []struct {
		lib  table.Source
		want int
	}{{&scripted{rows: 3}, 3}, {nil, 2}} {
		s, n := &source{scanner: &scripted{rows: 2}, lib: c.lib}, 0
		err := s.metadata(t.Context(), "t", nil, func([]table.Value) error { n++; return nil })
		if n != c.want || err != nil {
			t.Errorf("SQLite %v: %d rows, %v, want %d", c.lib, n, err, c.want)
		}
	}
}

// TestAheadStands: what the scanner made of a report before SQLite had opened it counts
// if SQLite sees the same tables and says the same of the capture.
func TestAheadStands(t *testing.T) {
	said := func(host string) description {
		return description{trace.Capture{Path: "r", Host: host}, map[cudaDevice]int{{1, 0}: 2}}
	}
	other := said("h")
	other.devices[cudaDevice{1, 0}] = 3
	early, scanner, lib := &DB{said: said("h")}, &scripted{}, &scripted{}
	for _, c := range []struct {
		name  string
		early *DB
		src   source
		said  description
		err   error
		want  bool
	}{
		{"the same", early, source{scanner: scanner, lib: lib}, said("h"), nil, true},
		{"another host", early, source{scanner: scanner, lib: lib}, said("i"), nil, false},
		{"another device", early, source{scanner: scanner, lib: lib}, other, nil, false},
		{"SQLite cannot tell", early, source{scanner: scanner, lib: lib}, said("h"), errors.New("damaged"), false},
		{"other tables", early, source{lib: lib}, said("h"), nil, false},
		{"no SQLite", early, source{scanner: scanner}, description{}, nil, true},
		{"nothing was read", nil, source{scanner: scanner, lib: lib}, said("h"), nil, false},
	} {
		if got := c.early.stands(&c.src, c.said, c.err); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestSchema: SQLite says which tables there are. A scanner that sees others is given
// up, unless it knows that it cannot read what differs. Columns that cannot be told
// matter in the tables that are asked for, and in no other.
func TestSchema(t *testing.T) {
	bad := errors.New("no such function")
	a := []table.Column{{Name: "a", Type: "INTEGER"}}
	one := map[string]table.Table{"t": {Name: "t", Columns: a}}
	refused := map[string]table.Table{"t": {Name: "t", Err: table.ErrUnsupported}}
	wrong := map[string]table.Table{"t": {Name: "t", Err: bad}}
	type schema = map[string]table.Table
	for _, c := range []struct {
		name         string
		scanner, lib schema // nil where there is none
		want         schema
		err          error
		keeps        bool // the scanner
	}{
		{"the same", one, one, one, nil, true},
		{"no table", schema{}, schema{}, schema{}, nil, true},
		{"another type", schema{"t": {Name: "t", Columns: []table.Column{{Name: "a", Type: "TEXT"}}}}, one, one, nil, false},
		{"another column", schema{"t": {Name: "t", Columns: append(slices.Clone(a), a...)}}, one, one, nil, false},
		{"a table that SQLite lacks", one, schema{}, schema{}, nil, false},
		{"a table that the scanner lacks", schema{}, one, one, nil, false},
		{"a table that is not asked for", schema{"u": {Name: "u"}}, schema{}, schema{}, nil, true},
		{"told by SQLite alone", refused, one, one, nil, true},
		{"told by none", refused, wrong, nil, bad, true},
		{"no SQLite", one, nil, one, nil, true},
		{"refused, and no SQLite", refused, nil, nil, table.ErrUnsupported, true},
		{"SQLite alone", nil, one, one, nil, false},
	} {
		var closed []string
		s := &source{}
		if c.scanner != nil {
			s.scanner = &scripted{name: "scanner", closed: &closed}
		}
		if c.lib != nil {
			s.lib = &scripted{}
		}
		got, err := s.decide([]string{"t"}, c.scanner, c.lib)
		if len(closed) > 0 { // the scripted scanner fails to close
			if !slices.Contains(messages(err), "scanner") {
				t.Errorf("%s: %v", c.name, err)
			}
			got, err = c.want, nil
		}
		if err != c.err || !maps.EqualFunc(got, c.want, func(a, b table.Table) bool { return slices.Equal(a.Columns, b.Columns) }) {
			t.Errorf("%s: %v, %v, want %v, %v", c.name, got, err, c.want, c.err)
		}
		if keeps := s.scanner != nil; keeps != c.keeps || len(closed) > 0 == keeps && c.scanner != nil {
			t.Errorf("%s: the scanner is kept: %v, want %v; closed %q", c.name, keeps, c.keeps, closed)
		}
	}
}

// TestCallbackEnds: an error of the caller ends the read, whoever reads.
func TestCallbackEnds(t *testing.T) {
	scanner, lib := &scripted{rows: 9, batch: 2}, &scripted{rows: 9, batch: 2}
	s := &source{scanner: scanner, lib: lib}
	for _, err := range []error{
		s.rows(t.Context(), "t", nil, func([]table.Value) error { return errStop }),
		s.ints(t.Context(), "t", nil, table.IntsOptions{}, nothing, func(table.Batch) error { return errStop }),
		s.intsInOrder(t.Context(), "t", nil, table.IntsOptions{}, func(table.Batch) error { return errStop }),
	} {
		if err != errStop {
			t.Errorf("%v, want %v", err, errStop)
		}
	}
	if len(lib.calls) > 0 {
		t.Errorf("SQLite was asked for %v", lib.calls)
	}
}

// TestReset: the caller must forget what it had once, after the scanner
// refused, and keep it where nobody reads on.
func TestReset(t *testing.T) {
	for _, c := range []struct {
		name    string
		scanner table.Source
		lib     table.Source // nil where there is none
		want    string
		err     error
	}{
		{"the scanner reads", &scripted{rows: 4, batch: 2}, &scripted{}, "2 2", nil},
		{"SQLite alone", nil, &scripted{rows: 3, batch: 2}, "2 1", nil},
		{"handed over", &scripted{batch: 2, until: 3, err: table.ErrUnsupported}, &scripted{rows: 6, batch: 4}, "2 1 reset 4 2", nil},
		{"handed over at once", &scripted{err: table.ErrUnsupported}, &scripted{rows: 2, batch: 2}, "reset 2", nil},
		{"no SQLite", &scripted{batch: 2, until: 3, err: table.ErrUnsupported}, nil, "2 1", table.ErrUnsupported},
	} {
		s := &source{lib: c.lib}
		if c.scanner != nil {
			s.scanner = c.scanner
		}
		got := ""
		note := func(format string, args ...any) {
			if got != "" {
				got += " "
			}
			got += fmt.Sprintf(format, args...)
		}
		err := s.ints(t.Context(), "t", []string{"a"}, table.IntsOptions{}, func() { note("reset") }, func(b table.Batch) error {
			note("%d", b.N)
			return nil
		})
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v, want %q, %v", c.name, got, err, c.want, c.err)
		}
	}
}

// TestIntsOptions: ints chooses what NULL reads as; in order of rowid, one
// goroutine reads.
func TestIntsOptions(t *testing.T) {
	lib := &scripted{rows: 1, batch: 1}
	s := &source{lib: lib}
	ignore := func(table.Batch) error { return nil }
	if err := s.ints(t.Context(), "t", nil, table.IntsOptions{Workers: 7, Null: 5}, nothing, ignore); err != nil || lib.opts.Null != null || lib.opts.Workers != 7 {
		t.Errorf("ints: %+v, %v", lib.opts, err)
	}
	if err := s.intsInOrder(t.Context(), "t", nil, table.IntsOptions{Workers: 7}, ignore); err != nil || lib.opts.Null != null || lib.opts.Workers != 1 {
		t.Errorf("in order: %+v, %v", lib.opts, err)
	}
}

// TestSourceClose: SQLite's connections are closed before the scanner's file,
// even if that fails, and both errors are told.
func TestSourceClose(t *testing.T) {
	for _, c := range []struct {
		scanner, lib bool
		want         []string
	}{
		{true, true, []string{"sqlite", "scanner"}},
		{true, false, []string{"scanner"}},
		{false, true, []string{"sqlite"}},
	} {
		var closed []string
		s := &source{}
		if c.scanner {
			s.scanner = &scripted{name: "scanner", closed: &closed}
		}
		if c.lib {
			s.lib = &scripted{name: "sqlite", closed: &closed}
		}
		err := s.Close()
		if !slices.Equal(closed, c.want) {
			t.Errorf("closed %v, want %v", closed, c.want)
		}
		for _, name := range c.want {
			if !slices.Contains(messages(err), name) {
				t.Errorf("error %q, want that of %s in it", err, name)
			}
		}
	}
}

func messages(err error) (all []string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, messages(e)...)
		}
		return all
	}
	return []string{err.Error()}
}

// TestSourceChanged: the scanner looked at the file first, when it was opened;
// SQLite may have opened it only after a change.
func TestSourceChanged(t *testing.T) {
	yes, no := &scripted{fresh: true}, &scripted{}
	for _, c := range []struct {
		source *source
		want   bool
	}{
		{&source{scanner: yes, lib: no}, true},
		{&source{scanner: no}, false},
		{&source{lib: yes}, true},
		{&source{lib: no}, false},
	} {
		if got, err := c.source.Changed(); got != c.want || err != nil {
			t.Errorf("scanner %v, SQLite %v: changed: %v, %v, want %v", c.source.scanner, c.source.lib, got, err, c.want)
		}
	}
}

// TestChangedMeanwhile: between the opening by the scanner and that by SQLite the
// report may have become another.
func TestChangedMeanwhile(t *testing.T) {
	for _, changed := range []bool{false, true} {
		s := &source{path: "r.sqlite", scanner: &scripted{fresh: changed}}
		if err := s.unchanged(); errors.Is(err, table.ErrChanged) != changed || !changed && err != nil {
			t.Errorf("changed %t: %v", changed, err)
		}
	}
}

// TestProgressStartsAgain: rows that are read again are not counted twice, and
// those of other tables stay counted.
func TestProgressStartsAgain(t *testing.T) {
	var done []int64
	p := &progress{total: 9, fn: func(d, total int64) {
		if total != max(9, d) {
			t.Errorf("%d of %d", d, total)
		}
		done = append(done, d)
	}}
	first := &kernelReader{progress: p.table()}
	first.progress.add(2)
	first.progress.add(2)
	first.prepare(1)
	first.progress.add(5)
	second := p.table()
	second.add(3)
	second.reset()
	second.add(1)
	second.add(4)
	if want := []int64{2, 4, 5, 8, 6, 10}; !slices.Equal(want, done) {
		t.Errorf("rows read: %d, want %d", done, want)
	}
}

// TestWhoReads: SQLite is there wherever the build has it; the environment can turn
// the scanner off, in such a build.
func TestWhoReads(t *testing.T) {
	const path = "../testdata/dsa_mock_gen_graph.sqlite"
	for _, c := range []struct {
		value       string
		wantScanner bool
	}{{"", true}, {"on", true}, {"off", !sqlite.Available}} {
		t.Setenv(scannerVariable, c.value)
		s, tables, err := openSource(t.Context(), path, []string{"StringIds", "NO_SUCH_TABLE"}, beside{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if (s.scanner != nil) != c.wantScanner || (s.lib != nil) != sqlite.Available {
			t.Errorf("%s=%q: scanner %v, SQLite %v", scannerVariable, c.value, s.scanner, s.lib)
		}
		if len(tables) != 1 || !tables["StringIds"].Has("value") {
			t.Errorf("%s=%q: tables %v", scannerVariable, c.value, tables)
		}
	}
}

// TestTooManyFiles: an error without a path of its own says what to do.
func TestTooManyFiles(t *testing.T) {
	for _, err := range []error{syscall.EMFILE, &fs.PathError{Op: "open", Path: "r.sqlite", Err: syscall.EMFILE}} {
		want := &Error{Path: "r.sqlite", Kind: Unreadable, Problem: "too many files are open", Hint: "let more be: `ulimit -n 4096`", Err: err}
		if got := explain("r.sqlite", err); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v, want %+v", err, got, want)
		}
	}
	other := &fs.PathError{Op: "open", Path: "r.sqlite", Err: syscall.EIO}
	if got := explain("r.sqlite", other); got.Error() != "r.sqlite: "+syscall.EIO.Error() {
		t.Errorf("%v: %v", other, got)
	}
}

// TestOpenSourceErrors: what SQLite says of a file that the scanner refuses
// counts; without SQLite the refusal does.
func TestOpenSourceErrors(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if s, _, err := openSource(canceled, "../testdata/dsa_mock_gen_graph.sqlite", nil, beside{}); !errors.Is(err, context.Canceled) || s != nil {
		t.Errorf("canceled: %v, %v", s, err)
	}
	// A file that is no database: this one.
	_, _, err := openSource(t.Context(), "handover_test.go", nil, beside{})
	want := []error{sqlite.ErrNotDatabase}
	if !sqlite.Available {
		want = []error{sqlite.ErrNoSQLite, table.ErrUnsupported}
	}
	for _, want := range want {
		if !errors.Is(err, want) {
			t.Errorf("no database: %v, want %v", err, want)
		}
	}
}
