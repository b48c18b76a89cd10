package align_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

func localGap(n int) int {
	return min(align.GapOpen+n*align.GapExtend, align.LongOpen+n*align.LongExtend)
}

// repeatedReference returns the score of the best set of repeated matches of
// query in seq (Durbin et al. 1998, section 2.3), trying gaps of every length.
// With once it is that of the best single match, without threshold.
func repeatedReference(query, seq []align.Element, threshold int, once bool) int {
	const no = -1 << 30
	m, n := len(query), len(seq)
	b := make([][]int, n+1)
	f := make([]int, n+1)
	for i := range b {
		b[i] = make([]int, m+1)
		for j := range b[i] {
			b[i][j] = no
		}
	}
	best := 0
	for i := 1; i <= n; i++ {
		free := f[i-1]
		if once {
			free = 0
		}
		for j := 1; j <= m; j++ {
			top := no
			if s := align.Score(query[j-1], seq[i-1]); s > 0 {
				top = max(b[i-1][j-1], free) + int(s)
			}
			for k := 1; k < i; k++ {
				top = max(top, b[i-k][j]-localGap(k))
			}
			for k := 1; k < j; k++ {
				top = max(top, b[i][j-k]-localGap(k))
			}
			b[i][j] = top
			best = max(best, top)
		}
		f[i] = f[i-1]
		for j := 1; j <= m; j++ {
			f[i] = max(f[i], b[i][j]-threshold)
		}
	}
	if once {
		return best
	}
	return f[n]
}

// TestOccurrencesAreOptimal holds what is found against the reference: the
// scores of the places, each by itself, must add up to the best there is.
func TestOccurrencesAreOptimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 7))
	nothing := 0
	for range fewer(1500) {
		query := randomElements(rng, 1+rng.IntN(8), 0)
		var seq []align.Element
		for range 1 + rng.IntN(3) {
			seq = append(seq, randomElements(rng, rng.IntN(6), 0)...)
			seq = append(seq, mutate(rng, append(query[:len(query):len(query)], query[0]), rng.IntN(2))...)
		}
		if rng.IntN(10) == 0 {
			seq = randomElements(rng, 1+rng.IntN(20), 0)
		}
		threshold := 80 * len(query) * (20 + rng.IntN(60)) / 100
		found, best, err := align.FindBest(context.Background(), query, seq, int32(threshold))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			nothing++
			if want := repeatedReference(query, seq, 0, true); int(best) != want {
				t.Fatalf("the best has score %d, want %d\nquery %v\nseq %v", best, want, query, seq)
			}
		}
		total, last := 0, 0
		for _, f := range found {
			if f[0] < last || f[1] <= f[0] || f[1] > len(seq) {
				t.Fatalf("places %v are not in order", found)
			}
			last = f[1]
			total += repeatedReference(query, seq[f[0]:f[1]], 0, true) - threshold
		}
		if want := repeatedReference(query, seq, threshold, false); total != want {
			t.Fatalf("score %d, want %d: %v\nquery %v\nseq %v\nthreshold %d", total, want, found, query, seq, threshold)
		}
	}
	if nothing == 0 {
		t.Error("something was found in each sequence")
	}
}

// TestOccurrencesRemembered holds what is found by columns that were met before, in
// the same sequence or one before, against what is found without.
func TestOccurrencesRemembered(t *testing.T) {
	rng := rand.New(rand.NewPCG(66, 67))
	remembered, gaveUp, nothing := 0, 0, 0
	for range fewer(300) {
		query := randomElements(rng, 1+rng.IntN(24), rng.IntN(3))
		layer := mutate(rng, append(query[:len(query):len(query)], randomElements(rng, 3+rng.IntN(40), 1)...), rng.IntN(3))
		if rng.IntN(4) == 0 {
			layer = randomElements(rng, 1+rng.IntN(40), 0)
		}
		threshold := int32(80 * len(query) * (5 + rng.IntN(80)) / 100)
		memo := align.NewMemo(query, threshold)
		for range 1 + rng.IntN(3) {
			// Layer after layer, few of which or all of which differ.
			var seq []align.Element
			differ := 1 + rng.IntN(400)
			for n := 100 + len(layer)*rng.IntN(150); len(seq) < n; {
				if rng.IntN(differ) == 0 {
					seq = append(seq, mutate(rng, append(layer, layer[0], layer[0], layer[0]), 1+rng.IntN(3))...)
				} else {
					seq = append(seq, layer...)
				}
			}
			got, gotBest, remembers, worked := memo.Find(seq)
			want, wantBest := align.NewMemo(query, threshold).FindPlainly(seq)
			if diff := cmp.Diff(want, got); diff != "" || gotBest != wantBest {
				t.Fatalf("best %d, want %d (-want +got):\n%s\nquery %v\nseq %v\nthreshold %d", gotBest, wantBest, diff, query, seq, threshold)
			}
			switch {
			case !remembers:
				gaveUp++
			case worked < len(seq)/8:
				remembered++
			}
			if len(got) == 0 {
				nothing++
			}
		}
	}
	if min(remembered, gaveUp, nothing) < fewer(24) {
		t.Errorf("columns were remembered in %d sequences, in %d not, in %d nothing was found", remembered, gaveUp, nothing)
	}
}

func TestOccurrences(t *testing.T) {
	seq := func(names ...int32) []align.Element {
		es := make([]align.Element, len(names))
		for i, n := range names {
			es[i] = align.NewElement(n, n, n, 0, 0)
		}
		return es
	}
	for _, x := range []struct {
		reason     string
		query, seq []align.Element
		want       [][2]int
	}{
		{"nothing to look for", seq(), seq(1, 2), [][2]int{}},
		{"nothing to look in", seq(1, 2), seq(), [][2]int{}},
		{"three layers between other work", seq(1, 2, 3, 4), seq(9, 1, 2, 3, 4, 8, 1, 2, 3, 4, 8, 1, 2, 3, 4, 7), [][2]int{{1, 5}, {6, 10}, {11, 15}}},
		{"layers that adjoin", seq(1, 2, 3, 4), seq(1, 2, 3, 4, 1, 2, 3, 4), [][2]int{{0, 4}, {4, 8}}},
		{"a launch more inside", seq(1, 2, 3, 4), seq(9, 1, 2, 8, 3, 4), [][2]int{{1, 6}}},
		{"a launch less inside", seq(1, 2, 3, 4, 5), seq(9, 1, 2, 4, 5, 9), [][2]int{{1, 5}}},
		{"a whole module more inside", seq(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), seq(1, 2, 3, 4, 5, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 6, 7, 8, 9, 10, 11), [][2]int{{0, 21}}},
		{"less than half of it", seq(1, 2, 3, 4, 5, 6), seq(1, 2, 9, 9, 9, 9), [][2]int{}},
	} {
		got, err := align.FindOccurrences(context.Background(), x.query, x.seq, int32(80*len(x.query)*55/100))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.reason, diff)
		}
	}
}

func TestOccurrencesCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	es := randomElements(rand.New(rand.NewPCG(8, 9)), 2000, 0)
	if _, err := align.FindOccurrences(ctx, es, es, 1); err != context.Canceled {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
