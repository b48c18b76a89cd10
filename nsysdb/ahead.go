package nsysdb

import (
	"context"
	"os"
	"reflect"

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

// openAhead opens a report by what the scanner alone says and, if it is small, reads
// what Read will be asked for. Where anything is wrong it gives up what it was at, and
// leaves it to Open and Read, once SQLite is there, to say what.
func openAhead(ctx context.Context, path string, opts Options, src *source, tables map[string]table.Table) *DB {
	tables, err := src.decide(tableNames[:], tables, nil)
	if err != nil {
		return nil
	}
	db := &DB{path: path, workers: opts.Workers, src: src}
	if db.init(ctx, tables) != nil {
		return nil
	}
	if info, err := os.Stat(path); err != nil || opts.Ahead == nil || info.Size() > aheadBytes {
		return db
	}
	query := *opts.Ahead
	query.Progress = nil
	if t, err := db.read(ctx, &query); err == nil {
		db.ahead.Store(&aheadRead{query, t})
	}
	return db
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
