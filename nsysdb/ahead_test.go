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
	type answer struct {
		trace *trace.Trace
		err   string
	}
	read := func(db *nsysdb.DB, q nsysdb.Query) answer {
		tr, err := db.Read(context.Background(), q)
		return answer{tr, fmt.Sprint(err)}
	}
	paths := reports(t)
	if testing.Short() {
		paths = paths[:min(4, len(paths))]
	}
	for _, path := range paths {
		plain := open(t, path)
		want := map[string]answer{}
		for name, q := range queries {
			want[name] = read(plain, q)
		}
		equal := func(what string, got answer, name string) {
			t.Helper()
			if d := cmp.Diff(want[name], got, cmp.AllowUnexported(answer{}, trace.Launches{}), ignoreLong); d != "" {
				t.Errorf("%s, %s%s (-want +got):\n%s", path, name, what, d)
			}
		}
		for name, q := range queries {
			db, ahead := openAhead(t, path, q)
			if could := want[name].trace != nil && !q.MemOps; ahead != could {
				t.Errorf("%s, %s: read ahead: %v, want %v", path, name, ahead, could)
			}
			if d := cmp.Diff(plain.Capture(), db.Capture()); d != "" {
				t.Errorf("%s, %s: capture (-want +got):\n%s", path, name, d)
			}
			for other, q := range queries {
				equal(" where ahead is "+name, read(db, q), other)
			}
			equal(" again", read(db, q), name)
		}
	}
}

// TestAheadIsOwn: a query that its owner has changed since is another one.
func TestAheadIsOwn(t *testing.T) {
	from, pids := time.Duration(0), []int{1}
	q := nsysdb.Query{Scope: trace.Scope{From: &from}}
	db, ahead := openAhead(t, recorded, q)
	if !ahead {
		t.Fatal("not read ahead")
	}
	from = time.Hour
	if tr, err := db.Read(context.Background(), q); err == nil {
		t.Errorf("%d launches after an hour", tr.Launches.Len())
	}
	tr, err := open(t, recorded).Read(context.Background(), nsysdb.Query{})
	if err != nil {
		t.Fatal(err)
	}
	pids[0] = tr.LaunchLane(0).PID
	q = nsysdb.Query{Scope: trace.Scope{PIDs: pids}}
	if db, ahead = openAhead(t, recorded, q); !ahead {
		t.Fatal("not read ahead")
	}
	pids[0]++
	if tr, err := db.Read(context.Background(), q); err == nil {
		t.Errorf("%d launches of a process that there is not", tr.Launches.Len())
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
