package pages_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/sqlite"
)

// compareSources reads every table of a file that package pages recognises
// with both implementations of table.Source, which must agree: which of them
// reads a table is no question of what is in it.
func compareSources(t testing.TB, path string) {
	t.Helper()
	ctx := t.Context()
	got, err := pages.Open(ctx, path)
	if err != nil {
		return
	}
	defer got.Close()
	want, err := sqlite.Open(ctx, path)
	if err != nil {
		t.Fatalf("only SQLite does not open the file: %v", err)
	}
	defer want.Close()
	tables, err := want.Tables(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tab := range tables {
		var columns, ints, keys []string
		for _, c := range tab.Columns {
			columns = append(columns, c.Name)
			if c.Type == "INTEGER" && len(ints) < 2 {
				ints = append(ints, c.Name)
			} else {
				keys = append(keys, c.Name)
			}
		}
		rows, err := byPages(ctx, got, name, columns)
		if err != nil {
			continue // left to SQLite
		}
		wantRows, err := byPages(ctx, want, name, columns)
		if err != nil {
			t.Errorf("%s: only SQLite cannot read the rows: %v", name, err)
		}
		if !slices.EqualFunc(wantRows, rows, func(a, b []table.Value) bool { return slices.EqualFunc(a, b, same) }) {
			t.Errorf("%s: rows (-sqlite +pages):\n%.3000s", name, cmp.Diff(wantRows, rows))
		}

		if len(ints) == 0 {
			continue
		}
		const workers = 3
		gotInts, err := intsByPages(ctx, got, name, ints, workers)
		wantInts, err2 := intsByPages(ctx, want, name, ints, workers)
		if (err == nil) != (err2 == nil) {
			t.Errorf("%s: ints: SQLite ends with %v, pages with %v", name, err2, err)
		}
		if err != nil {
			continue
		}
		if !slices.EqualFunc(wantInts, gotInts, slices.Equal) {
			t.Errorf("%s: ints (-sqlite +pages):\n%.3000s", name, cmp.Diff(wantInts, gotInts))
		}
		if len(keys) == 0 {
			continue
		}
		rows, beside, err := keysByPages(ctx, got, name, ints, keys, workers)
		wantRows, wantBeside, err2 := keysByPages(ctx, want, name, ints, keys, workers)
		if err != nil {
			continue // a primary key among them
		}
		if err2 != nil {
			t.Errorf("%s: only SQLite cannot read the keys: %v", name, err2)
		}
		if !slices.EqualFunc(wantRows, rows, func(a, b []table.Value) bool { return slices.EqualFunc(a, b, same) }) || !slices.Equal(wantBeside, beside) {
			t.Errorf("%s: keys differ", name)
		}
	}
}
