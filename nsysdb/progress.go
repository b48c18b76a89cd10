package nsysdb

import (
	"context"
	"sync"
)

// A progress counts rows for Query.Progress.
type progress struct {
	fn    func(done, total int64)
	total int64

	mu   sync.Mutex
	done int64
}

// newProgress returns the progress of a read, nil if nobody asked for it.
func (db *DB) newProgress(ctx context.Context, q *Query, nvtx bool) (*progress, error) {
	if q.Progress == nil {
		return nil, nil
	}
	l := &db.layout
	var more []string // tables besides that of launches
	if q.MemOps {
		more = append(more, l.memcpys, l.memsets)
	}
	if nvtx {
		more = append(append(more, l.nvtx), l.calls...)
	}
	p := &progress{fn: q.Progress, total: db.capture.Launches}
	for _, name := range more {
		if name == "" {
			continue
		}
		n, err := db.src.count(ctx, name)
		if err != nil {
			return nil, err
		}
		p.total += n
	}
	return p, nil
}

// table returns the count of the rows of one table. That of a nil progress is
// nil, and does nothing.
func (p *progress) table() *rowCount {
	if p == nil {
		return nil
	}
	return &rowCount{progress: p}
}

// A rowCount is a table's part of a progress.
type rowCount struct {
	*progress
	rows int64
}

// add says that rows were read.
func (c *rowCount) add(rows int) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows += int64(rows)
	c.done += int64(rows)
	c.fn(c.done, max(c.done, c.total))
}

// reset says that the rows of the table will be read again.
func (c *rowCount) reset() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done -= c.rows
	c.rows = 0
}
