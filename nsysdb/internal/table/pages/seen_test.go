package pages_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/pages"
)

// A patient is a file with pages of 512 bytes that a test damages.
type patient struct{ file []byte }

func (p patient) page(n uint32) []byte { return p.file[(n-1)*512 : n*512] }

// cell returns a page from cell i on.
func (p patient) cell(page uint32, i int) []byte {
	b := p.page(page)
	return b[p.at(page, i):]
}

func (p patient) at(page uint32, i int) int {
	return int(binary.BigEndian.Uint16(p.page(page)[p.array(page)+2*i:]))
}

func (p patient) array(page uint32) int {
	if p.page(page)[0] == 5 {
		return 12
	}
	return 8
}

func (p patient) point(page uint32, i, at int) {
	binary.BigEndian.PutUint16(p.page(page)[p.array(page)+2*i:], uint16(at))
}

// child returns child i of an interior page.
func (p patient) child(page uint32, i int) uint32 { return binary.BigEndian.Uint32(p.cell(page, i)) }

func (p patient) setChild(page uint32, i int, child uint32) {
	binary.BigEndian.PutUint32(p.cell(page, i), child)
}

// TestDamageSeen holds each check that costs nothing to the damage that it is
// for: Rows and Ints must both refuse the file, and for this reason, not
// because something else went wrong later.
func TestDamageSeen(t *testing.T) {
	flat := victims(t)[0] // the root is page 2, its children are leaves
	tall := readFile(t, deep(t))
	overflow := overflowing(t)
	path := levels(tall)
	root, inner, low := path[0], path[1], path[2]
	for _, c := range []struct {
		name   string
		file   []byte
		damage func(p patient)
		reason string
	}{
		{"interior page beyond the file", flat, func(p patient) { p.setChild(2, 0, 1<<31) }, "page 2147483648: not a page of the table"},
		{"interior page is the schema", flat, func(p patient) { p.setChild(2, 0, 1) }, "page 1: not a page of the table"},
		{"page 0", flat, func(p patient) { p.setChild(2, 1, 0) }, "page 0: not a page of the table"},
		{"page of an index", flat, func(p patient) { p.page(p.child(2, 1))[0] = 10 }, "not a page of the table"},
		{"more cells than fit", flat, func(p patient) { p.page(2)[3] = 1 }, "page 2: 2"},
		{"more cells than fit in a leaf", flat, func(p patient) { p.page(p.child(2, 1))[3] = 1 }, " cells"},
		{"pointer into the header of an interior page", flat, func(p patient) { p.point(2, 1, 11) }, "page 2: cell 1 not inside it"},
		{"pointer to the end of an interior page", flat, func(p patient) { p.point(2, 1, 508) }, "page 2: cell 1 not inside it"},
		{"keys that do not ascend", flat, func(p patient) { p.cell(2, 1)[4] = p.cell(2, 0)[4] }, "page 2: rowids not ascending"},
		{"leaf where its siblings are interior pages", tall, func(p patient) { p.setChild(inner, 1, p.child(low, 0)) }, "leaves at different depths"},
		{"interior page among leaves", flat, func(p patient) { p.setChild(2, 1, 2) }, "page 2: leaves at different depths"},
		{"interior page without cells", tall, func(p patient) { clear(p.page(p.child(inner, 1))[3:5]) }, "no cells"},
		{"leaf without cells", flat, func(p patient) { clear(p.page(p.child(2, 1))[3:5]) }, "no cells"},
		{"key above that of the page's parent", tall, func(p patient) {
			// The keys take nine bytes; the lowest byte of the child's last is made the greatest.
			last := int(binary.BigEndian.Uint16(p.page(inner)[3:])) - 1
			copy(p.cell(inner, last)[4:13], "\xff\xff\xff\xff\xff\xff\xff\xff\xff")
		}, fmt.Sprintf("page %d: rowids not ascending", inner)},
		{"chain of pages without end", tall, func(p patient) { p.setChild(root, 0, root) }, "too deep"},
		{"more leaves than pages", flat, func(p patient) {
			leaf := p.child(2, 0)
			b := p.page(2)
			clear(b)
			b[0], b[4] = 5, 60
			binary.BigEndian.PutUint32(b[8:], leaf)
			for i := range 60 {
				p.point(2, i, 512-6*(i+1))
				p.setChild(2, i, leaf)
				p.cell(2, i)[4] = byte(i + 1)
			}
		}, "more leaves than pages"},

		{"pointer into the header of a leaf", flat, func(p patient) { p.point(p.child(2, 1), 2, 9) }, "cell 2 not inside it"},
		{"pointer to the end of a leaf", flat, func(p patient) { p.point(p.child(2, 1), 2, 510) }, "cell 2 not inside it"},
		{"first cell longer than its page", flat, func(p patient) { p.cell(p.child(2, 1), 0)[0]++ }, "cell 0 not inside it"},
		{"a later cell longer than its page", flat, func(p patient) { p.cell(p.child(2, 1), 3)[0] = 127 }, "cell 3 not inside it"},
		{"record longer than SQLite reads", flat, func(p patient) { copy(p.cell(p.child(2, 1), 0), "\x84\x80\x80\x80\x00") }, "cell 0 not inside it"},
		{"rowids that do not ascend", flat, func(p patient) {
			leaf := p.child(2, 1)
			a, b := p.at(leaf, 3), p.at(leaf, 4)
			p.point(leaf, 3, b)
			p.point(leaf, 4, a)
		}, "rowids not ascending"},
		{"two pointers to one cell", flat, func(p patient) { p.point(p.child(2, 1), 3, p.at(p.child(2, 1), 2)) }, "rowids not ascending"},
		{"rowid greater than its page may hold", flat, func(p patient) { p.cell(2, 0)[4]-- }, fmt.Sprintf("page %d: rowids not ascending", patient{flat}.child(2, 0))},
		{"rowid less than its page may hold", flat, func(p patient) { p.cell(2, 0)[4]++ }, fmt.Sprintf("page %d: rowids not ascending", patient{flat}.child(2, 1))},
		{"record without a header", flat, func(p patient) { p.cell(p.child(2, 1), 1)[2] = 0 }, "a header of 0 bytes"},
		{"header longer than the record", flat, func(p patient) { p.cell(p.child(2, 1), 1)[2] = 127 }, "a header of 127 bytes"},
		{"serial type without a meaning", flat, func(p patient) { p.cell(p.child(2, 1), 1)[4] = 10 }, "serial type 10"},
		{"another serial type without a meaning", flat, func(p patient) { p.cell(p.child(2, 1), 1)[4] = 11 }, "serial type 11"},
		{"serial type of another width", flat, func(p patient) { p.cell(p.child(2, 1), 1)[4] ^= 1 }, "whose header says"},

		{"overflow page 0", overflow, func(p patient) { p.setOverflow(0) }, "overflow page 0"},
		{"overflow page is the schema", overflow, func(p patient) { p.setOverflow(1) }, "overflow page 1"},
		{"overflow page beyond the file", overflow, func(p patient) { p.setOverflow(1 << 30) }, "overflow page 1073741824"},
		{"chain of overflow pages that goes back to its first", overflow, func(p patient) { p.setNext(p.chain(t)[9], p.chain(t)[0]) }, "overflow pages beyond the record"},
		{"overflow page that is its own next", overflow, func(p patient) { p.setNext(p.chain(t)[0], p.chain(t)[0]) }, "overflow pages beyond the record"},
		{"last overflow page is a leaf", overflow, func(p patient) {
			chain := p.chain(t)
			p.setNext(chain[len(chain)-2], 2)
		}, "overflow pages beyond the record"},
		{"overflow page is a leaf", overflow, func(p patient) { p.setNext(p.chain(t)[3], 2) }, "overflow page 218"}, // 0x0d...
		{"overflow pages after the last", overflow, func(p patient) {
			chain := p.chain(t)
			p.setNext(chain[len(chain)-1], 1)
		}, "overflow pages beyond the record"},
		{"chain of overflow pages cut short", overflow, func(p patient) { p.setNext(p.chain(t)[5], 0) }, "overflow page 0"},
		{"number of the overflow page beyond the page", overflow, func(p patient) {
			// Move the only cell by four bytes: its payload then ends with the page.
			at := p.at(2, 0)
			copy(p.page(2)[at+4:], slices.Clone(p.page(2)[at:508]))
			p.point(2, 0, at+4)
		}, "cell 0 not inside it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := patient{slices.Clone(c.file)}
			c.damage(p)
			checkSeen(t, p.file, c.reason)
		})
	}
}

// overflowing makes a table of one row with a chain of overflow pages, beyond
// which the last column lies.
func overflowing(t *testing.T) []byte {
	path := filepath.Join(t.TempDir(), "db")
	db := connect(t, path, "rwc")
	exec(t, db, "PRAGMA page_size=512", "CREATE TABLE t(s BLOB, a INTEGER); INSERT INTO t VALUES(zeroblob(9000), 7)")
	db.Close()
	return readFile(t, path)
}

// setOverflow sets the first overflow page of a file made by overflowing: its
// number is the last thing in page 2.
func (p patient) setOverflow(n uint32) { binary.BigEndian.PutUint32(p.page(2)[508:], n) }

// setNext sets the overflow page after one.
func (p patient) setNext(page, next uint32) { binary.BigEndian.PutUint32(p.page(page), next) }

// chain returns the overflow pages of a file made by overflowing.
func (p patient) chain(t *testing.T) (pages []uint32) {
	for next := binary.BigEndian.Uint32(p.page(2)[508:]); next != 0; next = binary.BigEndian.Uint32(p.page(next)) {
		pages = append(pages, next)
	}
	if len(pages) < 15 {
		t.Fatalf("%d overflow pages", len(pages))
	}
	return pages
}

// TestOverflowUnseen: SQLite follows overflow pages for as long as the record
// is and asks for nothing else. What package pages does not see of them it reads as
// SQLite does; what it does, SQLite reads without an error.
func TestOverflowUnseen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := connect(t, path, "rwc")
	exec(t, db, "PRAGMA page_size=512", `CREATE TABLE t(a INTEGER, s TEXT, b INTEGER);
		INSERT INTO t VALUES(1, replace(hex(zeroblob(2000)), '0', 'x'), 2), (3, replace(hex(zeroblob(2000)), '0', 'y'), 4)`)
	db.Close()
	original := readFile(t, path)
	// The first pages of each record's chain, which go on in order.
	var first, second uint32
	for n := uint32(len(original) / 512); n > 0; n-- {
		switch b := (patient{original}).page(n)[4:]; {
		case bytes.Count(b, []byte("x")) == len(b):
			first = n
		case bytes.Count(b, []byte("y")) == len(b):
			second = n
		}
	}
	for _, c := range []struct {
		name   string
		damage func(p patient)
		value  string // that comes up in the first row
		seen   bool
	}{
		{"pages of another record", func(p patient) { p.setNext(first, second+1) }, "xy", false},
		{"two pages of the record in turn", func(p patient) {
			// Of the same length, and the last is the last.
			a, b := uint32(first+1), uint32(first+2)
			p.setNext(first, b)
			p.setNext(b, a)
			p.setNext(a, first+3)
		}, "xx", false},
		{"a page that is its own next", func(p patient) { p.setNext(first+1, first+1) }, "xx", true},
		{"a page of the other record that is its own next", func(p patient) {
			p.setNext(first, second)
			p.setNext(second, second)
		}, "xy", true},
	} {
		p := patient{slices.Clone(original)}
		c.damage(p)
		if err := os.WriteFile(path, p.file, 0o600); err != nil {
			t.Fatal(err)
		}
		db := connect(t, path, "ro")
		want, err := query(db, "SELECT +s, +b FROM t WHERE rowid = 1")
		if err != nil || !strings.Contains(string(want[0][0].Bytes), c.value) {
			t.Errorf("%s: SQLite reads %v, %v", c.name, want, err)
		}
		if c.seen {
			checkSeen(t, p.file, "overflow pages beyond the record")
			continue
		}
		s, err := pages.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := byPages(t.Context(), s, "t", []string{"s", "b"})
		if err != nil || !slices.EqualFunc(want[0], got[0], same) {
			t.Errorf("%s: %v, %v, SQLite reads %v", c.name, got, err, want)
		}
		s.Close()
		db.Close()
	}
}

// checkSeen reads table t of a damaged file.
func checkSeen(t *testing.T, file []byte, reason string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := pages.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tables, err := s.Tables(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var columns, ints []string
	for _, c := range tables["t"].Columns {
		columns = append(columns, c.Name)
		if c.Type == "INTEGER" {
			ints = append(ints, c.Name)
		}
	}
	_, rows := byPages(t.Context(), s, "t", columns)
	_, one := intsByPages(t.Context(), s, "t", ints, 1)
	_, two := intsByPages(t.Context(), s, "t", ints, 2)
	for what, err := range map[string]error{"Rows": rows, "Ints": one, "Ints with 2 workers": two} {
		if !errors.Is(err, table.ErrUnsupported) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, want %q", what, err, reason)
		}
	}
}
