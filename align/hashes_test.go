package align

import (
	"math/rand/v2"
	"testing"
)

func TestHashes(t *testing.T) {
	rng := rand.New(rand.NewPCG(42, 43))
	var h hashes
	for range 300 {
		h.clear()
		want := map[uint64]bool{}
		for of := 1 + rng.Uint64N(60); len(want) < int(of)/2; {
			x := rng.Uint64N(of)
			want[x] = true
			if h.add(x); h.n != len(want) {
				t.Fatalf("%d hashes, want %d", h.n, len(want))
			}
		}
	}
}
