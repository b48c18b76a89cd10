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
	if err := s.start(ctx, &sc, &first.reader, def, wanted, math.MaxInt, opts.Workers); err != nil {
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
				b := table.Batch{Seq: run, Turns: turns, Worker: number, Columns: w.columns, N: w.n}
				if opts.Key != nil {
					b.Keys = w.keys
				}
				err = fn(b)
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
}

// begin makes the worker ready for a scan.
func (w *worker) begin(sc *scan, number int, opts *table.IntsOptions) {
	w.reader.scan = sc
	w.templates.init(sc, number, opts)
	// The columns of the scan before have room for those of this one.
	n := len(sc.wanted) - len(opts.Keys)
	w.columns = slices.Grow(w.columns[:cap(w.columns)], max(0, n-cap(w.columns)))[:n]
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
	w.keys = slices.Grow(w.keys[:0], w.n)[:w.n]
	if w.rowid {
		w.rowids = slices.Grow(w.rowids[:0], w.n)[:w.n]
	}
	row := 0
	for i := from; i < to; i++ {
		b := &w.pages[i-from]
		if err := w.scanLeaf(i, b, (*window)(w.buf[w.at[i-from]:]), row); err != nil {
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
// on beyond the page, so that eight bytes can be loaded anywhere in it.
func (w *worker) scanLeaf(i int, b *btreePage, page *window, row int) error {
	w.records = slices.Grow(w.records[:0], b.cells)[:b.cells]
	if err := w.findRecords(i, b, page, row); err != nil {
		return err
	}
	return w.readRecords(b, page, row)
}

// A record is a record of the leaf at hand.
type record struct {
	at, size uint32 // in the page
	loads    uint32 // of its template, where matchEach read it
}

// findRecords fills in where the records of leaf i lie, and w.rowids, which
// begin with number row.
func (w *worker) findRecords(i int, b *btreePage, page *window, row int) error {
	last, first := w.leaves.after(i)
	for j := 0; j < len(w.records); j++ {
		c, err := w.leafCell(b, j)
		if err != nil {
			return err
		}
		if c.rowid <= last && !first {
			return refuse("page %d: rowids not ascending", b.number)
		}
		w.records[j] = record{at: uint32(c.at), size: uint32(c.size)}
		n := w.findNext(w.records[j+1:], b, page, c)
		if w.rowid {
			for k := range n + 1 {
				w.rowids[row+j+k] = c.rowid + int64(k)
			}
		}
		j, last, first = j+n, c.rowid+int64(n), false
	}
	if !first && len(w.records) > 0 && last > w.leaves.last[i] {
		return refuse("page %d: rowids not ascending", b.number)
	}
	return nil
}

// findNext fills in where the last records of the leaf lie, those after cell c, as
// long as they are as most are: without overflow, of a size that takes one or two
// bytes, with rowids that count up. It returns how many, and leaves the next, and
// what may be wrong with it, to leafCell.
func (w *worker) findNext(records []record, b *btreePage, page *window, c cell) int {
	if c.key > 8 {
		return 0
	}
	pointers := page[b.end-2*len(records) : b.end]
	end, usable, maxLocal, key := uint32(b.end), uint32(w.layout.usable), uint32(w.layout.usable-35), uint32(c.key)
	// As the rowid is one more than the last, so is its encoding, until bit 7
	// says that it takes another byte.
	shift := 64 - 8*c.key
	rowid := page.uint64(uint32(c.at-c.key)) >> (shift & 63)
	for j := range records {
		rowid++
		at := uint32(binary.BigEndian.Uint16(pointers[2*j:]))
		if at < end || at+4 > usable || rowid&0x80 != 0 {
			return j
		}
		size := uint32(page[at])
		at++
		if size >= 0x80 { // in two bytes
			next := uint32(page[at])
			if next >= 0x80 {
				return j
			}
			size = (size&0x7f)<<7 | next
			at++
		}
		if page.uint64(at)>>(shift&63) != rowid || size > maxLocal || at+key+size > usable {
			return j
		}
		records[j].at, records[j].size = at+key, size
	}
	return len(records)
}

// readRecords reads the leaf's records into the rows of the batch, which begin
// with number row.
func (w *worker) readRecords(b *btreePage, page *window, row int) error {
	// Not in mid-leaf: so that this is seldom asked.
	w.tidy()
	for j := 0; ; j++ {
		if j = w.match(page, row, j); j == len(w.records) {
			return nil
		}
		r := &w.records[j]
		like := w.headed(r, page)
		if !w.all[*like].matches(r, page) {
			f, err := w.find(&w.reader, b, cell{at: int(r.at), size: int(r.size)})
			if err != nil {
				return err
			}
			*like = f.template
			for l, column := range w.columns {
				if load := &f.plan.loads[l]; f.plan.local {
					column[row+j] = load.value(page, r.at)
				} else {
					column[row+j] = load.of(f.record)
				}
			}
			w.keys[row+j] = f.key
			if f.template == unknown {
				continue
			}
		} else {
			t := &w.all[*like]
			for l, column := range w.columns {
				column[row+j] = w.loads[int(t.loads)+l].value(page, r.at)
			}
			w.keys[row+j] = t.key
		}
		w.guess[w.history] = *like
		w.history = remember(w.history, *like)
	}
}
