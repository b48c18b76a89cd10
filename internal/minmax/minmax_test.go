package minmax

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestOrder holds Order, and what stands in for it on other processors, against the
// lesser and the greater of each two numbers: of any size and sign, many of them equal.
func TestOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	draw := func() (r Row) {
		for i := range r {
			switch rng.IntN(8) {
			case 0:
				r[i] = math.MaxInt64
			case 1:
				r[i] = math.MinInt64
			case 2:
				r[i] = rng.Int64N(3) - 1
			default:
				r[i] = int64(rng.Uint64()) >> rng.IntN(64)
			}
		}
		return r
	}
	for name, order := range map[string]func(a, b *Row){"Order": Order, "each": each} {
		for range 2000 {
			a, b := draw(), draw()
			less, more := a, b
			order(&less, &more)
			for i := range a {
				if less[i] != min(a[i], b[i]) || more[i] != max(a[i], b[i]) {
					t.Fatalf("%s: %d and %d at %d are ordered %d, %d", name, a[i], b[i], i, less[i], more[i])
				}
			}
		}
		a := draw()
		same := a
		order(&same, &same)
		if same != a {
			t.Errorf("%s: a row against itself is %v, was %v", name, same, a)
		}
	}
}

func BenchmarkOrder(b *testing.B) {
	for name, order := range map[string]func(a, b *Row){"order": Order, "each": each} {
		b.Run(name, func(b *testing.B) {
			var x, y Row
			for b.Loop() {
				order(&x, &y)
			}
		})
	}
}
