package align_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
)

// randomElements returns n launches of few names, so that much is alike by
// chance: names 0 to 5, two to a family, all families of two data types.
// modules is how many NVTX modules they lie in, 0 for none.
func randomElements(rng *rand.Rand, n, modules int) []align.Element {
	es := make([]align.Element, n)
	for i := range es {
		name := rng.Int32N(6)
		module := int32(0)
		if modules > 0 {
			module = rng.Int32N(int32(modules) + 1)
		}
		es[i] = align.NewElement(name, name/2, name/4, rng.Int32N(2), module)
	}
	return es
}

// mutate returns a copy with a few launches changed, removed and inserted.
func mutate(rng *rand.Rand, es []align.Element, changes int) []align.Element {
	out := append([]align.Element(nil), es...)
	for range changes {
		at := rng.IntN(len(out))
		switch rng.IntN(3) {
		case 0:
			out[at] = randomElements(rng, 1, 0)[0]
		case 1:
			out = append(out[:at], out[at+1:]...)
		default:
			out = append(out[:at], append(randomElements(rng, 1, 0), out[at:]...)...)
		}
	}
	return out
}

func tableGap(n int) int {
	if n == 0 {
		return 0
	}
	return align.TableOpen + n*align.TableExtend
}

// globalReference returns the score of the best global alignment, trying gaps
// of every length: Needleman & Wunsch 1970 as it stands, in cubic time.
func globalReference(a, b []align.Element) int {
	m, n := len(a), len(b)
	best := make([][]int, m+1)
	for i := range best {
		best[i] = make([]int, n+1)
		for j := range best[i] {
			if i == 0 && j == 0 {
				continue
			}
			top := -1 << 30
			if i > 0 && j > 0 {
				if s := align.Score(a[i-1], b[j-1]); s > 0 {
					top = best[i-1][j-1] + int(s)
				}
			}
			for k := 1; k <= i; k++ {
				top = max(top, best[i-k][j]-tableGap(k))
			}
			for k := 1; k <= j; k++ {
				top = max(top, best[i][j-k]-tableGap(k))
			}
			best[i][j] = top
		}
	}
	return best[m][n]
}

// globalScore returns the score of the alignment that pairs describe, and
// whether they are one: in order, and of launches that can be paired.
func globalScore(a, b []align.Element, pairs [][2]int) (int, bool) {
	total, i, j := 0, 0, 0
	for _, p := range pairs {
		if p[0] < i || p[1] < j || p[0] >= len(a) || p[1] >= len(b) {
			return 0, false
		}
		s := align.Score(a[p[0]], b[p[1]])
		if s == 0 {
			return 0, false
		}
		total += int(s) - tableGap(p[0]-i) - tableGap(p[1]-j)
		i, j = p[0]+1, p[1]+1
	}
	return total - tableGap(len(a)-i) - tableGap(len(b)-j), true
}

func TestGlobalIsOptimal(t *testing.T) {
	c := check(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range fewer(3000) {
		a := randomElements(rng, rng.IntN(14), 0)
		b := randomElements(rng, rng.IntN(14), 0)
		if rng.IntN(2) == 0 && len(a) > 4 {
			b = mutate(rng, a, rng.IntN(4))
		}
		holdGlobal(c, a, b)
	}
}

// TestGlobalIsOptimalWithModules is TestGlobalIsOptimal where NVTX ranges break
// ties.
func TestGlobalIsOptimalWithModules(t *testing.T) {
	c := check(t)
	rng := rand.New(rand.NewPCG(1, 3))
	for range fewer(3000) {
		holdGlobal(c, randomElements(rng, rng.IntN(14), 2), randomElements(rng, rng.IntN(14), 2))
	}
}

func holdGlobal(c *checker, a, b []align.Element) {
	if len(c.problems) > 0 {
		return
	}
	pairs, err := align.AlignGlobal(context.Background(), a, b)
	if err != nil {
		c.t.Fatal(err)
	}
	got, ok := globalScore(a, b, pairs)
	if !ok {
		c.Errorf("%v is no alignment of %v and %v", pairs, a, b)
	} else if want := globalReference(a, b); got != want {
		c.Errorf("score %d, want %d, of %v\nfor %v\nand %v", got, want, pairs, a, b)
	}
}

// TestGlobalLong aligns sequences too long for one table: still an alignment,
// and of alike sequences as good as undoing the changes.
func TestGlobalLong(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	for _, n := range []int{1500, fewer(20_000)} {
		a := randomElements(rng, n, 0)
		changes := n / 100
		b := mutate(rng, a, changes)
		if len(a)*len(b) <= align.MaxCells {
			t.Fatalf("%d launches fit one table", n)
		}
		pairs, err := align.AlignGlobal(context.Background(), a, b)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := globalScore(a, b, pairs)
		if !ok {
			t.Fatalf("%d launches: no alignment", n)
		}
		// A change costs a pair on either side and two gaps at the most.
		perfect, _ := globalScore(a, a, identity(n))
		if least := perfect - changes*(perfect/n+2*tableGap(1)); got < least {
			t.Errorf("%d launches with %d changes: score %d, want %d at least", n, changes, got, least)
		}
	}
}

func identity(n int) [][2]int {
	pairs := make([][2]int, n)
	for i := range pairs {
		pairs[i] = [2]int{i, i}
	}
	return pairs
}

// TestGlobalUnlike aligns long sequences that share nothing.
func TestGlobalUnlike(t *testing.T) {
	a, b := make([]align.Element, 3000), make([]align.Element, 4000)
	for i := range a {
		a[i] = align.NewElement(int32(i), int32(i), int32(i), 0, 0)
	}
	for i := range b {
		b[i] = align.NewElement(int32(i+len(a)), int32(i+len(a)), int32(i+len(a)), 0, 0)
	}
	pairs, err := align.AlignGlobal(context.Background(), a, b)
	if err != nil || len(pairs) > 0 {
		t.Errorf("%d pairs, error %v, want none", len(pairs), err)
	}
}
