package pages

import (
	"context"
	"math"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// Rows implements [table.Source].
func (s *Source) Rows(ctx context.Context, name string, columns []string, fn func([]table.Value) error) error {
	def, wanted, err := s.lookup(name, columns)
	if err != nil {
		return s.finish(err)
	}
	return s.finish(s.rows(ctx, def, wanted, fn))
}

func (s *Source) rows(ctx context.Context, def *definition, wanted []int, fn func([]table.Value) error) error {
	w := s.idle.take()
	defer s.idle.give(w)
	c := &cursor{reader: &w.reader, row: make([]table.Value, len(wanted))}
	if err := s.start(ctx, &c.scan, c.reader, def, wanted, firstLeaves, 1); err != nil {
		return err
	}
	for {
		more, err := c.next(ctx)
		if err != nil || !more {
			return err
		}
		if err := fn(c.row); err != nil {
			return err
		}
	}
}

// firstLeaves is how many leaves a cursor lists before it lists all: who looks
// for the first row of a kind mostly finds it there.
const firstLeaves = 64

// start begins a scan, whose first reader is r, by listing the table's leaves, or
// the first so many of them.
func (s *Source) start(ctx context.Context, c *scan, r *reader, def *definition, wanted []int, most, workers int) (err error) {
	defer guard(&err)
	c.Source, c.def, c.wanted = s, def, wanted
	c.overflow.Store(s.layout.pages)
	c.leaves, err = r.list(ctx, s, def.root, most, workers)
	r.scan = c
	return err
}

// A cursor steps through the rows of a table.
type cursor struct {
	scan   scan
	reader *reader
	loaded int // leaves loaded so far
	first  int // first of those in the reader
	leaf   int // next leaf
	page   btreePage
	cell   int // next cell of page
	last   int64
	fields []field
	row    []table.Value
}

// next moves to the next row, if there is one.
func (c *cursor) next(ctx context.Context) (ok bool, err error) {
	defer guard(&err)
	for c.cell == c.page.cells {
		if c.leaf == c.scan.leaves.len() {
			if !c.scan.leaves.more {
				return false, nil
			}
			if c.scan.leaves, err = c.reader.list(ctx, c.scan.Source, c.scan.def.root, math.MaxInt, 1); err != nil {
				return false, err
			}
			continue
		}
		if c.leaf == c.loaded {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			c.first = c.loaded
			c.loaded = min(c.loaded+c.scan.perRun(), c.scan.leaves.len())
			if err := c.reader.load(c.first, c.loaded); err != nil {
				return false, err
			}
		}
		if c.page, err = c.reader.leaf(c.leaf, c.leaf-c.first); err != nil {
			return false, err
		}
		c.leaf++
		c.cell = 0
	}
	return true, c.decode()
}

func (c *cursor) decode() error {
	at, err := c.reader.leafCell(&c.page, c.cell)
	if err != nil {
		return err
	}
	first := c.leaf == 1 && c.cell == 0
	if !first && at.rowid <= c.last || at.rowid > c.scan.leaves.last[c.leaf-1] {
		return refuse("page %d: rowids not ascending", c.page.number)
	}
	if after, none := c.scan.leaves.after(c.leaf - 1); !none && at.rowid <= after {
		return refuse("page %d: rowids not ascending", c.page.number)
	}
	c.last = at.rowid
	c.cell++

	header, err := c.reader.header(&c.page, at)
	if err != nil {
		return err
	}
	fields, size, need, err := parseRecord(c.fields, header, c.scan.def.columns, c.scan.wanted)
	if err != nil {
		return err
	}
	c.fields = fields
	if size != at.size {
		return refuse("page %d: a record of %d bytes whose header says %d", c.page.number, at.size, size)
	}
	record, err := c.reader.prefix(&c.page, at, need)
	if err != nil {
		return err
	}
	for i := range fields {
		if c.row[i], err = fields[i].value(record, at.rowid); err != nil {
			return err
		}
	}
	return nil
}
