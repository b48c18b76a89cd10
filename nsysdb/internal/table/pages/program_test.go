package pages_test

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// A program makes a sound database: each byte decides what comes next.
type program struct{ bytes []byte }

// next returns a number below n, 0 when the program is at its end.
func (p *program) next(n int) int {
	if len(p.bytes) == 0 {
		return 0
	}
	b := p.bytes[0]
	p.bytes = p.bytes[1:]
	return int(b) % n
}

func pick[T any](p *program, of ...T) T { return of[p.next(len(of))] }

// value returns a value of any kind that SQLite stores.
func (p *program) value(row int) driver.Value {
	switch p.next(14) {
	case 0:
		return nil
	case 1:
		return int64(p.next(3))
	case 2:
		return int64(1) << p.next(64)
	case 3:
		return -int64(1) << p.next(64)
	case 4:
		return int64(row) * 1000003
	case 5:
		return int64(row)<<p.next(48) - int64(p.next(256))
	case 6:
		return float64(p.next(9))
	case 7:
		return pick(p, 0.1, -1e300, math.Inf(1), math.SmallestNonzeroFloat64, 1<<53, math.Copysign(0, -1), 9.3e18)
	case 8:
		return strings.Repeat("x", p.next(256))
	case 9:
		return fmt.Sprint(row)
	case 10:
		return []byte(strings.Repeat("\x00\xff", p.next(256)))
	case 11:
		return make([]byte, p.next(256)*pick(p, 1, 2, 8, 64))
	case 12:
		return "\xff\xfe\x00é"
	}
	return int64(row)
}

// column returns a column's definition, but for its name.
func (p *program) column() string {
	return pick(p, "INTEGER", "INTEGER", "INT", "TEXT", "REAL", "BLOB", "", "NUMERIC", "VARCHAR(9)", "BOOLEAN", "DATETIME", "FLOATING POINT", "integer") +
		pick(p, "", "", "", " DEFAULT 7", " DEFAULT -3", " DEFAULT NULL", " DEFAULT 'x'", " DEFAULT 1.5", " DEFAULT (7)", " DEFAULT 9223372036854775807", " DEFAULT ''", " COLLATE NOCASE", " DEFAULT +0")
}

// run makes the database.
func (p *program) run(t *testing.T, path string) {
	db := connect(t, path, "rwc")
	defer db.Close()
	size := pick(p, 512, 512, 512, 1024, 4096, 65536)
	if err := db.SetFileControlInt("main", sqlite3.SQLITE_FCNTL_RESERVE_BYTES, pick(p, 0, 0, 1, 8, 32)); err != nil {
		t.Fatal(err)
	}
	exec(t, db, fmt.Sprintf("PRAGMA page_size=%d", size), fmt.Sprintf("PRAGMA auto_vacuum=%d", p.next(3)), "VACUUM")
	key := pick(p, "", "", "id INTEGER PRIMARY KEY", "id INTEGER PRIMARY KEY AUTOINCREMENT", "id INT PRIMARY KEY")
	columns := 1 + p.next(6)
	var defs []string
	at := p.next(columns + 1) // where the key stands
	for i := range columns {
		if i == at && key != "" {
			defs = append(defs, key)
		}
		defs = append(defs, fmt.Sprintf("c%d %s", i, p.column()))
	}
	if at == columns && key != "" {
		defs = append(defs, key)
	}
	exec(t, db, "CREATE TABLE t("+strings.Join(defs, ", ")+")", "CREATE TABLE other(a INTEGER, b TEXT)")
	row := int64(0)
	for range min(12, 1+len(p.bytes)) {
		switch p.next(8) {
		case 0, 1, 2:
			row += int64(p.next(256)) - 20
			p.insert(t, db, columns, &row)
		case 3:
			exec(t, db, fmt.Sprintf("DELETE FROM t WHERE rowid %% %d = 0", 1+p.next(7)))
		case 4:
			exec(t, db, fmt.Sprintf("ALTER TABLE t ADD COLUMN c%d %s", columns, p.column()))
			columns++
		case 5:
			exec(t, db, pick(p, "VACUUM", "PRAGMA incremental_vacuum(2)", "ANALYZE", "INSERT INTO other SELECT rowid, 'text' FROM t", "DELETE FROM other", "REINDEX"))
		case 6:
			statement := fmt.Sprintf("UPDATE t SET c%d = ? WHERE rowid %% %d = 0", p.next(columns), 1+p.next(5))
			if _, err := db.Exec(statement, []driver.Value{p.value(int(row))}); err != nil {
				t.Fatal(err)
			}
		case 7:
			row = pick(p, int64(math.MinInt64), -1<<40, -1000, 100, 127, 16000, 2097000, 1<<40, math.MaxInt64-300)
		}
	}
}

// insert inserts rows at and after row, whose values repeat after a while.
func (p *program) insert(t *testing.T, db *sqlite3.SQLiteConn, columns int, row *int64) {
	var patterns [][]driver.Value
	for range 1 + p.next(4) {
		values := make([]driver.Value, columns+1)
		for i := range columns {
			values[i+1] = p.value(int(*row))
		}
		patterns = append(patterns, values)
	}
	vary := p.next(columns)
	names := "rowid"
	for i := range columns {
		names += fmt.Sprintf(", c%d", i)
	}
	statement := "INSERT OR IGNORE INTO t(" + names + ") VALUES(?" + strings.Repeat(", ?", columns) + ")"
	exec(t, db, "BEGIN")
	for i := range 1 + p.next(100) {
		values := patterns[i%len(patterns)]
		values[0] = *row
		if v, ok := values[vary+1].(int64); ok {
			values[vary+1] = v + int64(i)
		}
		if _, err := db.Exec(statement, values); err != nil {
			t.Fatal(err)
		}
		if *row == math.MaxInt64 {
			break
		}
		*row++
	}
	exec(t, db, "COMMIT")
}

// checkProgram holds the reader to SQLite on the database of a program. The
// whole file must be recognised; a table may be left to SQLite.
func checkProgram(t *testing.T, bytes []byte) (refused map[string]string) {
	path := filepath.Join(t.TempDir(), "db")
	p := program{bytes}
	p.run(t, path)
	refused = compare(t, path)
	for name, reason := range refused {
		// Why a sound table of these may be left to SQLite.
		if name != "t" || !strings.Contains(reason, "before it was added") {
			t.Errorf("%q refused: %s", name, reason)
		}
	}
	return refused
}

// TestPrograms compares databases of programs at random.
func TestPrograms(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	refused := 0
	const programs = 30
	for range programs {
		bytes := make([]byte, 20+rng.IntN(200))
		for i := range bytes {
			bytes[i] = byte(rng.Uint32())
		}
		if len(checkProgram(t, bytes)) > 0 {
			refused++
		}
		if t.Failed() {
			t.Fatalf("the program %q", bytes)
		}
	}
	if refused > programs/2 {
		t.Errorf("%d of %d databases were left to SQLite", refused, programs)
	}
}

// FuzzSound looks for sound databases that are read otherwise than SQLite does.
func FuzzSound(f *testing.F) {
	for seed := range uint64(8) {
		bytes := binary.BigEndian.AppendUint64(nil, seed*0x9E3779B97F4A7C15)
		f.Add(append(bytes, bytes...))
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if len(bytes) <= 300 {
			checkProgram(t, bytes)
		}
	})
}
