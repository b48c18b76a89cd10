package pages_test

import (
	"bytes"
	cmp2 "cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mattn/go-sqlite3"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
)

// connect opens a database with SQLite, for reading unless it is to be made.
func connect(t testing.TB, path, mode string) *sqlite3.SQLiteConn {
	t.Helper()
	c, err := open(path, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func open(path, mode string) (*sqlite3.SQLiteConn, error) {
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "mode=" + mode}
	c, err := new(sqlite3.SQLiteDriver).Open(uri.String())
	if err != nil {
		return nil, err
	}
	return c.(*sqlite3.SQLiteConn), nil
}

func exec(t testing.TB, c *sqlite3.SQLiteConn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := c.Exec(s, nil); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// query returns the rows of a query as values.
func query(c *sqlite3.SQLiteConn, statement string) (rows [][]table.Value, err error) {
	r, err := c.Query(statement, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	row := make([]driver.Value, len(r.Columns()))
	for {
		if err := r.Next(row); err != nil {
			if err.Error() == "EOF" {
				return rows, nil
			}
			return nil, err
		}
		rows = append(rows, values(row))
	}
}

func values(row []driver.Value) []table.Value {
	out := make([]table.Value, len(row))
	for i, v := range row {
		switch v := v.(type) {
		case nil:
		case int64:
			out[i] = table.Value{Kind: table.Integer, Int: v}
		case float64:
			out[i] = table.Value{Kind: table.Real, Float: v}
		case string:
			out[i] = table.Value{Kind: table.Text, Bytes: []byte(v)}
		case []byte:
			out[i] = table.Value{Kind: table.Blob, Bytes: slices.Clone(v)}
		default:
			panic(fmt.Sprintf("%T", v))
		}
	}
	return out
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// list quotes names as expressions. The unary plus keeps go-sqlite3 from
// turning the values of columns that are declared as times or booleans.
func list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = "+" + quote(n)
	}
	return strings.Join(quoted, ", ")
}

// byPages returns the rows of a table as package pages reads them.
func byPages(ctx context.Context, s table.Source, name string, columns []string) (rows [][]table.Value, err error) {
	err = s.Rows(ctx, name, columns, func(row []table.Value) error {
		copied := slices.Clone(row)
		for i := range copied {
			copied[i].Bytes = slices.Clone(copied[i].Bytes)
		}
		rows = append(rows, copied)
		return nil
	})
	return rows, err
}

const null = math.MinInt64 + 12345

// intsByPages returns the columns of a table as Ints reads them.
func intsByPages(ctx context.Context, s table.Source, name string, columns []string, workers int) ([][]int64, error) {
	batches := make([]map[int][][]int64, workers)
	for i := range batches {
		batches[i] = map[int][][]int64{}
	}
	err := s.Ints(ctx, name, columns, table.IntsOptions{Workers: workers, Null: null}, func(b table.Batch) error {
		if b.Keys != nil {
			return errors.New("keys, though none were asked for")
		}
		var copied [][]int64
		for _, c := range b.Columns {
			if len(c) != b.N {
				return fmt.Errorf("a column of %d rows in a batch of %d", len(c), b.N)
			}
			copied = append(copied, slices.Clone(c))
		}
		batches[b.Worker][b.Seq] = copied
		return nil
	})
	all := map[int][][]int64{}
	var seqs []int
	for _, m := range batches {
		for seq, c := range m {
			all[seq] = c
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	out := make([][]int64, len(columns))
	for _, seq := range seqs {
		for i, c := range all[seq] {
			out[i] = append(out[i], c...)
		}
	}
	return out, err
}

// keysByPages returns the rows of a table as the keys of Ints tell them, with
// the ints beside them to see that they stay together.
func keysByPages(ctx context.Context, s table.Source, name string, ints, keys []string, workers int) (rows [][]table.Value, beside []int64, err error) {
	var mu sync.Mutex
	var known [][]table.Value // by number
	type batch struct {
		seq    int
		keys   []uint32
		beside []int64
	}
	var batches []batch
	opts := table.IntsOptions{Workers: workers, Null: null, Keys: keys, Key: func(_ int, row []table.Value) (uint32, error) {
		mu.Lock()
		defer mu.Unlock()
		copied := slices.Clone(row)
		for i := range copied {
			copied[i].Bytes = slices.Clone(copied[i].Bytes)
		}
		known = append(known, copied)
		return uint32(len(known) - 1), nil
	}}
	err = s.Ints(ctx, name, ints, opts, func(b table.Batch) error {
		if len(b.Keys) != b.N {
			return fmt.Errorf("%d keys in a batch of %d", len(b.Keys), b.N)
		}
		x := batch{seq: b.Seq, keys: slices.Clone(b.Keys)}
		if len(ints) > 0 {
			x.beside = slices.Clone(b.Columns[0])
		}
		mu.Lock()
		defer mu.Unlock()
		batches = append(batches, x)
		return nil
	})
	slices.SortFunc(batches, func(a, b batch) int { return cmp2.Compare(a.seq, b.seq) })
	for _, b := range batches {
		for _, k := range b.keys {
			rows = append(rows, known[k])
		}
		beside = append(beside, b.beside...)
	}
	return rows, beside, err
}

// compare reads every table of a file both ways. It returns the tables that
// package pages leaves to SQLite, with the reason; "" stands for all of them.
func compare(t testing.TB, path string) map[string]string {
	t.Helper()
	ctx := t.Context()
	refused := map[string]string{}
	s, err := pages.Open(ctx, path)
	if err != nil {
		if !errors.Is(err, table.ErrUnsupported) {
			t.Fatalf("opening: %v", err)
		}
		if !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("the error does not start with the path: %v", err)
		}
		return map[string]string{"": err.Error()}
	}
	defer s.Close()
	c := connect(t, path, "ro")
	tables, err := query(c, "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view')")
	if err != nil {
		t.Fatal(err)
	}
	known, err := s.Tables(ctx, nil)
	if err == nil && len(known) != len(tables) || err != nil && !errors.Is(err, table.ErrUnsupported) {
		t.Errorf("%d tables, want %d: %v", len(known), len(tables), err)
	}
	for _, row := range tables {
		name := string(row[0].Bytes)
		if reason := compareTable(t, s, c, name, known); reason != nil {
			refused[name] = reason.Error()
		}
	}
	changed, err := s.Changed()
	if changed || err != nil {
		t.Errorf("changed: %v, %v", changed, err)
	}
	compareSources(t, path)
	return refused
}

// compareTable returns why package pages does not read the table.
func compareTable(t testing.TB, s table.Source, c *sqlite3.SQLiteConn, name string, known map[string]table.Table) error {
	t.Helper()
	info, err := query(c, "SELECT name, upper(type) FROM pragma_table_info("+"'"+strings.ReplaceAll(name, "'", "''")+"')")
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var columns, ints []string
	var definition []table.Column
	for _, col := range info {
		n, typ := string(col[0].Bytes), string(col[1].Bytes)
		columns = append(columns, n)
		definition = append(definition, table.Column{Name: n, Type: typ})
		if typ == "INTEGER" {
			ints = append(ints, n)
		}
	}
	if k := known[name]; k.Err != nil {
		if !errors.Is(k.Err, table.ErrUnsupported) || k.Columns != nil {
			t.Errorf("%s: columns %v, %v", name, k.Columns, k.Err)
		}
	} else if diff := cmp.Diff(definition, k.Columns); diff != "" {
		t.Errorf("%s: columns (-sqlite +pages):\n%s", name, diff)
	}

	got, err := byPages(t.Context(), s, name, columns)
	if err != nil {
		if !errors.Is(err, table.ErrUnsupported) {
			t.Fatalf("%s: %v", name, err)
		}
		compareRefused(t, s, c, name, ints)
		return err
	}
	want, err := query(c, "SELECT "+list(columns)+" FROM "+quote(name)+" ORDER BY rowid")
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !slices.EqualFunc(want, got, func(a, b []table.Value) bool { return slices.EqualFunc(a, b, same) }) {
		t.Errorf("%s: rows (-sqlite +pages):\n%.3000s", name, cmp.Diff(want, got, cmpopts.EquateEmpty()))
	}

	n, err := s.Count(t.Context(), name)
	if err != nil || (n > 0) != (len(want) > 0) { // it is an estimate
		t.Errorf("%s: count %d, want about %d: %v", name, n, len(want), err)
	}

	wantInts := make([][]int64, len(ints))
	for i, n := range ints {
		at := slices.Index(columns, n)
		for _, row := range want {
			switch row[at].Kind {
			case table.Null:
				wantInts[i] = append(wantInts[i], null)
			case table.Integer:
				wantInts[i] = append(wantInts[i], row[at].Int)
			default:
				wantInts = nil // not integers after all
			}
			if wantInts == nil {
				break
			}
		}
		if wantInts == nil {
			break
		}
	}
	for _, workers := range []int{1, 3} {
		gotInts, err := intsByPages(t.Context(), s, name, ints, workers)
		if wantInts == nil {
			if !errors.Is(err, table.ErrUnsupported) {
				t.Errorf("%s: ints of what is none: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: ints: %v", name, err)
		}
		if !slices.EqualFunc(wantInts, gotInts, slices.Equal) {
			t.Errorf("%s: ints, %d workers (-sqlite +pages):\n%.3000s", name, workers, cmp.Diff(wantInts, gotInts, cmpopts.EquateEmpty()))
		}
	}
	compareKeys(t, s, name, columns, ints, want, wantInts)
	return nil
}

// compareRefused reads the columns of a table of which Rows refused some: Ints
// must refuse the same ones, and read the others as SQLite does, if they hold
// integers.
func compareRefused(t testing.TB, s table.Source, c *sqlite3.SQLiteConn, name string, ints []string) {
	t.Helper()
	for _, column := range ints {
		_, rowsErr := byPages(t.Context(), s, name, []string{column})
		got, err := intsByPages(t.Context(), s, name, []string{column}, 2)
		if rowsErr != nil || err != nil {
			if !errors.Is(err, table.ErrUnsupported) || rowsErr == nil && !strings.Contains(err.Error(), "a value that is not an integer") {
				t.Errorf("%s: column %s: Rows ends with %v, Ints with %v", name, column, rowsErr, err)
			}
			continue
		}
		rows, err := query(c, "SELECT ifnull(+"+quote(column)+", "+fmt.Sprint(null)+") FROM "+quote(name)+" ORDER BY rowid")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var want []int64
		for _, row := range rows {
			want = append(want, row[0].Int)
		}
		if !slices.Equal(want, got[0]) {
			t.Errorf("%s: column %s as ints (-sqlite +pages):\n%.3000s", name, column, cmp.Diff(want, got[0]))
		}
	}
}

// compareKeys reads a table with all but the first integer column as keys.
func compareKeys(t testing.TB, s table.Source, name string, columns, ints []string, want [][]table.Value, wantInts [][]int64) {
	t.Helper()
	if wantInts == nil {
		return
	}
	var keys []string
	var places []int
	ints = ints[:min(1, len(ints))]
	for i, c := range columns {
		if !slices.Contains(ints, c) {
			keys, places = append(keys, c), append(places, i)
		}
	}
	if len(keys) == 0 {
		return
	}
	for _, workers := range []int{1, 3} {
		got, beside, err := keysByPages(t.Context(), s, name, ints, keys, workers)
		if errors.Is(err, table.ErrUnsupported) && strings.Contains(err.Error(), "differs in each row") {
			return // a primary key
		}
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d rows by key, want %d: %v", name, len(got), len(want), err)
		}
		for i, row := range want {
			for k, at := range places {
				if !same(row[at], got[i][k]) {
					t.Fatalf("%s: row %d, column %s: %v by key, want %v", name, i, keys[k], got[i][k], row[at])
				}
			}
		}
		if len(ints) > 0 && !slices.Equal(wantInts[0], beside) {
			t.Errorf("%s: column %s beside keys differs", name, ints[0])
		}
	}
}

// same is what cmp would say, for millions of values.
func same(a, b table.Value) bool {
	return a.Kind == b.Kind && a.Int == b.Int && a.Float == b.Float && bytes.Equal(a.Bytes, b.Bytes)
}

func TestRecorded(t *testing.T) {
	files, err := filepath.Glob("../../../../testdata/*.sqlite")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d recorded reports: %v", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			// A copy, since opening some files for reading may touch them.
			path := filepath.Join(t.TempDir(), filepath.Base(f))
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if refused := compare(t, path); len(refused) > 0 {
				t.Errorf("not read: %v", refused)
			}
		})
	}
}
