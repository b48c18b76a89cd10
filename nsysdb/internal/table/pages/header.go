package pages

import (
	"bytes"
	"encoding/binary"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

const (
	// lockByte is the offset of the bytes that SQLite takes its locks on;
	// the page that holds them holds nothing else (§1.4).
	lockByte = 1 << 30
	// maxPayload is the longest record that SQLite reads by default
	// (SQLITE_MAX_LENGTH).
	maxPayload = 1_000_000_000
)

// A layout is how a file is divided into pages, from its header (§1.3).
type layout struct {
	pageSize int
	usable   int   // bytes of a page before those reserved at its end
	pages    int64 // number of pages
	lockPage int64
	mapEvery int64 // pages from one pointer map page to the next (§1.8); 0 without auto-vacuum
}

func parseHeader(h []byte, fileSize int64) (layout, error) {
	var l layout
	if len(h) < table.HeaderSize || !bytes.HasPrefix(h, []byte("SQLite format 3\x00")) {
		return l, refuse("not a SQLite 3 database")
	}
	l.pageSize = int(binary.BigEndian.Uint16(h[16:]))
	if l.pageSize == 1 {
		l.pageSize = maxPageSize
	}
	if l.pageSize < 512 || l.pageSize&(l.pageSize-1) != 0 {
		return l, refuse("page size %d", l.pageSize)
	}
	if h[18] != 1 || h[19] != 1 {
		return l, refuse("file format %d/%d: in write-ahead log mode or newer than known", h[18], h[19])
	}
	l.usable = l.pageSize - int(h[20])
	if l.usable < 480 {
		return l, refuse("%d reserved bytes in pages of %d", h[20], l.pageSize)
	}
	if h[21] != 64 || h[22] != 32 || h[23] != 32 {
		return l, refuse("payload fractions %d, %d, %d", h[21], h[22], h[23])
	}
	if format := binary.BigEndian.Uint32(h[44:]); format < 1 || format > 4 {
		return l, refuse("schema format %d", format)
	}
	if encoding := binary.BigEndian.Uint32(h[56:]); encoding != 1 {
		return l, refuse("text encoding %d, not UTF-8", encoding)
	}

	// The size in the header counts only if the last writer knew of it (§1.3.7).
	held := fileSize / int64(l.pageSize)
	l.pages = int64(binary.BigEndian.Uint32(h[28:]))
	if l.pages == 0 || !bytes.Equal(h[24:28], h[92:96]) {
		l.pages = held
	}
	if l.pages < 1 || l.pages > held {
		return l, refuse("file cut short: %d of %d pages", held, l.pages)
	}
	l.lockPage = lockByte/int64(l.pageSize) + 1
	if binary.BigEndian.Uint32(h[52:]) != 0 {
		l.mapEvery = int64(l.usable/5) + 1
	}
	return l, nil
}

// child reports whether a page may be a page of a table other than the root
// of the schema.
func (l *layout) child(page uint32) bool {
	p := int64(page)
	if p < 2 || p > l.pages || p == l.lockPage {
		return false
	}
	if l.mapEvery == 0 {
		return true
	}
	m := (p-2)/l.mapEvery*l.mapEvery + 2
	if m == l.lockPage {
		m++
	}
	return p != m
}

// offset returns where a page starts in the file.
func (l *layout) offset(page uint32) int64 { return (int64(page) - 1) * int64(l.pageSize) }

// local returns how many bytes of a record of the given size lie in the leaf
// page itself; the rest is in overflow pages (§1.6).
func (l *layout) local(size int) int {
	x := l.usable - 35
	if size <= x {
		return size
	}
	m := (l.usable-12)*32/255 - 23
	if k := m + (size-m)%(l.usable-4); k <= x {
		return k
	}
	return m
}
