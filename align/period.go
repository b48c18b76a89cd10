package align

import (
	"fmt"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// maxPeriodSample is the number of launches, from the end of a track, that
// its period is looked for in.
const maxPeriodSample = 1 << 18

// A period is a repetition of a sequence: an anchor, a window of launches
// that occurs once a step, recurs after about length launches.
type period struct {
	length int     // median distance of two anchors, launches
	anchor []int32 // its launches
	offset int     // launches from the step's first launch to the anchor, 0 ≤ offset < length
	cover  float64 // part of the sequence within regular distances
}

// periodSteps tells steps by the period of the sequence of launches, for each
// period that the trace may have, the longest first, and returns the lengths
// of the periods.
func periodSteps(t *trace.Trace, syms []symbol) (segs []segmentation, lengths []int) {
	if len(t.Tracks) == 0 {
		return nil, nil
	}
	longest := 0
	for k, tr := range t.Tracks {
		if tr.N > t.Tracks[longest].N {
			longest = k
		}
	}
	// Copies of what all launches are named would take memory for each.
	cut := func(p period, k int) []interval {
		tr := t.Tracks[k]
		configs := t.Launches.Config[tr.First : tr.First+tr.N]
		return p.cut(tr.N, func(i int) int32 { return syms[configs[i]].name })
	}
	periods := func(k int) []period {
		tr := t.Tracks[k]
		configs := t.Launches.Config[tr.First+max(0, tr.N-maxPeriodSample) : tr.First+tr.N]
		names, full := make([]int32, len(configs)), make([]uint64, len(configs))
		for i, c := range configs {
			y := syms[c]
			names[i] = y.name
			full[i] = uint64(uint32(y.name))<<32 | uint64(uint32(y.geom))
		}
		return findPeriods(names, full)
	}
	// Tracks of one program have the same periods: those of the longest track
	// are tried on all. A track that they do not cut launches something else,
	// and its own longest period, or that of one like it, cuts it.
	var others []period
	searched := map[int]bool{}
	for _, p := range periods(longest) {
		s := segmentation{by: byPeriod}
		kept := 0
		for k, tr := range t.Tracks {
			steps := cut(p, k)
			if !repeated(steps, tr.N) {
				if !searched[k] && !slices.ContainsFunc(others, func(q period) bool { return repeated(cut(q, k), tr.N) }) {
					searched[k] = true
					if own := periods(k); len(own) > 0 {
						others = append(others, own[0])
					}
				}
				for _, q := range others {
					if c := cut(q, k); repeated(c, tr.N) || length(c) > length(steps) {
						steps = c
						break
					}
				}
			}
			s.steps = slices.Grow(s.steps, len(steps))
			for _, iv := range steps {
				s.steps = append(s.steps, step{track: k, first: tr.First + iv.start, n: iv.end - iv.start, label: trace.None})
			}
			kept += length(steps)
		}
		if rest := t.Launches.Len() - kept; rest > 0 {
			s.leftOut = append(s.leftOut, fmt.Sprintf("%s outside the repeated sequence", count(rest, "launch")))
		}
		segs = append(segs, s)
		lengths = append(lengths, p.length)
	}
	return segs, lengths
}

// repeated reports whether steps are a way to see a track of n launches: more
// than one, and most of it.
func repeated(steps []interval, n int) bool { return len(steps) > 1 && 2*length(steps) >= n }

// length returns how much intervals cover.
func length(ivs []interval) int {
	n := 0
	for _, iv := range ivs {
		n += iv.end - iv.start
	}
	return n
}

// findPeriods returns the periods that the end of a track may have, the longest
// first. Sequences nest: the layers of a model repeat inside its steps. Both
// are returned, since which one is meant depends on what is looked for.
//
// A window of launches that occurs once a step recurs at regular distances,
// whatever else happens between; a launch more or less in some steps moves
// the distance by one. So windows of growing length are sorted by content,
// and those are anchors whose distances are regular and cover the sequence.
//
// Where that covers too little, the end of the sequence is looked at by itself:
// a program that tunes its kernels launches more before its first step than in
// all steps.
func findPeriods(seq []int32, full []uint64) []period {
	for {
		if found := periodsIn(seq, full); len(found) > 0 || len(seq) < minPeriodSample {
			return found
		}
		seq, full = seq[len(seq)/2:], full[len(seq)/2:]
	}
}

// minPeriodSample is the number of launches below which no end of a sequence is
// looked at by itself.
const minPeriodSample = 128

func periodsIn(seq []int32, full []uint64) []period {
	var found []period
	n := len(seq)
	for window := 1; window <= 64 && window*2 <= n; window *= 2 {
		for _, p := range anchors(seq, window) {
			at := slices.IndexFunc(found, func(f period) bool { return near(f.length, p.length) })
			if at < 0 {
				found = append(found, p)
			} else if p.cover > found[at].cover+0.02 {
				found[at] = p
			}
		}
	}
	// Too few steps for anchors still repeat exactly, at the end.
	if p, ok := tailPeriod(seq); ok && !slices.ContainsFunc(found, func(f period) bool { return near(f.length, p.length) || f.length > p.length }) {
		found = append(found, p)
	}
	var cover float64
	for _, p := range found {
		cover = max(cover, p.cover)
	}
	found = slices.DeleteFunc(found, func(p period) bool { return p.cover < 0.8*cover })
	slices.SortFunc(found, func(a, b period) int { return b.length - a.length })
	for i := range found {
		found[i].settle(seq, full)
	}
	return slices.DeleteFunc(found, func(p period) bool { return !p.repeats(seq) })
}

const (
	minAlikePairs  = 0.3 // of the pairs of adjoining steps
	maxSampledPair = 64
)

// repeats reports whether steps are like the next ones, as often as they are
// where several kinds of steps alternate. Parts of a step that an anchor divides
// evenly, a layer's attention and its MLP that both begin with a norm, are not.
func (p *period) repeats(seq []int32) bool {
	steps := p.cut(len(seq), func(i int) int32 { return seq[i] })
	print := func(iv interval) fingerprint {
		f := make(fingerprint, iv.end-iv.start)
		for k := range f {
			f[k] = uint64(uint32(seq[iv.start+k]))
		}
		slices.Sort(f)
		return f
	}
	pairs, alike := 0, 0
	for k := 0; k+1 < len(steps); k += max(1, len(steps)/maxSampledPair) {
		if steps[k].end != steps[k+1].start {
			continue
		}
		pairs++
		if print(steps[k]).like(print(steps[k+1])) >= alikeNames {
			alike++
		}
	}
	return pairs == 0 || float64(alike) >= minAlikePairs*float64(pairs)
}

// near reports whether two distances differ by no more than a launch more or
// less in a step would make.
func near(a, b int) bool {
	m := max(a, b)
	return m-min(a, b) <= max(min(2, m/4), m/50)
}

const (
	minAnchors = 3   // occurrences of an anchor
	minRegular = 0.7 // part of its distances that are near the median
	minCover   = 0.3 // part of the sequence within regular distances
)

// anchors returns the periods that windows of one length show, one for each
// distance: that of the window which covers most, the first such.
func anchors(seq []int32, window int) []period {
	n := len(seq) - window + 1
	// Windows are numbered in order of first occurrence, and then the places
	// of each are put side by side, by counting.
	ids := map[uint64]int32{}
	of := make([]int32, n)
	var counts []int32
	for i := range of {
		h := hashWindow(seq[i : i+window])
		id, ok := ids[h]
		if !ok {
			id = int32(len(counts))
			ids[h] = id
			counts = append(counts, 0)
		}
		of[i] = id
		counts[id]++
	}
	ends := make([]int32, len(counts))
	end := int32(0)
	for id, c := range counts {
		ends[id] = end
		end += c
	}
	places := make([]int32, n)
	for i, id := range of {
		places[ends[id]] = int32(i)
		ends[id]++
	}
	var found []period
	var gaps []int
	for id, c := range counts {
		if c < minAnchors {
			continue
		}
		at := places[ends[id]-c : ends[id]]
		gaps = gaps[:0]
		for k := 1; k < len(at); k++ {
			gaps = append(gaps, int(at[k]-at[k-1]))
		}
		slices.Sort(gaps)
		median := gaps[len(gaps)/2]
		regular := 0
		for _, g := range gaps {
			if near(g, median) {
				regular++
			}
		}
		p := period{length: median, anchor: seq[at[0]:][:window:window]}
		// As many steps as anchors, of which the last ends with the sequence.
		p.cover = min(1, float64((regular+1)*median)/float64(len(seq)))
		if float64(regular) < minRegular*float64(len(gaps)) || p.cover < minCover {
			continue
		}
		known := slices.IndexFunc(found, func(f period) bool { return near(f.length, p.length) })
		switch {
		case known < 0:
			found = append(found, p)
		case p.cover > found[known].cover:
			found[known] = p
		}
	}
	return found
}

// tailPeriod returns the period of the longest periodic end of a sequence, if
// it repeats at least twice: for captures of too few steps for anchors.
func tailPeriod(seq []int32) (period, bool) {
	n := len(seq)
	// border[i] is the length of the longest border of the last i launches
	// (Knuth, Morris & Pratt 1977, on the reversed sequence).
	at := func(i int) int32 { return seq[n-1-i] }
	border := make([]int, n+1)
	border[0] = -1
	best, bestLen := 0, 0
	for i, k := 0, -1; i < n; {
		for k >= 0 && at(i) != at(k) {
			k = border[k]
		}
		i, k = i+1, k+1
		border[i] = k
		if p := i - k; i >= 2*p && i > bestLen {
			best, bestLen = p, i
		}
	}
	if best == 0 || float64(bestLen) < minCover*float64(n) {
		return period{}, false
	}
	return period{length: best, anchor: seq[n-best:][:min(best, 64)], cover: float64(bestLen) / float64(n)}, true
}

// hashWindow is FNV-1a over words, with the high bits folded in.
func hashWindow(w []int32) uint64 {
	var h uint64 = 14695981039346656037
	for _, v := range w {
		h = (h ^ uint64(uint32(v))) * 1099511628211
		h ^= h >> 29
	}
	return h
}

// settle fixes where in the period a step begins: at the first launch from
// which on the sequence repeats, unless another beginning makes more of the
// steps equal. With a beginning in the middle of a step, steps of several kinds
// in irregular order are halves of one kind and of the next. full tells apart
// what names do not: the geometry too.
func (p *period) settle(seq []int32, full []uint64) {
	var pos []int
	p.positions(len(seq), func(i int) int32 { return seq[i] }, func(at int) { pos = append(pos, at) })
	if len(pos) == 0 {
		return
	}
	// The first anchor with a regular successor has the sequence's beginning
	// before it.
	first := pos[0]
	for k := 0; k+1 < len(pos); k++ {
		if pos[k+1]-pos[k] == p.length {
			first = pos[k]
			break
		}
	}
	start := first
	for start > 0 && start+p.length-1 < len(seq) && first-start < p.length-1 && seq[start-1] == seq[start-1+p.length] {
		start--
	}
	p.offset = first - start
	p.offset = p.fewestKinds(pos, full)
}

// maxKindSample is the number of steps that fewestKinds looks at.
const maxKindSample = 256

// fewestKinds returns the offset that divides the sequence into the fewest
// distinct steps, p.offset if none is better.
func (p *period) fewestKinds(pos []int, full []uint64) int {
	const base = 0x9E3779B97F4A7C15 // odd, so that no power of it vanishes
	prefix := make([]uint64, len(full)+1)
	for i, v := range full {
		prefix[i+1] = prefix[i]*base + v*0xBF58476D1CE4E5B9 + 1
	}
	power := make([]uint64, 2*p.length+2)
	power[0] = 1
	for i := 1; i < len(power); i++ {
		power[i] = power[i-1] * base
	}
	pos = pos[max(0, len(pos)-maxKindSample):]
	distinct := func(offset int) int {
		seen := map[uint64]bool{}
		lost := 0
		for k := 0; k+1 < len(pos); k++ {
			from, to := pos[k]-offset, pos[k+1]-offset
			switch {
			case from < 0:
				lost++
			case to-from < len(power):
				seen[prefix[to]-prefix[from]*power[to-from]] = true
			}
		}
		return len(seen) + lost
	}
	// Two kinds make four halves. A launch more in one step makes one or two
	// steps distinct besides, n of them up to n+1 instead of 2n+1: less than
	// half is no reason.
	was := distinct(p.offset)
	best, fewest := p.offset, was/2+1
	for offset := min(p.length-1, pos[0]); offset >= 0 && was > 2; offset-- {
		if d := distinct(offset); d < fewest {
			best, fewest = offset, d
		}
	}
	return best
}

// positions calls fn with where the anchor occurs in a sequence of n names, but
// for those that follow the one before by less than half a period.
func (p *period) positions(n int, name func(i int) int32, fn func(at int)) {
	apart := (p.length + 1) / 2
	for i, last := 0, -apart; i+len(p.anchor) <= n; i++ {
		k := 0
		for k < len(p.anchor) && name(i+k) == p.anchor[k] {
			k++
		}
		if k == len(p.anchor) && i-last >= apart {
			last = i
			fn(i)
		}
	}
}

// cut returns the steps of a sequence of n names: from each anchor to the next,
// as far as they are about a period apart, and one period from the last.
func (p *period) cut(n int, name func(i int) int32) []interval {
	steps := make([]interval, 0, n/p.length+1)
	add := func(at, next int) {
		start := at - p.offset
		switch {
		case start < 0:
		case next < n && near(next-at, p.length):
			steps = append(steps, interval{start, next - p.offset})
		case start+p.length <= n && (next == n || start+p.length <= next-p.offset):
			steps = append(steps, interval{start, start + p.length})
		}
	}
	last := -1
	p.positions(n, name, func(at int) {
		if last >= 0 {
			add(last, at)
		}
		last = at
	})
	if last >= 0 {
		add(last, n)
	}
	return steps
}
