package pages_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
)

// wide makes a table with integers of every width and rows of every kind.
const wide = `
CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, s TEXT, b INTEGER NOT NULL, r REAL, x BLOB, c INTEGER, v);
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < 3000)
INSERT INTO t SELECT i*7 - 900,
	CASE i%4 WHEN 0 THEN NULL WHEN 1 THEN 0 WHEN 2 THEN 1 ELSE -1 END,
	CASE WHEN i%5 THEN substr('naïve text, some of it long', 1, i%30) END,
	(1 << (i%63)) * (1 - 2*(i/63%2)) - (i/126%2),
	CASE i%3 WHEN 0 THEN i WHEN 1 THEN i/7.0 END,
	CASE i%6 WHEN 0 THEN x'00ff10' WHEN 1 THEN zeroblob(i%100) END,
	CASE i%9 WHEN 0 THEN 9223372036854775807 WHEN 1 THEN -9223372036854775808 ELSE i*i*i*i - i END,
	CASE i%4 WHEN 0 THEN i WHEN 1 THEN 'v' || i WHEN 2 THEN 0.5 END
FROM n`

// filled makes a table t of n rows and a table u with rows in turn.
func filled(n int) string {
	return fmt.Sprintf(`
CREATE TABLE t(start INTEGER NOT NULL, end INTEGER, name TEXT, k INTEGER);
CREATE TABLE u(x INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d)
INSERT INTO t SELECT i*1000, i*1000+i%%300, 'name ' || i%%10, i%%3 FROM n;
INSERT INTO u SELECT start FROM t`, n)
}

func TestGenerated(t *testing.T) {
	for _, c := range []struct {
		name    string
		sql     []string
		refused map[string]string // table to part of the reason; "" is the file
	}{
		{name: "empty tables", sql: []string{"CREATE TABLE t(a INTEGER); CREATE TABLE u(id INTEGER PRIMARY KEY, s TEXT)"}},
		{name: "every kind of value", sql: []string{wide}},
		{name: "smallest pages, deep tree", sql: []string{"PRAGMA page_size=512", wide2("w"), filled(20000)}},
		{name: "largest pages", sql: []string{"PRAGMA page_size=65536", wide2("w"), filled(20000)}},
		{name: "integers amid overflow pages", sql: []string{"PRAGMA page_size=512", "CREATE TABLE t(s BLOB, a INTEGER, z BLOB); INSERT INTO t VALUES(zeroblob(600), 70000, zeroblob(5000)), (zeroblob(9000), NULL, zeroblob(300))"}},
		{name: "8192", sql: []string{"PRAGMA page_size=8192", wide}},
		{name: "incremental auto-vacuum", sql: []string{"PRAGMA page_size=512", "PRAGMA auto_vacuum=2", filled(9000), "DELETE FROM t WHERE k=1", wide2("w")}},
		{name: "full auto-vacuum", sql: []string{"PRAGMA page_size=1024", "PRAGMA auto_vacuum=1", filled(9000), "DELETE FROM t WHERE start < 4000000", wide2("w")}},
		{name: "deletions and freelist", sql: []string{filled(9000), "DELETE FROM t WHERE start % 7000 < 5000", "DELETE FROM u WHERE x < 8000000"}},
		{name: "deletions, then vacuum", sql: []string{filled(9000), "DELETE FROM t WHERE k", "VACUUM"}},
		{name: "emptied", sql: []string{filled(3000), "DELETE FROM t"}},
		{name: "secure delete", sql: []string{"PRAGMA secure_delete=ON", filled(3000), "DELETE FROM t WHERE k=1"}},
		{name: "rows inserted in descending order", sql: []string{`CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER);
			WITH RECURSIVE n(i) AS (SELECT 5000 UNION ALL SELECT i-1 FROM n WHERE i > -5000) INSERT INTO t SELECT i, i*3 FROM n`}},
		{name: "extreme rowids", sql: []string{`CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER);
			INSERT INTO t VALUES(-9223372036854775808, 1), (9223372036854775807, 2), (0, 3), (-1, NULL)`}},
		{name: "primary key not first", sql: []string{`CREATE TABLE t(a INTEGER, b TEXT, id INTEGER NOT NULL PRIMARY KEY, c INTEGER);
			INSERT INTO t VALUES(1, 'x', 40, 2), (3, NULL, 5, NULL)`}},
		{name: "primary key with autoincrement", sql: []string{`CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, c INTEGER); INSERT INTO t(c) VALUES(1), (2), (9)`}},
		{name: "primary key that is no alias", sql: []string{`CREATE TABLE t(id INT PRIMARY KEY, c INTEGER); INSERT INTO t VALUES(7, 1), (3, 2)`}},
		{name: "column added", sql: []string{filled(500), "ALTER TABLE t ADD COLUMN extra INTEGER", "INSERT INTO t VALUES(1, 2, 'n', 4, 5)"}},
		{name: "column added with default", sql: []string{filled(500), "ALTER TABLE t ADD COLUMN extra INTEGER NOT NULL DEFAULT 7",
			"ALTER TABLE t ADD COLUMN minus INTEGER DEFAULT -70000", "ALTER TABLE t ADD note TEXT DEFAULT 'it''s'", "INSERT INTO t(start, extra) VALUES(1, 5)"}},
		{name: "column added with a default to be worked out", sql: []string{filled(500), "ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT 0x10"},
			refused: map[string]string{"t": "before it was added"}},
		{name: "column added with DEFAULT 7, NULL and none to rows of both ages", sql: []string{filled(500), "ALTER TABLE t ADD COLUMN seven INTEGER DEFAULT 7",
			"ALTER TABLE t ADD COLUMN void INTEGER DEFAULT NULL", "ALTER TABLE t ADD COLUMN none INTEGER", "INSERT INTO t SELECT start+1, end, name, k, 8, 9, 10 FROM t",
			"UPDATE t SET seven = 70 WHERE k = 1", "UPDATE t SET none = -1 WHERE k = 2"}},
		{name: "column added with the least and the greatest integer, a sign, zeros", sql: []string{filled(9), "ALTER TABLE t ADD COLUMN l INTEGER DEFAULT -9223372036854775808",
			"ALTER TABLE t ADD COLUMN g INTEGER DEFAULT 9223372036854775807", "ALTER TABLE t ADD COLUMN p INTEGER DEFAULT +5", "ALTER TABLE t ADD COLUMN z INTEGER DEFAULT 007", "ALTER TABLE t ADD COLUMN m INTEGER DEFAULT - 6"}},
		{name: "column added with an expression", sql: []string{filled(500), "ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT (7)", "ALTER TABLE u ADD COLUMN y INTEGER DEFAULT (-(3))"},
			refused: map[string]string{"t": "before it was added", "u": "before it was added"}},
		{name: "column added with an expression, all rows younger", sql: []string{"CREATE TABLE t(a INTEGER); ALTER TABLE t ADD COLUMN b INTEGER DEFAULT (abs(-7)); INSERT INTO t(a) VALUES(1), (2)"}},
		{name: "column added with too great an integer", sql: []string{filled(9), "ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT 9223372036854775808"},
			refused: map[string]string{"t": "before it was added"}},
		{name: "column added with a fraction", sql: []string{filled(9), "ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT 1.5", "ALTER TABLE u ADD COLUMN y INTEGER DEFAULT 1e1"},
			refused: map[string]string{"t": "before it was added", "u": "before it was added"}},
		{name: "column added with a word", sql: []string{filled(9), "ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT TRUE", `ALTER TABLE u ADD COLUMN y TEXT DEFAULT "word"`},
			refused: map[string]string{"t": "before it was added", "u": "before it was added"}},
		{name: "column added with a string that becomes a number", sql: []string{filled(9), "ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT '7'", "ALTER TABLE u ADD COLUMN y REAL DEFAULT '7'"},
			refused: map[string]string{"t": "before it was added", "u": "before it was added"}},
		{name: "column added with a number that becomes a string", sql: []string{filled(9), "ALTER TABLE t ADD COLUMN extra TEXT DEFAULT 7", "ALTER TABLE u ADD COLUMN y VARCHAR(3) DEFAULT 'x'"},
			refused: map[string]string{"t": "before it was added", "u": "before it was added"}},
		{name: "column added with a blob", sql: []string{filled(9), "ALTER TABLE t ADD COLUMN extra BLOB DEFAULT x'00'"},
			refused: map[string]string{"t": `"00"`}},
		{name: "record of more columns than the table", sql: []string{filled(9), "PRAGMA writable_schema=ON", "UPDATE sqlite_schema SET sql = 'CREATE TABLE t(start INTEGER, end INTEGER)' WHERE name = 't'"},
			refused: map[string]string{"t": "more than 2 columns"}},
		{name: "column added with a real default", sql: []string{filled(500), "ALTER TABLE t ADD COLUMN extra REAL DEFAULT -1.5", "ALTER TABLE u ADD COLUMN y REAL DEFAULT 3"},
			refused: map[string]string{"t": "before it was added", "u": "before it was added"}},
		{name: "column with default from the start", sql: []string{`CREATE TABLE t(a INTEGER DEFAULT (1+1), b TEXT DEFAULT CURRENT_TIME); INSERT INTO t DEFAULT VALUES`}},
		{name: "column dropped and renamed", sql: []string{filled(500), `ALTER TABLE t DROP COLUMN name`, `ALTER TABLE t RENAME COLUMN k TO "a ""key"""`}},
		{name: "table renamed", sql: []string{filled(500), `ALTER TABLE t RENAME TO "other ""table"""`}},
		{name: "overflow", sql: []string{"PRAGMA page_size=1024", `CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, s TEXT, b INTEGER, c INTEGER);
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 900)
			INSERT INTO t SELECT i, i*99999, substr(hex(zeroblob(6000)), 1, i*13), -i, i<<40 FROM n`}},
		{name: "record lengths about the overflow bounds", sql: []string{"PRAGMA page_size=512", `CREATE TABLE t(s BLOB, a INTEGER);
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2200)
			INSERT INTO t SELECT zeroblob(i), i*77 FROM n`}},
		{name: "header in overflow", sql: []string{"PRAGMA page_size=512", manyColumns(400)}},
		{name: "wide table", sql: []string{manyColumns(200)}},
		{name: "strict", sql: []string{`CREATE TABLE t(a INTEGER, b REAL, c ANY) STRICT; INSERT INTO t VALUES(1, 2, 'x'), (NULL, NULL, 4)`}},
		{name: "types and affinities", sql: []string{`CREATE TABLE t(a REAL, b DOUBLE PRECISION, c FLOAT, d NUMERIC(10, 2), f POINT); INSERT INTO t VALUES(3, 4, 5, 6.0, 8.0), (-1e300, 0.1, 9e999, 1, 3)`}},
		{name: "types that the driver has its own view of", sql: []string{`CREATE TABLE t(a BOOLEAN, b TIMESTAMP, c DATETIME, d DATE, e INTEGER);
			INSERT INTO t VALUES(5, 1700000000, '2024-01-02', 3, 1), (-1, 'soon', 4, NULL, 2), (0, 1.5, NULL, x'00', 3)`}},
		{name: "integer columns that hold something else", sql: []string{`CREATE TABLE t(a INTEGER); INSERT INTO t VALUES(1), ('x'), (2.5)`}},
		{name: "types as they are spelt", sql: []string{"CREATE TABLE t(a INT\r\nGER, b  unsigned  big int /* b */, c NUMERIC ( 10 , 2 ) NOT NULL, d real/*INT*/double, e); INSERT INTO t VALUES(1, 2, 3, 4, 5)"}},
		{name: "comments and quotes in the definition", sql: []string{"CREATE TABLE t( -- a, b\n[a b] INTEGER, /* , c\n */ `b``c` TEXT COLLATE NOCASE CHECK (length(`b``c`) < 9) UNIQUE, \"end\" INTEGER REFERENCES u(x) -- last\n); CREATE TABLE u(x INTEGER UNIQUE); INSERT INTO t VALUES(1, 'x', NULL)"}},
		{name: "indexes and triggers", sql: []string{filled(100), "CREATE INDEX i ON t(name)", "CREATE TRIGGER g AFTER INSERT ON u BEGIN DELETE FROM u; END", "ANALYZE"}},
		{name: "created from a query", sql: []string{"CREATE TABLE t AS SELECT 1 AS a, 'x' AS b, 2.5 AS c"}},

		{name: "without rowid", sql: []string{filled(10), "CREATE TABLE w(a INTEGER PRIMARY KEY, b INTEGER) WITHOUT ROWID; INSERT INTO w VALUES(1, 2)"},
			refused: map[string]string{"w": "without rowids"}},
		{name: "view", sql: []string{filled(10), "CREATE VIEW w AS SELECT start FROM t"}, refused: map[string]string{"w": "a view"}},
		{name: "generated columns", sql: []string{filled(10), "CREATE TABLE w(a INTEGER, b INTEGER GENERATED ALWAYS AS (a+1)); CREATE TABLE x(a INTEGER, b INTEGER AS (a+1) STORED); INSERT INTO w(a) VALUES(1); INSERT INTO x(a) VALUES(1)"},
			refused: map[string]string{"w": "GENERATED", "x": "AS"}},
		{name: "primary key by table constraint", sql: []string{"CREATE TABLE w(a INTEGER, b INTEGER, PRIMARY KEY(a DESC)); INSERT INTO w VALUES(4, 1), (2, 3)"},
			refused: map[string]string{"w": "PRIMARY"}},
		{name: "descending primary key", sql: []string{"CREATE TABLE w(a INTEGER PRIMARY KEY DESC, b INTEGER); INSERT INTO w VALUES(4, 1), (2, 3)"},
			refused: map[string]string{"w": "DESC"}},
		{name: "virtual table", sql: []string{filled(10), "CREATE VIRTUAL TABLE w USING rtree(id, lo, hi)"},
			refused: map[string]string{"w": "no page"}},
		{name: "UTF-16", sql: []string{"PRAGMA encoding='UTF-16le'", filled(10)}, refused: map[string]string{"": "encoding 2"}},
		{name: "write-ahead log", sql: []string{"PRAGMA journal_mode=WAL", filled(10)}, refused: map[string]string{"": "write-ahead log mode"}},
		{name: "nothing at all", sql: []string{"SELECT 1"}, refused: map[string]string{"": "not a SQLite 3 database"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "é #?%.sqlite")
			db := connect(t, path, "rwc")
			exec(t, db, c.sql...)
			db.Close()
			checkRefused(t, compare(t, path), c.refused)
		})
	}
}

func wide2(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(wide, "TABLE t", "TABLE "+name), "INTO t", "INTO "+name)
}

// manyColumns makes a table of n columns, whose records have long headers.
func manyColumns(n int) string {
	columns, zeros, values := make([]string, n), make([]string, n), make([]string, n)
	for i := range n {
		columns[i], zeros[i], values[i] = fmt.Sprintf("c%d INTEGER", i), "0", fmt.Sprint(i*i*i-i)
	}
	return fmt.Sprintf("CREATE TABLE t(%s); INSERT INTO t VALUES(%s), (%s), (%s)",
		strings.Join(columns, ", "), strings.Join(zeros, ", "), strings.Join(values, ", "), strings.Join(zeros, ", "))
}

func checkRefused(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, reason := range want {
		if !strings.Contains(got[name], reason) || got[name] == "" {
			t.Errorf("%q refused with %q, want %q", name, got[name], reason)
		}
	}
	for name, reason := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%q refused: %s", name, reason)
		}
	}
}

// TestDamagedNames changes one of the names that a schema has of a table.
func TestDamagedNames(t *testing.T) {
	const create = `CREATE TABLE "a ""table"(id INTEGER)`
	for _, c := range []struct {
		reason, set string
		refused     bool
	}{
		{"nothing", "name = name", false},
		{"the name", "name = 'a ''table'", true},
		{"the case of the name", "name = 'A \"table'", true},
		{"the name of the table", "tbl_name = 'b'", true},
		{"the name in the definition", `sql = replace(sql, 'a "', 'b "')`, true},
	} {
		path := filepath.Join(t.TempDir(), "db")
		db := connect(t, path, "rwc")
		exec(t, db, create, "PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET "+c.set)
		db.Close()
		s, err := pages.Open(t.Context(), path)
		if err == nil {
			s.Close()
		}
		if refused := errors.Is(err, table.ErrUnsupported) && strings.Contains(err.Error(), "is called"); refused != c.refused {
			t.Errorf("%s: %v, refused: want %v", c.reason, err, c.refused)
		}
	}
}

func TestJournals(t *testing.T) {
	for _, c := range []struct {
		name, suffix, content string
		refused               map[string]string
	}{
		{"empty journal", "-journal", "", nil},
		{"empty log", "-wal", "", nil},
		{"journal", "-journal", "hot", map[string]string{"": "-journal beside it"}},
		{"log", "-wal", "frames", map[string]string{"": "-wal beside it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "db")
			db := connect(t, path, "rwc")
			exec(t, db, filled(10))
			db.Close()
			link := filepath.Join(dir, "link")
			if err := os.Symlink(path, link); err != nil {
				t.Skip(err)
			}
			if err := os.WriteFile(path+c.suffix, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			checkRefused(t, compare(t, path), c.refused)
			if err := os.WriteFile(path+c.suffix, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			checkRefused(t, compare(t, link), c.refused)
		})
	}
}

// A transaction that has spilled to the file before it commits leaves the
// header as it was.
func TestWriterAtWork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := connect(t, path, "rwc")
	exec(t, db, filled(5000), "PRAGMA cache_size=5", "BEGIN", "UPDATE t SET k = k + 1000000")
	checkRefused(t, compare(t, path), map[string]string{"": "-journal beside it"})
	exec(t, db, "COMMIT")
	db.Close()
	checkRefused(t, compare(t, path), nil)
}

// Columns may have the names by which statements reach rowids.
func TestColumnsNamedRowid(t *testing.T) {
	const rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 40000) INSERT INTO t SELECT "
	for _, c := range []struct{ name, sql string }{
		{"one", "CREATE TABLE t(rowid INTEGER, a INTEGER);" + rows + "-i, i FROM n"},
		{"a text", "CREATE TABLE t(a INTEGER, RowID TEXT);" + rows + "i, 'x' || -i FROM n"},
		{"two", "CREATE TABLE t(rowid INTEGER, a INTEGER, _ROWID_ INTEGER);" + rows + "-i, i, i%7 FROM n"},
		{"all", "CREATE TABLE t(oid INTEGER, rowid INTEGER, a INTEGER, _rowid_ INTEGER); CREATE INDEX i ON t(rowid, a, oid, _rowid_);" + rows + "-i, -i, i, i%7 FROM n"},
		{"a primary key", "CREATE TABLE t(oid INTEGER, rowid INTEGER PRIMARY KEY, a TEXT);" + rows + "-i, 3*i, i FROM n"},
		{"a primary key and all", "CREATE TABLE t(oid INTEGER, _rowid_ INTEGER PRIMARY KEY, rowid INTEGER, a TEXT); CREATE INDEX i ON t(oid, rowid, a);" + rows + "-i, 3*i, -i, i FROM n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, path := made(t, c.sql)
			first, last := int64(0), int64(0)
			err := s.Rows(t.Context(), "t", []string{"a"}, func(row []table.Value) error {
				if last = row[0].Int; row[0].Kind == table.Text {
					fmt.Sscan(string(row[0].Bytes), &last)
				}
				if first == 0 {
					first = last
				}
				return nil
			})
			if first != 1 || last != 40000 || err != nil {
				t.Errorf("rows from %d to %d, %v", first, last, err)
			}
			compareSources(t, path)
		})
	}
}
