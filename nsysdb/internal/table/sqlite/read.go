//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// batchRows is the number of rows of a batch, or the span of rowids that a
// worker reads at a time: enough to make the cost of a query vanish, few
// enough to stay in the processor's cache.
const batchRows = 16384

// query runs fn on the rows of a query.
func query(ctx context.Context, c *sqlite3.SQLiteConn, q string, args []driver.NamedValue, fn func(*cursor) error) (err error) {
	rows, err := c.QueryContext(ctx, q, args)
	if err != nil {
		return explain(err)
	}
	defer func() {
		if e := rows.Close(); err == nil && e != nil {
			err = explain(e)
		}
	}()
	return fn(&cursor{rows: rows, row: make([]driver.Value, len(rows.Columns()))})
}

// A cursor steps through the rows of a query.
type cursor struct {
	rows driver.Rows
	row  []driver.Value // the current row
}

// next fetches a row and reports whether there was one.
func (c *cursor) next() (bool, error) {
	switch err := c.rows.Next(c.row); err {
	case nil:
		return true, nil
	case io.EOF:
		return false, nil
	default:
		return false, explain(err)
	}
}

func (s *source) Tables(ctx context.Context, names []string) (map[string]table.Table, error) {
	tables := map[string]table.Table{}
	if err := s.finish(s.readTables(ctx, names, tables)); err != nil {
		return nil, err
	}
	return tables, nil
}

func (s *source) readTables(ctx context.Context, names []string, tables map[string]table.Table) error {
	c, err := s.conn(ctx)
	if err != nil {
		return err
	}
	defer s.put(c)
	virtual := map[string]bool{} // the tables and views, by whether they are virtual
	const listed = "SELECT name, sql LIKE 'CREATE VIRTUAL%' FROM sqlite_schema WHERE type IN ('table', 'view')"
	if err := eachRow(ctx, c, listed, nil, func(row []driver.Value) { virtual[text(row[0])] = row[1] == int64(1) }); err != nil {
		return err
	}
	known, err := defined(ctx, c)
	if err != nil {
		return err
	}
	if names == nil {
		names = slices.Collect(maps.Keys(virtual))
	}
	for _, name := range names {
		isVirtual, ok := virtual[name]
		if ok != known[name] {
			// SQLite goes by the name in a definition. Another one in the schema is damaged.
			return fmt.Errorf("%w: table %q has another name in its definition", ErrCorrupt, name)
		}
		if !ok || isVirtual {
			continue
		}
		t := table.Table{Name: name}
		// hidden is 1 for the hidden columns of virtual tables; generated columns
		// (2 and 3) read like others.
		const columns = "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid"
		err := eachRow(ctx, c, columns, []driver.NamedValue{{Ordinal: 1, Value: name}}, func(row []driver.Value) {
			t.Columns = append(t.Columns, table.Column{Name: text(row[0]), Type: strings.ToUpper(text(row[1]))})
		})
		var e sqlite3.Error
		switch {
		case errors.As(err, &e) && e.Code == sqlite3.ErrError: // a view of what is not there, or with functions that are not
			t.Columns, t.Err = nil, fmt.Errorf("%s: %w", name, err)
		case err != nil:
			return err
		}
		tables[name] = t
	}
	s.mu.Lock()
	s.known = tables
	s.mu.Unlock()
	return nil
}

// defined returns the names of the tables and views by their definitions.
//
// To list them SQLite prepares to select from each view and virtual table, which
// may take it forever (views of views) and is none of our business: it is refused.
func defined(ctx context.Context, c *sqlite3.SQLiteConn) (map[string]bool, error) {
	c.RegisterAuthorizer(func(action int, _, _, _ string) int {
		if action == sqlite3.SQLITE_SELECT {
			return sqlite3.SQLITE_DENY
		}
		return sqlite3.SQLITE_OK
	})
	defer c.RegisterAuthorizer(nil)
	names := map[string]bool{}
	err := eachRow(ctx, c, "PRAGMA main.table_list", nil, func(row []driver.Value) { names[text(row[1])] = true })
	return names, err
}

// eachRow calls fn with each row of a query.
func eachRow(ctx context.Context, c *sqlite3.SQLiteConn, q string, args []driver.NamedValue, fn func([]driver.Value)) error {
	return query(ctx, c, q, args, func(cur *cursor) error {
		for {
			more, err := cur.next()
			if err != nil || !more {
				return err
			}
			fn(cur.row)
		}
	})
}

func text(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

func (s *source) Rows(ctx context.Context, name string, columns []string, fn func([]table.Value) error) error {
	return s.finish(s.rows(ctx, name, columns, fn))
}

func (s *source) rows(ctx context.Context, name string, columns []string, fn func([]table.Value) error) error {
	c, err := s.conn(ctx)
	if err != nil {
		return err
	}
	defer s.put(c)
	id, err := s.rowid(ctx, c, name)
	if err != nil {
		return err
	}
	q := selectFrom(name, columns) + inOrder(id)
	return query(ctx, c, q, nil, func(cur *cursor) error {
		raw := cur.row
		row := make([]table.Value, len(raw))
		for {
			more, err := cur.next()
			if err != nil || !more {
				return err
			}
			for i, v := range raw {
				if row[i], err = value(v); err != nil {
					return fmt.Errorf("column %s: %w", columns[i], err)
				}
			}
			if err := fn(row); err != nil {
				return err
			}
		}
	})
}

func value(v driver.Value) (table.Value, error) {
	switch v := v.(type) {
	case nil:
		return table.Value{}, nil
	case int64:
		return table.Value{Kind: table.Integer, Int: v}, nil
	case float64:
		return table.Value{Kind: table.Real, Float: v}, nil
	case string:
		return table.Value{Kind: table.Text, Bytes: []byte(v)}, nil
	case []byte:
		return table.Value{Kind: table.Blob, Bytes: v}, nil
	}
	return table.Value{}, fmt.Errorf("value of unknown type %T", v)
}

func (s *source) Count(ctx context.Context, name string) (int64, error) {
	n, err := s.count(ctx, name)
	return n, s.finish(err)
}

func (s *source) count(ctx context.Context, name string) (int64, error) {
	c, err := s.conn(ctx)
	if err != nil {
		return 0, err
	}
	defer s.put(c)
	id, err := s.rowid(ctx, c, name)
	if err != nil {
		return 0, err
	}
	lo, hi, ok, err := rowids(ctx, c, name, id)
	if err != nil {
		return 0, err
	}
	if ok {
		if n := hi - lo + 1; n > 0 {
			return n, nil
		}
	}
	return count(ctx, c, name)
}

func count(ctx context.Context, c *sqlite3.SQLiteConn, name string) (n int64, err error) {
	err = query(ctx, c, "SELECT count(*) FROM "+quote(name), nil, func(cur *cursor) error {
		if _, err := cur.next(); err != nil {
			return err
		}
		n, _ = cur.row[0].(int64)
		return nil
	})
	return n, err
}

// rowid returns the name by which statements reach the rowids of a table: of
// the three that there are, one that no column of it has
// (https://www.sqlite.org/lang_createtable.html#rowid). It is "" where the rows
// have none, as those of a view, or no name is left for it.
func (s *source) rowid(ctx context.Context, c *sqlite3.SQLiteConn, name string) (string, error) {
	taken := map[string]bool{}
	s.mu.Lock()
	known := s.known[name].Columns
	s.mu.Unlock()
	for _, c := range known {
		taken[strings.ToLower(c.Name)] = true
	}
	if known == nil {
		err := eachRow(ctx, c, "SELECT lower(name) FROM pragma_table_xinfo(?)", []driver.NamedValue{{Ordinal: 1, Value: name}}, func(row []driver.Value) {
			taken[text(row[0])] = true
		})
		if err != nil {
			return "", err
		}
	}
	for _, id := range []string{"rowid", "_rowid_", "oid"} {
		if taken[id] {
			continue
		}
		err := query(ctx, c, "SELECT "+id+" FROM "+quote(name)+" WHERE 0", nil, func(*cursor) error { return nil })
		var e sqlite3.Error
		if errors.As(err, &e) && e.Code == sqlite3.ErrError { // no such column
			return "", nil
		}
		return id, err
	}
	return "", nil
}

// inOrder ends a statement that selects from a table, such that the rows come
// in order of rowid, given what rowid returned. Where they have a rowid without
// a name, the order is that of the table; an index may have another.
func inOrder(id string) string {
	if id == "" {
		return " NOT INDEXED"
	}
	return " ORDER BY " + id
}

// rowids returns the least and greatest rowid of a table, by their name; ok is
// false where it is empty or has none.
func rowids(ctx context.Context, c *sqlite3.SQLiteConn, name, id string) (lo, hi int64, ok bool, err error) {
	if id == "" {
		return 0, 0, false, nil
	}
	// Two subqueries: SQLite answers min and max of a rowid in one step each,
	// but scans the table for both at once.
	q := "SELECT (SELECT min(" + id + ") FROM " + quote(name) + "), (SELECT max(" + id + ") FROM " + quote(name) + ")"
	err = query(ctx, c, q, nil, func(cur *cursor) error {
		row := cur.row
		if _, err := cur.next(); err != nil {
			return err
		}
		a, ok1 := row[0].(int64)
		b, ok2 := row[1].(int64)
		lo, hi, ok = a, b, ok1 && ok2
		return nil
	})
	return lo, hi, ok, err
}

// databaseSize returns the size of the database in bytes, that in its write-ahead
// log included.
func databaseSize(ctx context.Context, c *sqlite3.SQLiteConn) (size int64, err error) {
	const q = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	err = eachRow(ctx, c, q, nil, func(row []driver.Value) { size, _ = row[0].(int64) })
	return size, err
}

func (s *source) Ints(ctx context.Context, name string, columns []string, opts table.IntsOptions, fn func(table.Batch) error) error {
	return s.finish(s.ints(ctx, name, columns, opts, fn))
}

func (s *source) ints(ctx context.Context, name string, columns []string, opts table.IntsOptions, fn func(table.Batch) error) error {
	c, err := s.conn(ctx)
	if err != nil {
		return err
	}
	id, err := s.rowid(ctx, c, name)
	if err != nil {
		s.put(c)
		return err
	}
	lo, hi, ok, err := rowids(ctx, c, name, id)
	if err != nil || id != "" && !ok {
		s.put(c)
		return err
	}
	r := intsReader{name: name, columns: columns, opts: opts, fn: fn, turns: table.NewTurns()}
	selected := selectFrom(name, slices.Concat(columns, opts.Keys))
	workers := opts.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	size, err := databaseSize(ctx, c)
	if err != nil {
		s.put(c)
		return err
	}
	span := uint64(hi) - uint64(lo) // right where hi - lo overflows
	if !ok || span >= uint64(max(size, batchRows)) {
		// No rowids, or so sparse that most spans of them would be empty: a row
		// takes several bytes, so that there are more rowids than rows.
		defer s.put(c)
		return r.read(ctx, c, selected+inOrder(id), nil, 0, 0, r.newBuffer())
	}
	chunks := int64(span/batchRows) + 1
	if int64(workers) > chunks {
		workers = int(chunks)
	}

	q := selected + " WHERE " + id + " BETWEEN ? AND ?" + inOrder(id)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	fail := func(err error) {
		cancel(err)
		r.turns.End()
	}
	var taken atomic.Int64
	work := func(worker int, c *sqlite3.SQLiteConn) {
		buf := r.newBuffer()
		for {
			k := taken.Add(1) - 1
			if k >= chunks {
				return
			}
			if ctx.Err() != nil {
				r.turns.End()
				return
			}
			from := lo + k*batchRows
			to := hi
			if k < chunks-1 {
				to = from + batchRows - 1
			}
			args := []driver.NamedValue{{Ordinal: 1, Value: from}, {Ordinal: 2, Value: to}}
			if err := r.read(ctx, c, q, args, worker, int(k), buf); err != nil {
				fail(err)
				return
			}
		}
	}
	var wg sync.WaitGroup
	for w := 1; w < workers; w++ {
		wg.Go(func() {
			c, err := s.conn(ctx)
			if err != nil {
				fail(err)
				return
			}
			defer s.put(c)
			work(w, c)
		})
	}
	work(0, c)
	wg.Wait()
	s.put(c)
	return context.Cause(ctx)
}

type intsReader struct {
	name    string
	columns []string
	opts    table.IntsOptions
	fn      func(table.Batch) error
	turns   *table.Turns
}

// A buffer has room for the rows of a batch.
type buffer struct {
	columns [][]int64
	keys    []uint32 // nil if there are no keys
}

func (r *intsReader) newBuffer() *buffer {
	b := &buffer{columns: make([][]int64, len(r.columns))}
	for i := range b.columns {
		b.columns[i] = make([]int64, batchRows)
	}
	if len(r.opts.Keys) > 0 {
		b.keys = make([]uint32, batchRows)
	}
	return b
}

// read passes on the rows of one query, in batches with numbers from seq. It
// is one batch, perhaps an empty one, if a batch has room for the rows.
func (r *intsReader) read(ctx context.Context, c *sqlite3.SQLiteConn, q string, args []driver.NamedValue, worker, seq int, buf *buffer) error {
	return query(ctx, c, q, args, func(cur *cursor) error {
		full, keys := buf.columns, buf.keys
		n, first := 0, seq
		flush := func() error {
			if n == 0 && seq > first {
				return nil
			}
			b := table.Batch{Seq: seq, Turns: r.turns, Worker: worker, Columns: make([][]int64, len(full)), N: n}
			for i := range full {
				b.Columns[i] = full[i][:n]
			}
			if keys != nil {
				b.Keys = keys[:n]
			}
			seq++
			n = 0
			return r.fn(b)
		}
		key := make([]table.Value, len(r.opts.Keys))
		for {
			more, err := cur.next()
			if err != nil {
				return err
			}
			if !more {
				return flush()
			}
			for i := range full {
				switch v := cur.row[i].(type) {
				case int64:
					full[i][n] = v
				case nil:
					full[i][n] = r.opts.Null
				default:
					// The driver gives no value that value does not know.
					x, _ := value(v)
					whole, ok := x.Whole()
					if !ok {
						return fmt.Errorf("column %s of %s: %w", r.columns[i], r.name, table.ErrNotInteger)
					}
					full[i][n] = whole
				}
			}
			if keys != nil {
				for i, v := range cur.row[len(full):] {
					if key[i], err = value(v); err != nil {
						return fmt.Errorf("column %s of %s: %w", r.opts.Keys[i], r.name, err)
					}
				}
				if keys[n], err = r.opts.Key(worker, key); err != nil {
					return err
				}
			}
			n++
			if n == batchRows {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	})
}

// selectFrom selects columns of a table. The unary plus makes expressions of
// them, which have no declared type: of columns declared BOOLEAN, DATE or
// TIMESTAMP the driver would not give the values as they are.
func selectFrom(name string, columns []string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = "+" + quote(c)
	}
	return "SELECT " + strings.Join(quoted, ", ") + " FROM " + quote(name)
}

// quote quotes an identifier. SQLite takes an unknown one in double quotes for
// a string; in brackets it is an error. Exports use no bracket in names, and a
// name with one is refused by SQLite as a syntax error.
func quote(name string) string { return "[" + name + "]" }
