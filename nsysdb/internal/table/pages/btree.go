package pages

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"math"

	"github.com/nsysdiff/nsysdiff/internal/fan"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// Types of b-tree pages (§1.6).
const (
	interiorTable = 5
	leafTable     = 13
)

// maxDepth is the depth beyond which SQLite takes a b-tree for damaged
// (BTCURSOR_MAX_DEPTH).
const maxDepth = 20

// leaves are the leaf pages of a table in order of rowid.
type leaves struct {
	page []uint32
	last []int64 // greatest rowid that each may hold
	more bool    // these are not all
}

func (l *leaves) len() int { return len(l.page) }

// after returns the rowid that all those of leaf i must exceed; none says that
// there is no such bound.
func (l *leaves) after(i int) (bound int64, none bool) {
	if i == 0 {
		return 0, true
	}
	return l.last[i-1], false
}

// room makes room for n leaves, where none are listed yet.
func (l *leaves) room(n int) { l.page, l.last = make([]uint32, 0, n), make([]int64, 0, n) }

// A walker lists the leaves of one table. It reads interior pages only: as all
// leaves lie at one depth, it needs to look at one leaf to know the others.
type walker struct {
	*Source
	ctx   context.Context // of one walk
	r     *reader
	depth int // number of interior levels
	most  int // leaves to list, at most
	out   leaves
}

// errEnough ends a walk that was to list no more leaves.
var errEnough = errors.New("enough leaves")

// list lists the leaves of the table below root, or the first so many of them, by
// as many goroutines as are asked for.
func (r *reader) list(ctx context.Context, s *Source, root uint32, most, workers int) (leaves, error) {
	w := &walker{Source: s, ctx: ctx, r: r, most: most}
	leaves, err := w.measure(root)
	if err != nil {
		return w.out, err
	}
	if workers > 1 && w.depth > 1 && most == math.MaxInt {
		return w.listApart(root, workers)
	}
	w.out.room(int(min(leaves, int64(most))))
	err = w.walk(root, 0, math.MinInt64, true, math.MaxInt64)
	if w.out.more = err == errEnough; w.out.more {
		err = nil
	}
	return w.out, err
}

// listApart lists all leaves: the pages above them first, and then their children,
// of some pages by each goroutine at a time.
func (w *walker) listApart(root uint32, workers int) (leaves, error) {
	top := &walker{Source: w.Source, ctx: w.ctx, r: w.r, depth: w.depth - 1, most: math.MaxInt}
	if err := top.walk(root, 0, math.MinInt64, true, math.MaxInt64); err != nil {
		return leaves{}, err
	}
	above := &top.out
	each := func(fn func(w *walker, i int) error) error {
		const share = 16 // pages, of some hundred leaves each
		errs := make([]error, (above.len()+share-1)/share)
		fan.Out(w.ctx, workers, len(errs), func(k int) {
			own := w.idle.take()
			defer w.idle.give(own)
			defer guard(&errs[k])
			part := &walker{Source: w.Source, ctx: w.ctx, r: &own.reader, depth: w.depth, most: math.MaxInt}
			for i := k * share; i < min(k*share+share, above.len()) && errs[k] == nil; i++ {
				errs[k] = fn(part, i)
			}
		})
		return cmp.Or(w.ctx.Err(), cmp.Or(errs...))
	}

	// Where the leaves below each page go, so that they are listed in place.
	first := make([]int, above.len()+1)
	err := each(func(w *walker, i int) error {
		b, err := w.load(above.page[i], w.depth-1)
		first[i+1] = b.cells + 1
		return err
	})
	if err != nil {
		return leaves{}, err
	}
	for i := range above.len() {
		first[i+1] += first[i]
	}
	n := first[above.len()]
	if int64(n) > w.layout.pages {
		return leaves{}, refuse("more leaves than pages")
	}
	w.out.room(n)
	w.out.page, w.out.last = w.out.page[:n], w.out.last[:n]
	err = each(func(part *walker, i int) error {
		from, to := first[i], first[i+1]
		part.out = leaves{page: w.out.page[from:from:to], last: w.out.last[from:from:to]}
		after, none := above.after(i)
		err := part.walk(above.page[i], w.depth-1, after, none, above.last[i])
		if err == nil && part.out.len() != to-from {
			err = refuse("page %d: its children changed", above.page[i])
		}
		return err
	})
	return w.out, err
}

// measure follows first children down to a leaf, and returns how many leaves
// there are if all pages have as many children as those.
func (w *walker) measure(root uint32) (leaves int64, err error) {
	leaves = 1
	for page := root; ; w.depth++ {
		if w.depth == maxDepth {
			return 0, refuse("page %d: b-tree too deep", root)
		}
		b, err := w.load(page, w.depth)
		if err != nil {
			return 0, err
		}
		if b.kind == leafTable {
			return leaves, nil
		}
		leaves = min(leaves*int64(b.cells+1), w.layout.pages)
		if page, _, err = b.cell(0); err != nil {
			return 0, err
		}
	}
}

// load reads the page of a level.
func (w *walker) load(page uint32, level int) (btreePage, error) {
	if page != 1 && !w.layout.child(page) || page == 1 && level > 0 {
		return btreePage{}, refuse("page %d: not a page of the table", page)
	}
	if err := w.ctx.Err(); err != nil {
		return btreePage{}, err
	}
	for len(w.r.levels) <= level {
		w.r.levels = append(w.r.levels, make([]byte, w.layout.pageSize))
	}
	buf := w.r.levels[level]
	if err := w.read(buf, w.layout.offset(page)); err != nil {
		return btreePage{}, err
	}
	return parsePage(page, buf[:w.layout.usable])
}

// walk lists the leaves below a page, whose rowids must be greater than after
// (unless first) and at most last.
//
// A page can be met twice only if it lies at two levels: its rowids cannot fit
// the bounds of two places of one level. Damaged files thus cost at most
// maxDepth times their size.
func (w *walker) walk(page uint32, level int, after int64, first bool, last int64) error {
	if level == w.depth {
		if !w.layout.child(page) && !(page == 1 && level == 0) {
			return refuse("page %d: not a page of the table", page)
		}
		switch n := w.out.len(); {
		case n == w.most:
			return errEnough
		case int64(n) >= w.layout.pages:
			return refuse("more leaves than pages")
		}
		w.out.page = append(w.out.page, page)
		w.out.last = append(w.out.last, last)
		return nil
	}
	b, err := w.load(page, level)
	if err != nil {
		return err
	}
	if b.kind != interiorTable {
		return refuse("page %d: leaves at different depths", page)
	}
	if b.cells == 0 && level > 0 {
		return refuse("page %d: no cells", page)
	}
	for i := range b.cells {
		child, key, err := b.cell(i)
		if err != nil {
			return err
		}
		if !first && key <= after || key > last {
			return refuse("page %d: rowids not ascending", page)
		}
		if err := w.walk(child, level+1, after, first, key); err != nil {
			return err
		}
		after, first = key, false
	}
	child, _, err := b.cell(b.cells)
	if err != nil {
		return err
	}
	return w.walk(child, level+1, after, first, last)
}

// A btreePage is the header and the cells of a page of a table (§1.6).
type btreePage struct {
	number uint32
	data   []byte // usable bytes
	kind   byte
	cells  int
	array  int // offset of the cell pointer array
	end    int // offset of its end
}

func parsePage(number uint32, data []byte) (btreePage, error) {
	b := btreePage{number: number, data: data}
	h := 0
	if number == 1 {
		h = table.HeaderSize
	}
	b.kind = data[h]
	b.cells = int(binary.BigEndian.Uint16(data[h+3:]))
	switch b.kind {
	case leafTable:
		b.array = h + 8
	case interiorTable:
		b.array = h + 12
	default:
		return b, refuse("page %d: not a page of the table", number)
	}
	b.end = b.array + 2*b.cells
	if b.end > len(data) {
		return b, refuse("page %d: %d cells", number, b.cells)
	}
	return b, nil
}

// cell returns child i of an interior page and the greatest rowid below it.
// The child after the last cell has no such rowid.
func (b *btreePage) cell(i int) (child uint32, key int64, err error) {
	if i == b.cells {
		return binary.BigEndian.Uint32(b.data[b.array-4:]), 0, nil
	}
	at := int(binary.BigEndian.Uint16(b.data[b.array+2*i:]))
	if at < b.end || at+5 > len(b.data) {
		return 0, 0, b.outside(i)
	}
	v, n := uvarint(b.data[at+4:])
	if n == 0 {
		return 0, 0, b.outside(i)
	}
	return binary.BigEndian.Uint32(b.data[at:]), int64(v), nil
}

func (b *btreePage) outside(i int) error {
	return refuse("page %d: cell %d not inside it", b.number, i)
}
