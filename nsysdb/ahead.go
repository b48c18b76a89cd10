package nsysdb

import (
	"context"
	"os"
	"reflect"
	"slices"
	"time"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// aheadBytes is the size of the largest report of which Options.Ahead is read. That
// takes about as long as SQLite takes to open a report, of any size.
const aheadBytes = 4 << 20

// An aheadRead is what Options.Ahead asked for, read as [DB.Read] begins to.
type aheadRead struct {
	query Query
	trace *trace.Trace
}

// openAhead opens a small report by what the scanner alone says, and reads what Read
// will be asked for, if that is known. Where anything is wrong it gives up, and leaves it
// to Open and Read to say what, once SQLite has said its part.
func openAhead(ctx context.Context, path string, opts Options, scanner *source, tables map[string]table.Table) *DB {
	// Memory operations have names of which SQLite reads the table.
	if info, err := os.Stat(path); err != nil || opts.Ahead == nil || opts.Ahead.MemOps || info.Size() > aheadBytes {
		return nil
	}
	tables, err := scanner.decide(tableNames[:], tables, nil)
	if err != nil {
		return nil
	}
	db := &DB{path: path, workers: opts.Workers, src: scanner}
	if db.said, err = describe(ctx, path, tables, scanner); err != nil || db.init(ctx, tables, nil) != nil {
		return nil
	}
	query := opts.Ahead.clone()
	query.Progress = nil
	if t, err := db.read(ctx, &query); err == nil {
		db.ahead.Store(&aheadRead{query, t})
	}
	return db
}

// clone returns a query that shares nothing that its owner may change.
func (q *Query) clone() Query {
	c := *q
	s := &c.Scope
	s.NVTX, s.Devices, s.PIDs, s.Streams = slices.Clone(s.NVTX), slices.Clone(s.Devices), slices.Clone(s.PIDs), slices.Clone(s.Streams)
	for _, at := range []**time.Duration{&s.From, &s.To} {
		if *at != nil {
			own := **at
			*at = &own
		}
	}
	return c
}

// stands reports whether a DB of the scanner alone, nil if there is none, is what SQLite
// too would have made of the report, given the source of both and what SQLite says of the
// capture, or why it cannot.
func (db *DB) stands(src *source, said description, describing error) bool {
	return db != nil && src.scanner != nil && (src.lib == nil || describing == nil && reflect.DeepEqual(db.said, said))
}

// takeAhead returns, once, what was read ahead, if that is what q asks for.
func (db *DB) takeAhead(ctx context.Context, q Query) *trace.Trace {
	q.Progress = nil
	a := db.ahead.Load()
	if a == nil || ctx.Err() != nil || !reflect.DeepEqual(a.query, q) || !db.ahead.CompareAndSwap(a, nil) {
		return nil
	}
	return a.trace
}
