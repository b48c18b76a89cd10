package nsysdb

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nsysdiff/nsysdiff/trace"
)

// TestTimelines divides many ranges among goroutines: the parents are those that
// one goroutine finds that begins with the first range, and by the definition.
func TestTimelines(t *testing.T) {
	const n = 5 * chunkRows / 2
	for _, c := range []struct {
		name    string
		threads uint64
		around  bool // one range is around all others
		open    bool // some ranges have no end
		cut     bool // the ranges can be divided
	}{
		{"one thread", 1, false, false, true},
		{"three threads", 3, false, false, true},
		{"a range around all", 1, true, false, false},
		{"a range without end", 1, false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			var ranges []trace.Range
			add := func(start, end int64) {
				ranges = append(ranges, trace.Range{Start: start, End: end, Parent: trace.None, Thread: 1 + rng.Uint64N(c.threads)})
			}
			if c.around {
				add(0, math.MaxInt64-1)
			}
			// Steps end to end, in them ranges of which some go on into the next.
			for at := int64(1); len(ranges) < n*int(c.threads); at += 1000 {
				add(at, at+1000)
				for range 10 {
					start, last := at+rng.Int64N(1000), at+1000
					if rng.IntN(20) == 0 {
						last += 300
					}
					add(start, min(last, start+rng.Int64N(400)))
				}
			}
			if c.open {
				add(2, math.MaxInt64)
			}
			sortRanges(ranges, 1)

			want := slices.Clone(ranges)
			own := map[uint64]*timeline{}
			for i := range want {
				l := own[want[i].Thread]
				if l == nil {
					l = &timeline{ranges: want}
					own[want[i].Thread] = l
				}
				l.own = append(l.own, uint32(i))
				l.n++
			}
			for _, l := range own {
				l.nest(0, l.n)
				if cuts := l.cuts(3); len(cuts) > 1 != c.cut || cuts[0] != 0 {
					t.Errorf("%d ranges are divided at %d", l.n, cuts)
				}
			}
			got := slices.Clone(ranges)
			if _, leftOut := timelines(got, 3); leftOut > 0 {
				t.Errorf("%d ranges of one rank are left out", leftOut)
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("range %d: %+v, want %+v", i, got[i], want[i])
				}
			}
			// The parent is the last of those before that are around it.
			for i := 0; i < len(got); i += 997 {
				p := uint32(trace.None)
				for j := i - 1; j >= 0 && p == trace.None && i-j < 2000; j-- {
					if got[j].Thread == got[i].Thread && got[j].End >= got[i].End && got[j].End > got[i].Start {
						p = uint32(j)
					}
				}
				if q := got[i].Parent; q != p && (p != trace.None || q == trace.None || i-int(q) < 2000) {
					t.Fatalf("range %d: parent %d, want %d", i, q, p)
				}
			}
		})
	}
}
