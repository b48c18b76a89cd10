package align

import (
	"context"
	"fmt"
	"slices"

	"github.com/nsysdiff/nsysdiff/internal/intern"
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

// A periodic is a trace seen as repetitions of a sequence of launches.
type periodic struct {
	t       *trace.Trace
	syms    []symbol
	periods []period // that the trace may have, the longest first

	// Of tracks that launch something else than the longest one.
	others   []period
	searched map[int]bool
}

// newPeriodic looks for the periods of a trace's longest track.
func newPeriodic(t *trace.Trace, syms []symbol) *periodic {
	p := &periodic{t: t, syms: syms, searched: map[int]bool{}}
	longest := 0
	for k, tr := range t.Tracks {
		if tr.N > t.Tracks[longest].N {
			longest = k
		}
	}
	if len(t.Tracks) > 0 {
		p.periods = p.search(longest)
	}
	return p
}

// search returns the periods that the end of a track may have.
func (p *periodic) search(track int) []period {
	tr := p.t.Tracks[track]
	configs := p.t.Launches.Config[tr.First+max(0, tr.N-maxPeriodSample) : tr.First+tr.N]
	names := make([]int32, len(configs))
	for i, c := range configs {
		names[i] = p.syms[c].name
	}
	full := func(i int) uint64 {
		y := p.syms[configs[i]]
		return uint64(uint32(y.name))<<32 | uint64(uint32(y.geom))
	}
	return findPeriods(names, full)
}

// cut cuts a track into steps.
func (p *periodic) cut(by period, track int) []interval {
	tr := p.t.Tracks[track]
	configs := p.t.Launches.Config[tr.First : tr.First+tr.N]
	parts := launchParts(0, tr.N)
	found := make([][]int, len(parts))
	parallel(context.Background(), len(parts), func(k int) {
		found[k] = by.matches(tr.N, parts[k], func(i int) int32 { return p.syms[configs[i]].name })
	})
	return by.cut(tr.N, slices.Concat(found...))
}

// steps tells steps by one of the periods.
//
// Tracks of one program have the same periods: those of the longest track are
// tried on all. A track that they do not cut launches something else, and its own
// longest period, or that of one like it, cuts it.
func (p *periodic) steps(by period) segmentation {
	s := segmentation{by: byPeriod}
	kept := 0
	for k, tr := range p.t.Tracks {
		steps := p.cut(by, k)
		if !repeated(steps, tr.N) {
			if !p.searched[k] && !slices.ContainsFunc(p.others, func(o period) bool { return repeated(p.cut(o, k), tr.N) }) {
				p.searched[k] = true
				if own := p.search(k); len(own) > 0 {
					p.others = append(p.others, own[0])
				}
			}
			for _, o := range p.others {
				if c := p.cut(o, k); repeated(c, tr.N) || length(c) > length(steps) {
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
	if rest := p.t.Launches.Len() - kept; rest > 0 {
		s.leftOut = append(s.leftOut, fmt.Sprintf("%s outside the repeated sequence", count(rest, "launch")))
	}
	return s
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
func findPeriods(all []int32, full func(i int) uint64) []period {
	for seq := all; ; {
		from := len(all) - len(seq)
		found := periodsIn(seq, func(i int) uint64 { return full(from + i) })
		if len(found) > 0 || len(seq) < minPeriodSample {
			return found
		}
		seq = seq[len(seq)/2:]
	}
}

// minPeriodSample is the number of launches below which no end of a sequence is
// looked at by itself.
const minPeriodSample = 128

func periodsIn(seq []int32, full func(i int) uint64) []period {
	var found []period
	// Windows are numbered by what they hold, those twice as long by the numbers
	// of their halves (Karp, Miller & Rosenberg 1972, "Rapid identification of
	// repeated patterns in strings, trees and arrays").
	ids := make([]uint32, len(seq))
	w := windows{gaps: make([]int32, len(seq))}
	var names intern.Table[halves]
	for i, name := range seq {
		ids[i], _ = names.ID(&halves{uint32(name), 0})
	}
	for window := 1; window <= 64 && window*2 <= len(seq); window *= 2 {
		if window > 1 {
			var numbers intern.Table[halves]
			n := len(seq) - window + 1
			for i := range ids[:n] { // what is ahead is still of half the length
				ids[i], _ = numbers.ID(&halves{ids[i], ids[i+window/2]})
			}
			ids = ids[:n]
		}
		for _, p := range w.anchors(seq, ids, window) {
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
	steps := p.cut(len(seq), p.matchesIn(seq))
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

// halves names a window of launches by those of half its length.
type halves struct{ first, second uint32 }

func (h halves) Hash() uint64 { return intern.Mix(0, uint64(h.first)<<32|uint64(h.second)) }

// windows puts the places of each window side by side. Its memory serves one
// length after the other.
type windows struct {
	counts, ends []int32 // by number
	places       []int32
	gaps         []int32 // how many there are of each, but between two calls of spacing none
	distinct     []int
}

// sort fills in counts, ends, and places: window number id is at
// places[ends[id]-counts[id]:ends[id]].
func (w *windows) sort(ids []uint32) {
	w.counts, w.ends = w.counts[:0], w.ends[:0]
	for _, id := range ids {
		if int(id) == len(w.counts) {
			w.counts = append(w.counts, 0)
		}
		w.counts[id]++
	}
	end := int32(0)
	for _, n := range w.counts {
		w.ends = append(w.ends, end)
		end += n
	}
	w.places = slices.Grow(w.places[:0], len(ids))[:len(ids)]
	for i, id := range ids {
		w.places[w.ends[id]] = int32(i)
		w.ends[id]++
	}
}

// spacing returns the median of the gaps between places, the greater of two, and
// how many are near it. Gaps are of few lengths, which are counted.
func (w *windows) spacing(at []int32) (median, regular int) {
	w.distinct = w.distinct[:0]
	for k := 1; k < len(at); k++ {
		g := at[k] - at[k-1]
		if w.gaps[g] == 0 {
			w.distinct = append(w.distinct, int(g))
		}
		w.gaps[g]++
	}
	slices.Sort(w.distinct)
	below := 0
	for _, g := range w.distinct {
		if below += int(w.gaps[g]); below > (len(at)-1)/2 {
			median = g
			break
		}
	}
	for _, g := range w.distinct {
		if near(g, median) {
			regular += int(w.gaps[g])
		}
		w.gaps[g] = 0
	}
	return median, regular
}

// anchors returns the periods that windows of one length show, one for each
// distance: that of the window which covers most, the first such. ids are the
// windows' numbers, in order of first occurrence.
func (w *windows) anchors(seq []int32, ids []uint32, window int) []period {
	w.sort(ids)
	var found []period
	for id, c := range w.counts {
		if c < minAnchors {
			continue
		}
		at := w.places[w.ends[id]-c : w.ends[id]]
		median, regular := w.spacing(at)
		p := period{length: median, anchor: seq[at[0]:][:window:window]}
		// As many steps as anchors, of which the last ends with the sequence.
		p.cover = min(1, float64((regular+1)*median)/float64(len(seq)))
		if float64(regular) < minRegular*float64(len(at)-1) || p.cover < minCover {
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
	border := make([]int32, n+1)
	border[0] = -1
	best, bestLen := 0, 0
	for i, k := 0, -1; i < n; {
		for k >= 0 && at(i) != at(k) {
			k = int(border[k])
		}
		i, k = i+1, k+1
		border[i] = int32(k)
		if p := i - k; i >= 2*p && i > bestLen {
			best, bestLen = p, i
		}
	}
	if best == 0 || float64(bestLen) < minCover*float64(n) {
		return period{}, false
	}
	return period{length: best, anchor: seq[n-best:][:min(best, 64)], cover: float64(bestLen) / float64(n)}, true
}

// settle fixes where in the period a step begins: at the first launch from
// which on the sequence repeats, unless another beginning makes more of the
// steps equal. With a beginning in the middle of a step, steps of several kinds
// in irregular order are halves of one kind and of the next. full tells apart
// what names do not: the geometry too.
func (p *period) settle(seq []int32, full func(i int) uint64) {
	pos := p.positions(p.matchesIn(seq))
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
func (p *period) fewestKinds(pos []int, full func(i int) uint64) int {
	const base = 0x9E3779B97F4A7C15 // odd, so that no power of it vanishes
	pos = pos[max(0, len(pos)-maxKindSample):]
	first := max(0, pos[0]-p.length) // no step that is looked at begins before
	prefix := make([]uint64, pos[len(pos)-1]-first+1)
	for i := range len(prefix) - 1 {
		prefix[i+1] = prefix[i]*base + full(first+i)*0xBF58476D1CE4E5B9 + 1
	}
	power := make([]uint64, 2*p.length+2)
	power[0] = 1
	for i := 1; i < len(power); i++ {
		power[i] = power[i-1] * base
	}
	distinct := func(offset int) int {
		seen := map[uint64]bool{}
		lost := 0
		for k := 0; k+1 < len(pos); k++ {
			from, to := pos[k]-offset, pos[k+1]-offset
			switch {
			case from < 0:
				lost++
			case to-from < len(power):
				seen[prefix[to-first]-prefix[from-first]*power[to-from]] = true
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

// matches returns where the anchor begins within an interval of a sequence of n
// names.
func (p *period) matches(n int, within interval, name func(i int) int32) []int {
	var found []int
	for i := within.start; i < within.end && i+len(p.anchor) <= n; i++ {
		k := 0
		for k < len(p.anchor) && name(i+k) == p.anchor[k] {
			k++
		}
		if k == len(p.anchor) {
			found = append(found, i)
		}
	}
	return found
}

func (p *period) matchesIn(seq []int32) []int {
	return p.matches(len(seq), interval{0, len(seq)}, func(i int) int32 { return seq[i] })
}

// positions drops, of where the anchor begins, what follows the one before by
// less than half a period.
func (p *period) positions(matches []int) []int {
	apart := (p.length + 1) / 2
	pos := matches[:0]
	for _, at := range matches {
		if len(pos) == 0 || at-pos[len(pos)-1] >= apart {
			pos = append(pos, at)
		}
	}
	return pos
}

// cut returns the steps of a sequence of n launches: from each anchor to the
// next, as far as they are about a period apart, and one period from the last. It
// reuses matches, where the anchor begins.
func (p *period) cut(n int, matches []int) []interval {
	pos := p.positions(matches)
	steps := make([]interval, 0, len(pos))
	for k, at := range pos {
		start := at - p.offset
		if start < 0 {
			continue
		}
		switch {
		case k+1 < len(pos) && near(pos[k+1]-at, p.length):
			steps = append(steps, interval{start, pos[k+1] - p.offset})
		case start+p.length <= n && (k+1 == len(pos) || start+p.length <= pos[k+1]-p.offset):
			steps = append(steps, interval{start, start + p.length})
		}
	}
	return steps
}
