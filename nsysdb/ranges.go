package nsysdb

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sort"

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

// readRanges reads the NVTX ranges, in order of start, with their parents. A
// range's name is its own text or, for a registered string, that of textId.
func (db *DB) readRanges(ctx context.Context, strings *stringTable) ([]trace.Range, error) {
	if db.layout.nvtx == "" {
		return nil, nil
	}
	cols := db.layout.columns(db.layout.nvtx)
	start, end, typ, tid := cols.need("start"), cols.need("end"), cols.need("eventType"), cols.need("globalTid")
	textCol, textID := cols.need("text"), cols.need("textId")
	get := func(row []table.Value, i int) table.Value {
		if i < 0 {
			return table.Value{}
		}
		return row[i]
	}

	var ranges []trace.Range
	registered := map[int64][]int{} // ranges by the string id that names them
	reset := func() {
		ranges = nil
		clear(registered)
	}
	err := db.src.rows(ctx, db.layout.nvtx, cols.names, reset, func(row []table.Value) error {
		if !isRange(row[typ].Int) || row[start].Kind != table.Integer {
			return nil
		}
		r := trace.Range{Start: row[start].Int, End: math.MaxInt64, Parent: trace.None, Thread: uint64(row[tid].Int)}
		if row[end].Kind == table.Integer {
			r.End = max(r.Start, row[end].Int)
		}
		if v := get(row, textCol); v.Kind == table.Text {
			r.Name = strings.bytes(v.Bytes)
		} else if v := get(row, textID); v.Kind == table.Integer {
			registered[v.Int] = append(registered[v.Int], len(ranges))
		} else {
			r.Name = strings.id(unresolved(null))
		}
		ranges = append(ranges, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(registered) > 0 {
		err := db.eachString(ctx, func(id int64, value []byte) {
			if users, ok := registered[id]; ok {
				name := strings.bytes(value)
				for _, i := range users {
					ranges[i].Name = name
				}
				delete(registered, id)
			}
		})
		if err != nil {
			return nil, err
		}
		left := make([]int64, 0, len(registered))
		for id := range registered {
			left = append(left, id)
		}
		slices.Sort(left)
		for _, id := range left {
			name := strings.id(unresolved(id))
			for _, i := range registered[id] {
				ranges[i].Name = name
			}
		}
	}
	// Of ranges that begin together, the longer is around the shorter.
	slices.SortStableFunc(ranges, func(a, b trace.Range) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	return ranges, nil
}

// A timeline says which range was innermost on one thread at any time: range
// inner[i] from at[i] until at[i+1].
//
// The innermost range at a time is the one that began last of those that are
// open then. Push/pop ranges of one NVTX domain nest; those of several
// domains, and start/end ranges, which count for the thread that started
// them, may overlap without nesting. The parent of a range is the innermost
// one that is open for all of its life.
type timeline struct {
	at    []int64
	inner []uint32
}

// timelines sets the parents of ranges, which are in order of start, and
// returns the timeline of each thread.
func timelines(ranges []trace.Range) map[uint64]*timeline {
	byThread := map[uint64][]uint32{}
	for i := range ranges {
		byThread[ranges[i].Thread] = append(byThread[ranges[i].Thread], uint32(i))
	}
	lines := make(map[uint64]*timeline, len(byThread))
	for thread, own := range byThread {
		lines[thread] = sweep(ranges, own)
	}
	return lines
}

// sweep goes through the starts and ends of one thread's ranges in order of
// time, with the open ranges on a stack in order of start.
func sweep(ranges []trace.Range, own []uint32) *timeline {
	ends := slices.Clone(own)
	sort.Slice(ends, func(i, j int) bool { return ranges[ends[i]].End < ranges[ends[j]].End })

	line := &timeline{at: make([]int64, 0, 2*len(own)), inner: make([]uint32, 0, 2*len(own))}
	var stack []uint32
	mark := func(t int64) {
		// Drop those that have ended. One that ends beneath others, where
		// ranges do not nest, stays until it comes to the top.
		for len(stack) > 0 && ranges[stack[len(stack)-1]].End <= t {
			stack = stack[:len(stack)-1]
		}
		top := uint32(trace.None)
		if len(stack) > 0 {
			top = stack[len(stack)-1]
		}
		if n := len(line.at); n > 0 && line.at[n-1] == t {
			line.inner[n-1] = top
			return
		}
		line.at = append(line.at, t)
		line.inner = append(line.inner, top)
	}
	e := 0
	for _, r := range own {
		t := ranges[r].Start
		for ; e < len(ends) && ranges[ends[e]].End <= t; e++ {
			mark(ranges[ends[e]].End)
		}
		for len(stack) > 0 && ranges[stack[len(stack)-1]].End <= t {
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
		mark(t)
	}
	for ; e < len(ends) && ranges[ends[e]].End < math.MaxInt64; e++ {
		mark(ranges[ends[e]].End)
	}
	return line
}

// find returns the innermost range at time t, None if there is none. A range
// is open from its start until just before its end.
func (l *timeline) find(t int64) uint32 {
	if l == nil {
		return trace.None
	}
	i := sort.Search(len(l.at), func(i int) bool { return l.at[i] > t })
	if i == 0 {
		return trace.None
	}
	return l.inner[i-1]
}
