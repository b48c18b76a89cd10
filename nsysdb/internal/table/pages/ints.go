package pages

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// Ints implements [table.Source].
func (s *Source) Ints(ctx context.Context, name string, columns []string, opts table.IntsOptions, fn func(table.Batch) error) error {
	def, wanted, err := s.lookup(name, columns)
	if err != nil {
		return err
	}
	for _, w := range wanted {
		if c := def.columns[w]; c.Type != "INTEGER" {
			return fmt.Errorf("%s: %w", s.path, refuse("column %s of %s is not declared INTEGER", c.Name, name))
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
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work := func(number int) {
		w := newWorker(&sc, opts.Null)
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
				err = fn(table.Batch{Seq: run, Worker: number, Columns: w.columns, N: w.n})
			}
			if err != nil {
				errs[number] = err
				stop()
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

// maxPlans bounds the plans that a worker keeps. A few dozen are usual.
const maxPlans = 4096

// A worker decodes leaves into columns.
type worker struct {
	reader
	null    int64
	plans   map[string]*plan // by header
	used    []*plan          // those with rows in the batch
	recent  [1024]*plan      // by hash of the header, a faster way to plans
	seed    maphash.Seed
	rowid   bool // the rowid is wanted
	rowids  []int64
	columns [][]int64
	n       int
}

func newWorker(sc *scan, null int64) *worker {
	w := &worker{
		reader:  reader{scan: sc},
		null:    null,
		plans:   map[string]*plan{},
		seed:    maphash.MakeSeed(),
		columns: make([][]int64, len(sc.wanted)),
	}
	for _, c := range sc.wanted {
		w.rowid = w.rowid || sc.def.columns[c].rowid
	}
	return w
}

// A plan says how to read the records that have one header.
type plan struct {
	header []byte
	size   int // of the record
	need   int // bytes of it that hold header and values
	local  bool
	loads  []load
	fills  []fill
	rows   []place // in the batch
}

// A load reads an integer: the eight bytes at offset, shifted right.
type load struct {
	column int
	offset int
	shift  uint
}

// A fill sets a value that is the same in all records of the plan.
type fill struct {
	column int
	value  int64
}

// A place is a row of the batch and where its record starts in the buffer.
type place struct {
	row, at uint32
}

// decode reads leaves from to to-1 and decodes them into w.columns.
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
	for _, p := range w.used {
		w.run(p)
		p.rows = p.rows[:0]
	}
	w.used = w.used[:0]
	for i, c := range w.wanted {
		if w.def.columns[c].rowid {
			copy(w.columns[i], w.rowids)
		}
	}
	return nil
}

// run reads the rows of a plan, column by column.
func (w *worker) run(p *plan) {
	for _, l := range p.loads {
		out, buf, offset, shift := w.columns[l.column], w.buf, l.offset, l.shift
		for _, r := range p.rows {
			out[r.row] = int64(binary.BigEndian.Uint64(buf[int(r.at)+offset:])) >> (shift & 63)
		}
	}
	for _, f := range p.fills {
		out, v := w.columns[f.column], f.value
		for _, r := range p.rows {
			out[r.row] = v
		}
	}
}

// scanLeaf finds the plans of the rows of a leaf, which is number k of those
// loaded and whose first row is number row of the batch.
func (w *worker) scanLeaf(i, k, row int) (cells int, err error) {
	b, err := w.leaf(i, k)
	if err != nil {
		return 0, err
	}
	last, first := w.leaves.after(i)
	data, maxLocal := b.data, w.layout.usable-35
	for j := range b.cells {
		// This is leafCell, except that the usual case is written out: a
		// record without overflow whose size takes one or two bytes.
		p := b.array + 2*j
		at := int(data[p])<<8 | int(data[p+1])
		if at < b.end || at+4 > len(data) {
			return 0, b.outside(j)
		}
		size, n := int(data[at]), at+1
		if size >= 0x80 {
			size, n = (size&0x7f)<<7|int(data[at+1]), at+2
		}
		rowid, m := uint64(0), n
		for m < len(data) && data[m] >= 0x80 {
			rowid = rowid<<7 | uint64(data[m]&0x7f)
			m++
		}
		var c cell
		if m >= len(data) || m-n >= 8 || n-at == 2 && data[n-1] >= 0x80 || size > maxLocal || m+1+size > len(data) {
			if c, err = w.leafCell(&b, j); err != nil {
				return 0, err
			}
		} else {
			c = cell{int64(rowid<<7 | uint64(data[m])), size, m + 1}
		}
		if c.rowid <= last && !first {
			return 0, refuse("page %d: rowids not ascending", b.number)
		}
		last, first = c.rowid, false
		if w.rowid {
			w.rowids[row+j] = c.rowid
		}
		pl, err := w.plan(&b, c)
		if err != nil {
			return 0, err
		}
		if !pl.local {
			if err := w.assemble(&b, c, pl, row+j); err != nil {
				return 0, err
			}
			continue
		}
		if len(pl.rows) == 0 {
			w.used = append(w.used, pl)
		}
		pl.rows = append(pl.rows, place{uint32(row + j), uint32(w.at[k] + c.at)})
	}
	if b.cells > 0 && last > w.leaves.last[i] {
		return 0, refuse("page %d: rowids not ascending", b.number)
	}
	return b.cells, nil
}

// assemble reads a row whose values lie in overflow pages.
func (w *worker) assemble(b *btreePage, c cell, p *plan, row int) error {
	record, err := w.prefix(b, c, p.need)
	if err != nil {
		return err
	}
	record = append(record, make([]byte, padding)...)
	for _, l := range p.loads {
		w.columns[l.column][row] = int64(binary.BigEndian.Uint64(record[l.offset:])) >> l.shift
	}
	for _, f := range p.fills {
		w.columns[f.column][row] = f.value
	}
	return nil
}

// plan returns the plan for a record.
func (w *worker) plan(b *btreePage, c cell) (*plan, error) {
	// The usual case: a header of less than 128 bytes, all in the page.
	if c.size > 0 && b.data[c.at] < 0x80 {
		if end := c.at + int(b.data[c.at]); end <= len(b.data) {
			header := b.data[c.at:end]
			p := w.recent[maphash.Bytes(w.seed, header)%uint64(len(w.recent))]
			if p != nil && p.local && p.size == c.size && string(p.header) == string(header) {
				return p, nil
			}
		}
	}
	header, err := w.header(b, c)
	if err != nil {
		return nil, err
	}
	p := w.plans[string(header)]
	if p == nil {
		if p, err = w.newPlan(header); err != nil {
			return nil, fmt.Errorf("page %d: %w", b.number, err)
		}
		if len(w.plans) == maxPlans {
			clear(w.plans)
		}
		w.plans[string(header)] = p
	}
	if p.size != c.size {
		return nil, refuse("page %d: a record of %d bytes whose header says %d", b.number, c.size, p.size)
	}
	w.recent[maphash.Bytes(w.seed, header)%uint64(len(w.recent))] = p
	return p, nil
}

func (w *worker) newPlan(header []byte) (*plan, error) {
	fields, size, need, err := parseRecord(nil, header, w.def.columns, w.wanted)
	if err != nil {
		return nil, err
	}
	p := &plan{
		header: slices.Clone(header),
		size:   size,
		need:   need,
		local:  need <= w.layout.local(size),
	}
	for i, f := range fields {
		n, _ := width(f.serial)
		switch {
		case f.column.rowid:
		case f.absent && !f.column.known:
			return nil, refuse("column %s: a row from before it was added", f.column.Name)
		case f.absent && f.column.missing.Kind == table.Null, !f.absent && f.serial == 0:
			p.fills = append(p.fills, fill{i, w.null})
		case f.absent:
			p.fills = append(p.fills, fill{i, f.column.missing.Int})
		case f.serial == 8 || f.serial == 9:
			p.fills = append(p.fills, fill{i, int64(f.serial - 8)})
		case f.serial <= 6:
			p.loads = append(p.loads, load{i, f.offset, uint(64 - 8*n)})
		default:
			return nil, refuse("column %s: a value that is not an integer", f.column.Name)
		}
	}
	return p, nil
}
