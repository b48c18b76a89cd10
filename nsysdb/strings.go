package nsysdb

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// errStop ends a scan early.
var errStop = errors.New("stop")

// eachString calls fn with each row of StringIds.
// value is valid until fn returns.
func (db *DB) eachString(ctx context.Context, fn func(id int64, value []byte)) error {
	t, ok := db.layout.tables["StringIds"]
	if !ok || !t.Has("id") || !t.Has("value") {
		return nil
	}
	return db.src.rows(ctx, "StringIds", []string{"id", "value"}, func(row []table.Value) error {
		if id, ok := row[0].Whole(); ok && row[1].Kind != table.Null {
			fn(id, row[1].Bytes)
		}
		return nil
	})
}

// A stringTable gathers the texts of a trace, each once.
type stringTable struct {
	list []string
	ids  map[string]uint32
}

func newStringTable() *stringTable {
	return &stringTable{list: []string{""}, ids: map[string]uint32{"": 0}}
}

func (t *stringTable) id(s string) uint32 {
	id, ok := t.ids[s]
	if !ok {
		if len(t.list) >= math.MaxInt32 {
			panic("nsysdb: too many strings")
		}
		id = uint32(len(t.list))
		t.list = append(t.list, s)
		t.ids[s] = id
	}
	return id
}

// bytes is id for a text that is mostly there already.
func (t *stringTable) bytes(b []byte) uint32 {
	if id, ok := t.ids[string(b)]; ok {
		return id
	}
	return t.id(string(b))
}

// unresolved is the name of a string id that the report does not resolve.
func unresolved(id int64) string {
	if id == null {
		return "<unresolved>"
	}
	return fmt.Sprintf("<unresolved %d>", id)
}
