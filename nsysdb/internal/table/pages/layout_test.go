package pages

import (
	"testing"
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
