package align

import (
	"context"
	"math"
)

// A pair says that launch a of one sequence corresponds to launch b of the
// other.
type pair struct{ a, b int32 }

func newPair(a, b int) pair { return pair{int32(a), int32(b)} }

// maxCells bounds the table of one dynamic program: sequences whose product
// is larger are cut at the runs that a linear-space difference finds equal.
const maxCells = 1 << 20

// alignGlobal returns the pairs of the best global alignment of two
// sequences, in order.
//
// It is exact (affine gaps, Gotoh 1982) as far as the table stays below
// maxCells. Longer sequences are first divided: runs of launches equal by
// name that the difference algorithm of Myers finds become fixed points, and
// only what lies between two of them is aligned by table. The memory is linear
// in the sequences, and for alike sequences so is nearly the time.
func alignGlobal(ctx context.Context, a, b []element) ([]pair, error) {
	var pairs []pair
	if len(a)*len(b) <= maxCells {
		return alignTable(pairs, a, b, 0, 0), nil
	}
	runs, err := diff(ctx, a, b)
	if err != nil {
		return nil, err
	}
	runs = append(runs, run{len(a), len(b), 0})
	pairs = make([]pair, 0, min(len(a), len(b)))
	var i, j int
	for _, r := range runs {
		if pairs, err = alignBetween(ctx, pairs, a[i:r.a], b[j:r.b], i, j); err != nil {
			return nil, err
		}
		for k := range r.n {
			pairs = append(pairs, newPair(r.a+k, r.b+k))
		}
		i, j = r.a+r.n, r.b+r.n
	}
	return pairs, nil
}

// sliceCells bounds the table of a slice of what is too long for one.
const sliceCells = 1 << 16

// alignBetween aligns what lies between two fixed points. Where even that is
// too long for the table, there is no equal run in it to divide it at and it
// is cut into slices at proportional places: launches so different are not
// worth more.
func alignBetween(ctx context.Context, pairs []pair, a, b []element, a0, b0 int) ([]pair, error) {
	for len(a)*len(b) > maxCells {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		la, lb := len(a), len(b)
		cut := max(1, min(la, int(math.Sqrt(sliceCells*float64(la)/float64(lb)))))
		cb := max(1, cut*lb/la)
		pairs = alignTable(pairs, a[:cut], b[:cb], a0, b0)
		a, b, a0, b0 = a[cut:], b[cb:], a0+cut, b0+cb
	}
	return alignTable(pairs, a, b, a0, b0), nil
}

// Gap costs of the table: the ends of both sequences are given, so that only
// the number of gaps tells alignments of equal pairs apart.
const (
	tableOpen   = 24
	tableExtend = 1
)

// alignTable appends to pairs the best global alignment of a and b, with a0
// and b0 added to the indices.
func alignTable(pairs []pair, a, b []element, a0, b0 int) []pair {
	// What is equal at both ends is paired outright.
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		pairs = append(pairs, newPair(a0, b0))
		a, b, a0, b0 = a[1:], b[1:], a0+1, b0+1
	}
	tail := 0
	for len(a) > tail && len(b) > tail && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	a, b = a[:len(a)-tail], b[:len(b)-tail]
	m, n := len(a), len(b)
	if m > 0 && n > 0 {
		pairs = append(pairs, gotoh(a, b, a0, b0)...)
	}
	for k := range tail {
		pairs = append(pairs, newPair(a0+m+k, b0+n+k))
	}
	return pairs
}

// gotoh fills the table of the affine-gap alignment of a and b and traces it
// back.
func gotoh(a, b []element, a0, b0 int) []pair {
	m, n := len(a), len(b)
	// Per cell, where each of the three states came from: bits 0-1 for M
	// (0 M, 1 X, 2 Y), bit 2 for X and bit 3 for Y (set: extended a gap),
	// bits 4-5 for the best of the three.
	const (
		fromM, fromX, fromY = 0, 1, 2
		xExtends, yExtends  = 1 << 2, 1 << 3
		bestShift           = 4
	)
	back := make([]uint8, (m+1)*(n+1))
	w := n + 1
	mm := make([]int32, w) // M, X of the row above; X skips launches of a
	xx := make([]int32, w)
	bb := make([]int32, w)
	for j := range w {
		mm[j], xx[j] = unreachable, unreachable
		bb[j] = -tableOpen - int32(j)*tableExtend
		back[j] = fromY<<bestShift | yExtends
	}
	bb[0] = 0
	if n > 0 {
		back[1] = fromY << bestShift
	}
	for i := 1; i <= m; i++ {
		diag := bb[0]
		y := int32(unreachable)
		xx[0] = -tableOpen - int32(i)*tableExtend
		bb[0] = xx[0]
		back[i*w] = fromX<<bestShift | xExtends
		if i == 1 {
			back[i*w] = fromX << bestShift
		}
		for j := 1; j <= n; j++ {
			var bits uint8
			if x := xx[j] - tableExtend; x > bb[j]-tableOpen-tableExtend {
				xx[j] = x
				bits |= xExtends
			} else {
				xx[j] = bb[j] - tableOpen - tableExtend
			}
			if e := y - tableExtend; e > bb[j-1]-tableOpen-tableExtend {
				y = e
				bits |= yExtends
			} else {
				y = bb[j-1] - tableOpen - tableExtend
			}
			top, from := xx[j], uint8(fromX)
			if y > top {
				top, from = y, fromY
			}
			if s := score(a[i-1], b[j-1]); s > 0 && diag+s >= top {
				top, from = diag+s, fromM
			}
			diag = bb[j]
			bb[j] = top
			back[i*w+j] = bits | from<<bestShift
		}
	}
	var pairs []pair
	i, j := m, n
	state := uint8(3) // unknown: take the cell's best
	for i > 0 || j > 0 {
		c := back[i*w+j]
		if state == 3 {
			state = c >> bestShift
		}
		switch state {
		case fromM:
			pairs = append(pairs, newPair(a0+i-1, b0+j-1))
			i, j = i-1, j-1
			state = 3
		case fromX:
			if c&xExtends == 0 {
				state = 3
			}
			i--
		case fromY:
			if c&yExtends == 0 {
				state = 3
			}
			j--
		}
	}
	for l, r := 0, len(pairs)-1; l < r; l, r = l+1, r-1 {
		pairs[l], pairs[r] = pairs[r], pairs[l]
	}
	return pairs
}
