package nsysdb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// TestCollector gathers batches that several goroutines write, as a
// kernelReader's workers do, and wants the launches of each track together in
// the order of the batches, however many launches were expected.
func TestCollector(t *testing.T) {
	for _, tracks := range []int{1, 2, 3, 20} {
		batches := 4 + 40/tracks
		// in holds the parts of each batch; want the launches of each track.
		rng := rand.New(rand.NewPCG(3, uint64(tracks)))
		in := make([][]part, batches)
		want := make([][]int64, tracks)
		total := 0
		for b := range in {
			from := 0
			for range rng.IntN(2 * tracks) { // perhaps none, perhaps a track twice
				p := part{track: uint32(rng.IntN(tracks)), from: from, n: 1 + rng.IntN(2*slotRows)}
				for i := range p.n {
					want[p.track] = append(want[p.track], launchNumber(b, from+i))
				}
				in[b] = append(in[b], p)
				from += p.n
			}
			total += from
		}
		order := make([]uint32, tracks) // not that of appearance
		for i, k := range rng.Perm(tracks) {
			order[i] = uint32(k)
		}
		for _, expected := range []int{0, 1, total / 2, total - 1, total, total + 1, 3 * total} {
			t.Run(fmt.Sprintf("%d tracks, %d of %d expected", tracks, expected, total), func(t *testing.T) {
				var c collector
				c.expect(5 * slotRows)
				c.reserve([]part{{track: 7, n: 3 * slotRows}}) // of a read that was given up
				c.reset()
				c.expect(expected)
				collectAll(t, &c, in)
				// Tracks that no launch is of are unknown to the collector.
				known := slices.DeleteFunc(slices.Clone(order), func(k uint32) bool { return int(k) >= len(c.tracks) })
				first := c.arrange(known)
				if c.launches.Len() != total || first[len(known)] != total {
					t.Fatalf("%d launches, the last track ends at %d, want %d", c.launches.Len(), first[len(known)], total)
				}
				for i, k := range known {
					got := c.launches.Start[first[i]:first[i+1]]
					if !slices.Equal(want[k], got) {
						t.Fatalf("track %d: other launches, or in another order: %d, want %d", k, len(got), len(want[k]))
					}
					for j, start := range got {
						if at := first[i] + j; c.launches.Duration(at) != duration(start) || c.launches.Config[at] != uint32(start) || c.launches.Origin[at] != k {
							t.Fatalf("launch %d of track %d has the values of another", j, k)
						}
					}
					checkParts(t, in, k, c.tracks[k])
				}
			})
		}
	}
}

// launchNumber numbers the launches of a test.
func launchNumber(batch, i int) int64 { return int64(batch)<<20 | int64(i) }

// duration is too long for four bytes now and then.
func duration(start int64) int64 {
	if start%97 == 0 {
		return start<<32 + 1<<33
	}
	return start
}

func collectAll(t *testing.T, c *collector, batches [][]part) {
	turns := table.NewTurns()
	next := make(chan int, len(batches))
	for b := range batches {
		next <- b
	}
	close(next)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for seq := range next {
				parts := batches[seq]
				var in launchBatch
				for _, p := range parts {
					for i := range p.n {
						n := launchNumber(seq, p.from+i)
						in.start, in.end = append(in.start, n), append(in.end, n+duration(n))
						in.config, in.correlation = append(in.config, uint32(n)), append(in.correlation, p.track)
					}
				}
				var spans []span
				b := table.Batch{Seq: seq, Turns: turns}
				err := b.InTurn(table.Turn{
					Keep: func() {},
					Do:   func() { spans = c.reserve(parts) },
					Then: func() { c.store(&in, spans) },
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// checkParts checks that the collector knows where the parts of a track start.
func checkParts(t *testing.T, batches [][]part, track uint32, got collected) {
	t.Helper()
	n := 0
	var starts []int
	for _, parts := range batches {
		for _, p := range parts {
			if p.track == track {
				starts = append(starts, n)
				n += p.n
			}
		}
	}
	if got.n != n || !slices.Equal(starts, got.starts) {
		t.Errorf("track %d: %d launches in parts at %v, want %d at %v", track, got.n, got.starts, n, starts)
	}
}

// TestCollectorRoom: what is expected needs no growth, so that a launch never
// takes more than its 20 bytes and a little.
func TestCollectorRoom(t *testing.T) {
	for _, n := range []int{0, 1, slotRows - 1, slotRows, slotRows + 1, 100*slotRows + 5} {
		var c collector
		c.expect(n)
		room := c.launches.Len()
		if n > 0 {
			c.reserve([]part{{n: n}})
		}
		c.arrange([]uint32{0}[:min(1, n)])
		if n > slotRows && cap(c.launches.Start) != room {
			t.Errorf("%d launches: room for %d at first, %d in the end", n, room, cap(c.launches.Start))
		}
		if limit := n + n/32 + 20*slotRows; room > limit {
			t.Errorf("%d launches: room for %d, want at most %d", n, room, limit)
		}
		if c.launches.Len() != n {
			t.Errorf("%d launches, want %d", c.launches.Len(), n)
		}
	}
}
