package pages

import (
	"context"
)

// Count implements [table.Source]: the number of leaves times the mean number
// of rows of a few of them.
func (s *Source) Count(ctx context.Context, name string) (int64, error) {
	def, _, err := s.lookup(name, nil)
	if err != nil {
		return 0, err
	}
	n, err := s.count(ctx, def)
	return n, s.finish(err)
}

func (s *Source) count(ctx context.Context, def *definition) (n int64, err error) {
	defer guard(&err)
	w := s.idle.take()
	defer s.idle.give(w)
	var sc scan
	r := &w.reader
	if err := s.start(ctx, &sc, r, def, nil); err != nil {
		return 0, err
	}
	leaves := sc.leaves.len()
	const samples = 8
	var rows, read int64
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
	return rows * int64(leaves) / max(1, read), nil
}
