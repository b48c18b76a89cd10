//go:build cgo

package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-sqlite3"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/sqlite"
)

func connect(t testing.TB, path string) *sqlite3.SQLiteConn {
	t.Helper()
	c, err := new(sqlite3.SQLiteDriver).Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*sqlite3.SQLiteConn)
}

func exec(t testing.TB, c *sqlite3.SQLiteConn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := c.Exec(s, nil); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// made returns a source of a file made by statements, and its path.
func made(t testing.TB, statements ...string) (table.Source, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	c := connect(t, path)
	exec(t, c, statements...)
	c.Close()
	return open(t, path), path
}

func open(t testing.TB, path string) table.Source {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

const null = -99

// ints returns a table's columns in order of the batches, whose numbers must
// be 0, 1, … without a gap, as those who take turns by them rely on.
func ints(t testing.TB, s table.Source, name string, columns []string, workers int) ([][]int64, error) {
	t.Helper()
	var mu sync.Mutex
	batches := map[int][][]int64{}
	err := s.Ints(t.Context(), name, columns, table.IntsOptions{Workers: workers, Null: null}, func(b table.Batch) error {
		if err := b.InTurn(table.Turn{Keep: func() {}, Do: func() {}, Then: func() {}}); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if batches[b.Seq] != nil {
			t.Errorf("two batches %d", b.Seq)
		}
		batches[b.Seq] = make([][]int64, len(columns))
		for i, c := range b.Columns {
			if len(c) != b.N {
				t.Errorf("a column of %d rows in a batch of %d", len(c), b.N)
			}
			batches[b.Seq][i] = slices.Clone(c)
		}
		return nil
	})
	if err != nil {
		return nil, err // batches after the one at fault may have come, or not
	}
	out := make([][]int64, len(columns))
	for seq := range len(batches) {
		if batches[seq] == nil {
			t.Errorf("no batch %d of %d", seq, len(batches))
			continue
		}
		for i, c := range batches[seq] {
			out[i] = append(out[i], c...)
		}
	}
	return out, err
}

func upTo(n, step int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = (int64(i) + 1) * step
	}
	return out
}

func numbers(n int, into string) string {
	return fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) INSERT INTO %s FROM n", n, into)
}

func TestInts(t *testing.T) {
	const many = 40000 // more than two batches
	for _, tt := range []struct {
		name string
		sql  []string
		want []int64 // of column a of t
	}{
		{"one batch", []string{"CREATE TABLE t(a INTEGER)", numbers(10, "t SELECT i")}, upTo(10, 1)},
		{"several batches", []string{"CREATE TABLE t(a INTEGER)", numbers(many, "t SELECT i")}, upTo(many, 1)},
		{"none", []string{"CREATE TABLE t(a INTEGER)"}, nil},
		{"NULL", []string{"CREATE TABLE t(a INTEGER); INSERT INTO t VALUES(1), (NULL), (3)"}, []int64{1, null, 3}},
		{"order of rowid, not of insertion", []string{"CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER); INSERT INTO t VALUES(70000, 3), (-5, 1), (2, 2)"}, []int64{1, 2, 3}},
		{"rowids with gaps longer than a batch", []string{"CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER)", numbers(100, "t SELECT i*100000, i")}, upTo(100, 1)},
		{"the bounds of spans", []string{"CREATE TABLE pad AS SELECT zeroblob(100000)", "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER); INSERT INTO t VALUES(1, 1), (16384, 2), (16385, 3), (16386, 4), (32768, 5), (32769, 6)"}, upTo(6, 1)},
		{"extreme rowids, too far apart for spans", []string{"CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER); INSERT INTO t VALUES(-9223372036854775808, 1), (0, 2), (9223372036854775807, 3)"}, upTo(3, 1)},
		{"an index in another order", []string{"CREATE TABLE t(a INTEGER, b TEXT, c, d, e); CREATE INDEX i ON t(a DESC)", numbers(9, "t SELECT i, i, i, i, i")}, upTo(9, 1)},
		{"extreme rowids, with an index in another order", []string{"CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c, d, e); CREATE INDEX i ON t(a DESC); INSERT INTO t(id, a) VALUES(-9223372036854775808, 1), (0, 2), (9223372036854775807, 3)"}, upTo(3, 1)},
		{"greatest rowids", []string{"CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER); INSERT INTO t VALUES(9223372036854765807, 1), (9223372036854775806, 2), (9223372036854775807, 3)"}, upTo(3, 1)},
		{"without rowids, in order of the key", []string{"CREATE TABLE t(k INTEGER PRIMARY KEY, a INTEGER) WITHOUT ROWID", numbers(many, "t SELECT -i, 40001-i")}, upTo(many, 1)},
		{"a column named rowid", []string{`CREATE TABLE t(rowid INTEGER, a INTEGER)`, numbers(many, "t SELECT -i, i")}, upTo(many, 1)},
		{"a column named ROWID that holds texts", []string{`CREATE TABLE t(ROWID TEXT, a INTEGER)`, numbers(9, "t SELECT 'x' || (9-i), i")}, upTo(9, 1)},
		{"columns named rowid and _rowid_", []string{`CREATE TABLE t(rowid INTEGER, _RowID_ INTEGER, a INTEGER)`, numbers(9, "t SELECT 1, 9-i, i")}, upTo(9, 1)},
		{"columns of all names that rowids have", []string{`CREATE TABLE t(rowid INTEGER, _rowid_ INTEGER, oid INTEGER, a INTEGER, b); CREATE INDEX i ON t(a DESC)`, numbers(many, "t SELECT -i, 1, 2, i, 'long, so that SQLite had rather read the index'")}, upTo(many, 1)},
		{"a primary key named rowid", []string{`CREATE TABLE t(rowid INTEGER PRIMARY KEY, a INTEGER)`, numbers(9, "t SELECT 3*i, i")}, upTo(9, 1)},
		{"a view with a column named rowid", []string{"CREATE TABLE u(a INTEGER)", numbers(9, "u SELECT i"), "CREATE VIEW t AS SELECT a, -a AS rowid FROM u ORDER BY a"}, upTo(9, 1)},
		{"view", []string{"CREATE TABLE u(a INTEGER)", numbers(many, "u SELECT i"), "CREATE VIEW t AS SELECT a FROM u ORDER BY a"}, upTo(many, 1)},
		{"generated columns", []string{"CREATE TABLE t(b INTEGER, a INTEGER GENERATED ALWAYS AS (b*2))", numbers(9, "t SELECT i")}, upTo(9, 2)},
		{"column added with a default", []string{"CREATE TABLE t(b INTEGER)", numbers(3, "t SELECT i"), "ALTER TABLE t ADD COLUMN a INTEGER DEFAULT 7"}, []int64{7, 7, 7}},
		{"UTF-16", []string{"PRAGMA encoding='UTF-16le'", "CREATE TABLE t(a INTEGER)", numbers(9, "t SELECT i")}, upTo(9, 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := made(t, tt.sql...)
			for _, workers := range []int{1, 3} {
				got, err := ints(t, s, "t", []string{"a"}, workers)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(tt.want, got[0]) {
					t.Errorf("%d workers: %d rows, want %d: (-want +got)\n%.2000s", workers, len(got[0]), len(tt.want), cmp.Diff(tt.want, got[0]))
				}
			}
			var rows []int64
			err := s.Rows(t.Context(), "t", []string{"a"}, func(row []table.Value) error {
				if row[0].Kind == table.Null {
					row[0].Int = null
				}
				rows = append(rows, row[0].Int)
				return nil
			})
			if err != nil || !slices.Equal(tt.want, rows) {
				t.Errorf("Rows: %d rows, want %d: %v", len(rows), len(tt.want), err)
			}
		})
	}
}

// A gap in the rowids, as an update of them makes, takes no time.
func TestGap(t *testing.T) {
	for _, journal := range []string{"DELETE", "WAL"} {
		s, path := made(t, "PRAGMA journal_mode="+journal, "CREATE TABLE t(a INTEGER)", numbers(40000, "t SELECT i"), "UPDATE t SET rowid = rowid + (1 << 34) WHERE rowid > 300")
		var got []int64
		batches := 0
		err := s.Ints(t.Context(), "t", []string{"a"}, table.IntsOptions{Workers: 2}, func(b table.Batch) error {
			if batches++; batches > 10 {
				return errors.New("more than 10 batches")
			}
			got = append(got, b.Columns[0]...)
			return nil
		})
		if err != nil || !slices.Equal(got, upTo(40000, 1)) {
			t.Errorf("%s, mode %s: %d rows in %d batches: %v", path, journal, len(got), batches, err)
		}
	}
}

// Where no number of workers is asked for there is one for each processor.
func TestAllWorkers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	s, _ := made(t, "CREATE TABLE t(a INTEGER)", numbers(40000, "t SELECT i"))
	other := make(chan struct{})
	var once sync.Once
	err := s.Ints(t.Context(), "t", []string{"a"}, table.IntsOptions{}, func(b table.Batch) error {
		if b.Seq > 0 {
			once.Do(func() { close(other) })
			return nil
		}
		select {
		case <-other:
			return nil
		case <-time.After(time.Minute):
			return errors.New("no other batch comes while the first is at work")
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// Values that are no integers must end the read, at every number of workers,
// also those that wait for their turn.
func TestNotIntegers(t *testing.T) {
	for _, value := range []string{"'x'", "2.5", "x'00'"} {
		s, _ := made(t, "CREATE TABLE t(a INTEGER)", numbers(100000, "t SELECT i"), "UPDATE t SET a = "+value+" WHERE rowid = 20000")
		for _, workers := range []int{1, 4} {
			if _, err := ints(t, s, "t", []string{"a"}, workers); err == nil || !strings.Contains(err.Error(), "column a of t: a value is not an integer") {
				t.Errorf("%s, %d workers: %v", value, workers, err)
			}
		}
	}
}

func TestTables(t *testing.T) {
	s, _ := made(t, "CREATE TABLE t(a integer, b INTEGER AS (a+1), c INTEGER AS (a+2) STORED, d); CREATE VIEW v AS SELECT a FROM t",
		"CREATE VIRTUAL TABLE w USING rtree(id, lo, hi)", "CREATE TABLE x(k INTEGER PRIMARY KEY) WITHOUT ROWID",
		"CREATE VIEW y AS SELECT no_such_function(a) FROM t")
	got, err := s.Tables(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := got["y"].Err; err == nil || !strings.Contains(err.Error(), "no such function: no_such_function") {
		t.Errorf("a view with a function that is not there: %v", err)
	}
	delete(got, "y")
	for name := range got {
		if strings.HasPrefix(name, "w_") {
			delete(got, name) // where the virtual table keeps its contents
		}
	}
	want := map[string]table.Table{
		"t": {Name: "t", Columns: []table.Column{{Name: "a", Type: "INTEGER"}, {Name: "b", Type: "INTEGER"}, {Name: "c", Type: "INTEGER"}, {Name: "d"}}},
		"v": {Name: "v", Columns: []table.Column{{Name: "a", Type: "INTEGER"}}},
		"x": {Name: "x", Columns: []table.Column{{Name: "k", Type: "INTEGER"}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("tables (-want +got):\n%s", d)
	}
}

// TestViewsOfViews: a view of two views of two views and so on costs nothing where it
// is not asked for.
func TestViewsOfViews(t *testing.T) {
	views := []string{"CREATE TABLE t(a INTEGER)", "CREATE VIEW v0 AS SELECT a FROM t"}
	for i := range 40 {
		views = append(views, fmt.Sprintf("CREATE VIEW v%d AS SELECT x.a FROM v%d x, v%[2]d y", i+1, i))
	}
	s, _ := made(t, views...)
	inTime(t, "tables", func() {
		got, err := s.Tables(t.Context(), []string{"t", "v0", "no"})
		columns := []table.Column{{Name: "a", Type: "INTEGER"}}
		want := map[string]table.Table{"t": {Name: "t", Columns: columns}, "v0": {Name: "v0", Columns: columns}}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
	})
}

// inTime fails if fn does not return soon.
func inTime(t *testing.T, what string, fn func()) {
	t.Helper()
	done := make(chan bool)
	go func() {
		defer close(done)
		fn()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal(what + ": no end")
	}
}

// TestCancelWhileStepping: a query that gives no row ends when it is cancelled.
func TestCancelWhileStepping(t *testing.T) {
	s, _ := made(t, "CREATE VIEW v AS WITH RECURSIVE r(a) AS (SELECT 1 UNION ALL SELECT a FROM r) SELECT a FROM r WHERE a = 2")
	for what, read := range map[string]func(context.Context) error{
		"rows":  func(ctx context.Context) error { return s.Rows(ctx, "v", []string{"a"}, nil) },
		"ints":  func(ctx context.Context) error { return s.Ints(ctx, "v", []string{"a"}, table.IntsOptions{}, nil) },
		"count": func(ctx context.Context) error { _, err := s.Count(ctx, "v"); return err },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		inTime(t, what, func() {
			if err := read(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	// The connection, which was put back, is as good as new.
	if tables, err := s.Tables(t.Context(), []string{"v"}); err != nil || len(tables) != 1 {
		t.Errorf("afterwards: %v, %v", tables, err)
	}
}

func TestCount(t *testing.T) {
	for _, tt := range []struct {
		name, sql string
		want      int64
	}{
		{"by rowids", "CREATE TABLE t(a); INSERT INTO t VALUES(1), (2), (3)", 3},
		{"none", "CREATE TABLE t(a)", 0},
		{"rowids that do not tell", "CREATE TABLE t(a INTEGER PRIMARY KEY); INSERT INTO t VALUES(-9223372036854775808), (9223372036854775807)", 2},
		{"without rowids", "CREATE TABLE t(a PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES(1), (5)", 2},
		{"view", "CREATE VIEW t AS VALUES(1), (2), (3), (4)", 4},
		{"a column named rowid", "CREATE TABLE t(rowid INTEGER); INSERT INTO t VALUES(100), (200), (300)", 3},
		{"by _rowid_, one deleted", "CREATE TABLE t(rowid, oid); INSERT INTO t VALUES(10, 0), (20, 0), (30, 0); DELETE FROM t WHERE rowid = 20", 3},
		{"by oid, one deleted", "CREATE TABLE t(rowid, _rowid_); INSERT INTO t VALUES(10, 0), (20, 0), (30, 0); DELETE FROM t WHERE rowid = 20", 3},
	} {
		s, _ := made(t, tt.sql)
		if n, err := s.Count(t.Context(), "t"); n != tt.want || err != nil {
			t.Errorf("%s: %d, %v, want %d", tt.name, n, err, tt.want)
		}
	}
}

// What was read of a file that changes meanwhile must be thrown away, whether
// SQLite stumbles over the change or not.
func TestChanged(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *testing.T, path string) error
	}{
		{"written to", func(t *testing.T, path string) error {
			exec(t, connect(t, path), "UPDATE t SET a = 9 WHERE rowid = 1")
			return nil
		}},
		{"cut short", func(_ *testing.T, path string) error { return os.Truncate(path, 4096*5) }},
		{"in a transaction", func(t *testing.T, path string) error {
			exec(t, connect(t, path), "BEGIN", "UPDATE t SET a = 9 WHERE rowid = 1")
			return nil
		}},
		{"written to, its time set back", func(t *testing.T, path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			w := connect(t, path)
			exec(t, w, "UPDATE t SET a = 9 WHERE rowid = 1")
			return errors.Join(w.Close(), os.Chtimes(path, time.Time{}, info.ModTime()))
		}},
		{"replaced by its like", func(t *testing.T, path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path+".new", b, 0o600); err != nil {
				return err
			}
			if err := os.Chtimes(path+".new", time.Time{}, info.ModTime()); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, path := made(t, "CREATE TABLE t(a INTEGER)", numbers(100000, "t SELECT i"))
			if changed, err := s.Changed(); changed || err != nil {
				t.Fatalf("changed at first: %v, %v", changed, err)
			}
			calls := 0
			err := s.Ints(t.Context(), "t", []string{"a"}, table.IntsOptions{Workers: 1}, func(table.Batch) error {
				calls++
				if calls == 1 {
					return c.change(t, path)
				}
				return nil
			})
			if !errors.Is(err, table.ErrChanged) || !strings.HasPrefix(err.Error(), path+": ") {
				t.Errorf("ints: %v after %d batches", err, calls)
			}
			if changed, err := s.Changed(); !changed || err != nil {
				t.Errorf("changed: %v, %v", changed, err)
			}
			if err := s.Rows(t.Context(), "t", []string{"a"}, func([]table.Value) error { return nil }); !errors.Is(err, table.ErrChanged) {
				t.Errorf("rows: %v", err)
			}
			if _, err := s.Tables(t.Context(), nil); !errors.Is(err, table.ErrChanged) {
				t.Errorf("tables: %v", err)
			}
			if _, err := s.Count(t.Context(), "t"); !errors.Is(err, table.ErrChanged) {
				t.Errorf("count: %v", err)
			}
		})
	}
}

// A file that a writer has locked must not be taken for one without rows, or
// without rowids.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	w := connect(t, path)
	exec(t, w, "PRAGMA journal_mode=PERSIST", "CREATE TABLE t(a INTEGER)", numbers(10, "t SELECT i"))
	s := open(t, path)
	if got, err := ints(t, s, "t", []string{"a"}, 1); err != nil || !slices.Equal(got[0], upTo(10, 1)) {
		t.Fatalf("%v, %v", got, err)
	}
	exec(t, w, "BEGIN EXCLUSIVE")
	if _, err := ints(t, s, "t", []string{"a"}, 1); !errors.Is(err, sqlite.ErrBusy) {
		t.Errorf("ints: %v", err)
	}
	if err := s.Rows(t.Context(), "t", []string{"a"}, func([]table.Value) error { return nil }); !errors.Is(err, sqlite.ErrBusy) {
		t.Errorf("rows: %v", err)
	}
	if n, err := s.Count(t.Context(), "t"); !errors.Is(err, sqlite.ErrBusy) {
		t.Errorf("count: %d, %v", n, err)
	}
	if tables, err := s.Tables(t.Context(), nil); !errors.Is(err, sqlite.ErrBusy) {
		t.Errorf("tables: %v, %v", tables, err)
	}
}

// TestWALMode opens files in WAL mode without a log, of which only the time tells
// that they were changed, so that Open waits where it is that of a moment ago.
func TestWALMode(t *testing.T) {
	_, path := made(t, "PRAGMA journal_mode=WAL", "CREATE TABLE t(a INTEGER)", numbers(10, "t SELECT i"))
	check := func(what string) {
		t.Helper()
		s, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		defer s.Close()
		if got, err := ints(t, s, "t", []string{"a"}, 1); err != nil || !slices.Equal(got[0], upTo(10, 1)) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	check("just made")
	for _, d := range []time.Duration{-time.Hour, time.Hour} {
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(d)); err != nil {
			t.Fatal(err)
		}
		check(d.String() + " old")
	}

	// It must not wait for as long as someone writes.
	touch := func() error { return os.Chtimes(path, time.Time{}, time.Now()) }
	if err := touch(); err != nil {
		t.Fatal(err)
	}
	var opened atomic.Bool
	done := make(chan error)
	go func() {
		var err error
		for end := time.Now().Add(5 * time.Second); err == nil && !opened.Load(); {
			if err = touch(); err == nil && time.Now().After(end) {
				err = errors.New("Open waits for a writer that does not end")
			}
		}
		done <- err
	}()
	s, err := sqlite.Open(t.Context(), path)
	opened.Store(true)
	switch {
	case err == nil: // the writer had no turn meanwhile
		s.Close()
	case !errors.Is(err, sqlite.ErrBusy):
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What was opened must be closed, also by an Open that failed.
func TestOpenFiles(t *testing.T) {
	_, path := made(t, "CREATE TABLE t(a INTEGER)")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	before := descriptors(t)
	const tries = 20
	for range tries {
		if _, err := sqlite.Open(canceled, path); !errors.Is(err, context.Canceled) {
			t.Fatalf("canceled: %v", err)
		}
		if _, err := sqlite.Open(t.Context(), text); !errors.Is(err, sqlite.ErrNotDatabase) {
			t.Fatalf("no database: %v", err)
		}
		s, err := sqlite.Open(t.Context(), path)
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if after := descriptors(t); after >= before+tries {
		t.Errorf("%d files are open, %d were before", after, before)
	}
}

// descriptors returns how many files this process has open.
func descriptors(t *testing.T) int {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err) // another system
	}
	return len(open)
}

// A file that is removed while it is open stays readable.
func TestRemoved(t *testing.T) {
	s, path := made(t, "CREATE TABLE t(a INTEGER)", numbers(10, "t SELECT i"))
	if err := os.Remove(path); err != nil {
		t.Skip(err) // not on this system
	}
	if got, err := ints(t, s, "t", []string{"a"}, 1); err != nil || !slices.Equal(got[0], upTo(10, 1)) {
		t.Errorf("%v, %v", got, err)
	}
}

// The copy that a write-ahead log asks for must go when the source does, and
// a log beside the file that a link leads to counts.
func TestWriteAheadLog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	w := connect(t, path)
	exec(t, w, "PRAGMA journal_mode=WAL", "CREATE TABLE t(a INTEGER)", "PRAGMA wal_checkpoint", "INSERT INTO t VALUES(1), (2)")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for _, p := range []string{path, link} {
		s := open(t, p)
		if got, err := ints(t, s, "t", []string{"a"}, 1); err != nil || !slices.Equal(got[0], []int64{1, 2}) {
			t.Errorf("%s: %v, %v, want the rows of the log", filepath.Base(p), got, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := sqlite.Open(canceled, p); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("%s: left in the temporary directory: %v, %v", filepath.Base(p), left, err)
		}
	}
}

// What a batch would do in its turn is not done once one before it has failed.
func TestTurnsEnd(t *testing.T) {
	s, _ := made(t, "CREATE TABLE t(a INTEGER)", numbers(100000, "t SELECT i"))
	stop := errors.New("stop")
	waiting := make(chan struct{})
	var once sync.Once
	err := s.Ints(t.Context(), "t", []string{"a"}, table.IntsOptions{Workers: 2}, func(b table.Batch) error {
		if b.Seq == 0 {
			<-waiting
			return stop
		}
		once.Do(func() { close(waiting) })
		never := func() { t.Error("a turn after batch 0 failed") }
		return b.InTurn(table.Turn{Keep: func() {}, Do: never, Then: never})
	})
	if err != stop {
		t.Errorf("%v, want %v", err, stop)
	}
}

// A journal beside the file that a link leads to must keep SQLite from reading
// what a writer left unfinished.
func TestHotJournalOfLink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	w := connect(t, path)
	exec(t, w, "CREATE TABLE t(a INTEGER)", numbers(3000, "t SELECT i"), "PRAGMA cache_size = 2", "BEGIN", "UPDATE t SET a = 0")
	dead := filepath.Join(t.TempDir(), "db")
	for _, suffix := range []string{"", "-journal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dead+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dead, link); err != nil {
		t.Skip(err)
	}
	for _, p := range []string{dead, link} {
		s, err := sqlite.Open(t.Context(), p)
		if err == nil {
			defer s.Close()
			_, err = ints(t, s, "t", []string{"a"}, 1)
		}
		if !errors.Is(err, sqlite.ErrHotJournal) {
			t.Errorf("%s: %v, want %v", filepath.Base(p), err, sqlite.ErrHotJournal)
		}
	}
}
