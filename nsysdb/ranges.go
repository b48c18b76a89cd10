package nsysdb

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/trace"
)

// Event types of NVTX_EVENTS that are ranges, from ENUM_NSYS_EVENT_TYPE. The
// others are marks, categories, names of threads and domains.
const (
	nvtxPushPop   = 59
	nvtxStartEnd  = 60
	nvtxtPushPop  = 70 // imported from an NVTXT file
	nvtxtStartEnd = 71
)

func isRange(eventType int64) bool {
	switch eventType {
	case nvtxPushPop, nvtxStartEnd, nvtxtPushPop, nvtxtStartEnd:
		return true
	}
	return false
}

// A rangeKey is what ranges share: their thread and where their name is from.
type rangeKey struct {
	thread uint64
	name   uint32 // index in rangeReader.names
}

// A rangeName is a name, or the string id of one.
type rangeName struct {
	text       string
	registered int64 // null if text is the name
}

// A rangeReader reads NVTX_EVENTS.
type rangeReader struct {
	start, end           int
	typ, tid, text, tidx int // places among the key columns

	mu    sync.Mutex
	keys  []rangeKey
	known map[rangeKey]uint32
	names []rangeName
	ids   map[rangeName]uint32

	// grow is held for reading while ranges are written, for writing while
	// there is made room for more.
	grow   sync.RWMutex
	ranges []trace.Range // Name is the number of a rangeKey
	n      int           // ranges, of those that there is room for
}

// notRange is the key of the rows that are no ranges.
const notRange = math.MaxUint32

func (r *rangeReader) reset() {
	r.keys, r.known = nil, map[rangeKey]uint32{}
	r.names, r.ids = nil, map[rangeName]uint32{}
	r.n = 0
}

// reserve returns the place of the first of n ranges.
func (r *rangeReader) reserve(n int) int {
	first := r.n
	if r.n += n; r.n > len(r.ranges) {
		r.grow.Lock()
		more := hugepages.Make[trace.Range](max(r.n, len(r.ranges)+len(r.ranges)/2))
		copy(more, r.ranges)
		r.ranges = more
		r.grow.Unlock()
	}
	return first
}

// add adds the ranges of a batch.
func (r *rangeReader) add(b *table.Batch) error {
	start, end := b.Columns[r.start], b.Columns[r.end]
	none := func(i int) bool { return b.Keys[i] == notRange || start[i] == null }
	n, first := 0, 0
	for i := range b.N {
		if !none(i) {
			n++
		}
	}
	if err := b.InTurn(func() { first = r.reserve(n) }); err != nil {
		return err
	}
	r.grow.RLock()
	defer r.grow.RUnlock()
	out := r.ranges[first : first+n]
	n = 0
	for i := range b.N {
		if none(i) {
			continue
		}
		e := int64(math.MaxInt64)
		if end[i] != null {
			e = max(start[i], end[i])
		}
		out[n] = trace.Range{Start: start[i], End: e, Name: b.Keys[i], Parent: trace.None}
		n++
	}
	return nil
}

// key returns the number of what the values of the key columns say.
func (r *rangeReader) key(_ int, row []table.Value) (uint32, error) {
	if !isRange(row[r.typ].Int) {
		return notRange, nil
	}
	k := rangeKey{thread: uint64(row[r.tid].Int)}
	name := rangeName{registered: null}
	var text []byte
	if r.text >= 0 && row[r.text].Kind == table.Text {
		text = row[r.text].Bytes
	} else if r.tidx >= 0 && row[r.tidx].Kind == table.Integer {
		name.registered = row[r.tidx].Int
	} else {
		text = []byte(unresolved(null))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok := r.ids[rangeName{string(text), name.registered}]
	if !ok {
		name.text = string(text)
		id = uint32(len(r.names))
		r.names = append(r.names, name)
		r.ids[name] = id
	}
	k.name = id
	n, ok := r.known[k]
	if !ok {
		n = uint32(len(r.keys))
		r.keys = append(r.keys, k)
		r.known[k] = n
	}
	return n, nil
}

// readRanges reads the NVTX ranges, in order of start, without their parents.
// A range's name is its own text or, for a registered string, that of textId.
func (db *DB) readRanges(ctx context.Context, strings *stringTable, progress *rowCount) ([]trace.Range, error) {
	if db.layout.nvtx == "" {
		return nil, nil
	}
	r := &rangeReader{}
	cols, keys := db.layout.columns(db.layout.nvtx), db.layout.columns(db.layout.nvtx)
	r.start, r.end = cols.need("start"), cols.need("end")
	r.typ, r.tid, r.text, r.tidx = keys.need("eventType"), keys.need("globalTid"), keys.need("text"), keys.need("textId")
	rows, err := db.src.count(ctx, db.layout.nvtx)
	if err != nil {
		return nil, err
	}
	r.ranges = hugepages.Make[trace.Range](int(db.plausible(rows)))
	r.reset()
	opts := table.IntsOptions{Workers: db.numWorkers(), Keys: keys.names, Key: r.key}
	reset := func() {
		r.reset()
		progress.reset()
	}
	err = db.src.ints(ctx, db.layout.nvtx, cols.names, opts, reset, func(b table.Batch) error {
		progress.add(b.N)
		return r.add(&b)
	})
	if err != nil {
		return nil, err
	}
	r.ranges = r.ranges[:r.n]
	if err := r.resolve(ctx, db, strings); err != nil {
		return nil, err
	}
	sortRanges(r.ranges, db.numWorkers())
	return r.ranges, nil
}

// sortRanges puts ranges in order of start. Mostly they are.
func sortRanges(ranges []trace.Range, workers int) {
	// Of ranges that begin together, the longer is around the shorter.
	compare := func(a, b trace.Range) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End)) }
	var unsorted atomic.Bool
	parallel(workers, chunksOf(len(ranges)), func(k int) {
		from := max(k*chunkRows-1, 0) // from the last of the chunk before on
		if !slices.IsSortedFunc(ranges[from:min(k*chunkRows+chunkRows, len(ranges))], compare) {
			unsorted.Store(true)
		}
	})
	if unsorted.Load() {
		slices.SortStableFunc(ranges, compare)
	}
}

// chunksOf returns how many chunks n rows make.
func chunksOf(n int) int { return (n + chunkRows - 1) / chunkRows }

// resolve gives the ranges, in order of the rows, their threads and names.
func (r *rangeReader) resolve(ctx context.Context, db *DB, strings *stringTable) error {
	names := make([]uint32, len(r.names)) // string ids
	for i := range names {
		names[i] = trace.None
	}
	registered := map[int64]uint32{} // names by string id of the report
	for _, k := range r.firstNames(db.numWorkers()) {
		if n := &r.names[k]; n.registered == null {
			names[k] = strings.id(n.text)
		} else {
			registered[n.registered] = k
		}
	}
	if len(registered) > 0 {
		err := db.eachString(ctx, func(id int64, value []byte) {
			if k, ok := registered[id]; ok {
				names[k] = strings.bytes(value)
				delete(registered, id)
			}
		})
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(registered)) {
			names[registered[id]] = strings.id(unresolved(id))
		}
	}
	parallel(db.numWorkers(), chunksOf(len(r.ranges)), func(k int) {
		own := r.ranges[k*chunkRows : min(k*chunkRows+chunkRows, len(r.ranges))]
		for i := range own {
			key := &r.keys[own[i].Name]
			own[i].Name, own[i].Thread = names[key.name], key.thread
		}
	})
	return nil
}

// firstNames returns the names of the ranges, each once, in order of the rows
// that have them first: names are numbered as the workers come upon them.
func (r *rangeReader) firstNames(workers int) []uint32 {
	n := len(r.ranges)
	parts := min(workers, chunksOf(n))
	found := make([][]uint32, parts)
	parallel(workers, parts, func(k int) {
		seen := make([]bool, len(r.names))
		for i := n * k / parts; i < n*(k+1)/parts; i++ {
			if name := r.keys[r.ranges[i].Name].name; !seen[name] {
				seen[name] = true
				found[k] = append(found[k], name)
			}
		}
	})
	seen := make([]bool, len(r.names))
	return slices.DeleteFunc(slices.Concat(found...), func(name uint32) bool {
		was := seen[name]
		seen[name] = true
		return was
	})
}

// A timeline is the ranges of one thread, for telling which was innermost at
// any time.
//
// The innermost range at a time is the one that began last of those that are
// open then. Push/pop ranges of one NVTX domain nest; those of several
// domains, and start/end ranges, which count for the thread that started
// them, may overlap without nesting. The parent of a range is the innermost
// one that is open for all of its life.
//
// So the innermost range at a time is the range that began last before it, or
// the first of those around that one that is still open: a range that is open
// then and began earlier was open for all of the life of each that has ended
// meanwhile, and so is around it.
type timeline struct {
	ranges []trace.Range // of all threads
	own    []uint32      // in order of start; nil if all ranges are of one thread
	n      int
}

// at returns which of all ranges the thread's range i is.
func (l *timeline) at(i int) uint32 {
	if l.own == nil {
		return uint32(i)
	}
	return l.own[i]
}

// timelines sets the parents of ranges, which are in order of start, and
// returns the timeline of each thread.
func timelines(ranges []trace.Range, workers int) map[uint64]*timeline {
	// Ranges are mostly of one thread for a while.
	runs := func(chunk int, fn func(thread uint64, from, to int)) {
		end := min(chunk*chunkRows+chunkRows, len(ranges))
		for i := chunk * chunkRows; i < end; {
			j := i + 1
			for j < end && ranges[j].Thread == ranges[i].Thread {
				j++
			}
			fn(ranges[i].Thread, i, j)
			i = j
		}
	}
	chunks := make([]map[uint64]int, chunksOf(len(ranges))) // ranges by thread
	parallel(workers, len(chunks), func(k int) {
		chunks[k] = map[uint64]int{}
		runs(k, func(thread uint64, from, to int) { chunks[k][thread] += to - from })
	})
	lines := map[uint64]*timeline{}
	for _, chunk := range chunks {
		for thread, n := range chunk {
			if lines[thread] == nil {
				lines[thread] = &timeline{ranges: ranges}
			}
			chunk[thread] = lines[thread].n // where those of the chunk begin
			lines[thread].n += n
		}
	}
	if len(lines) > 1 {
		for _, line := range lines {
			line.own = hugepages.Make[uint32](line.n)
		}
		parallel(workers, len(chunks), func(k int) {
			runs(k, func(thread uint64, from, to int) {
				own := lines[thread].own[chunks[k][thread]:]
				for i := range to - from {
					own[i] = uint32(from + i)
				}
				chunks[k][thread] += to - from
			})
		})
	}
	all := slices.Collect(maps.Values(lines))
	parallel(len(all), len(all), func(k int) { all[k].nest() })
	return lines
}

// nest sets the parents of a thread's ranges, with the open ones on a stack in
// order of start.
func (l *timeline) nest() {
	ranges := l.ranges
	var stack []uint32
	for i := range l.n {
		r := l.at(i)
		// Drop those that have ended. One that ends beneath others, where
		// ranges do not nest, stays until it comes to the top.
		for len(stack) > 0 && ranges[stack[len(stack)-1]].End <= ranges[r].Start {
			stack = stack[:len(stack)-1]
		}
		if len(stack) > 0 {
			// What is around r whole is also around what is innermost now, or
			// is that itself: it is on the way up from there.
			p := stack[len(stack)-1]
			for p != trace.None && ranges[p].End < ranges[r].End {
				p = ranges[p].Parent
			}
			ranges[r].Parent = p
		}
		stack = append(stack, r)
	}
}

// find returns the innermost range at time t, None if there is none. A range
// is open from its start until just before its end.
func (l *timeline) find(t int64) uint32 {
	c := timeCursor{timeline: l}
	return c.find(t)
}

// A timeCursor goes through a timeline. To find the ranges of times that
// mostly ascend takes no more steps than there are ranges.
type timeCursor struct {
	*timeline
	began int    // how many ranges began by the last time
	inner uint32 // the last range found; of no meaning before the first
	last  int64
}

func (c *timeCursor) find(t int64) uint32 {
	at := c.began
	if at == 0 || t < c.last {
		at = sort.Search(c.n, func(i int) bool { return c.ranges[c.at(i)].Start > t })
	} else {
		for at < c.n && c.ranges[c.at(at)].Start <= t {
			at++
		}
	}
	if at != c.began || t < c.last {
		c.inner = trace.None
		if at > 0 {
			c.inner = c.at(at - 1)
		}
	} else if at == 0 {
		c.inner = trace.None
	}
	c.began, c.last = at, t
	for c.inner != trace.None && c.ranges[c.inner].End <= t {
		c.inner = c.ranges[c.inner].Parent
	}
	return c.inner
}
