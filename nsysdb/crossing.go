package nsysdb

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// Two ranges of a thread cross if one begins in the other and ends after it. A
// range has one parent, so that of the two only one can have the launches in
// both: the one of lower rank, and the other is left out of the nesting, since
// a part of its launches would pass for all.
//
//   - Rank 0 has the ranges that a scope names: their launches are asked for.
//   - Then come push/pop ranges, which are written to nest, one rank for each
//     NVTX domain, that with the most ranges first.
//   - Start/end ranges come last: a request begins in one step and ends in
//     another.
//
// Ranges of one rank may cross: a launch then belongs to the one that began
// last.

// crossingWarning says that n ranges are left out.
func crossingWarning(n int) string {
	if n == 1 {
		return "1 NVTX range crosses others of its thread, and so counts for no launch: to choose launches by it, name it in the scope"
	}
	return fmt.Sprintf("%d NVTX ranges cross others of their thread, and so count for no launch: to choose launches by one, name it in the scope", n)
}

// A rangeClass is what the rank of a range goes by, besides its name: the domain
// of a push/pop range, or startEnd.
type rangeClass int64

const startEnd rangeClass = math.MinInt64

func classOf(eventType, domain int64) rangeClass {
	if eventType == nvtxStartEnd || eventType == nvtxtStartEnd {
		return startEnd
	}
	return rangeClass(domain)
}

// rankClasses returns the rank of each class of ranges, from the number of
// ranges that it has.
func rankClasses(ranges map[rangeClass]int) map[rangeClass]uint32 {
	classes := slices.SortedFunc(maps.Keys(ranges), func(a, b rangeClass) int {
		switch {
		case a == startEnd:
			return 1
		case b == startEnd:
			return -1
		}
		return cmp.Or(cmp.Compare(ranges[b], ranges[a]), cmp.Compare(a, b))
	})
	ranks := map[rangeClass]uint32{}
	for i, c := range classes {
		ranks[c] = min(1+uint32(i), math.MaxUint8) // see timeline.ranks
	}
	return ranks
}

// arrange sets the parents of a thread's ranges from to to-1, whose Parent holds
// their rank until then. It returns those that are left out of the nesting,
// which have no parent.
func (l *timeline) arrange(from, to int) (leftOut []uint32) {
	ranks := l.ranks(from, to)
	if crossed := l.nest(from, to); !crossed || ranks == nil {
		return nil
	}
	kept := &timeline{ranges: l.ranges, own: []uint32{}}
	for rank := range slices.Max(ranks) + 1 {
		own, n := kept.own, kept.n
		now, then := timeCursor{timeline: kept}, timeCursor{timeline: kept}
		for i := from; i < to; i++ {
			if ranks[i-from] != rank {
				continue
			}
			if r := l.at(i); crosses(&l.ranges[r], &now, &then) {
				leftOut = append(leftOut, r)
			} else {
				own = append(own, r)
			}
		}
		if len(own) > n {
			slices.Sort(own)
			kept.own, kept.n = own, len(own)
			kept.nest(0, kept.n)
		}
	}
	for _, r := range leftOut {
		l.ranges[r].Parent = trace.None
	}
	return leftOut
}

// ranks returns the ranks of the ranges from to to-1 before they are nested; nil
// if they have all the same.
func (l *timeline) ranks(from, to int) []uint8 {
	first := l.ranges[l.at(from)].Parent
	for i := from; i < to; i++ {
		if l.ranges[l.at(i)].Parent == first {
			continue
		}
		ranks := make([]uint8, to-from)
		for i := range ranks {
			ranks[i] = uint8(l.ranges[l.at(from+i)].Parent)
		}
		return ranks
	}
	return nil
}

// crosses reports whether a range crosses any of a timeline, given two cursors
// of it. Where these nest, it crosses one if it crosses the innermost that is
// open when it begins, or when it ends.
func crosses(r *trace.Range, now, then *timeCursor) bool {
	p := now.find(r.Start)
	for p != trace.None && now.ranges[p].Start == r.Start {
		p = now.ranges[p].Parent
	}
	if p != trace.None && now.ranges[p].End < r.End {
		return true
	}
	p = then.find(r.End)
	for p != trace.None && then.ranges[p].Start == r.End {
		p = then.ranges[p].Parent
	}
	return p != trace.None && then.ranges[p].Start > r.Start
}

// without drops ranges from a timeline.
func (l *timeline) without(ranges []uint32) {
	if len(ranges) == 0 {
		return
	}
	drop := make(map[uint32]bool, len(ranges))
	for _, r := range ranges {
		drop[r] = true
	}
	own := make([]uint32, 0, l.n-len(ranges))
	for i := range l.n {
		if r := l.at(i); !drop[r] {
			own = append(own, r)
		}
	}
	l.own, l.n = own, len(own)
}
