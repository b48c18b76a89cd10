package align

import "context"

// A run is n launches, equal by name, from a in one sequence and b in the
// other.
type run struct{ a, b, n int }

// minRun is the length from which a run of equal launches is trusted as a
// fixed point: shorter ones may be chance.
const minRun = 8

// maxCost bounds the number of differences that one search for a middle snake
// pursues; past it the furthest point reached will do.
const maxCost = 2048

// diff returns the runs of at least minRun launches that a shortest edit
// script keeps: the linear-space algorithm of Myers 1986, "An O(ND) Difference
// Algorithm and Its Variations", section 4b. In a grid with a downward and b
// to the right it looks for the path from corner to corner with the most
// diagonal steps, halving it at the snake that the searches from both corners
// meet on:
//
//	  b →
//	a ┌╲─────────┐
//	↓ │ ╲─┐      │   forward search
//	  │   │╲     │
//	  │   ╰─╲    │   middle snake
//	  │      ╲   │
//	  │      └─╲ │   reverse search
//	  └─────────╲┘
//
// Where more than maxCost differences separate a and b the script is no longer
// the shortest, but every run is equal.
func diff(ctx context.Context, a, b []element) ([]run, error) {
	d := differ{ctx: ctx, a: a, b: b}
	size := 2*min(len(a)+len(b), 2*maxCost+2) + 3
	d.fwd = make([]int, size)
	d.rev = make([]int, size)
	d.compare(0, len(a), 0, len(b))
	if d.err != nil {
		return nil, d.err
	}
	long := d.runs[:0]
	for _, r := range d.runs {
		if r.n >= minRun {
			long = append(long, r)
		}
	}
	return long, nil
}

type differ struct {
	ctx      context.Context
	err      error
	a, b     []element
	fwd, rev []int // furthest a-index by diagonal a-b, offset by half
	runs     []run
}

func (d *differ) keep(a, b, n int) {
	if n == 0 {
		return
	}
	if l := len(d.runs); l > 0 && d.runs[l-1].a+d.runs[l-1].n == a && d.runs[l-1].b+d.runs[l-1].n == b {
		d.runs[l-1].n += n
		return
	}
	d.runs = append(d.runs, run{a, b, n})
}

func (d *differ) compare(a0, a1, b0, b1 int) {
	if d.err != nil {
		return
	}
	n := 0
	for a0+n < a1 && b0+n < b1 && d.a[a0+n].name == d.b[b0+n].name {
		n++
	}
	d.keep(a0, b0, n)
	a0, b0 = a0+n, b0+n
	tail := 0
	for a1-tail > a0 && b1-tail > b0 && d.a[a1-1-tail].name == d.b[b1-1-tail].name {
		tail++
	}
	a1, b1 = a1-tail, b1-tail
	if a0 < a1 && b0 < b1 {
		am, bm := d.middle(a0, a1, b0, b1)
		// A point in a corner would not divide: nothing here is equal.
		if (am > a0 || bm > b0) && (am < a1 || bm < b1) {
			d.compare(a0, am, b0, bm)
			d.compare(am, a1, bm, b1)
		}
	}
	d.keep(a1, b1, tail)
}

// middle returns a point of the middle snake of a[a0:a1] and b[b0:b1].
func (d *differ) middle(a0, a1, b0, b1 int) (int, int) {
	n, m := a1-a0, b1-b0
	delta := n - m
	odd := delta&1 != 0
	half := len(d.fwd) / 2
	limit := min((n+m+1)/2, maxCost)
	// fwd[k] is the furthest a-index reached on diagonal k = a-b from the
	// start, rev[k] the same from the end backwards, both relative.
	d.fwd[half+1], d.rev[half+1] = 0, 0
	bestA, bestB := 0, 0
	for cost := 0; cost <= limit; cost++ {
		if cost&0x3f == 0 && d.ctx.Err() != nil {
			d.err = d.ctx.Err()
			return a0, b0
		}
		for k := -cost; k <= cost; k += 2 {
			var x int
			if k == -cost || k != cost && d.fwd[half+k-1] < d.fwd[half+k+1] {
				x = d.fwd[half+k+1]
			} else {
				x = d.fwd[half+k-1] + 1
			}
			y := x - k
			for x < n && y < m && x >= 0 && y >= 0 && d.a[a0+x].name == d.b[b0+y].name {
				x, y = x+1, y+1
			}
			d.fwd[half+k] = x
			if x <= n && y <= m && y >= 0 && x+y > bestA+bestB {
				bestA, bestB = x, y
			}
			if r := delta - k; odd && r >= -(cost-1) && r <= cost-1 && x+d.rev[half+r] >= n {
				if x <= n && y >= 0 && y <= m {
					return a0 + x, b0 + y
				}
			}
		}
		for k := -cost; k <= cost; k += 2 {
			var x int
			if k == -cost || k != cost && d.rev[half+k-1] < d.rev[half+k+1] {
				x = d.rev[half+k+1]
			} else {
				x = d.rev[half+k-1] + 1
			}
			y := x - k
			for x < n && y < m && x >= 0 && y >= 0 && d.a[a1-1-x].name == d.b[b1-1-y].name {
				x, y = x+1, y+1
			}
			d.rev[half+k] = x
			if r := delta - k; !odd && r >= -cost && r <= cost && x+d.fwd[half+r] >= n {
				if x <= n && y >= 0 && y <= m {
					return a0 + n - x, b0 + m - y
				}
			}
		}
	}
	return a0 + bestA, b0 + bestB
}
