package align

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nsysdiff/nsysdiff/trace"
)

// maxPeriodSample is the number of launches, from the end of a track, that
// its period is looked for in: in fewer where they repeat exactly, see excerpt.
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

// launches returns the launches of a track.
func (p *periodic) launches(track int) launchSeq {
	tr := p.t.Tracks[track]
	return launchSeq{p.t.Launches.Config[tr.First : tr.First+tr.N], p.syms}
}

// search returns the periods that the end of a track may have.
func (p *periodic) search(track int) []period {
	seq := p.launches(track)
	return findPeriods(seq.from(max(0, seq.len()-maxPeriodSample)))
}

// cut cuts a track into steps.
func (p *periodic) cut(by period, track int) []interval {
	seq := p.launches(track)
	return by.cut(seq.len(), by.positions(seq))
}

// steps tells steps by one of the periods.
//
// Tracks of one program have the same periods: those of the longest track are
// tried on all. A track that they do not cut launches something else, and its own
// longest period, or that of one like it, cuts it.
func (p *periodic) steps(by period) segmentation {
	s := segmentation{by: byPeriod, period: &by}
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
func findPeriods(seq launchSeq) []period {
	for {
		found := periodsIn(seq)
		if len(found) > 0 || seq.len() < minPeriodSample {
			return found
		}
		seq = seq.from(seq.len() / 2)
	}
}

// minPeriodSample is the number of launches below which no end of a sequence is
// looked at by itself.
const minPeriodSample = 128

func periodsIn(seq launchSeq) []period {
	var tail period
	var tailRepeats bool
	var wg sync.WaitGroup
	enough := seq.excerpt()
	wg.Go(func() { tail, tailRepeats = tailPeriod(enough.launchSeq) })
	found := anchored(enough)
	wg.Wait()
	// Too few steps for anchors still repeat exactly, at the end.
	if tailRepeats && !slices.ContainsFunc(found, func(f period) bool { return near(f.length, tail.length) || f.length > tail.length }) {
		found = append(found, tail)
	}
	var cover float64
	for _, p := range found {
		cover = max(cover, p.cover)
	}
	found = slices.DeleteFunc(found, func(p period) bool { return p.cover < 0.8*cover })
	slices.SortFunc(found, func(a, b period) int { return b.length - a.length })
	repeats := make([]bool, len(found))
	parallel(context.Background(), len(found), func(i int) {
		p := &found[i]
		pos := p.positions(seq)
		p.settle(seq, pos)
		repeats[i] = p.repeats(seq, pos)
	})
	var periods []period
	for i, p := range found {
		if repeats[i] {
			periods = append(periods, p)
		}
	}
	return periods
}

// An excerpt is the beginning of a sequence, or all of it, that shows the periods
// of the whole.
type excerpt struct {
	launchSeq
	period, more int // its first period launches, which follow more times
}

// whole returns the number of launches of the whole.
func (e excerpt) whole() int { return e.len() + e.more*e.period }

// minExcerpt is the number of launches that are looked at, if there are as many, and
// that repetitions are first looked for in.
const minExcerpt = 1 << 14

// excerpt returns little of a sequence in which each repetition is the same from
// the first launch to the last, as where one graph is replayed again and again.
// What is left out are whole repetitions, so that all that can be counted in the
// sequence is known.
func (s launchSeq) excerpt() excerpt {
	for n := minExcerpt; 2*n <= s.len(); n *= 4 {
		p, ok := tailPeriod(launchSeq{s.configs[:n], s.syms})
		if !ok || !s.repeat(p.length) {
			continue
		}
		// The windows of the first repetition occur again in the next.
		more := (s.len() - max(minExcerpt, 2*p.length+maxWindow)) / p.length
		return excerpt{launchSeq{s.configs[:s.len()-more*p.length], s.syms}, p.length, more}
	}
	return excerpt{launchSeq: s}
}

// repeat reports whether each launch has the name of that n launches before.
func (s launchSeq) repeat(n int) bool {
	parts := launchParts(n, s.len())
	var differ atomic.Bool
	parallel(context.Background(), len(parts), func(k int) {
		if !s.equal(interval{parts[k].start - n, parts[k].end - n}, parts[k]) {
			differ.Store(true)
		}
	})
	return !differ.Load()
}

const (
	minAlikePairs  = 0.3 // of the pairs of adjoining steps
	maxSampledPair = 64
)

// repeats reports whether steps are like the next ones, as often as they are
// where several kinds of steps alternate. Parts of a step that an anchor divides
// evenly, a layer's attention and its MLP that both begin with a norm, are not.
func (p *period) repeats(seq launchSeq, pos []int) bool {
	steps := p.cut(seq.len(), pos)
	print := func(iv interval) fingerprint {
		return newFingerprint(iv.end-iv.start, func(i int) (printKey, int) { return printKey(uint32(seq.name(iv.start + i))), 1 })
	}
	var pairs []int // the first step of each
	for k := 0; k+1 < len(steps); k += max(1, len(steps)/maxSampledPair) {
		if steps[k].end == steps[k+1].start {
			pairs = append(pairs, k)
		}
	}
	var alike atomic.Int64
	parallel(context.Background(), len(pairs), func(i int) {
		a, b := steps[pairs[i]], steps[pairs[i]+1]
		// Most are equal, and need no fingerprints.
		if seq.equal(a, b) || print(a).like(print(b)) >= alikeNames {
			alike.Add(1)
		}
	})
	return len(pairs) == 0 || float64(alike.Load()) >= minAlikePairs*float64(len(pairs))
}

// near reports whether two distances differ by no more than a launch more or
// less in a step would make.
func near(a, b int) bool {
	m := max(a, b)
	return m-min(a, b) <= max(min(2, m/4), m/50)
}

// tailPeriod returns the period of the longest periodic end of a sequence, if
// it repeats at least twice: for captures of too few steps for anchors.
func tailPeriod(seq launchSeq) (period, bool) {
	n := seq.len()
	border := make([]uint32, n+1)
	// border[i] is the length of the longest border of the last i launches
	// (Knuth, Morris & Pratt 1977, on the reversed sequence).
	at := func(i int) int32 { return seq.name(n - 1 - i) }
	best, bestLen := 0, 0
	for i, k := 0, -1; i < n; {
		for k >= 0 && at(i) != at(k) {
			if k == 0 {
				k = -1
			} else {
				k = int(border[k])
			}
		}
		i, k = i+1, k+1
		border[i] = uint32(k)
		// The period of the last i launches is no shorter than that of fewer.
		p := i - k
		if 2*p > n {
			break
		}
		if i >= 2*p && i > bestLen {
			best, bestLen = p, i
		}
	}
	if best == 0 || float64(bestLen) < minCover*float64(n) {
		return period{}, false
	}
	return period{length: best, anchor: seq.anchor(n-best, min(best, maxWindow)), cover: float64(bestLen) / float64(n)}, true
}

// settle fixes where in the period a step begins: at the first launch from
// which on the sequence repeats, unless another beginning makes more of the
// steps equal. With a beginning in the middle of a step, steps of several kinds
// in irregular order are halves of one kind and of the next. pos is where the
// anchor is.
func (p *period) settle(seq launchSeq, pos []int) {
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
	for start > 0 && start+p.length-1 < seq.len() && first-start < p.length-1 && seq.name(start-1) == seq.name(start-1+p.length) {
		start--
	}
	p.offset = first - start
	p.offset = p.fewestKinds(seq, pos)
}

// sameBeginning returns the offset at which all steps begin with a launch of one name,
// the nearest to the offset before the anchor, which is in place in each: where some
// launch more than others before it, the beginning as counted from it is not the same
// launch. Steps of several kinds begin as they do.
func (p *period) sameBeginning(seq launchSeq, pos []int) int {
	pos = pos[max(0, len(pos)-maxKindSample):]
	distinct := func(offset int) int {
		seen := map[uint64]bool{}
		for k := 0; k+1 < len(pos); k++ {
			if from := pos[k] - offset; from >= 0 {
				h := uint64(0)
				for i := from; i < pos[k+1]-offset; i++ {
					h = h*0x9E3779B97F4A7C15 + seq.full(i) + 1
				}
				seen[h] = true
			}
		}
		return len(seen)
	}
	for offset := p.offset; offset >= 0; offset-- {
		other := func(at int) bool { return at >= offset && seq.name(at-offset) != seq.name(pos[len(pos)-1]-offset) }
		switch {
		case slices.ContainsFunc(pos, other):
		case offset < p.offset && distinct(offset) > distinct(p.offset):
			return p.offset
		default:
			return offset
		}
	}
	return p.offset
}

// maxKindSample is the number of steps that fewestKinds looks at.
const maxKindSample = 256

// fewestKinds returns the offset that divides the sequence into the fewest
// distinct steps, p.offset if none is better. Steps differ by geometry too.
func (p *period) fewestKinds(seq launchSeq, pos []int) int {
	const base = 0x9E3779B97F4A7C15 // odd, so that no power of it vanishes
	pos = pos[max(0, len(pos)-maxKindSample):]
	if p.fewKinds(seq, pos) {
		return p.offset
	}
	first := max(0, pos[0]-p.length) // no step that is looked at begins before
	prefix := make([]uint64, pos[len(pos)-1]-first+1)
	for i := range len(prefix) - 1 {
		prefix[i+1] = prefix[i]*base + seq.full(first+i)*0xBF58476D1CE4E5B9 + 1
	}
	power := make([]uint64, 2*p.length+2)
	power[0] = 1
	for i := 1; i < len(power); i++ {
		power[i] = power[i-1] * base
	}
	// distinct returns the number of distinct steps, or enough if there are as
	// many. seen is memory to use.
	distinct := func(offset, enough int, seen *hashes) int {
		seen.clear()
		lost := 0
		for k := 0; k+1 < len(pos) && seen.n+lost < enough; k++ {
			from, to := pos[k]-offset, pos[k+1]-offset
			switch {
			case from < 0:
				lost++
			case to-from < len(power):
				seen.add(prefix[to-first] - prefix[from-first]*power[to-from])
			}
		}
		return seen.n + lost
	}
	// Two kinds make four halves. A launch more in one step makes one or two
	// steps distinct besides, n of them up to n+1 instead of 2n+1: less than
	// half is no reason.
	was := distinct(p.offset, len(pos), &hashes{})
	best, fewest := p.offset, was/2+1
	if was <= 2 {
		return best
	}
	offsets := min(p.length-1, pos[0]) + 1
	parts := divide(offsets, offsets*len(pos))
	bests, fewests := make([]int, len(parts)), make([]int, len(parts))
	parallel(context.Background(), len(parts), func(k int) {
		var seen hashes
		fewests[k] = fewest
		for offset := parts[k].end - 1; offset >= parts[k].start; offset-- {
			if d := distinct(offset, fewests[k], &seen); d < fewests[k] {
				bests[k], fewests[k] = offset, d
			}
		}
	})
	for k := len(parts) - 1; k >= 0; k-- { // the last of equal ones
		if fewests[k] < fewest {
			best, fewest = bests[k], fewests[k]
		}
	}
	return best
}

// fewKinds reports whether the offset divides the sequence into one distinct step, or
// two, which is too few for another to be better, as far as configurations tell.
func (p *period) fewKinds(seq launchSeq, pos []int) bool {
	var kinds [][]uint32
	lost := 0
	for k := 0; k+1 < len(pos); k++ {
		from, to := pos[k]-p.offset, pos[k+1]-p.offset
		if from < 0 {
			lost++
			continue
		}
		step := seq.configs[from:to]
		if slices.ContainsFunc(kinds, func(known []uint32) bool { return slices.Equal(known, step) }) {
			continue
		}
		if kinds = append(kinds, step); len(kinds)+lost > 2 {
			return false
		}
	}
	return true
}

// positions returns where the anchor begins in a sequence, without what follows
// the one before by less than half a period.
func (p *period) positions(seq launchSeq) []int {
	parts := launchParts(0, seq.len())
	matches := make([][]int, len(parts))
	parallel(context.Background(), len(parts), func(k int) { matches[k] = p.matches(seq, parts[k]) })
	apart := (p.length + 1) / 2
	all := slices.Concat(matches...)
	pos := all[:0]
	for _, at := range all {
		if len(pos) == 0 || at-pos[len(pos)-1] >= apart {
			pos = append(pos, at)
		}
	}
	return pos
}

// matches returns where the anchor begins within an interval of a sequence.
func (p *period) matches(seq launchSeq, within interval) []int {
	found := make([]int, 0, (within.end-within.start)/p.length+1)
	first, rest := p.anchor[0], p.anchor[1:]
	end := min(within.end, seq.len()-len(rest))
	for i := within.start; i < end; i++ {
		if seq.name(i) != first {
			continue
		}
		k := 0
		for k < len(rest) && seq.name(i+1+k) == rest[k] {
			k++
		}
		if k == len(rest) {
			found = append(found, i)
		}
	}
	return found
}

// cut returns the steps of a sequence of n launches: from each anchor, which are
// at pos, to the next, as far as they are about a period apart, and one period
// from the last.
func (p *period) cut(n int, pos []int) []interval {
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
