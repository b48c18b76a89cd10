package pages_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
)

// victims are the small files that are damaged.
func victims(t testing.TB) [][]byte {
	t.Helper()
	var files [][]byte
	for _, statements := range [][]string{
		{"PRAGMA page_size=512", `CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, s TEXT, b INTEGER, r REAL);
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 150)
			INSERT INTO t SELECT i, CASE WHEN i%7 THEN i*i*i END, substr('abcdefghij', 1, i%10), i%3, i/3.0 FROM n`},
		{"PRAGMA page_size=512", "PRAGMA auto_vacuum=1", filled(60), `CREATE TABLE o(a INTEGER, s TEXT, b INTEGER);
			INSERT INTO o VALUES(1, hex(zeroblob(900)), 2), (300, hex(zeroblob(300)), NULL)`, "DELETE FROM u WHERE x < 20000"},
		{filled(20), "ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT 7"},
	} {
		path := filepath.Join(t.TempDir(), "db")
		db := connect(t, path, "rwc")
		exec(t, db, statements...)
		db.Close()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b)
	}
	return files
}

// checkDamaged reads a file that may be damaged in every way there is. It must
// end soon, without a panic, and without a difference if SQLite finds the file
// sound. It reports whether everything could be read.
func checkDamaged(t testing.TB, file []byte) (read bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	check := func(what string, err error) {
		t.Helper()
		if err != nil && (!errors.Is(err, table.ErrUnsupported) || strings.Contains(err.Error(), "decoding:")) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s, err := pages.Open(ctx, path)
	check("opening", err)
	if err != nil {
		return false
	}
	defer s.Close()
	known, err := s.Tables(ctx, nil)
	check("tables", err)
	type rows struct {
		rows [][]table.Value
		err  error
	}
	got := map[string]rows{}
	read = err == nil
	for name, tab := range known {
		var columns, ints []string
		for _, c := range tab.Columns {
			columns = append(columns, c.Name)
			if c.Type == "INTEGER" {
				ints = append(ints, c.Name)
			}
		}
		r, err := byPages(ctx, s, name, columns)
		check("rows", err)
		got[name] = rows{r, err}
		read = read && err == nil
		_, err = intsByPages(ctx, s, name, ints, 2)
		check("ints", err)
		_, err = s.Count(ctx, name)
		check("count", err)
	}

	db, err := open(path, "ro")
	if err != nil {
		return read
	}
	defer db.Close()
	sound, err := query(db, "PRAGMA integrity_check")
	if err != nil || len(sound) != 1 || string(sound[0][0].Bytes) != "ok" {
		return read
	}
	for name, g := range got {
		if g.err != nil {
			continue
		}
		var columns []string
		for _, c := range known[name].Columns {
			columns = append(columns, c.Name)
		}
		want, err := query(db, "SELECT "+list(columns)+" FROM "+quote(name)+" ORDER BY rowid")
		if err != nil {
			t.Errorf("%s: only SQLite fails on a sound file: %v", name, err)
			continue
		}
		if !slices.EqualFunc(want, g.rows, func(a, b []table.Value) bool { return slices.EqualFunc(a, b, same) }) {
			t.Errorf("%s: SQLite reads a sound file otherwise:\n%v\n%v", name, want, g.rows)
		}
	}
	if !t.Failed() && read {
		compare(t, path)
	}
	return read
}

// TestDamaged flips bits at random.
func TestDamaged(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	read, refused := 0, 0
	for _, file := range victims(t) {
		for range 120 {
			damaged := slices.Clone(file)
			for range 1 + rng.IntN(3) {
				damaged[rng.IntN(len(damaged))] ^= 1 << rng.IntN(8)
			}
			if checkDamaged(t, damaged) {
				read++
			} else {
				refused++
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	if read == 0 || refused == 0 {
		t.Errorf("%d files read, %d refused: the damage is not of the right kind", read, refused)
	}
}

// FuzzDamaged changes bytes of a small file: three bytes choose one and a
// fourth is its new value.
func FuzzDamaged(f *testing.F) {
	files := victims(f)
	f.Add(uint8(0), []byte{})
	f.Add(uint8(1), []byte{0, 2, 0, 13})
	f.Fuzz(func(t *testing.T, which uint8, edits []byte) {
		damaged := slices.Clone(files[int(which)%len(files)])
		for ; len(edits) >= 4; edits = edits[4:] {
			at := int(edits[0])<<16 | int(binary.BigEndian.Uint16(edits[1:]))
			damaged[at%len(damaged)] = edits[3]
		}
		checkDamaged(t, damaged)
	})
}

// Damage that would make a careless reader loop, allocate or read on and on.
func TestHostile(t *testing.T) {
	file := victims(t)[0]
	// The table's root is page 2, an interior page of 512 bytes.
	page := func(n int) []byte { return file[(n-1)*512 : n*512] }
	original := slices.Clone(file)
	if page(2)[0] != 5 {
		t.Fatalf("page 2 is of type %d", page(2)[0])
	}
	for _, c := range []struct {
		name   string
		damage func()
	}{
		{"child is its parent", func() { binary.BigEndian.PutUint32(page(2)[8:], 2) }},
		{"child beyond the file", func() { binary.BigEndian.PutUint32(page(2)[8:], 1<<31) }},
		{"child is page 0", func() { binary.BigEndian.PutUint32(page(2)[8:], 0) }},
		{"child is the schema", func() { binary.BigEndian.PutUint32(page(2)[8:], 1) }},
		{"child met twice", func() {
			first := binary.BigEndian.Uint16(page(2)[12:])
			second := binary.BigEndian.Uint16(page(2)[14:])
			copy(page(2)[first:first+4], page(2)[second:second+4])
		}},
		{"more cells than room", func() { binary.BigEndian.PutUint16(page(3)[3:], 65535) }},
		{"no cells", func() { binary.BigEndian.PutUint16(page(3)[3:], 0) }},
		{"cell beyond the page", func() { binary.BigEndian.PutUint16(page(3)[8:], 511) }},
		{"cell in the header", func() { binary.BigEndian.PutUint16(page(3)[8:], 2) }},
		{"two pointers to one cell", func() { copy(page(3)[10:12], page(3)[8:10]) }},
		{"record without end", func() {
			at := binary.BigEndian.Uint16(page(3)[8:])
			copy(page(3)[at:], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			copy(file, original)
			c.damage()
			if checkDamaged(t, file) {
				t.Error("read without an error")
			}
		})
	}
}

// An overflow chain that comes back to itself must not be followed for as
// long as the record claims, row by row.
func TestOverflowLoop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := connect(t, path, "rwc")
	exec(t, db, "PRAGMA page_size=512", "CREATE TABLE t(s BLOB, a INTEGER); INSERT INTO t VALUES(zeroblob(200000), 7)")
	db.Close()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Page 3 is the first of the chain.
	binary.BigEndian.PutUint32(file[2*512:], 3)
	if checkDamaged(t, file[:20*512]) {
		t.Error("read a file cut short")
	}
	binary.BigEndian.PutUint32(file[28:], 20)
	if checkDamaged(t, file[:20*512]) {
		t.Error("read a looping chain")
	}
}
