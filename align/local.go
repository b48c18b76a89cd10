package align

import "context"

// An interval is the half-open range [start, end) of a sequence.
type interval struct{ start, end int }

// unreachable is the score of a state that no path leads to; far enough from
// the least int32 that gap costs cannot underflow it.
const unreachable = -1 << 30

// find returns where the query of m aligns inside seq, in order and without
// overlap: repeated local alignment with affine gaps (Durbin et al. 1998,
// "Biological Sequence Analysis", section 2.3, "Repeated matches"; affine
// states after Gotoh 1982).
//
// With F(i) the best score of everything up to launch i of seq with no
// occurrence open, and B(i,j) that of an occurrence which has come to launch i
// of seq and launch j of query,
//
//	F(i)   = max( F(i-1), max_j B(i,j) - threshold )
//	B(i,j) = max( s(i,j) + max(B(i-1,j-1), F(i-1)), gaps )
//
// Each state carries the launch at which its occurrence began, so that no
// table is needed to trace back where occurrences lie: the memory is linear
// in both sequences, and the time their product, or less where the sequence
// repeats itself, see localMemo.
//
// Where nothing is found, best is the score of the best alignment there is.
func (m *localMemo) find(ctx context.Context, seq []element) (found []interval, best int32, err error) {
	m.begin(len(seq))
	return m.search(ctx, seq)
}

// search is find once m has begun.
func (m *localMemo) search(ctx context.Context, seq []element) (found []interval, best int32, err error) {
	n := len(seq)
	began := make([]int32, n+1) // start of the occurrence that ends at i, or -1
	var free int32              // F(i-1)
	for i := 1; i <= n; i++ {
		if i&0xff == 0 && ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		top := m.next(seq[i-1], free, i)
		best = max(best, top.score())
		began[i] = -1
		if top.score()-m.threshold > free {
			free = top.score() - m.threshold
			began[i] = top.start()
		}
	}
	for i := n; i > 0; {
		if began[i] < 0 {
			i--
			continue
		}
		found = append(found, interval{int(began[i]), i})
		i = int(began[i])
	}
	for l, r := 0, len(found)-1; l < r; l, r = l+1, r-1 {
		found[l], found[r] = found[r], found[l]
	}
	return found, best, nil
}

// A localColumn is column i-1 of each state by j.
type localColumn []localCell

// A localCell is what a localColumn has for a launch of the query: B, and the gaps
// that skip launches of the sequence, short and long.
type localCell struct {
	element
	b, x, xl path
}

// next makes the column of launch i, counted from 1, from the one before. It returns
// the best B. The score with no occurrence open is free.
func (column localColumn) next(e element, free int32, i int) (top path) {
	fresh := newPath(free, i-1)
	diag := noPath // B(i-1, j-1)
	y, yl := noPath, noPath
	top = noPath
	for j := range column {
		at := &column[j]
		c := at.x.or(at.xl)
		if at.noDtype == e.noDtype { // else no two launches are paired
			// An equal score goes to the occurrence that is open.
			paired := diag.or(fresh).less(-score(at.element, e))
			top = top.or(paired)
			c = paired.or(c)
		}
		// A gap is not opened where another of its kind ends: to go on with
		// that costs less.
		row, rowLong := y, yl
		y = c.less(gapOpen + gapExtend).or(y.less(gapExtend))
		yl = c.less(longOpen + longExtend).or(yl.less(longExtend))
		c = c.or(row).or(rowLong)
		at.x = c.less(gapOpen + gapExtend).or(at.x.less(gapExtend))
		at.xl = c.less(longOpen + longExtend).or(at.xl.less(longExtend))
		diag, at.b = at.b, c
	}
	return top
}

// A path is the score of a state, and the launch at which its occurrence began: in
// one number, which takes fewer instructions to choose.
type path int64

const (
	noPath    path = unreachable << startBits
	startBits      = 32
)

func newPath(score int32, start int) path { return path(score)<<startBits | path(start) }

func (p path) score() int32 { return int32(p >> startBits) }
func (p path) start() int32 { return int32(p) }

// less returns the path at a cost.
func (p path) less(cost int32) path { return p - path(cost)<<startBits }

// or returns q if it has the better score, else p.
func (p path) or(q path) path {
	if q > p|(1<<startBits-1) {
		return q
	}
	return p
}

// rotation returns the launch of the cyclic sequence query at which the best
// local alignment with seq begins. Where a step begins is arbitrary if only
// the period of the launches tells steps; an occurrence's beginning is not.
func rotation(ctx context.Context, query, seq []element) (int, error) {
	m := len(query)
	// Smith-Waterman of the query, twice over, with affine gaps; states carry
	// the row at which they began.
	type cell struct{ score, row int32 }
	b := make([]cell, 2*m+1)
	x := make([]cell, 2*m+1)
	var top cell
	for i := range seq {
		if i&0xff == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		var diag, y cell
		diag = b[0]
		for j := 1; j <= 2*m; j++ {
			if s := b[j].score - gapOpen - gapExtend; s > x[j].score-gapExtend {
				x[j] = cell{s, b[j].row}
			} else {
				x[j].score -= gapExtend
			}
			c := x[j]
			if y.score > c.score {
				c = y
			}
			if s := score(query[(j-1)%m], seq[i]); s > 0 && diag.score+s >= c.score {
				c = cell{diag.score + s, diag.row}
				if diag.score == 0 {
					c.row = int32(j - 1)
				}
				// A path around the whole cycle begins anew.
				if int32(j)-c.row > int32(m) {
					c = cell{}
				}
			}
			if c.score <= 0 {
				c = cell{}
			}
			if c.score > top.score {
				top = c
			}
			y = cell{max(y.score-gapExtend, c.score-gapOpen-gapExtend), y.row}
			if y.score == c.score-gapOpen-gapExtend {
				y.row = c.row
			}
			if y.score < 0 {
				y = cell{}
			}
			diag = b[j]
			b[j] = c
		}
	}
	return int(top.row) % m, nil
}
