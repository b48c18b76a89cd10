package intern_test

import (
	"math/rand/v2"
	"testing"

	"github.com/nsysdiff/nsysdiff/internal/intern"
)

type key uint64

func (k key) Hash() uint64 { return intern.Mix(0, uint64(k)) }

type colliding uint64

func (colliding) Hash() uint64 { return 7 }

// check puts values into a table and compares its numbers with those of a map.
func check[K intern.Key](t *testing.T, values []K) {
	t.Helper()
	var table intern.Table[K]
	want := map[K]uint32{}
	for i, v := range values {
		number, known := want[v]
		if !known {
			number = uint32(len(want))
			want[v] = number
		}
		got, isNew := table.ID(&v)
		if got != number || isNew == known {
			t.Fatalf("value %d, %v: number %d, new %t; want %d, %t", i, v, got, isNew, number, !known)
		}
		if table.Keys[got] != v {
			t.Fatalf("number %d has key %v, want %v", got, table.Keys[got], v)
		}
	}
}

func TestTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var repeating, random []key
	var same []colliding
	for i := range 20000 {
		repeating = append(repeating, key(i%137*(1+i/5000))) // as launches do, with a change now and then
		random = append(random, key(rng.Uint64N(3000)))
		if i < 500 {
			same = append(same, colliding(rng.Uint64N(100)))
		}
	}
	check(t, repeating)
	check(t, random)
	check(t, same)
}
