package nsysdb

import (
	"cmp"
	"slices"
	"sync"

	"github.com/nsysdiff/nsysdiff/trace"
)

// issueOrder sorts launches by track, and within a track in the order in
// which the host issued them: by correlation id, which CUDA counts up with
// each API call of a process; launches of one call, which a graph launch is,
// by the order of their nodes; launches without a correlation id last and by
// start.
//
// Launches.Origin holds correlation ids, trackOf the track of each config,
// and extents the launches in order of the table's rows, which mostly is the
// order wanted already.
func issueOrder(l *trace.Launches, trackOf []uint32, tracks int, extents []extent) {
	compare := func(i, j uint32) int {
		if c := cmp.Compare(l.Origin[i], l.Origin[j]); c != 0 {
			return c
		}
		if l.Origin[i] != noCorrelation {
			if c := cmp.Compare(l.Node[i], l.Node[j]); c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(l.Start[i], l.Start[j]), cmp.Compare(l.Config[i], l.Config[j]), cmp.Compare(l.Duration(int(i)), l.Duration(int(j))))
	}
	if inOrder(l, trackOf, extents, compare) {
		return
	}

	// Bring the launches of each track together, keeping their order, ...
	counts := make([]int, tracks+1)
	for _, c := range l.Config {
		counts[trackOf[c]+1]++
	}
	for t := range tracks {
		counts[t+1] += counts[t]
	}
	order := make([]uint32, l.Len())
	next := slices.Clone(counts)
	for _, e := range extents {
		for i := e.first; i < e.first+e.n; i++ {
			t := trackOf[l.Config[i]]
			order[next[t]] = uint32(i)
			next[t]++
		}
	}
	// ... and sort each.
	var wg sync.WaitGroup
	for t := range tracks {
		own := order[counts[t]:counts[t+1]]
		wg.Go(func() {
			if !slices.IsSortedFunc(own, compare) {
				slices.SortFunc(own, compare)
			}
		})
	}
	wg.Wait()
	l.Permute(0, order)
}

// inOrder reports whether launches need not move.
func inOrder(l *trace.Launches, trackOf []uint32, extents []extent, compare func(i, j uint32) int) bool {
	at := 0
	for _, e := range extents {
		if e.first != at {
			return false
		}
		at += e.n
	}
	for i := 1; i < l.Len(); i++ {
		a, b := trackOf[l.Config[i-1]], trackOf[l.Config[i]]
		if a > b || a == b && compare(uint32(i-1), uint32(i)) > 0 {
			return false
		}
	}
	return true
}
