package pages

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// schemaTable is the table that holds the schema, at page 1 (§2.6).
func schemaTable() *definition {
	text := func(name string) column {
		return column{Column: table.Column{Name: name, Type: "TEXT"}, known: true}
	}
	return &definition{
		name: "sqlite_schema",
		root: 1,
		columns: []column{
			text("type"), text("name"), text("tbl_name"),
			{Column: table.Column{Name: "rootpage", Type: "INTEGER"}, known: true},
			text("sql"),
		},
	}
}

func (s *Source) readSchema(ctx context.Context) error {
	s.tables = map[string]*definition{}
	return s.rows(ctx, schemaTable(), []int{0, 1, 2, 3, 4}, func(row []table.Value) error {
		kind, name, of, root, sql := string(row[0].Bytes), string(row[1].Bytes), string(row[2].Bytes), row[3], string(row[4].Bytes)
		if kind != "table" && kind != "view" {
			return nil
		}
		if s.tables[name] != nil {
			return refuse("two tables %q", name)
		}
		// A schema has the name of a table three times (§2.6). One that is damaged
		// would pass for another table, and the report for one without this one.
		if in := tableName(sql); of != name || kind == "table" && in != "" && in != name {
			return refuse("table %q is called %q and %q", name, of, in)
		}
		d := &definition{name: name}
		s.tables[name] = d
		switch {
		case kind == "view":
			d.refused = refuse("a view")
		case sql == "":
			d.refused = refuse("no definition of the table")
		case root.Kind != table.Integer || root.Int < 2 || root.Int > s.layout.pages:
			d.refused = refuse("no page for the table")
		default:
			d.root = uint32(root.Int)
			d.sql = sql
		}
		return nil
	})
}

// Tables implements [table.Source]. The Err of a table whose columns cannot be
// told, as those of a view, wraps [table.ErrUnsupported].
func (s *Source) Tables(_ context.Context, names []string) (map[string]table.Table, error) {
	if names == nil {
		names = slices.Collect(maps.Keys(s.tables))
	}
	tables := make(map[string]table.Table, len(names))
	for _, name := range names {
		d, ok := s.tables[name]
		if !ok {
			continue
		}
		d.parse()
		t := table.Table{Name: name}
		if d.columns == nil {
			t.Err = fmt.Errorf("%s: %s: %w", s.path, name, d.refused)
		}
		for _, c := range d.columns {
			t.Columns = append(t.Columns, c.Column)
		}
		tables[name] = t
	}
	return tables, nil
}

// lookup finds a table that can be read and the indices of its columns. Its
// errors go through finish, as what is left to SQLite must not have changed.
func (s *Source) lookup(name string, columns []string) (*definition, []int, error) {
	d := s.tables[name]
	if d == nil {
		return nil, nil, refuse("no table %s", name)
	}
	if d.parse(); d.refused != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, d.refused)
	}
	indices := make([]int, len(columns))
next:
	for i, want := range columns {
		for j, c := range d.columns {
			if c.Name == want {
				indices[i] = j
				continue next
			}
		}
		return nil, nil, refuse("table %s has no column %s", name, want)
	}
	return d, indices, nil
}
