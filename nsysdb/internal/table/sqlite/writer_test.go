//go:build cgo

package sqlite_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
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
	Path    string
	Journal string // mode
	Change  string // a transaction
	Reopen  int    // close the database after so many transactions; 0 never
	files   []string
}

// writerVariable holds the writer, in JSON, of a process that is one.
const writerVariable = "NSYSDB_TEST_WRITER"

// start begins to write, in a process of its own: to close a file drops the locks
// that the process has on it. stop ends it.
func (w *writer) start(t *testing.T) (stop func() error) {
	t.Helper()
	spec, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command(os.Args[0], "-test.run=^TestWriterProcess$")
	cmd.Env = append(os.Environ(), writerVariable+"="+string(spec))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		in.Close()
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("%w: %s", err, out.Bytes())
		}
		return nil
	}
}

// TestWriterProcess writes, in the process that start starts, until its standard
// input ends.
func TestWriterProcess(t *testing.T) {
	spec := os.Getenv(writerVariable)
	if spec == "" {
		t.Skip("for TestWriterAtWork")
	}
	var w writer
	if err := json.Unmarshal([]byte(spec), &w); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop.Store(true)
	}()
	if err := w.run(&stop); err != nil {
		t.Error(err)
	}
}

// run writes until it is told to stop. It fails if a reader is in its way for
// longer than a writer must be ready to wait.
func (w *writer) run(stop *atomic.Bool) error {
	for !stop.Load() {
		c, err := new(sqlite3.SQLiteDriver).Open(w.Path)
		if err != nil {
			return err
		}
		db := c.(*sqlite3.SQLiteConn)
		// Little room, so that transactions spill to the file or the log.
		_, err = db.Exec("PRAGMA busy_timeout=2000; PRAGMA synchronous=OFF; PRAGMA cache_size=3; PRAGMA wal_autocheckpoint=20; PRAGMA journal_mode="+w.Journal, nil)
		for i := 0; err == nil && !stop.Load() && (i < w.Reopen || w.Reopen == 0); i++ {
			_, err = db.Exec(w.Change, nil)
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
		"journal deleted":         {Journal: "DELETE", Change: commit, files: []string{"db"}},
		"journal truncated":       {Journal: "TRUNCATE", Change: commit, files: []string{"db", "db-journal"}},
		"journal kept":            {Journal: "PERSIST", Change: commit, files: []string{"db", "db-journal"}},
		"rolled back":             {Journal: "DELETE", Change: "BEGIN; UPDATE a SET v = v + 1; UPDATE b SET v = v + 1; ROLLBACK", files: []string{"db"}},
		"journal in memory":       {Journal: "MEMORY", Change: commit, files: []string{"db"}},
		"no journal":              {Journal: "OFF", Change: commit, files: []string{"db"}},
		"log":                     {Journal: "WAL", Change: commit, files: []string{"db"}},
		"log that comes and goes": {Journal: "WAL", Change: commit, Reopen: 2, files: []string{"db"}},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS != "linux" && (w.Journal == "MEMORY" || w.Journal == "OFF") {
				t.Skip("only locks show that it writes, which are looked at on Linux alone")
			}
			dir, tmp := t.TempDir(), t.TempDir()
			t.Setenv("TMPDIR", tmp)
			w.Path = filepath.Join(dir, "db")
			made := connect(t, w.Path)
			exec(t, made, "PRAGMA page_size=512", "CREATE TABLE a(v INTEGER, s TEXT); CREATE TABLE b(v INTEGER, s TEXT)",
				numbers(writerRows, "a SELECT 0, 'some text'"), numbers(writerRows, "b SELECT 0, 'some text'"))
			if err := made.Close(); err != nil {
				t.Fatal(err)
			}
			stop := w.start(t)
			read := 0
			for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
				for reader, open := range readers {
					err := readWritten(t, open, w.Path)
					if err == nil {
						read++
					} else if !slices.ContainsFunc(writerErrors, func(e error) bool { return errors.Is(err, e) }) {
						t.Errorf("%s: %v", reader, err)
					}
				}
			}
			if err := stop(); err != nil {
				t.Errorf("the writer: %v", err)
			}
			for reader, open := range readers {
				if err := readWritten(t, open, w.Path); err != nil && !errors.Is(err, table.ErrUnsupported) {
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
	"pages": func(t *testing.T, path string) (table.Source, error) {
		file, err := pages.OpenFile(path)
		if err != nil {
			return nil, err
		}
		s, err := pages.New(t.Context(), path, file)
		if err != nil {
			file.Close()
		}
		return s, err
	},
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
