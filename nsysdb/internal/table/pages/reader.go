package pages

import (
	"encoding/binary"
	"runtime"
	"sync/atomic"
)

const (
	// runPages and runBytes bound how many leaves are read and decoded at a
	// time.
	runPages = 64
	runBytes = 256 << 10
	// Of a small table fewer are read at a time, as memory that is touched for
	// the first time costs more than to decode what is read into it.
	smallRunPages = 8
	smallRuns     = 16
	// workerBytes is how much a worker should have to do to be worth starting.
	workerBytes = 512 << 10
	// maxGap is how many pages of something else are read along rather than
	// read around.
	maxGap = 3
	// padding after every buffer of records lets eight bytes be loaded
	// wherever an integer starts, and the words of a template wherever a
	// record starts.
	padding = 8 + wordsSize
)

// A window is the bytes from the start of a page on, as many as the largest page
// has, and padding. What lies behind the page is of no meaning: the window is that
// long so that the compiler knows every place that a page may have to be inside.
type window [maxPageSize + padding]byte

const maxPageSize = 1 << 16

// uint64 returns the eight bytes at a place below maxPageSize.
func (w *window) uint64(at uint32) uint64 {
	at %= maxPageSize
	return binary.BigEndian.Uint64(w[at:])
}

// A scan is one pass over a table.
type scan struct {
	*Source
	def    *definition
	wanted []int
	leaves leaves
	// overflow counts down the overflow pages that may yet be read. Each
	// belongs to one record, so more than the file's pages means a loop.
	overflow atomic.Int64
}

// perRun returns how many leaves to read at a time.
func (s *scan) perRun() int {
	return min(runPages, runBytes/s.layout.pageSize, max(smallRunPages, s.leaves.len()/smallRuns))
}

// workers returns how many goroutines to start where as many as asked for may be.
func (s *scan) workers(asked int) int {
	if asked <= 0 {
		asked = runtime.GOMAXPROCS(0)
	}
	return min(asked, 1+s.leaves.len()*s.layout.pageSize/workerBytes)
}

// A reader reads pages of a scan; each goroutine has its own.
type reader struct {
	*scan
	buf    []byte
	at     []int    // where each leaf of the run starts in buf
	record []byte   // a record with overflow
	page   []byte   // an overflow page
	levels [][]byte // pages on the way from the root to a leaf
}

// load reads leaves from to to-1, with one call for those that lie together in
// the file.
func (r *reader) load(from, to int) error {
	pages := r.leaves.page[from:to]
	r.at = r.at[:0]
	size := r.layout.pageSize
	// Place the leaves first, to know how much room they need.
	total := 0
	for i, p := range pages {
		if i > 0 {
			if gap := int64(p) - int64(pages[i-1]) - 1; 0 < gap && gap <= maxGap {
				total += int(gap) * size
			}
		}
		r.at = append(r.at, total)
		total += size
	}
	if len(r.buf) < total+len(window{}) {
		r.buf = make([]byte, total+len(window{}))
	}
	for i := 0; i < len(pages); {
		j := i + 1
		for j < len(pages) && int64(pages[j])-int64(pages[i]) == int64(r.at[j]-r.at[i])/int64(size) {
			j++
		}
		if err := r.read(r.buf[r.at[i]:r.at[j-1]+size], r.layout.offset(pages[i])); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// leaf returns leaf i, which is number k of those loaded.
func (r *reader) leaf(i, k int) (btreePage, error) {
	b, err := parsePage(r.leaves.page[i], r.buf[r.at[k]:r.at[k]+r.layout.usable])
	if err != nil {
		return b, err
	}
	if b.kind != leafTable {
		return b, refuse("page %d: leaves at different depths", b.number)
	}
	if b.cells == 0 && r.leaves.len() > 1 {
		return b, refuse("page %d: no cells", b.number)
	}
	return b, nil
}

// header returns the header of a record, from overflow pages if need be.
func (r *reader) header(b *btreePage, c cell) ([]byte, error) {
	local := b.data[c.at : c.at+r.layout.local(c.size)]
	n, k := uvarint(local)
	if k == 0 || n < uint64(k) || n > uint64(c.size) {
		return nil, refuse("page %d: a record with a header of %d bytes", b.number, n)
	}
	return r.prefix(b, c, int(n))
}

// prefix returns the first n bytes of a record. It follows overflow pages as
// far as they are needed (§1.6). The result is valid until the next call.
func (r *reader) prefix(b *btreePage, c cell, n int) ([]byte, error) {
	local := r.layout.local(c.size)
	if n <= local {
		return b.data[c.at : c.at+n], nil
	}
	r.record = append(r.record[:0], b.data[c.at:c.at+local]...)
	if r.page == nil {
		r.page = make([]byte, r.layout.pageSize)
	}
	next := binary.BigEndian.Uint32(b.data[c.at+local:])
	for len(r.record) < n {
		if !r.layout.child(next) || r.overflow.Add(-1) < 0 {
			return nil, refuse("page %d: overflow page %d", b.number, next)
		}
		if err := r.read(r.page, r.layout.offset(next)); err != nil {
			return nil, err
		}
		next = binary.BigEndian.Uint32(r.page)
		r.record = append(r.record, r.page[4:min(r.layout.usable, 4+c.size-len(r.record))]...)
	}
	// A chain that comes back to itself, or has come to a page of a b-tree,
	// does not end here.
	if len(r.record) == c.size && next != 0 {
		return nil, refuse("page %d: overflow pages beyond the record", b.number)
	}
	return r.record[:n], nil
}
