package pages

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// Ints implements [table.Source].
func (s *Source) Ints(ctx context.Context, name string, columns []string, opts table.IntsOptions, fn func(table.Batch) error) error {
	def, wanted, err := s.lookup(name, slices.Concat(columns, opts.Keys))
	if err != nil {
		return err
	}
	for i, w := range wanted {
		switch c := def.columns[w]; {
		case i < len(columns) && c.Type != "INTEGER":
			return fmt.Errorf("%s: %w", s.path, refuse("column %s of %s is not declared INTEGER", c.Name, name))
		case i >= len(columns) && c.rowid:
			return fmt.Errorf("%s: %w", s.path, refuse("column %s of %s differs in each row", c.Name, name))
		}
	}
	return s.finish(s.ints(ctx, def, wanted, opts, fn))
}

func (s *Source) ints(ctx context.Context, def *definition, wanted []int, opts table.IntsOptions, fn func(table.Batch) error) error {
	var sc scan
	if err := s.start(ctx, &sc, def, wanted); err != nil {
		return err
	}
	workers := opts.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	per := s.layout.perRun()
	runs := (sc.leaves.len() + per - 1) / per
	workers = min(workers, runs)

	// The first error stops the other workers.
	var (
		wg   sync.WaitGroup
		next atomic.Int64
		errs = make([]error, workers)
	)
	turns := table.NewTurns()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work := func(number int) {
		w := newWorker(&sc, number, &opts)
		for {
			run := int(next.Add(1)) - 1
			if run >= runs {
				return
			}
			err := ctx.Err()
			if err == nil {
				err = w.decode(run*per, min(run*per+per, sc.leaves.len()))
			}
			if err == nil {
				err = fn(table.Batch{Seq: run, Turns: turns, Worker: number, Columns: w.columns, Keys: w.keys, N: w.n})
			}
			if err != nil {
				errs[number] = err
				stop()
				turns.End()
				return
			}
		}
	}
	for i := 1; i < workers; i++ {
		wg.Go(func() { work(i) })
	}
	work(0)
	wg.Wait()
	return firstCause(errs)
}

// firstCause returns the first error that is not the consequence of another
// worker's.
func firstCause(errs []error) error {
	var canceled error
	for _, err := range errs {
		switch {
		case err == nil:
		case errors.Is(err, context.Canceled):
			canceled = err
		default:
			return err
		}
	}
	return canceled
}

// A worker decodes leaves into columns.
type worker struct {
	reader
	templates
	rowid   bool // the rowid is wanted
	rowids  []int64
	columns [][]int64
	keys    []uint32
	n       int
}

func newWorker(sc *scan, number int, opts *table.IntsOptions) *worker {
	w := &worker{reader: reader{scan: sc}, columns: make([][]int64, len(sc.wanted)-len(opts.Keys))}
	w.templates.init(sc, number, opts)
	for _, c := range sc.wanted {
		w.rowid = w.rowid || sc.def.columns[c].rowid
	}
	return w
}

// decode reads leaves from to to-1 and decodes them into w.columns and w.keys.
func (w *worker) decode(from, to int) (err error) {
	defer guard(&err)
	if err := w.load(from, to); err != nil {
		return err
	}
	w.n = 0
	for i := from; i < to; i++ {
		b, err := w.leaf(i, i-from)
		if err != nil {
			return err
		}
		w.n += b.cells
	}
	for i := range w.columns {
		w.columns[i] = slices.Grow(w.columns[i][:0], w.n)[:w.n]
	}
	if w.opts.Key != nil {
		w.keys = slices.Grow(w.keys[:0], w.n)[:w.n]
	}
	if w.rowid {
		w.rowids = slices.Grow(w.rowids[:0], w.n)[:w.n]
	}
	row := 0
	for i := from; i < to; i++ {
		cells, err := w.scanLeaf(i, i-from, row)
		if err != nil {
			return err
		}
		row += cells
	}
	for i := range w.columns {
		if w.def.columns[w.wanted[i]].rowid {
			copy(w.columns[i], w.rowids)
		}
	}
	return nil
}

// scanLeaf decodes a leaf, which is number k of those loaded and whose first
// row is number row of the batch.
func (w *worker) scanLeaf(i, k, row int) (cells int, err error) {
	b, err := w.leaf(i, k)
	if err != nil {
		return 0, err
	}
	last, first := w.leaves.after(i)
	usable, maxLocal := w.layout.usable, w.layout.usable-35
	page := w.buf[w.at[k]:] // beyond the page, so that eight bytes can be loaded anywhere in it
	t, history := w.last, w.history
	// The rowid that comes next mostly is one more than the last, and then so
	// is its encoding, the upper bytes of what is loaded there, unless bit 7
	// says that it has grown.
	const unknown = 0x80
	expect, shift := uint64(unknown), 0
	for j := range b.cells {
		p := b.array + 2*j
		at := int(page[p])<<8 | int(page[p+1])
		if at < b.end || at+4 > usable {
			return 0, b.outside(j)
		}
		// This is leafCell, except that the usual case is written out: a
		// record without overflow whose size takes one or two bytes.
		size, n := int(page[at]), at+1
		if size >= 0x80 {
			size, n = (size&0x7f)<<7|int(page[n]), n+1
		}
		var c cell
		switch x := binary.BigEndian.Uint64(page[n:]); {
		case n-at == 2 && page[n-1] >= 0x80 || size > maxLocal:
			if c, err = w.leafCell(&b, j); err != nil {
				return 0, err
			}
			expect = unknown
		case expect&0x80 == 0 && x>>(shift&63) == expect:
			c = cell{last + 1, size, n + 8 - shift/8}
			expect++
		default:
			v, m := uvarint(page[n:min(n+9, usable)])
			if m == 0 {
				return 0, b.outside(j)
			}
			c = cell{int64(v), size, n + m}
			expect = unknown
			if m <= 8 {
				shift = 64 - 8*m
				expect = x>>(shift&63) + 1
			}
		}
		if c.size <= maxLocal && c.at+c.size > usable {
			return 0, b.outside(j)
		}
		if c.rowid <= last && !first {
			return 0, refuse("page %d: rowids not ascending", b.number)
		}
		last, first = c.rowid, false
		if w.rowid {
			w.rowids[row+j] = c.rowid
		}

		record := page[c.at:]
		guess := &w.guess[history]
		next := *guess
		if next.size != c.size || !next.matches(record) {
			if next = t.next; next.size != c.size || !next.matches(record) {
				if next, record, err = w.find(&w.reader, &b, c); err != nil {
					return 0, err
				}
			}
			*guess = next
		}
		t.next = next
		t = next
		history = remember(history, t.id)
		for l := range t.loads {
			w.columns[l][row+j] = t.loads[l].value(record)
		}
		if w.keys != nil {
			w.keys[row+j] = t.key
		}
	}
	w.last, w.history = t, history
	if b.cells > 0 && last > w.leaves.last[i] {
		return 0, refuse("page %d: rowids not ascending", b.number)
	}
	return b.cells, nil
}
