//go:build cgo

package nsysdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// openAhead opens a report that will be asked for q, and tells whether that was read.
func openAhead(t *testing.T, path string, q nsysdb.Query) (*nsysdb.DB, bool) {
	t.Helper()
	db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{Ahead: &q})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, nsysdb.IsAhead(db)
}

// TestAhead: what was read ahead is what is read otherwise, and answers no other query.
func TestAhead(t *testing.T) {
	quiet := func(int64, int64) {}
	queries := map[string]nsysdb.Query{
		"all":        {},
		"ranges":     {NVTX: true, Progress: quiet},
		"everything": {NVTX: true, MemOps: true},
		"a scope":    {NVTX: true, Scope: trace.Scope{Kernel: regexp.MustCompile("gemm|nvjet")}},
	}
	equal := func(what string, db *nsysdb.DB, path string, q nsysdb.Query) {
		t.Helper()
		got, err := db.Read(context.Background(), q)
		want, wantErr := open(t, path).Read(context.Background(), q)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(trace.Launches{}), ignoreLong); d != "" || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: %v, want %v (-want +got):\n%s", what, err, wantErr, d)
		}
	}
	for _, path := range reports(t) {
		for name, q := range queries {
			db, ahead := openAhead(t, path, q)
			if _, err := open(t, path).Read(context.Background(), q); ahead != (err == nil) {
				t.Errorf("%s, %s: read ahead: %v, and Read's error is %v", path, name, ahead, err)
			}
			if d := cmp.Diff(open(t, path).Capture(), db.Capture()); d != "" {
				t.Errorf("%s, %s: capture (-want +got):\n%s", path, name, d)
			}
			for other, q := range queries {
				equal(path+", "+other+" where ahead is "+name, db, path, q)
			}
			equal(path+", "+name+" again", db, path, q)
		}
	}
}

// TestNotAhead: SQLite reads nothing ahead.
func TestNotAhead(t *testing.T) {
	t.Setenv("NSYSDIFF_SCANNER", "off")
	if _, ahead := openAhead(t, recorded, nsysdb.Query{}); ahead {
		t.Error("read ahead without the scanner")
	}
}

// TestAheadIsCurrent: what was read ahead is worth nothing once the file has changed,
// nor is it given to who wants no more.
func TestAheadIsCurrent(t *testing.T) {
	path := write(t, "r.sqlite", recordedBytes(t))
	db, ahead := openAhead(t, path, nsysdb.Query{})
	if !ahead {
		t.Fatal("not read ahead")
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := db.Read(canceled, nsysdb.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Read with a canceled context: %v", err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err := db.Read(context.Background(), nsysdb.Query{})
	checkError(t, err, path, nsysdb.Busy, "changed the file", "wait")
}
