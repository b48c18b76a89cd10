package pages_test

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mattn/go-sqlite3"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// A shape is how a file is divided into pages and how these are managed.
type shape struct {
	pageSize, reserved int
	vacuum             int // PRAGMA auto_vacuum: 0 none, 1 full, 2 incremental
}

func (s shape) String() string {
	return fmt.Sprintf("pages of %d, %d reserved, auto-vacuum %d", s.pageSize, s.reserved, s.vacuum)
}

// create makes an empty database of the shape and checks that it has it.
func (s shape) create(t *testing.T) (db *sqlite3.SQLiteConn, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "db")
	db = connect(t, path, "rwc")
	if err := db.SetFileControlInt("main", sqlite3.SQLITE_FCNTL_RESERVE_BYTES, s.reserved); err != nil {
		t.Fatal(err)
	}
	exec(t, db, fmt.Sprintf("PRAGMA page_size=%d", s.pageSize), fmt.Sprintf("PRAGMA auto_vacuum=%d", s.vacuum), "VACUUM",
		"CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, s BLOB, b INTEGER)")
	h := readFile(t, path)
	if int(binary.BigEndian.Uint16(h[16:])) != s.pageSize%65535 || int(h[20]) != s.reserved || (h[55] != 0) != (s.vacuum != 0) {
		t.Fatalf("the file is of another shape: %x", h[:100])
	}
	return db, path
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// lengths are those of records about the bounds where they go to overflow
// pages, and where one more overflow page, or one less, holds them (§1.6).
func (s shape) lengths() (out []int) {
	u := s.pageSize - s.reserved
	x, m := u-35, (u-12)*32/255-23
	for _, bound := range []int{x, m + u - 4, x + u - 4} {
		for d := -14; d <= 3; d++ { // the record takes up to 14 bytes more
			out = append(out, bound+d)
		}
	}
	return out
}

// TestShapes reads records with overflow pages, a table in small rows, a
// freelist, and what is left when pages were given back, in files of every
// shape.
func TestShapes(t *testing.T) {
	for _, s := range []shape{
		{512, 0, 0}, {512, 32, 0}, {512, 32, 1}, {512, 1, 2}, {1024, 8, 1}, {1024, 255, 2}, {2048, 0, 1}, {4096, 255, 0},
		{8192, 0, 2}, {16384, 7, 0}, {32768, 0, 1}, {65536, 0, 0}, {65536, 255, 1},
	} {
		t.Run(s.String(), func(t *testing.T) {
			db, path := s.create(t)
			exec(t, db, "BEGIN")
			rng := rand.New(rand.NewPCG(7, uint64(s.pageSize)))
			for i, n := range s.lengths() {
				blob := make([]byte, n)
				for k := range blob {
					blob[k] = byte(rng.Uint32())
				}
				if _, err := db.Exec("INSERT INTO t VALUES(?, ?, ?, ?)", []driver.Value{int64(i) * 3, rng.Int64() >> rng.IntN(64), blob, int64(-i)}); err != nil {
					t.Fatal(err)
				}
			}
			exec(t, db, "COMMIT", wide2("w"), filledAs("u", 2000))
			checkRefused(t, compare(t, path), nil)

			exec(t, db, "DELETE FROM u WHERE start % 3000", "DELETE FROM t WHERE id % 2", "DELETE FROM w WHERE a = 1")
			free, err := query(db, "PRAGMA freelist_count")
			if err != nil {
				t.Fatal(err)
			}
			if n := free[0][0].Int; (n > 0) != (s.vacuum != 1) {
				t.Errorf("%d pages in the freelist: only full auto-vacuum gives all back", n)
			}
			checkRefused(t, compare(t, path), nil)

			if s.vacuum == 2 {
				exec(t, db, "PRAGMA incremental_vacuum(3)")
				checkRefused(t, compare(t, path), nil)
			}
			exec(t, db, wide2("again"), "VACUUM")
			checkRefused(t, compare(t, path), nil)
		})
	}
}

// filledAs makes a table of n rows.
func filledAs(name string, n int) string {
	return fmt.Sprintf(`CREATE TABLE %s(start INTEGER NOT NULL, end INTEGER, k INTEGER);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) INSERT INTO %[1]s SELECT i*1000, i*1000+i%%300, i%%3 FROM n`, name, n)
}

// deep makes a table whose leaves lie three levels below its root: one row to
// a leaf, and rowids that leave room for few in an interior page.
func deep(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "db")
	db := connect(t, path, "rwc")
	exec(t, db, "PRAGMA page_size=512", `CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, s BLOB, b INTEGER);
		WITH RECURSIVE n(i) AS (SELECT -1400 UNION ALL SELECT i+1 FROM n WHERE i < 60) INSERT INTO t SELECT i, i*i*i, zeroblob(400), i%2 FROM n`)
	db.Close()
	return path
}

// levels follows the first children of page 2 of a file with pages of 512
// bytes, and returns the number of each, down to the leaf.
func levels(file []byte) (pages []uint32) {
	page := uint32(2)
	for {
		pages = append(pages, page)
		b := file[(page-1)*512:][:512]
		if b[0] != 5 {
			return pages
		}
		page = binary.BigEndian.Uint32(b[binary.BigEndian.Uint16(b[12:]):])
	}
}

func TestDeep(t *testing.T) {
	path := deep(t)
	if n := len(levels(readFile(t, path))); n != 4 {
		t.Fatalf("%d levels, want 3 of interior pages and the leaves", n)
	}
	checkRefused(t, compare(t, path), nil)
	db := connect(t, path, "rw")
	exec(t, db, "DELETE FROM t WHERE id % 5 = 0 OR id BETWEEN -900 AND -700", "INSERT INTO t VALUES(-9223372036854775808, 1, NULL, 2), (9223372036854775807, 3, NULL, 4)")
	checkRefused(t, compare(t, path), nil)
}

// TestManyHeaders reads a table with more kinds of record headers, and of
// values that repeat, than a reader should remember.
func TestManyHeaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := connect(t, path, "rwc")
	exec(t, db, `CREATE TABLE t(a INTEGER, s TEXT, b INTEGER, x BLOB);
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < 9000)
		INSERT INTO t SELECT i, printf('%*d', i%90, i), (i << (i%7*8)) - i%2, zeroblob(i/90) FROM n`)
	checkRefused(t, compare(t, path), nil)
}

// TestForgets has more headers than a worker remembers, and more keys than it keeps
// templates for, and all of them twice: it asks for those that it forgot again, and
// no key is another's.
func TestForgets(t *testing.T) {
	for _, c := range []struct {
		name, key string // an expression of the number i
		distinct  int
		again     bool // keys are asked for again
	}{
		{"keys", "i", 40000, false},
		{"headers", "zeroblob(i)", 5000, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := made(t, "CREATE TABLE t(a INTEGER, k)", fmt.Sprintf(
				`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < %d - 1)
				INSERT INTO t SELECT i, %[2]s FROM n UNION ALL SELECT i, %[2]s FROM n`, c.distinct, c.key))
			calls, rows := 0, 0
			opts := table.IntsOptions{Workers: 1, Keys: []string{"k"}, Key: func(_ int, row []table.Value) (uint32, error) {
				calls++
				return uint32(row[0].Int) + uint32(len(row[0].Bytes)), nil
			}}
			err := s.Ints(t.Context(), "t", []string{"a"}, opts, func(b table.Batch) error {
				for i, k := range b.Keys {
					if b.Columns[0][i] != int64(k) {
						return fmt.Errorf("row %d has the key %d", b.Columns[0][i], k)
					}
				}
				rows += b.N
				return nil
			})
			if err != nil || rows != 2*c.distinct || calls < c.distinct || calls > c.distinct != c.again {
				t.Errorf("%d rows, %d calls for %d keys: %v", rows, calls, c.distinct, err)
			}
		})
	}
}

// TestFileBytes changes bytes of the header that SQLite and package pages must
// understand in the same way, or leave the file to SQLite.
func TestFileBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := connect(t, path, "rwc")
	exec(t, db, filled(1000))
	db.Close()
	file := readFile(t, path)
	for _, c := range []struct {
		name    string
		change  func(b []byte) []byte
		refused map[string]string
	}{
		{"junk after the last page", func(b []byte) []byte { return append(b, make([]byte, 5000)...) }, nil},
		{"size in the header out of date", func(b []byte) []byte { b[95]--; b[31] = 1; return b }, nil},
		{"no size in the header", func(b []byte) []byte { clear(b[28:32]); return b }, nil},
		{"written by a version for WAL", func(b []byte) []byte { b[18] = 2; return b }, map[string]string{"": "file format 2/1"}},
		{"application id and user version", func(b []byte) []byte { b[60], b[63], b[68], b[71] = 1, 2, 3, 4; return b }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(path, c.change(slices.Clone(file)), 0o600); err != nil {
				t.Fatal(err)
			}
			checkRefused(t, compare(t, path), c.refused)
		})
	}
}

// TestNaN puts a NaN into a file, which SQLite reads as NULL and never writes.
func TestNaN(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := connect(t, path, "rwc")
	exec(t, db, "CREATE TABLE t(a REAL, b INTEGER); INSERT INTO t VALUES(0.1, 1), (1e999, 2), (-1e999, 3)")
	db.Close()
	tenth, nan := binary.BigEndian.AppendUint64(nil, math.Float64bits(0.1)), binary.BigEndian.AppendUint64(nil, math.Float64bits(math.NaN()))
	file := readFile(t, path)
	if bytes.Count(file, tenth) != 1 {
		t.Fatal("no 0.1 in the file")
	}
	if err := os.WriteFile(path, bytes.Replace(file, tenth, nan, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	checkRefused(t, compare(t, path), nil)
}
