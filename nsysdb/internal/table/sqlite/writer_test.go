//go:build cgo

package sqlite_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/sqlite"
)

// A writer commits transactions after each of which all values of two tables
// are the same.
type writer struct {
	path    string
	journal string // mode
	change  string // a transaction
	reopen  int    // close the database after so many transactions; 0 never
	files   []string
}

// run writes until it is told to stop. It fails if a reader is in its way for
// longer than a writer must be ready to wait.
func (w *writer) run(stop *atomic.Bool) error {
	for !stop.Load() {
		c, err := new(sqlite3.SQLiteDriver).Open(w.path)
		if err != nil {
			return err
		}
		db := c.(*sqlite3.SQLiteConn)
		// Little room, so that transactions spill to the file or the log.
		_, err = db.Exec("PRAGMA busy_timeout=2000; PRAGMA synchronous=OFF; PRAGMA cache_size=3; PRAGMA wal_autocheckpoint=20; PRAGMA journal_mode="+w.journal, nil)
		for i := 0; err == nil && !stop.Load() && (i < w.reopen || w.reopen == 0); i++ {
			_, err = db.Exec(w.change, nil)
		}
		if err = errors.Join(err, db.Close()); err != nil {
			return err
		}
	}
	return nil
}

// TestWriterAtWork reads a file while another program writes it: what is read
// without an error is of one moment, and nothing is left beside the file.
func TestWriterAtWork(t *testing.T) {
	const commit = "BEGIN; UPDATE a SET v = v + 1; UPDATE b SET v = v + 1; COMMIT"
	for name, w := range map[string]writer{
		"journal deleted":         {journal: "DELETE", change: commit, files: []string{"db"}},
		"journal truncated":       {journal: "TRUNCATE", change: commit, files: []string{"db", "db-journal"}},
		"journal kept":            {journal: "PERSIST", change: commit, files: []string{"db", "db-journal"}},
		"rolled back":             {journal: "DELETE", change: "BEGIN; UPDATE a SET v = v + 1; UPDATE b SET v = v + 1; ROLLBACK", files: []string{"db"}},
		"log":                     {journal: "WAL", change: commit, files: []string{"db"}},
		"log that comes and goes": {journal: "WAL", change: commit, reopen: 2, files: []string{"db"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, tmp := t.TempDir(), t.TempDir()
			t.Setenv("TMPDIR", tmp)
			w.path = filepath.Join(dir, "db")
			made := connect(t, w.path)
			exec(t, made, "PRAGMA page_size=512", "CREATE TABLE a(v INTEGER, s TEXT); CREATE TABLE b(v INTEGER, s TEXT)",
				numbers(writerRows, "a SELECT 0, 'some text'"), numbers(writerRows, "b SELECT 0, 'some text'"))
			if err := made.Close(); err != nil {
				t.Fatal(err)
			}
			var stop atomic.Bool
			done := make(chan error)
			go func() { done <- w.run(&stop) }()
			read := 0
			for end := time.Now().Add(150 * time.Millisecond); time.Now().Before(end); {
				for reader, open := range readers {
					err := readWritten(t, open, w.path)
					if err == nil {
						read++
					} else if !slices.ContainsFunc(writerErrors, func(e error) bool { return errors.Is(err, e) }) {
						t.Errorf("%s: %v", reader, err)
					}
				}
			}
			stop.Store(true)
			if err := <-done; err != nil {
				t.Errorf("the writer: %v", err)
			}
			for reader, open := range readers {
				if err := readWritten(t, open, w.path); err != nil && !errors.Is(err, table.ErrUnsupported) {
					t.Errorf("%s, after the writer is done: %v", reader, err)
				}
			}
			t.Logf("read %d times", read)
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left in the temporary directory: %v, %v", left, err)
			}
			var files []string
			entries, err := os.ReadDir(dir)
			for _, e := range entries {
				files = append(files, e.Name())
			}
			if err != nil || !slices.Equal(files, w.files) {
				t.Errorf("files %q, %v, want %q", files, err, w.files)
			}
		})
	}
}

const writerRows = 200 // dozens of pages

var readers = map[string]func(t *testing.T, path string) (table.Source, error){
	"pages":  func(t *testing.T, path string) (table.Source, error) { return pages.Open(t.Context(), path) },
	"sqlite": func(t *testing.T, path string) (table.Source, error) { return sqlite.Open(t.Context(), path) },
}

// writerErrors say that another program writes the file, or, of the page
// scanner, leave the file to SQLite.
var writerErrors = []error{table.ErrChanged, table.ErrUnsupported, sqlite.ErrBusy, sqlite.ErrHotJournal}

// readWritten reads what a writer writes, and returns an error of the reader.
func readWritten(t *testing.T, open func(t *testing.T, path string) (table.Source, error), path string) error {
	s, err := open(t, path)
	if err != nil {
		return err
	}
	defer s.Close()
	found := map[int64]int{}
	for _, name := range []string{"a", "b"} {
		columns, err := ints(t, s, name, []string{"v"}, 2)
		if err != nil {
			return err
		}
		for _, v := range columns[0] {
			found[v]++
		}
	}
	if len(found) != 1 || found[slices.Collect(maps.Keys(found))[0]] != 2*writerRows {
		return fmt.Errorf("values of several moments: %v", found)
	}
	return nil
}
