package align_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
)

const minRun = 8 // runs that are shorter may be chance and are not returned

// longRuns returns how many launches the best set of equal runs of at least
// minRun launches, in order, could hold: an upper bound of what a shortest
// edit script keeps in such runs.
func longRuns(a, b []align.Element) int {
	m, n := len(a), len(b)
	best := make([][]int, m+1)
	equal := make([][]int, m+1) // length of the equal run that ends here
	for i := range best {
		best[i], equal[i] = make([]int, n+1), make([]int, n+1)
		for j := range best[i] {
			if i == 0 || j == 0 {
				continue
			}
			best[i][j] = max(best[i-1][j], best[i][j-1])
			if sameName(a[i-1], b[j-1]) {
				equal[i][j] = equal[i-1][j-1] + 1
				for k := minRun; k <= equal[i][j]; k++ {
					best[i][j] = max(best[i][j], best[i-k][j-k]+k)
				}
			}
		}
	}
	return best[m][n]
}

// sameName reports whether two elements are equal by name: the score of an
// equal name is the highest but for geometry and module.
func sameName(a, b align.Element) bool { return align.Score(a, b) >= 64 }

func TestDiff(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 11))
	found, possible := 0, 0
	for range fewer(300) {
		a := randomElements(rng, 20+rng.IntN(150), 0)
		b := mutate(rng, a, rng.IntN(8))
		runs, err := align.Diff(context.Background(), a, b)
		if err != nil {
			t.Fatal(err)
		}
		i, j := 0, 0
		for _, r := range runs {
			if r[0] < i || r[1] < j || r[2] < minRun || r[0]+r[2] > len(a) || r[1]+r[2] > len(b) {
				t.Fatalf("runs %v of %d and %d launches", runs, len(a), len(b))
			}
			for k := range r[2] {
				if !sameName(a[r[0]+k], b[r[1]+k]) {
					t.Fatalf("run %v is not equal", r)
				}
			}
			i, j = r[0]+r[2], r[1]+r[2]
			found += r[2]
		}
		possible += longRuns(a, b)
	}
	// A shortest script need not prefer long runs, but hardly loses any.
	if float64(found) < 0.99*float64(possible) {
		t.Errorf("%d launches in runs, of %d possible", found, possible)
	}
}

// TestDiffUnlike looks at sequences past the bound of the search, with equal
// ends.
func TestDiffUnlike(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 13))
	a, b := randomElements(rng, fewer(6000)+1000, 0), randomElements(rng, fewer(7000)+1000, 0)
	for i := range 50 {
		b[i] = a[i]
		b[len(b)-1-i] = a[len(a)-1-i]
	}
	runs, err := align.Diff(context.Background(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) < 2 || runs[0][2] < 50 || runs[len(runs)-1][2] < 50 {
		t.Errorf("the equal ends are not among the runs %v", runs)
	}
}

func TestDiffCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	rng := rand.New(rand.NewPCG(14, 15))
	if _, err := align.Diff(ctx, randomElements(rng, 500, 0), randomElements(rng, 500, 0)); err != context.Canceled {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
