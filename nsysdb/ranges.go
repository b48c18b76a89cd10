package nsysdb

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
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

// A rangeKey is what ranges share: their thread, their name and their class.
type rangeKey struct {
	thread     uint64
	text       string
	registered int64 // string id of the name, null if text is the name
	class      rangeClass
}

// A rangeReader reads NVTX_EVENTS.
type rangeReader struct {
	start, end                   int
	typ, tid, text, tidx, domain int // places among the key columns
	table                        string
	names                        []string // of the key columns

	workers []*rangeKeys
	batches []rangeBatch // in order of the rows
	kept    sync.Pool    // of *keptRanges

	// grow is held for reading while ranges are written, for writing while
	// there is made room for more.
	grow   sync.RWMutex
	ranges []trace.Range // Name is the number of a key in rangeKeys of the batch
	n      int           // ranges, of those that there is room for
}

// A rangeKeys numbers the keys that one goroutine comes upon, so that none waits
// for another. Most are those of all goroutines, but for names that count steps.
type rangeKeys struct {
	keys    []rangeKey
	numbers map[rangeKey]uint32
	uses    []uint32 // ranges, by key, once firstUses has counted them
}

// A rangeBatch is n ranges from the first on whose keys one worker numbered.
type rangeBatch struct{ first, n, worker int }

// notRange is the key of the rows that are no ranges.
const notRange = math.MaxUint32

// prepare makes r ready for a scan by a number of workers.
func (r *rangeReader) prepare(workers int) {
	r.workers = make([]*rangeKeys, workers)
	for i := range r.workers {
		r.workers[i] = &rangeKeys{numbers: map[rangeKey]uint32{}}
	}
	r.batches, r.n = nil, 0
}

// reserve returns the place of the first of n ranges of a worker.
func (r *rangeReader) reserve(n, worker int) int {
	first := r.n
	if r.n += n; r.n > len(r.ranges) {
		r.grow.Lock()
		more := hugepages.Make[trace.Range](max(r.n, len(r.ranges)+len(r.ranges)/2))
		copy(more, r.ranges)
		r.ranges = more
		r.grow.Unlock()
	}
	r.batches = append(r.batches, rangeBatch{first, n, worker})
	return first
}

// A keptRanges is the rows of a batch that wait for their turn.
type keptRanges struct {
	start, end []int64
	keys       []uint32
}

// add adds the ranges of a batch.
func (r *rangeReader) add(b *table.Batch) error {
	start, end, keys := b.Columns[r.start], b.Columns[r.end], b.Keys
	isNone := func(i int) bool { return keys[i] == notRange || start[i] == null }
	n, first := 0, 0
	for i := range b.N {
		if !isNone(i) {
			n++
		}
	}
	var kept *keptRanges
	return b.InTurn(table.Turn{
		Keep: func() {
			if kept, _ = r.kept.Get().(*keptRanges); kept == nil {
				kept = new(keptRanges)
			}
			kept.start, kept.end, kept.keys = append(kept.start[:0], start...), append(kept.end[:0], end...), append(kept.keys[:0], keys...)
			start, end, keys = kept.start, kept.end, kept.keys
		},
		Do: func() { first = r.reserve(n, b.Worker) },
		Then: func() {
			r.store(first, n, start, end, keys)
			if kept != nil {
				r.kept.Put(kept)
			}
		},
	})
}

// store writes the ranges of some rows, n in all, from place first on.
func (r *rangeReader) store(first, n int, start, end []int64, keys []uint32) {
	r.grow.RLock()
	defer r.grow.RUnlock()
	out := r.ranges[first : first+n]
	n = 0
	for i, key := range keys {
		if key == notRange || start[i] == null {
			continue
		}
		e := int64(math.MaxInt64)
		if end[i] != null {
			e = max(start[i], end[i])
		}
		out[n] = trace.Range{Start: start[i], End: e, Name: key, Parent: trace.None}
		n++
	}
}

// key returns the number that a worker gives to what the values of the key
// columns say.
func (r *rangeReader) key(worker int, row []table.Value) (uint32, error) {
	var wrong error
	at := func(i int) int64 {
		if i < 0 {
			return null
		}
		n, err := whole(row[i], r.table, r.names[i])
		if err != nil {
			wrong = err
		}
		return n
	}
	typ := at(r.typ)
	if wrong != nil || !isRange(typ) {
		return notRange, wrong
	}
	k := rangeKey{thread: uint64(zero(at(r.tid))), registered: null, class: classOf(typ, zero(at(r.domain)))}
	var text []byte
	if r.text >= 0 && row[r.text].Kind == table.Text {
		text = row[r.text].Bytes
	} else if k.registered = at(r.tidx); k.registered == null {
		text = []byte(unresolved(null))
	}
	if wrong != nil {
		return 0, wrong
	}
	w := r.workers[worker]
	n, ok := w.numbers[rangeKey{k.thread, string(text), k.registered, k.class}]
	if !ok {
		k.text = string(text)
		n = uint32(len(w.keys))
		w.keys = append(w.keys, k)
		w.numbers[k] = n
	}
	return n, nil
}

// readRanges reads the NVTX ranges, in order of start, without their parents:
// until timelines finds these, Parent holds the rank of a range. A range's name
// is its own text or, for a registered string, that of textId. Ranges that match
// any of the patterns named have rank 0.
func (db *DB) readRanges(ctx context.Context, named []trace.Pattern, strings *stringTable, progress *rowCount) ([]trace.Range, error) {
	if db.layout.nvtx == "" {
		return nil, nil
	}
	r := &rangeReader{}
	cols, keys := db.layout.columns(db.layout.nvtx), db.layout.columns(db.layout.nvtx)
	r.start, r.end = cols.need("start"), cols.need("end")
	r.typ, r.tid, r.text, r.tidx = keys.need("eventType"), keys.need("globalTid"), keys.need("text"), keys.need("textId")
	r.domain = keys.need("domainId")
	r.table, r.names = db.layout.nvtx, keys.names
	rows, err := db.src.count(ctx, db.layout.nvtx)
	if err != nil {
		return nil, err
	}
	r.ranges = hugepages.Make[trace.Range](int(db.plausible(rows)))
	workers := db.numWorkers()
	r.prepare(workers)
	opts := table.IntsOptions{Workers: workers, Keys: keys.names, Key: r.key}
	reset := func() {
		r.prepare(workers)
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
	if err := r.resolve(ctx, db, named, strings); err != nil {
		return nil, err
	}
	sortRanges(r.ranges, workers)
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

// resolve gives the ranges, in order of the rows, their threads, names and ranks.
func (r *rangeReader) resolve(ctx context.Context, db *DB, named []trace.Pattern, strings *stringTable) error {
	names := make([][]uint32, len(r.workers)) // string ids, by worker and key
	for w, own := range r.workers {
		names[w] = make([]uint32, len(own.keys))
	}
	registered := map[int64][]*uint32{} // where to put names, by string id of the report
	for _, f := range r.firstUses() {
		name := &names[f.worker][f.key]
		if k := &r.workers[f.worker].keys[f.key]; k.registered == null {
			*name = strings.id(k.text)
		} else {
			registered[k.registered] = append(registered[k.registered], name)
		}
	}
	if len(registered) > 0 {
		put := func(places []*uint32, name uint32) {
			for _, p := range places {
				*p = name
			}
		}
		err := db.eachString(ctx, func(id int64, value []byte) {
			if places, ok := registered[id]; ok {
				put(places, strings.bytes(value))
				delete(registered, id)
			}
		})
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(registered)) {
			put(registered[id], strings.id(unresolved(id)))
		}
	}
	ranks := r.ranks(names, named, strings)
	parallel(db.numWorkers(), len(r.batches), func(i int) {
		b := r.batches[i]
		keys, names, ranks := r.workers[b.worker].keys, names[b.worker], ranks[b.worker]
		own := r.ranges[b.first : b.first+b.n]
		for j := range own {
			k := own[j].Name
			own[j].Name, own[j].Thread, own[j].Parent = names[k], keys[k].thread, ranks[k]
		}
	})
	return nil
}

// ranks returns the ranks of ranges by worker and key, whose names are given.
func (r *rangeReader) ranks(names [][]uint32, named []trace.Pattern, strings *stringTable) [][]uint32 {
	classes := rankClasses(r.classes())
	ranks := make([][]uint32, len(r.workers))
	for w, own := range r.workers {
		ranks[w] = make([]uint32, len(own.keys))
		class := rangeClass(0) // of the key before
		rank := classes[class]
		for k := range own.keys {
			if c := own.keys[k].class; c != class {
				class, rank = c, classes[c]
			}
			name := strings.list[names[w][k]]
			if !slices.ContainsFunc(named, func(p trace.Pattern) bool { return p.Match(name) }) {
				ranks[w][k] = rank
			}
		}
	}
	return ranks
}

// classes returns how many ranges there are of each class.
func (r *rangeReader) classes() map[rangeClass]int {
	ranges := map[rangeClass]int{}
	for _, own := range r.workers {
		class, n := rangeClass(0), 0 // of keys before, of one class
		for k := range own.keys {
			if c := own.keys[k].class; c != class {
				ranges[class] += n
				class, n = c, 0
			}
			n += int(own.uses[k])
		}
		ranges[class] += n
	}
	return ranges
}

// A firstUse is the first range that has a key as a worker numbers it.
type firstUse struct {
	at     int // index of the range
	worker int
	key    uint32
}

// firstUses returns the first uses of all keys, in order of the rows, so that
// names are numbered in that order, whichever worker came upon them. It counts
// all uses meanwhile.
func (r *rangeReader) firstUses() []firstUse {
	found := make([][]firstUse, len(r.workers))
	parallel(len(r.workers), len(r.workers), func(w int) {
		uses := make([]uint32, len(r.workers[w].keys))
		r.workers[w].uses = uses
		for _, b := range r.batches {
			if b.worker != w {
				continue
			}
			for i := b.first; i < b.first+b.n; i++ {
				k := r.ranges[i].Name
				if uses[k]++; uses[k] == 1 {
					found[w] = append(found[w], firstUse{i, w, k})
				}
			}
		}
	})
	all := slices.Concat(found...)
	slices.SortFunc(all, func(a, b firstUse) int { return cmp.Compare(a.at, b.at) })
	return all
}
