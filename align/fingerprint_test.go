package align

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFingerprint holds what fingerprints say against the launches one by one.
func TestFingerprint(t *testing.T) {
	rng := rand.New(rand.NewPCG(44, 45))
	step := func() []printKey {
		keys := make([]printKey, 1+rng.IntN(40))
		for i := range keys {
			keys[i] = printKey(rng.IntN(3))<<32 | printKey(rng.IntN(3))
		}
		return keys
	}
	of := func(keys []printKey) fingerprint {
		return newFingerprint(len(keys), func(i int) (printKey, int) { return keys[i], 1 })
	}
	shared := func(a, b []printKey) (n int) {
		b = slices.Clone(b)
		for _, k := range a {
			if i := slices.Index(b, k); i >= 0 {
				b = slices.Delete(b, i, i+1)
				n++
			}
		}
		return n
	}
	names := func(keys []printKey) []printKey {
		out := slices.Clone(keys)
		for i := range out {
			out[i] = out[i] >> 32 << 32
		}
		return out
	}
	for range 2000 {
		a, b := step(), step()
		if rng.IntN(3) == 0 {
			b = slices.Clone(a)
			rng.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
		}
		f, g := of(a), of(b)
		if got, want := f.like(g), 2*float64(shared(a, b))/float64(len(a)+len(b)); got != want {
			t.Fatalf("%x and %x are alike by %v, want %v", a, b, got, want)
		}
		if got, want := f.equal(g), len(a) == len(b) && shared(a, b) == len(a); got != want {
			t.Fatalf("%x and %x are equal: %v", a, b, got)
		}
		if got, want := f.withoutGeometry(), of(names(a)); !got.equal(want) || got.n != want.n {
			t.Fatalf("%x by name: %v, want %v", a, got, want)
		}
	}
}
