package nsysdb

import (
	"math"
	"slices"
	"sort"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A timeline is the ranges of one thread, for telling which was innermost at
// any time.
//
// The innermost range at a time is the one that began last of those that are
// open then. The parent of a range is the innermost one that is open for all
// of its life. Ranges may overlap without nesting; of those that do, most are
// left out, see crossing.go.
//
// So the innermost range at a time is the range that began last before it, or
// the first of those around that one that is still open: a range that is open
// then and began earlier was open for all of the life of each that has ended
// meanwhile, and so is around it.
type timeline struct {
	ranges []trace.Range // of all threads
	own    []uint32      // in order of start; nil if all ranges are the thread's
	n      int
}

// at returns which of all ranges the thread's range i is.
func (l *timeline) at(i int) uint32 {
	if l.own == nil {
		return uint32(i)
	}
	return l.own[i]
}

// timelines sets the parents of ranges, which are in order of start and whose
// Parent holds their rank until then. It returns the timeline of each thread,
// and how many ranges are left out of these since they cross others.
func timelines(ranges []trace.Range, workers int) (lines map[uint64]*timeline, leftOut int) {
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
	lines = map[uint64]*timeline{}
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
	type stretch struct {
		*timeline
		from, to int
		leftOut  []uint32
	}
	var all []stretch
	for _, line := range lines {
		cuts := line.cuts(workers)
		for i, from := range cuts {
			to := line.n
			if i+1 < len(cuts) {
				to = cuts[i+1]
			}
			all = append(all, stretch{timeline: line, from: from, to: to})
		}
	}
	parallel(workers, len(all), func(k int) { all[k].leftOut = all[k].arrange(all[k].from, all[k].to) })
	cross := map[*timeline][]uint32{}
	for _, s := range all {
		cross[s.timeline] = append(cross[s.timeline], s.leftOut...)
		leftOut += len(s.leftOut)
	}
	for line, ranges := range cross {
		line.without(ranges)
	}
	return lines, leftOut
}

// cuts returns where the thread's ranges can be divided, about once a chunk:
// where one begins that none of those before is open at. The first is 0.
func (l *timeline) cuts(workers int) []int {
	n := chunksOf(l.n)
	last := make([]int64, n) // end in each chunk, then in all up to it
	parallel(workers, n, func(k int) {
		last[k] = math.MinInt64
		for i := k * chunkRows; i < min(k*chunkRows+chunkRows, l.n); i++ {
			last[k] = max(last[k], l.ranges[l.at(i)].End)
		}
	})
	for k := 1; k < n; k++ {
		last[k] = max(last[k], last[k-1])
	}
	found := make([]int, n) // l.n where there is none
	parallel(workers, n, func(k int) {
		if k == 0 {
			return
		}
		end, i := last[k-1], k*chunkRows
		for ; i < min(k*chunkRows+chunkRows, l.n); i++ {
			r := &l.ranges[l.at(i)]
			if end <= r.Start {
				found[k] = i
				return
			}
			end = max(end, r.End)
		}
		found[k] = l.n
	})
	return slices.DeleteFunc(found, func(i int) bool { return i == l.n })
}

// nest sets the parents of a thread's ranges from to to-1, with the open ones on
// a stack in order of start. It reports whether any of them cross.
func (l *timeline) nest(from, to int) (crossed bool) {
	ranges := l.ranges
	var stack []uint32
	for i := from; i < to; i++ {
		r := l.at(i)
		// Drop those that have ended. One that ends beneath others, where
		// ranges do not nest, stays until it comes to the top.
		for len(stack) > 0 && ranges[stack[len(stack)-1]].End <= ranges[r].Start {
			stack = stack[:len(stack)-1]
		}
		p := uint32(trace.None)
		if len(stack) > 0 {
			// What is around r whole is also around what is innermost now, or
			// is that itself: it is on the way up from there.
			p = stack[len(stack)-1]
			for p != trace.None && ranges[p].End < ranges[r].End {
				p, crossed = ranges[p].Parent, true
			}
		}
		ranges[r].Parent = p
		stack = append(stack, r)
	}
	return crossed
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
