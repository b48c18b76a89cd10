package pages

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// Ints implements [table.Source].
func (s *Source) Ints(ctx context.Context, name string, columns []string, opts table.IntsOptions, fn func(table.Batch) error) error {
	def, wanted, err := s.lookup(name, slices.Concat(columns, opts.Keys))
	if err != nil {
		return s.finish(err)
	}
	for i, w := range wanted {
		switch c := def.columns[w]; {
		case i < len(columns) && c.Type != "INTEGER":
			return s.finish(refuse("column %s of %s is not declared INTEGER", c.Name, name))
		case i >= len(columns) && c.rowid:
			return s.finish(refuse("column %s of %s differs in each row", c.Name, name))
		}
	}
	return s.finish(s.ints(ctx, def, wanted, opts, fn))
}

func (s *Source) ints(ctx context.Context, def *definition, wanted []int, opts table.IntsOptions, fn func(table.Batch) error) error {
	var sc scan
	first := s.idle.take()
	if err := s.start(ctx, &sc, &first.reader, def, wanted, math.MaxInt); err != nil {
		s.idle.give(first)
		return err
	}
	per, leaves := sc.perRun(), sc.leaves.len()
	runs := (leaves + per - 1) / per
	workers := sc.workers(opts.Workers)

	// The first error stops the other workers.
	var (
		wg   sync.WaitGroup
		next atomic.Int64
		errs = make([]error, workers)
	)
	turns := table.NewTurns()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work := func(number int, w *worker) {
		defer s.idle.give(w)
		w.begin(&sc, number, &opts)
		for {
			run := int(next.Add(1)) - 1
			if run >= runs {
				return
			}
			err := ctx.Err()
			if err == nil {
				err = w.decode(run*per, min(run*per+per, leaves))
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
		wg.Go(func() { work(i, s.idle.take()) })
	}
	work(0, first)
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

// A worker decodes leaves into columns. What it holds apart from its reader
// is of one scan, but for memory.
type worker struct {
	reader
	templates
	rowid   bool // the rowid is wanted
	rowids  []int64
	columns [][]int64
	keys    []uint32
	n       int
	pages   []btreePage // the leaves at hand
	records []record    // of the leaf at hand
	apart   []apart
}

// begin makes the worker ready for a scan.
func (w *worker) begin(sc *scan, number int, opts *table.IntsOptions) {
	w.reader.scan = sc
	w.templates.init(sc, number, opts)
	// The columns of the scan before have room for those of this one.
	n := len(sc.wanted) - len(opts.Keys)
	w.columns = slices.Grow(w.columns[:cap(w.columns)], max(0, n-cap(w.columns)))[:n]
	if opts.Key == nil {
		w.keys = nil
	}
	w.apart = w.apart[:0] // a scan may have ended in the middle of a leaf
	w.rowid = false
	for _, c := range sc.wanted {
		w.rowid = w.rowid || sc.def.columns[c].rowid
	}
}

// decode reads leaves from to to-1 and decodes them into w.columns and w.keys.
func (w *worker) decode(from, to int) (err error) {
	defer guard(&err)
	if err := w.load(from, to); err != nil {
		return err
	}
	w.n, w.pages = 0, w.pages[:0]
	for i := from; i < to; i++ {
		b, err := w.leaf(i, i-from)
		if err != nil {
			return err
		}
		w.n += b.cells
		w.pages = append(w.pages, b)
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
		b := &w.pages[i-from]
		if err := w.scanLeaf(i, b, w.buf[w.at[i-from]:], row); err != nil {
			return err
		}
		row += b.cells
	}
	for i := range w.columns {
		if w.def.columns[w.wanted[i]].rowid {
			copy(w.columns[i], w.rowids)
		}
	}
	return nil
}

// scanLeaf decodes leaf i, whose first row is number row of the batch. page goes
// on beyond the page, so that eight bytes can be loaded anywhere in it. It goes
// over the leaf three times, each time doing little enough to stay in registers,
// while the page is in the fastest cache.
func (w *worker) scanLeaf(i int, b *btreePage, page []byte, row int) error {
	w.records = slices.Grow(w.records[:0], b.cells)[:b.cells]
	if err := w.findRecords(i, b, page, row); err != nil {
		return err
	}
	if err := w.recognise(b, page); err != nil {
		return err
	}
	for l := range w.columns {
		fillColumn(w.columns[l][row:], w.records, w.loads[l:], page)
	}
	if w.keys != nil {
		fillKeys(w.keys[row:], w.records, w.all)
	}
	for _, a := range w.apart {
		for l := range w.columns {
			w.columns[l][row+a.row] = a.loads[l].value(a.record, 0)
		}
	}
	w.apart = w.apart[:0]
	return nil
}

// fillColumn reads a column of the records. Among the variables of its caller,
// its own would not stay in registers.
//
//go:noinline
func fillColumn(column []int64, records []record, loads []load, page []byte) {
	column = column[:len(records)]
	for j := range records {
		r := &records[j]
		column[j] = loads[r.loads].value(page, r.at)
	}
}

// fillKeys reads the keys of the records.
func fillKeys(keys []uint32, records []record, all []template) {
	keys = keys[:len(records)]
	for j := range records {
		keys[j] = all[records[j].template].key
	}
}

// A record is a record of the leaf at hand.
type record struct {
	at, size uint32 // in the page
	template uint32 // number
	loads    uint32 // of the template
}

// An apart is a record whose values do not all lie in the leaf.
type apart struct {
	row    int
	loads  []load
	record []byte
}

// findRecords fills in where the records of leaf i lie, and w.rowids, which
// begin with number row.
func (w *worker) findRecords(i int, b *btreePage, page []byte, row int) error {
	last, first := w.leaves.after(i)
	usable, maxLocal := w.layout.usable, w.layout.usable-35
	// The rowid that comes next mostly is one more than the last, and then so
	// is its encoding, the upper bytes of what is loaded there, unless bit 7
	// says that it has grown.
	const grown = 0x80
	expect, shift, length := uint64(grown), 0, 0
	pointers := page[b.array:b.end]
	for j := range w.records {
		at := int(pointers[2*j])<<8 | int(pointers[2*j+1])
		if at < b.end || at+4 > usable {
			return b.outside(j)
		}
		// This is leafCell, except that the usual case is written out: a
		// record without overflow whose size takes one or two bytes.
		size, n := int(page[at]), at+1
		if size >= 0x80 {
			size, n = (size&0x7f)<<7|int(page[n]), n+1
		}
		r := &w.records[j]
		rowid := last + 1
		if x := binary.BigEndian.Uint64(page[n:]); expect&grown == 0 && x>>(shift&63) == expect && size <= maxLocal && (n-at == 1 || page[n-1] < 0x80) {
			r.at, r.size = uint32(n+length), uint32(size)
			expect++
		} else {
			c, err := w.leafCell(b, j)
			if err != nil {
				return err
			}
			r.at, r.size, rowid = uint32(c.at), uint32(c.size), c.rowid
			if rowid <= last && !first {
				return refuse("page %d: rowids not ascending", b.number)
			}
			expect = grown
			if length = c.at - n; size == c.size && length >= 1 && length <= 8 {
				shift = 64 - 8*length
				expect = x>>(shift&63) + 1
			}
		}
		if int(r.size) <= maxLocal && int(r.at+r.size) > usable {
			return b.outside(j)
		}
		last, first = rowid, false
		if w.rowid {
			w.rowids[row+j] = rowid
		}
	}
	if !first && len(w.records) > 0 && last > w.leaves.last[i] {
		return refuse("page %d: rowids not ascending", b.number)
	}
	return nil
}

// recognise finds the templates of the leaf's records.
func (w *worker) recognise(b *btreePage, page []byte) error {
	// Not in mid-leaf: its records have numbers of templates.
	if w.bytes > maxBytes {
		w.forget()
	}
	history, all := w.history, w.all
	for j := range w.records {
		r := &w.records[j]
		guess := &w.guess[history]
		t := *guess
		if !all[t].matches(r, page) {
			like := w.headed(r, page)
			if t = *like; !all[t].matches(r, page) {
				found, record, err := w.find(&w.reader, b, cell{at: int(r.at), size: int(r.size)})
				if err != nil {
					return err
				}
				t, all = found, w.all
				if a := all[t].apart; a != nil {
					w.apart = append(w.apart, apart{j, a, slices.Clone(record)})
				}
				*like = t
			}
			*guess = t
		}
		r.template, r.loads = t, all[t].loads
		history = remember(history, t)
	}
	w.history = history
	return nil
}
