package ranktest_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/internal/ranktest"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

const recording = "../../testdata/llama_tp_e2e_tp4.sqlite"

func read(t *testing.T, path string) *trace.Trace {
	t.Helper()
	db, err := nsysdb.Open(t.Context(), path, nsysdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tr, err := db.Read(t.Context(), nsysdb.Query{NVTX: true})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// write returns the report of a rank.
func write(t *testing.T, r ranktest.Rank) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rank.sqlite")
	if err := ranktest.Write(t.Context(), recording, path, r); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestIdentity(t *testing.T) {
	old := read(t, recording)
	got := read(t, write(t, ranktest.Rank{Host: "node7", PID: 1000, Device: 5, Clock: time.Hour}))

	type identity struct {
		Host     string
		PID      int
		Device   int
		Launches int
		Start    int64
		Name     string
		Ranges   int
	}
	of := func(t *trace.Trace) identity {
		return identity{t.Capture.Host, t.Tracks[0].PID, t.Tracks[0].Device, t.Launches.Len(), t.Launches.Start[0], t.Name(0), len(t.Ranges)}
	}
	want := of(old)
	want.Host = "node7"
	want.PID += 1000
	want.Device += 5
	want.Start += int64(time.Hour)
	if d := cmp.Diff(want, of(got)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for i := range old.Launches.Len() {
		if old.Launches.Duration(i) != got.Launches.Duration(i) {
			t.Fatalf("launch %d takes %d ns, %d in the recording", i, got.Launches.Duration(i), old.Launches.Duration(i))
		}
		if old.IssueRange(i) != got.IssueRange(i) {
			t.Fatalf("launch %d is in range %d, %d in the recording", i, got.IssueRange(i), old.IssueRange(i))
		}
	}
}

func TestPace(t *testing.T) {
	old := read(t, recording)
	got := read(t, write(t, ranktest.Rank{Slow: 1.5, Noise: 0.02, Seed: 3}))
	again := read(t, write(t, ranktest.Rank{Slow: 1.5, Noise: 0.02, Seed: 3}))
	other := read(t, write(t, ranktest.Rank{Slow: 1.5, Noise: 0.02, Seed: 4}))
	same := 0
	for i := range old.Launches.Len() {
		d := got.Launches.Duration(i)
		least, most := 1.5*0.98*float64(old.Launches.Duration(i))-2, 1.5*float64(old.Launches.Duration(i))+2
		if float64(d) < least || float64(d) > most {
			t.Fatalf("launch %d takes %d ns, want %g to %g", i, d, least, most)
		}
		if again.Launches.Duration(i) != d {
			t.Fatalf("launch %d takes %d ns, and %d with the same seed", i, d, again.Launches.Duration(i))
		}
		if other.Launches.Duration(i) == d {
			same++
		}
	}
	if n := old.Launches.Len(); same > n/2 {
		t.Errorf("%d of %d launches take as long with another seed", same, n)
	}
}

// TestLayers holds the launches of stages against the recording's: 64 a step, 15 of
// them in each of 4 layers, 1 before and 3 after (testdata/README.md).
func TestLayers(t *testing.T) {
	const steps = 8 + 2 // and warm-up
	all := read(t, recording).Launches.Len()
	for _, test := range []struct{ first, end, want int }{
		{0, 2, 31},
		{1, 2, 15},
		{2, 4, 33},
	} {
		got := read(t, write(t, ranktest.Rank{FirstLayer: test.first, EndLayer: test.end})).Launches.Len()
		if want := all - steps*(64-test.want); got != want {
			t.Errorf("layers %d to %d: %d launches, want %d", test.first, test.end, got, want)
		}
	}
}

func TestLayersThatAreNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rank.sqlite")
	if err := ranktest.Write(t.Context(), recording, path, ranktest.Rank{FirstLayer: 2, EndLayer: 9}); err == nil {
		t.Error("no error for layers 2 to 8 of 4")
	}
}

func TestKeep(t *testing.T) {
	path := write(t, ranktest.Rank{Keep: 0.5})
	whole, err := os.Stat(write(t, ranktest.Rank{}))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != whole.Size()/2 {
		t.Errorf("%d bytes of %d", info.Size(), whole.Size())
	}
	if db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{}); err == nil {
		db.Close()
		t.Error("a report that broke off opens without error")
	}
}
