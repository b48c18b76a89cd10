//go:build cgo

package nsysdb_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// FuzzDamaged opens and reads databases in which some bytes were changed: each
// four bytes of the input are a place, as a fraction of the file, and a
// value. Nothing may panic or hang, and a trace must be consistent with itself.
func FuzzDamaged(f *testing.F) {
	content, err := os.ReadFile("../testdata/dsa_mock_gen_graph.sqlite")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add([]byte{0, 0, 20, 255})                         // in the header
	f.Add([]byte{0, 1, 0, 13, 0, 2, 0, 5, 0, 3, 0, 255}) // in the schema
	f.Add([]byte{128, 0, 0, 0, 128, 1, 0, 255, 200, 7, 3, 1})
	f.Fuzz(func(t *testing.T, edits []byte) {
		if len(edits) > 4*64 {
			return
		}
		b := append([]byte{}, content...)
		for ; len(edits) >= 4; edits = edits[4:] {
			// The third byte makes places near the start of a page likely,
			// where damage does most.
			at := int(binary.BigEndian.Uint16(edits))*len(b)/65536/4096*4096 + int(edits[2])*7
			b[min(at, len(b)-1)] = edits[3]
		}
		path := filepath.Join(t.TempDir(), "r.sqlite")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		db, err := nsysdb.Open(ctx, path, nsysdb.Options{})
		if err != nil {
			checkRefusal(t, err)
			return
		}
		defer db.Close()
		tr, err := db.Read(ctx, nsysdb.Query{NVTX: true, MemOps: true})
		if err != nil {
			checkRefusal(t, err)
			return
		}
		checkTrace(t, tr)
	})
}

func checkRefusal(t *testing.T, err error) {
	t.Helper()
	if e := (*nsysdb.Error)(nil); !errors.As(err, &e) {
		t.Errorf("error %v, want an *Error", err)
	}
}

// checkTrace follows every index of a trace.
func checkTrace(t *testing.T, tr *trace.Trace) {
	t.Helper()
	n := 0
	for _, track := range tr.Tracks {
		if track.First != n {
			t.Fatalf("tracks do not cover the launches: %+v", tr.Tracks)
		}
		n += track.N
	}
	if n != tr.Launches.Len() {
		t.Fatalf("tracks cover %d launches of %d", n, tr.Launches.Len())
	}
	for i := range n {
		c := tr.LaunchConfig(i)
		_, _, _ = tr.Name(i), tr.Strings[c.Short], tr.LaunchLane(i)
		_, _ = tr.Path(tr.IssueRange(i)), tr.Path(tr.CaptureRange(i))
		if tr.Launches.Duration(i) < 0 {
			t.Fatalf("launch %d took %d ns", i, tr.Launches.Duration(i))
		}
	}
	for i, r := range tr.Ranges {
		if r.Parent != trace.None {
			p := tr.Ranges[r.Parent]
			if int(r.Parent) >= i || p.Start > r.Start || p.End < r.End || p.Thread != r.Thread {
				t.Fatalf("range %d %+v has parent %+v", i, r, p)
			}
		}
		_ = tr.Strings[r.Name]
	}
	for _, op := range tr.MemOps {
		_, _ = tr.Strings[op.Name], tr.Lanes[op.Lane]
	}
}
