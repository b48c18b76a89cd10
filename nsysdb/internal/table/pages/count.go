package pages

import (
	"context"
	"math"
	"slices"
)

// Count implements [table.Source]: the span of the rowids, which count up from
// 1 where a table has no ids of its own; where it has, or many rows were
// deleted, an estimate from a few leaves.
func (s *Source) Count(ctx context.Context, name string) (int64, error) {
	def, _, err := s.lookup(name, nil)
	if err != nil {
		return 0, s.finish(err)
	}
	n, err := s.count(ctx, def)
	return n, s.finish(err)
}

func (s *Source) count(ctx context.Context, def *definition) (n int64, err error) {
	defer guard(&err)
	worker := s.idle.take()
	defer s.idle.give(worker)
	r := &worker.reader
	if slices.ContainsFunc(def.columns, func(c column) bool { return c.rowid }) {
		return s.sample(ctx, r, def)
	}
	w := &walker{Source: s, ctx: ctx, r: r}
	least, alike, err := w.edge(def.root, false)
	if err != nil || alike == 0 {
		return 0, err
	}
	greatest, _, err := w.edge(def.root, true)
	if err != nil {
		return 0, err
	}
	if span := uint64(greatest) - uint64(least); span < uint64(alike+alike/2) {
		return int64(span) + 1, nil
	}
	return s.sample(ctx, r, def)
}

// sample returns the number of leaves times the mean number of rows of a few
// of them.
func (s *Source) sample(ctx context.Context, r *reader, def *definition) (n int64, err error) {
	var sc scan
	if err := s.start(ctx, &sc, r, def, nil, math.MaxInt, 1); err != nil {
		return 0, err
	}
	leaves := sc.leaves.len()
	const samples = 8
	var rows, read int64 // of at least one leaf
	for i := 0; i < leaves; i += max(1, leaves/samples) {
		if err := r.load(i, i+1); err != nil {
			return 0, err
		}
		b, err := r.leaf(i, 0)
		if err != nil {
			return 0, err
		}
		rows += int64(b.cells)
		read++
	}
	return rows * int64(leaves) / read, nil
}

// edge returns the least rowid below a root, or the greatest, and how many
// rows there are if all pages of a level are like those on the way: 0 where
// the leaf is empty.
func (w *walker) edge(root uint32, greatest bool) (rowid, alike int64, err error) {
	page := root
	alike = 1
	for level := range maxDepth {
		b, err := w.load(page, level)
		if err != nil {
			return 0, 0, err
		}
		at := 0
		if b.kind == leafTable {
			if b.cells == 0 {
				return 0, 0, nil
			}
			if greatest {
				at = b.cells - 1
			}
			c, err := w.leafCell(&b, at)
			return c.rowid, alike * int64(b.cells), err
		}
		if greatest {
			at = b.cells
		}
		if page, _, err = b.cell(at); err != nil {
			return 0, 0, err
		}
		alike = min(alike*int64(b.cells+1), w.layout.pages)
	}
	return 0, 0, refuse("page %d: b-tree too deep", root)
}
