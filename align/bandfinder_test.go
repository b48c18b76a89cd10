package align

import (
	"math/rand/v2"
	"testing"
)

// TestFindersOf holds where bands are found against looking at all of a group.
func TestFindersOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(68, 69))
	for _, groups := range []int{1, 3, 200, 30_000} { // of the most a finder has few entries
		for range max(1, 60/groups) {
			var bands []band
			from := make([]int, groups+1)
			for g := range groups {
				at := rng.Uint64N(1 << (1 + rng.IntN(32)))
				for range rng.IntN(9) {
					b := band{group: uint32(g), base: uint32(at), width: uint32(1 + rng.Uint64N(1<<rng.IntN(31)))}
					if b.last() >= 1<<33 || at >= 1<<32 {
						break
					}
					bands = append(bands, b)
					at = b.last() + 1 + rng.Uint64N(1<<rng.IntN(31))
				}
				from[g+1] = len(bands)
			}
			if len(bands) == 0 {
				continue
			}
			finders := findersOf(bands, groups)
			for range 20_000 {
				g := rng.IntN(groups)
				d := rng.Uint32() >> rng.IntN(32)
				if n := from[g+1] - from[g]; n > 0 && rng.IntN(2) == 0 { // at an edge
					b := &bands[from[g]+rng.IntN(n)]
					d = b.base + []uint32{0, ^uint32(0), b.width, b.width - 1}[rng.IntN(4)]
				}
				want, got := -1, -1
				for k := from[g]; k < from[g+1]; k++ {
					if uint64(d) >= uint64(bands[k].base) && uint64(d) <= bands[k].last() {
						want = k
					}
				}
				f := &finders[g]
				for k := f.find(d); k < f.end && got < 0; k++ {
					if uint64(d) >= uint64(bands[k].base) && uint64(d) <= bands[k].last() {
						got = int(k)
					}
				}
				if got != want {
					t.Fatalf("%d groups: %d is found in band %d, want %d: %+v of %+v", groups, d, got, want, *f, bands[from[g]:from[g+1]])
				}
			}
		}
	}
}
