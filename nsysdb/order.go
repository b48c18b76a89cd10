package nsysdb

import (
	"cmp"
	"slices"
	"sort"

	"github.com/nsysdiff/nsysdiff/trace"
)

// The order of issue is that of the correlation ids, which CUDA counts up with
// each API call of a process. Launches of one call, which a graph launch is,
// are in the order in which their nodes were made; launches without a
// correlation id come last, by start. What is equal in this is ordered by
// start, configuration and duration, so that it does not depend on chance.
//
// Reports hold launches in order of start, which with one stream is the order
// of issue, and with several is not far from it.

// arrange puts the launches of w.batch in order of track and issue, as
// w.issued, and divides them into w.parts.
func (r *kernelReader) arrange(w *kernelWorker) {
	b := &w.batch
	n := b.len()
	w.parts, w.issued = w.parts[:0], b
	if n == 0 {
		return
	}
	if !w.manyTracks {
		w.parts = append(w.parts, part{0, 0, n})
		if r.ordered(w, nil, n) {
			return
		}
		w.order = identity(w.order, n)
	} else {
		r.groupByTrack(w)
	}
	for _, p := range w.parts {
		if own := w.order[p.from : p.from+p.n]; !r.ordered(w, own, p.n) {
			r.sort(w, own)
		}
	}
	from, to := &w.batch, &w.sorted
	w.issued = to
	to.start, to.end = gather(to.start, from.start, w.order), gather(to.end, from.end, w.order)
	to.config, to.correlation = gather(to.config, from.config, w.order), gather(to.correlation, from.correlation, w.order)
}

func identity(order []uint32, n int) []uint32 {
	order = slices.Grow(order[:0], n)[:n]
	for i := range order {
		order[i] = uint32(i)
	}
	return order
}

func gather[T any](to, from []T, order []uint32) []T {
	to = slices.Grow(to[:0], len(order))[:len(order)]
	for i, k := range order {
		to[i] = from[k]
	}
	return to
}

// groupByTrack makes w.parts, and w.order so that it groups the batch by track.
func (r *kernelReader) groupByTrack(w *kernelWorker) {
	var counts []int
	for _, c := range w.batch.config {
		t := int(w.track(c))
		for t >= len(counts) {
			counts = append(counts, 0)
		}
		counts[t]++
	}
	from := 0
	for t, n := range counts {
		if n > 0 {
			w.parts = append(w.parts, part{uint32(t), from, n})
		}
		counts[t] = from
		from += n
	}
	w.order = slices.Grow(w.order[:0], from)[:from]
	for i, c := range w.batch.config {
		t := w.track(c)
		w.order[counts[t]] = uint32(i)
		counts[t]++
	}
}

// track returns the track of a configuration that w numbers.
func (w *kernelWorker) track(c uint32) uint32 { return w.facts[w.nodeConfigs.Keys[c].config].track }

// ordered reports whether the first n launches of w.batch, or those that order
// names, are in order of issue.
func (r *kernelReader) ordered(w *kernelWorker, order []uint32, n int) bool {
	correlation := w.batch.correlation
	if order == nil {
		for i := 1; i < n; i++ {
			if correlation[i-1] >= correlation[i] && !r.pairOrdered(w, uint32(i-1), uint32(i)) {
				return false
			}
		}
		return true
	}
	for i := 1; i < n; i++ {
		a, b := order[i-1], order[i]
		if correlation[a] >= correlation[b] && !r.pairOrdered(w, a, b) {
			return false
		}
	}
	return true
}

// pairOrdered reports whether launch j of w.batch does not come before launch i.
// A graph's launches mostly follow each other as they did the last time.
func (r *kernelReader) pairOrdered(w *kernelWorker, i, j uint32) bool {
	b := &w.batch
	oneCall := b.correlation[i] == b.correlation[j] && b.correlation[i] != noCorrelation
	x, y := b.config[i], b.config[j]
	if oneCall && w.later[x] == y {
		return true
	}
	if r.compare(w, i, j) > 0 {
		return false
	}
	if oneCall && w.compareNodes(x, y) < 0 {
		w.later[x] = y
	}
	return true
}

// compare compares launches i and j of w.batch, which are of one track.
func (r *kernelReader) compare(w *kernelWorker, i, j uint32) int {
	b := &w.batch
	if c := cmp.Compare(b.correlation[i], b.correlation[j]); c != 0 {
		return c
	}
	if b.correlation[i] != noCorrelation {
		if c := w.compareNodes(b.config[i], b.config[j]); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(b.start[i], b.start[j]), r.compareNodeConfigs(w, b.config[i], b.config[j]), cmp.Compare(b.duration(i), b.duration(j)))
}

// compareNodeConfigs compares two configurations as w numbers them, as finish
// numbers them in the end.
func (r *kernelReader) compareNodeConfigs(w *kernelWorker, a, b uint32) int {
	x, y := w.nodeConfigs.Keys[a].config, w.nodeConfigs.Keys[b].config
	if x == y {
		return w.compareNodes(a, b)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return compareConfigs(&r.configs.Keys[x], &r.configs.Keys[y])
}

// compareNodes compares the nodes of two configurations of one process as w
// numbers them, by when they were made, as makeNodes numbers them in the end.
// Those that no graph replayed come last.
func (w *kernelWorker) compareNodes(a, b uint32) int {
	x, y := w.nodeConfigs.Keys[a].node, w.nodeConfigs.Keys[b].node
	if x == noNode || y == noNode {
		return cmp.Compare(min(y, 1), min(x, 1))
	}
	return cmp.Or(cmp.Compare(w.made[a], w.made[b]), cmp.Compare(x, y))
}

// sort sorts the launches of w.batch that order names.
func (r *kernelReader) sort(w *kernelWorker, order []uint32) {
	// Sorting by correlation id alone is fast, and leaves little to do.
	w.pairs = w.pairs[:0]
	for _, k := range order {
		w.pairs = append(w.pairs, uint64(w.batch.correlation[k])<<32|uint64(k))
	}
	slices.Sort(w.pairs)
	for i, p := range w.pairs {
		order[i] = uint32(p)
	}
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && w.pairs[j]>>32 == w.pairs[i]>>32 {
			j++
		}
		if own := order[i:j]; !r.ordered(w, own, len(own)) {
			slices.SortFunc(own, func(a, b uint32) int { return r.compare(w, a, b) })
		}
		i = j
	}
}

// issueOrder puts the launches of each track in order of issue, given that
// each of its parts is. Track i holds the launches from first[i] to first[i+1]-1;
// starts are where its parts start, counted from there.
//
// Launches.Config has its final numbers, Launches.Origin holds correlation ids.
func issueOrder(t *trace.Trace, first []int, starts [][]int) {
	parallel(len(starts), len(starts), func(i int) { mergeParts(t, first[i], first[i+1], starts[i]) })
}

// mergeParts merges the sorted parts of the launches from first to end-1 one
// after the other. Where they overlap by a few launches, as they do with
// several streams, that moves only those.
func mergeParts(t *trace.Trace, first, end int, starts []int) {
	compare := func(i, j int) int { return compareLaunches(t, i, j) }
	budget := 8 * (end - first) // launches that may move before sorting them all is better
	var order []uint32
	for k := 1; k < len(starts); k++ {
		at, stop := first+starts[k], end
		if k+1 < len(starts) {
			stop = first + starts[k+1]
		}
		if compare(at-1, at) <= 0 {
			continue
		}
		lo := first + sort.Search(at-first, func(i int) bool { return compare(first+i, at) > 0 })
		hi := at + sort.Search(stop-at, func(i int) bool { return compare(at-1, at+i) <= 0 })
		if budget -= hi - lo; budget < 0 {
			order = identity(order, end-first)
			slices.SortFunc(order, func(a, b uint32) int { return compare(first+int(a), first+int(b)) })
			t.Launches.Permute(first, order)
			return
		}
		order = order[:0]
		for i, j := lo, at; i < at || j < hi; {
			if j == hi || i < at && compare(i, j) <= 0 {
				order = append(order, uint32(i-lo))
				i++
			} else {
				order = append(order, uint32(j-lo))
				j++
			}
		}
		t.Launches.Permute(lo, order)
	}
}

func compareLaunches(t *trace.Trace, i, j int) int {
	l := &t.Launches
	if c := cmp.Compare(l.Origin[i], l.Origin[j]); c != 0 {
		return c
	}
	if l.Origin[i] != noCorrelation {
		if c := cmp.Compare(t.LaunchNode(i), t.LaunchNode(j)); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(l.Start[i], l.Start[j]), cmp.Compare(l.Config[i], l.Config[j]), cmp.Compare(l.Duration(i), l.Duration(j)))
}
