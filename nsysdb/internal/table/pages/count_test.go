package pages_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
)

// TestCount: where row numbers count up the estimate is the number itself, and
// of rows that are much alike it is close.
func TestCount(t *testing.T) {
	type test struct {
		name string
		sql  []string
		want int64
		off  int64 // by how many percent it may be
	}
	series := func(n int64, into string) string {
		return fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) INSERT INTO %s FROM n", n, into)
	}
	const small, plain, own = "PRAGMA page_size=512", "CREATE TABLE t(a INTEGER, b INTEGER)", "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b INTEGER)"
	tests := []test{
		{"no row", []string{plain}, 0, 0},
		{"no row left", []string{plain, series(5000, "t SELECT i, i"), "DELETE FROM t"}, 0, 0},
		{"row numbers from 1000 on", []string{plain, series(5000, "t(rowid, a) SELECT 1000+i, i")}, 5000, 0},
		{"negative row numbers", []string{plain, series(5000, "t(rowid, a) SELECT i-9000, i")}, 5000, 0},
		{"a tree of four levels", []string{small, "CREATE TABLE t(s BLOB, a INTEGER)", series(1400, "t(rowid, s) SELECT i-1400, zeroblob(400)")}, 1400, 0},
		{"first rows longer than the others, row numbers from 1 on", []string{"CREATE TABLE t(a BLOB, b INTEGER)", series(5000, "t SELECT zeroblob(CASE WHEN i < 60 THEN 60 ELSE 40 END), i")}, 5000, 0},
		{"a few rows deleted", []string{plain, series(9000, "t SELECT i, i"), "DELETE FROM t WHERE a%30 = 7"}, 8700, 10},
		{"most rows deleted", []string{plain, series(9000, "t SELECT i, i"), "DELETE FROM t WHERE a%10"}, 900, 10},
		{"no row in between", []string{plain, series(9000, "t SELECT i, i"), "DELETE FROM t WHERE a BETWEEN 1000 AND 8500"}, 1500, 15},
		{"row numbers of all there are", []string{plain, series(3000, "t SELECT i, i"), "UPDATE t SET rowid = -9223372036854775808 WHERE rowid = 1", "UPDATE t SET rowid = 9223372036854775807 WHERE rowid = 3000"}, 3000, 10},
		{"ids with gaps", []string{own, series(9000, "t SELECT i*5/4, i, i")}, 9000, 5},
		{"ids far apart", []string{own, series(9000, "t SELECT i*1000, i, i")}, 9000, 5},
		{"first rows longer than the others", []string{small, own, series(9000, "t SELECT i*2, CASE WHEN i < 9 THEN zeroblob(200) ELSE 1 END, i")}, 9000, 20},
		{"last rows longer than the others", []string{small, own, series(9000, "t SELECT i*2, CASE WHEN i > 8990 THEN zeroblob(200) ELSE 1 END, i")}, 9000, 20},
	}
	for n := int64(1); n < 60000; n += n/8 + 1 {
		tests = append(tests, test{fmt.Sprintf("%d rows", n), []string{plain, series(n, "t SELECT i*1000, i")}, n, 0})
	}
	// Under the root lie two pages, of which one may hold twice as many as the other.
	for n := int64(1000); n < 4000; n += 60 {
		tests = append(tests, test{fmt.Sprintf("every other row number, %d rows", n), []string{small, plain, series(n, "t(rowid, a, b) SELECT 1000000000+2*i, 1000000+i, 1000000+i")}, n, 20})
	}
	for _, c := range tests {
		s, path := made(t, c.sql...)
		got, err := s.Count(t.Context(), "t")
		if d := max(got-c.want, c.want-got); err != nil || d*100 > c.want*c.off {
			t.Errorf("%s: %d, %v, want %d", c.name, got, err, c.want)
		}
		if err := os.Truncate(path, 512); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Count(t.Context(), "t"); !errors.Is(err, table.ErrChanged) {
			t.Errorf("%s: cut short: %v", c.name, err)
		}
	}
}

// TestCountDamaged: a count must not go round in circles.
func TestCountDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := connect(t, path, "rwc")
	exec(t, db, "PRAGMA page_size=512", filled(1000))
	db.Close()
	original := readFile(t, path)
	for _, c := range []struct {
		name   string
		damage func(p patient)
		reason string
	}{
		{"first child is its parent", func(p patient) { p.setChild(2, 0, 2) }, "page 2: b-tree too deep"},
		{"last child is its parent", func(p patient) { binary.BigEndian.PutUint32(p.page(2)[8:], 2) }, "page 2: b-tree too deep"},
		{"first child beyond the file", func(p patient) { p.setChild(2, 0, 9999) }, "page 9999: not a page of the table"},
		{"last child is the schema", func(p patient) { binary.BigEndian.PutUint32(p.page(2)[8:], 1) }, "page 1: not a page of the table"},
	} {
		p := patient{append([]byte{}, original...)}
		c.damage(p)
		if err := os.WriteFile(path, p.file, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := pages.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.Count(t.Context(), "t"); !errors.Is(err, table.ErrUnsupported) || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %d, %v, want %q", c.name, n, err, c.reason)
		}
		s.Close()
	}
}
