package pages

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

func TestChild(t *testing.T) {
	for _, c := range []struct {
		name   string
		layout layout
		page   uint32
		want   bool
	}{
		{"none", layout{pages: 9, lockPage: 1 << 20}, 0, false},
		{"the schema's", layout{pages: 9, lockPage: 1 << 20}, 1, false},
		{"last", layout{pages: 9, lockPage: 1 << 20}, 9, true},
		{"beyond the last", layout{pages: 9, lockPage: 1 << 20}, 10, false},
		{"of the locks", layout{pages: 400000, lockPage: 262145}, 262145, false},
		{"before it", layout{pages: 400000, lockPage: 262145}, 262144, true},
		// With 512 usable bytes a pointer map has 102 entries: maps are pages
		// 2, 105, 208 (§1.8).
		{"first pointer map", layout{pages: 999, lockPage: 1 << 21, mapEvery: 103}, 2, false},
		{"after it", layout{pages: 999, lockPage: 1 << 21, mapEvery: 103}, 3, true},
		{"second pointer map", layout{pages: 999, lockPage: 1 << 21, mapEvery: 103}, 105, false},
		{"before it", layout{pages: 999, lockPage: 1 << 21, mapEvery: 103}, 104, true},
		// A map that would be the locks' page moves on by one.
		{"map moved", layout{pages: 999, lockPage: 105, mapEvery: 103}, 106, false},
		{"map not moved", layout{pages: 999, lockPage: 104, mapEvery: 103}, 106, true},
	} {
		if got := c.layout.child(c.page); got != c.want {
			t.Errorf("page %s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestUvarint(t *testing.T) {
	for _, c := range []struct {
		in   string
		want uint64
		n    int
	}{
		{"", 0, 0},
		{"\x7f\xff", 127, 1},
		{"\x81\x00", 128, 2},
		{"\x81", 0, 0},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 1<<64 - 1, 9},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x05", 5, 9},
		{"\xff\xff\xff\xff\xff\xff\xff\xff", 0, 0},
	} {
		if got, n := uvarint([]byte(c.in)); got != c.want || n != c.n {
			t.Errorf("%x: %d in %d bytes, want %d in %d", c.in, got, n, c.want, c.n)
		}
	}
}

func TestParseHeader(t *testing.T) {
	// header returns the header of a file of 300 pages of 1024 bytes.
	header := func() []byte {
		h := make([]byte, table.HeaderSize)
		copy(h, "SQLite format 3\x00")
		binary.BigEndian.PutUint16(h[16:], 1024)
		h[18], h[19], h[21], h[22], h[23] = 1, 1, 64, 32, 32
		binary.BigEndian.PutUint32(h[24:], 5) // changes
		binary.BigEndian.PutUint32(h[28:], 300)
		binary.BigEndian.PutUint32(h[44:], 4)
		binary.BigEndian.PutUint32(h[56:], 1)
		binary.BigEndian.PutUint32(h[92:], 5) // changes that the size is of
		return h
	}
	ordinary := layout{pageSize: 1024, usable: 1024, pages: 300, lockPage: 1<<20 + 1}
	with := func(change func(*layout)) layout {
		l := ordinary
		change(&l)
		return l
	}
	for _, c := range []struct {
		name   string
		change func(h []byte)
		size   int64
		want   layout
		reason string // of the refusal
	}{
		{"ordinary", func([]byte) {}, 300 * 1024, ordinary, ""},
		{"more than the header says", func([]byte) {}, 301*1024 + 5, ordinary, ""},
		{"cut short", func([]byte) {}, 300*1024 - 1, layout{}, "299 of 300 pages"},
		{"a size that a writer of old did not update", func(h []byte) { h[27]++ }, 400 * 1024, with(func(l *layout) { l.pages = 400 }), ""},
		{"a size too great that does not count", func(h []byte) { h[27]++ }, 200 * 1024, with(func(l *layout) { l.pages = 200 }), ""},
		{"no size", func(h []byte) { clear(h[28:32]) }, 400 * 1024, with(func(l *layout) { l.pages = 400 }), ""},
		{"no size, no page", func(h []byte) { clear(h[28:32]) }, 1023, layout{}, "0 of 0 pages"},
		{"page size 512", func(h []byte) { h[16] = 2 }, 300 * 1024, layout{pageSize: 512, usable: 512, pages: 300, lockPage: 1<<21 + 1}, ""},
		{"page size 32768", func(h []byte) { h[16] = 128 }, 300 << 15, layout{pageSize: 32768, usable: 32768, pages: 300, lockPage: 1<<15 + 1}, ""},
		{"page size 65536, written as 1", func(h []byte) { h[16], h[17] = 0, 1 }, 300 << 16, layout{pageSize: 65536, usable: 65536, pages: 300, lockPage: 1<<14 + 1}, ""},
		{"page size 256", func(h []byte) { h[16] = 1 }, 300 * 1024, layout{}, "page size 256"},
		{"page size 768", func(h []byte) { h[16] = 3 }, 300 * 1024, layout{}, "page size 768"},
		{"reserved bytes", func(h []byte) { h[20] = 255 }, 300 * 1024, with(func(l *layout) { l.usable = 769 }), ""},
		{"as many as may be reserved", func(h []byte) { h[16], h[20] = 2, 32 }, 300 * 1024, layout{pageSize: 512, usable: 480, pages: 300, lockPage: 1<<21 + 1}, ""},
		{"too many reserved", func(h []byte) { h[16], h[20] = 2, 33 }, 300 * 1024, layout{}, "33 reserved bytes"},
		{"written in WAL mode", func(h []byte) { h[18] = 2 }, 300 * 1024, layout{}, "file format 2/1"},
		{"to be read in WAL mode", func(h []byte) { h[19] = 2 }, 300 * 1024, layout{}, "file format 1/2"},
		{"newer than known", func(h []byte) { h[18], h[19] = 3, 3 }, 300 * 1024, layout{}, "file format 3/3"},
		{"greatest local payload", func(h []byte) { h[21] = 65 }, 300 * 1024, layout{}, "payload fractions"},
		{"least local payload", func(h []byte) { h[22] = 31 }, 300 * 1024, layout{}, "payload fractions"},
		{"payload of leaves", func(h []byte) { h[23] = 31 }, 300 * 1024, layout{}, "payload fractions"},
		{"oldest schema format", func(h []byte) { h[47] = 1 }, 300 * 1024, ordinary, ""},
		{"no schema format", func(h []byte) { h[47] = 0 }, 300 * 1024, layout{}, "schema format 0"},
		{"newer schema format", func(h []byte) { h[47] = 5 }, 300 * 1024, layout{}, "schema format 5"},
		{"no encoding", func(h []byte) { h[59] = 0 }, 300 * 1024, layout{}, "text encoding 0"},
		{"UTF-16le", func(h []byte) { h[59] = 2 }, 300 * 1024, layout{}, "text encoding 2"},
		{"UTF-16be", func(h []byte) { h[59] = 3 }, 300 * 1024, layout{}, "text encoding 3"},
		{"auto-vacuum", func(h []byte) { h[55] = 9 }, 300 * 1024, with(func(l *layout) { l.mapEvery = 205 }), ""},
		// A pointer map has an entry of five bytes for each page, as many as
		// usable bytes have room for (§1.8).
		{"auto-vacuum with reserved bytes", func(h []byte) { h[20], h[55] = 8, 9 }, 300 * 1024, with(func(l *layout) { l.usable, l.mapEvery = 1016, 204 }), ""},
		{"another format", func(h []byte) { h[14] = '2' }, 300 * 1024, layout{}, "not a SQLite 3 database"},
	} {
		h := header()
		c.change(h)
		got, err := parseHeader(h, c.size)
		if c.reason != "" {
			if err == nil || !strings.Contains(err.Error(), c.reason) || !errors.Is(err, table.ErrUnsupported) {
				t.Errorf("%s: %v, want %q", c.name, err, c.reason)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	if _, err := parseHeader(header()[:99], 99); !errors.Is(err, table.ErrUnsupported) {
		t.Errorf("99 bytes: %v", err)
	}
}
