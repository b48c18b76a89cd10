package pages_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	osexec "os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
)

// made returns a source of a file made by statements, and its path.
func made(t testing.TB, statements ...string) (table.Source, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db := connect(t, path, "rwc")
	exec(t, db, statements...)
	db.Close()
	s, err := pages.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, path
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := pages.Open(t.Context(), filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := pages.Open(t.Context(), dir); !errors.Is(err, table.ErrUnsupported) {
		t.Errorf("a directory: %v", err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("version https://git-lfs", 99)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pages.Open(t.Context(), text); !errors.Is(err, table.ErrUnsupported) {
		t.Errorf("a text: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pages.Open(ctx, "../../../../testdata/dsa_mock_ctx.sqlite"); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestRefusedColumns(t *testing.T) {
	s, path := made(t, "CREATE TABLE t(a INTEGER, b TEXT, c INT, d REAL); INSERT INTO t VALUES(1, 2, 3, 4)")
	for _, c := range []struct{ table, column, reason string }{
		{"t", "b", "not declared INTEGER"},
		{"t", "c", "not declared INTEGER"},
		{"t", "d", "not declared INTEGER"},
		{"t", "A", "no column A"},
		{"t", "rowid", "no column rowid"},
		{"u", "a", "no table u"},
		{"sqlite_schema", "rootpage", "no table sqlite_schema"},
	} {
		err := s.Ints(t.Context(), c.table, []string{c.column}, table.IntsOptions{}, func(table.Batch) error { return nil })
		if !errors.Is(err, table.ErrUnsupported) || !strings.Contains(err.Error(), c.reason) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s.%s: %v, want %q", c.table, c.column, err, c.reason)
		}
	}
}

func TestCallbackStops(t *testing.T) {
	s, _ := made(t, filled(20000))
	stop := errors.New("stop")
	for _, workers := range []int{1, 4} {
		var calls atomic.Int64
		err := s.Ints(t.Context(), "t", []string{"start"}, table.IntsOptions{Workers: workers}, func(table.Batch) error {
			calls.Add(1)
			return stop
		})
		if err != stop || calls.Load() > int64(workers) {
			t.Errorf("ints: %v after %d calls by %d workers", err, calls.Load(), workers)
		}
	}
	calls := 0
	err := s.Rows(t.Context(), "t", []string{"start"}, func([]table.Value) error {
		calls++
		return stop
	})
	if err != stop || calls != 1 {
		t.Errorf("rows: %v after %d calls", err, calls)
	}
}

func TestCancel(t *testing.T) {
	s, _ := made(t, filled(50000))
	ctx, cancel := context.WithCancel(t.Context())
	rows := 0
	err := s.Ints(ctx, "t", []string{"start"}, table.IntsOptions{Workers: 1}, func(b table.Batch) error {
		rows += b.N
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || rows == 0 || rows >= 50000 {
		t.Errorf("ints: %v after %d rows", err, rows)
	}
	ctx, cancel = context.WithCancel(t.Context())
	rows = 0
	err = s.Rows(ctx, "t", []string{"start"}, func([]table.Value) error {
		rows++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || rows >= 50000 {
		t.Errorf("rows: %v after %d rows", err, rows)
	}
	if _, err := s.Count(ctx, "t"); !errors.Is(err, context.Canceled) {
		t.Errorf("count: %v", err)
	}
}

// keepTime gives a file back the time that it had before change.
func keepTime(t *testing.T, path string, change func()) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	change()
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

// A file that changes under the reader must be told from a damaged one, and
// what was read of it thrown away.
func TestChanged(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *testing.T, path string)
	}{
		{"written to", func(t *testing.T, path string) {
			db := connect(t, path, "rw")
			exec(t, db, "UPDATE t SET k = 9 WHERE start = 1000")
			db.Close()
		}},
		{"in a transaction", func(t *testing.T, path string) {
			db := connect(t, path, "rw")
			exec(t, db, "BEGIN", "UPDATE t SET k = 9 WHERE start = 1000")
		}},
		{"cut short", func(t *testing.T, path string) {
			if err := os.Truncate(path, 4096*5); err != nil {
				t.Fatal(err)
			}
		}},
		{"appended to, at the same time", func(t *testing.T, path string) {
			keepTime(t, path, func() {
				b, err := os.ReadFile(path)
				if err == nil {
					err = os.WriteFile(path, append(b, make([]byte, 4096)...), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			})
		}},
		{"written to, at the same time", func(t *testing.T, path string) {
			keepTime(t, path, func() {
				db := connect(t, path, "rw")
				exec(t, db, "UPDATE t SET k = 9 WHERE start = 1000")
				db.Close()
			})
		}},
		{"written to by one who counts no changes", func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte{0}, 9000); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Minute)); err != nil { // the clock of files may be coarse
				t.Fatal(err)
			}
		}},
		{"replaced by its like of the same time", func(t *testing.T, path string) {
			keepTime(t, path, func() {
				b, err := os.ReadFile(path)
				if err == nil {
					err = os.WriteFile(path+".new", b, 0o600)
				}
				if err == nil {
					err = os.Rename(path+".new", path)
				}
				if err != nil {
					t.Fatal(err)
				}
			})
		}},
		{"emptied", func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}},
		{"replaced", func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+".new", b, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, path := made(t, filled(20000))
			if changed, err := s.Changed(); changed || err != nil {
				t.Fatalf("changed at first: %v, %v", changed, err)
			}
			calls := 0
			err := s.Ints(t.Context(), "t", []string{"start"}, table.IntsOptions{Workers: 1}, func(table.Batch) error {
				if calls == 0 {
					c.change(t, path)
				}
				calls++
				return nil
			})
			if !errors.Is(err, table.ErrChanged) || errors.Is(err, table.ErrUnsupported) || !strings.HasPrefix(err.Error(), path+": ") {
				t.Errorf("ints: %v", err)
			}
			if changed, err := s.Changed(); !changed || err != nil {
				t.Errorf("changed: %v, %v", changed, err)
			}
			err = s.Rows(t.Context(), "t", []string{"start"}, func([]table.Value) error { return nil })
			if !errors.Is(err, table.ErrChanged) {
				t.Errorf("rows: %v", err)
			}
			// What is left to SQLite must be told too, or SQLite reads what came since.
			err = s.Ints(t.Context(), "t", []string{"name"}, table.IntsOptions{}, func(table.Batch) error { return nil })
			if !errors.Is(err, table.ErrChanged) || errors.Is(err, table.ErrUnsupported) {
				t.Errorf("ints of a text: %v", err)
			}
			if _, err := s.Count(t.Context(), "no table"); !errors.Is(err, table.ErrChanged) {
				t.Errorf("count of nothing: %v", err)
			}
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	s, _ := made(t, filled(20000))
	done := make(chan error)
	for range 4 {
		go func() {
			sum := int64(0)
			err := s.Rows(t.Context(), "u", []string{"x"}, func(row []table.Value) error {
				sum += row[0].Int
				return nil
			})
			if err == nil && sum != 1000*20000*20001/2 {
				err = errors.New("another sum")
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A scan that ends in an error must leave nothing behind for the next, which
// may use its memory.
func TestAfterError(t *testing.T) {
	s, _ := made(t, "PRAGMA page_size=1024", `CREATE TABLE bad(s BLOB, a INTEGER, b INTEGER);
		INSERT INTO bad VALUES(zeroblob(2000), 111, 112), (zeroblob(1500), 113, 114), (NULL, 115, 'not an integer')`, filled(3000))
	want, err := intsByPages(t.Context(), s, "t", []string{"start", "k"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	for _, c := range []struct {
		name string
		fail func() error
		want error
	}{
		{"a value that is no integer, after values in overflow pages", func() error {
			_, err := intsByPages(t.Context(), s, "bad", []string{"a", "b"}, 1)
			return err
		}, table.ErrUnsupported},
		{"a callback", func() error {
			return s.Ints(t.Context(), "t", []string{"start", "k"}, table.IntsOptions{Workers: 1}, func(table.Batch) error { return stop })
		}, stop},
		{"a key", func() error {
			opts := table.IntsOptions{Workers: 1, Keys: []string{"b"}, Key: func(int, []table.Value) (uint32, error) { return 7, stop }}
			return s.Ints(t.Context(), "bad", []string{"a"}, opts, func(table.Batch) error { return nil })
		}, stop},
		{"rows", func() error {
			return s.Rows(t.Context(), "bad", []string{"a", "s"}, func([]table.Value) error { return stop })
		}, stop},
	} {
		if err := c.fail(); !errors.Is(err, c.want) {
			t.Fatalf("%s: %v, want %v", c.name, err, c.want)
		}
		got, err := intsByPages(t.Context(), s, "t", []string{"start", "k"}, 1)
		if err != nil || !slices.EqualFunc(want, got, slices.Equal) {
			t.Errorf("after %s: other values, or %v (-before +after):\n%.1000s", c.name, err, cmp.Diff(want, got))
		}
	}
}

// Scans of all kinds and of different tables at once, and within each other.
func TestScansTogether(t *testing.T) {
	s, path := made(t, "PRAGMA page_size=1024", filled(30000), wide2("w"), `CREATE TABLE o(a INTEGER, s BLOB, b INTEGER);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 700) INSERT INTO o SELECT i, zeroblob(i*3), -i FROM n`)
	read := func(name string, columns ...string) func() (any, error) {
		return func() (any, error) { return byPages(t.Context(), s, name, columns) }
	}
	ints := func(name string, columns ...string) func() (any, error) {
		return func() (any, error) { return intsByPages(t.Context(), s, name, columns, 3) }
	}
	keys := func(name, column string, columns ...string) func() (any, error) {
		return func() (any, error) {
			rows, beside, err := keysByPages(t.Context(), s, name, []string{column}, columns, 3)
			return []any{rows, beside}, err
		}
	}
	scans := []func() (any, error){
		read("w", "id", "s", "x"), read("o", "b"), ints("t", "start", "end", "k"), ints("u", "x"), ints("o", "a", "b"), ints("w", "id", "a", "b", "c"),
		keys("t", "start", "name", "k"), keys("w", "b", "a", "r", "s"), keys("o", "a", "b"),
		func() (any, error) { return s.Count(t.Context(), "t") },
		func() (any, error) {
			inner := map[int64]any{}
			err := s.Rows(t.Context(), "o", []string{"a", "s", "b"}, func(row []table.Value) (err error) {
				if a := row[0].Int; a%100 == 0 {
					if inner[a], err = intsByPages(t.Context(), s, "w", []string{"id", "c"}, 2); err != nil {
						return err
					}
					if row[0].Int != a || row[2].Int != -a || len(row[1].Bytes) != 3*int(a) {
						return errors.New("a scan within the scan changed its row")
					}
				}
				return nil
			})
			return inner, err
		},
	}
	// What each gives by itself, from a source that has read nothing else.
	want := make([]any, len(scans))
	together := s
	for i, scan := range scans {
		alone, err := pages.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		s = alone
		if want[i], err = scan(); err != nil {
			t.Fatal(err)
		}
		alone.Close()
	}
	s = together
	var wg sync.WaitGroup
	for from := range scans {
		wg.Go(func() {
			for k := range scans {
				i := (from + k*3) % len(scans)
				if got, err := scans[i](); err != nil || !reflect.DeepEqual(want[i], got) {
					t.Errorf("scan %d differs among others, or %v", i, err)
				}
			}
		})
	}
	wg.Wait()
}

// What a batch would do in its turn is not done once one before it has failed.
func TestTurnsEnd(t *testing.T) {
	s, _ := made(t, filled(60000)) // enough for two workers
	stop := errors.New("stop")
	waiting := make(chan struct{})
	var once sync.Once
	err := s.Ints(t.Context(), "t", []string{"start"}, table.IntsOptions{Workers: 2}, func(b table.Batch) error {
		if b.Seq == 0 {
			<-waiting
			return stop
		}
		never := func() { t.Error("a turn after batch 0 failed") }
		err := b.InTurn(table.Turn{Keep: func() {}, Do: never, Then: never})
		once.Do(func() { close(waiting) })
		return err
	})
	if err != stop {
		t.Errorf("%v, want %v", err, stop)
	}
}

// Pipes are refused without waiting for a writer.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if out, err := osexec.Command("mkfifo", path).CombinedOutput(); err != nil {
		t.Skipf("mkfifo: %v: %s", err, out)
	}
	if _, err := pages.Open(t.Context(), path); !errors.Is(err, table.ErrUnsupported) || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a pipe: %v", err)
	}
}
