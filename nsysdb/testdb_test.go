//go:build cgo

package nsysdb_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// connect opens a database with SQLite, mode "ro" or "rwc".
func connect(t testing.TB, path, mode string) *sqlite3.SQLiteConn {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: "mode=" + mode}
	c, err := new(sqlite3.SQLiteDriver).Open(uri.String())
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

// query returns the rows of a query, as SQLite computes them.
func query(t testing.TB, c *sqlite3.SQLiteConn, q string) [][]driver.Value {
	t.Helper()
	rows, err := c.Query(q, nil)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer rows.Close()
	var out [][]driver.Value
	for {
		row := make([]driver.Value, len(rows.Columns()))
		err := rows.Next(row)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		out = append(out, row)
	}
}

func hasTable(t testing.TB, c *sqlite3.SQLiteConn, name string) bool {
	return len(query(t, c, "SELECT 1 FROM sqlite_schema WHERE name = '"+name+"'")) > 0
}

// makeReport makes a database from SQL text.
func makeReport(t testing.TB, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.sqlite")
	c := connect(t, path, "rwc")
	exec(t, c, statements...)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string) *nsysdb.DB {
	t.Helper()
	db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func read(t testing.TB, path string, q nsysdb.Query) *trace.Trace {
	t.Helper()
	tr, err := open(t, path).Read(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// reports are the recorded reports.
func reports(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/*.sqlite")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded reports in ../testdata")
	}
	return files
}

// kernelReports are those that hold launches.
func kernelReports(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, f := range reports(t) {
		if open(t, f).Usable() == nil {
			files = append(files, f)
		}
	}
	return files
}

// A launch is a launch as tests write it down.
type launch struct {
	Name            string
	Start, Duration int64
	PID             int
	Issue, Capture  string // paths of ranges, "/" between
	Node            uint64
}

func launches(tr *trace.Trace) []launch {
	var out []launch
	for i := range tr.Launches.Len() {
		l := launch{
			Name: tr.Name(i), Start: tr.Launches.Start[i], Duration: tr.Launches.Duration(i), PID: tr.LaunchLane(i).PID,
			Issue: path(tr, tr.IssueRange(i)), Capture: path(tr, tr.CaptureRange(i)),
		}
		if n := tr.LaunchNode(i); n != trace.None {
			l.Node = tr.Nodes[n].ID
		}
		out = append(out, l)
	}
	return out
}

func path(tr *trace.Trace, r uint32) string {
	s := ""
	for i, name := range tr.Path(r) {
		if i > 0 {
			s += "/"
		}
		s += name
	}
	return s
}
