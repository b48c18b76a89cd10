package pages

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// uvarint decodes a variable-length integer (§1.6): big-endian, seven bits a
// byte, except that a ninth byte counts whole. n is its length, 0 if b ends
// inside it.
func uvarint(b []byte) (v uint64, n int) {
	for i, c := range b {
		if i == 8 {
			return v<<8 | uint64(c), 9
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// width returns how many bytes a value of a serial type takes (§2.1). ok is
// false for the types that no record of a file at rest has.
func width(serial uint64) (n int, ok bool) {
	switch {
	case serial <= 4:
		return int(serial), true
	case serial == 5:
		return 6, true
	case serial == 6 || serial == 7:
		return 8, true
	case serial == 8 || serial == 9:
		return 0, true
	case serial < 12 || serial > 2*maxPayload+13:
		return 0, false
	}
	return int(serial-12) / 2, true
}

// A cell is one row of a leaf page.
type cell struct {
	rowid int64
	key   int // bytes that the rowid takes
	size  int // of the record
	at    int // where the record starts in the page
}

// leafCell parses the head of cell i of a leaf page and checks that it lies
// inside the page.
func (s *Source) leafCell(b *btreePage, i int) (cell, error) {
	p := b.array + 2*i
	at := int(b.data[p])<<8 | int(b.data[p+1])
	if at < b.end || at >= len(b.data) {
		return cell{}, b.outside(i)
	}
	size, n := uvarint(b.data[at:])
	if n == 0 || size > maxPayload {
		return cell{}, b.outside(i)
	}
	rowid, m := uvarint(b.data[at+n:])
	c := cell{int64(rowid), m, int(size), at + n + m}
	end := c.at + s.layout.local(c.size)
	if end < c.at+c.size {
		end += 4 // the number of the first overflow page
	}
	if m == 0 || end > len(b.data) {
		return cell{}, b.outside(i)
	}
	return c, nil
}

// A field is where a record holds the value of a column.
type field struct {
	column *column
	serial uint64
	offset int // from the start of the record
	absent bool
}

// width returns how many bytes the value takes in the record.
func (f *field) width() int {
	if f.absent {
		return 0
	}
	n, _ := width(f.serial)
	return n
}

// of returns the bytes of the value in its record.
func (f *field) of(record []byte) []byte { return record[f.offset : f.offset+f.width()] }

// parseRecord finds the fields of the wanted columns (indices into columns) in
// a record by its header, and appends them to out. size is how long the record
// must be, need how many of its bytes hold the header and the fields.
func parseRecord(out []field, header []byte, columns []column, wanted []int) (fields []field, size, need int, err error) {
	out = out[:0]
	for _, w := range wanted {
		out = append(out, field{column: &columns[w], absent: true})
	}
	_, n := uvarint(header)
	size, need = len(header), len(header)
	for i, rest := 0, header[n:]; len(rest) > 0; i++ {
		serial, n := uvarint(rest)
		bytes, ok := width(serial)
		if n == 0 || !ok || size+bytes > maxPayload {
			return nil, 0, 0, refuse("a record with serial type %d", serial)
		}
		if i == len(columns) {
			return nil, 0, 0, refuse("a record of more than %d columns", len(columns))
		}
		for j, w := range wanted {
			if w == i {
				out[j].serial, out[j].offset, out[j].absent = serial, size, false
				need = max(need, size+bytes)
			}
		}
		rest, size = rest[n:], size+bytes
	}
	return out, size, need, nil
}

// integer returns the value of an integer field, which starts at b. ok is
// false for other types.
func integer(serial uint64, b []byte) (v int64, ok bool) {
	switch serial {
	case 8, 9:
		return int64(serial - 8), true
	case 1, 2, 3, 4, 5, 6:
		n, _ := width(serial)
		v = int64(int8(b[0]))
		for _, c := range b[1:n] {
			v = v<<8 | int64(c)
		}
		return v, true
	}
	return 0, false
}

// value returns the value of a field in its record.
func (f *field) value(record []byte, rowid int64) (table.Value, error) {
	switch {
	case f.column.rowid:
		return table.Value{Kind: table.Integer, Int: rowid}, nil
	case f.absent && !f.column.known:
		return table.Value{}, refuse("column %s: a row from before it was added", f.column.Name)
	case f.absent:
		return f.column.missing, nil
	case f.serial == 0:
		return table.Value{}, nil
	}
	n, _ := width(f.serial)
	b := record[f.offset : f.offset+n]
	if v, ok := integer(f.serial, b); ok {
		if f.column.real() {
			return table.Value{Kind: table.Real, Float: float64(v)}, nil
		}
		return table.Value{Kind: table.Integer, Int: v}, nil
	}
	switch {
	case f.serial == 7:
		v := math.Float64frombits(binary.BigEndian.Uint64(b))
		if math.IsNaN(v) { // which SQLite reads as NULL
			return table.Value{}, nil
		}
		return table.Value{Kind: table.Real, Float: v}, nil
	case f.serial%2 == 1:
		return table.Value{Kind: table.Text, Bytes: b}, nil
	}
	return table.Value{Kind: table.Blob, Bytes: b}, nil
}

// real reports whether the column stores whole numbers as integers and reads
// them as reals: affinity REAL, as https://www.sqlite.org/datatype3.html §3.1
// gives it by declared type.
func (c *column) real() bool {
	for _, s := range []string{"INT", "CHAR", "CLOB", "TEXT", "BLOB"} {
		if strings.Contains(c.Type, s) {
			return false
		}
	}
	return strings.Contains(c.Type, "REAL") || strings.Contains(c.Type, "FLOA") || strings.Contains(c.Type, "DOUB")
}
