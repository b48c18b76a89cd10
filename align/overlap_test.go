package align_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestSharedTime holds the time that launches share against counting, nanosecond by
// nanosecond, how many run.
func TestSharedTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(50, 51))
	shared, none := 0, 0
	for range 2000 {
		var b trace.Builder
		n := 1 + rng.IntN(12)
		now := int64(0)
		for range n {
			now += rng.Int64N(8)
			b.Launch(trace.Launch{Name: "k", Start: now, Duration: rng.Int64N(8), Lane: trace.Lane{GlobalPID: 1, PID: 1, Stream: rng.IntN(2)}})
		}
		tr := b.Trace("shared")
		l := &tr.Launches
		var running [200]int
		for i := range n {
			for at := l.Start[i]; at < l.End(i); at++ {
				running[at]++
			}
		}
		index := make([]uint32, n)
		for k, i := range rng.Perm(n) {
			index[k] = uint32(i)
		}
		if rng.IntN(2) == 0 {
			slices.SortFunc(index, func(a, b uint32) int { return int(l.Start[a] - l.Start[b]) })
		}
		want := make([]int64, n)
		some := false
		for k, i := range index {
			for at := l.Start[i]; at < l.End(int(i)); at++ {
				if running[at] > 1 {
					want[k]++
					some = true
				}
			}
		}
		got := align.SharedTime(tr, index)
		if some {
			shared++
		} else if got == nil {
			none++
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("launches %v (-want +got):\n%s", l.Start, diff)
		}
	}
	if shared < 500 || none < 50 {
		t.Errorf("only %d of the cases share time, and %d are seen to share none", shared, none)
	}
}
