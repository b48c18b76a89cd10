package align

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"sync/atomic"

	"github.com/nsysdiff/nsysdiff/trace"
)

// Names that programs give to what they do before they repeat what is to be
// measured. What sets up is told from it with less certainty: a program may profile
// what it measures, or measure how it loads.
var (
	warmupName = regexp.MustCompile(`(?i)warm.?up|auto.?tun`)
	setupName  = regexp.MustCompile(`(?i)profil|capture|load|init|compil`)
)

// A nameTest reports whether ranges of a name are left out.
type nameTest func(name string) bool

// isWarmup is a nameTest.
func isWarmup(name string) bool { return warmupName.MatchString(name) }

// isSetup is a nameTest.
func isSetup(name string) bool { return isWarmup(name) || setupName.MatchString(name) }

// minStepShare is the part of the GPU time, from the first to the last of the
// repeated ranges, that they must cover to count as the steps: ranges that a
// library opens around a few of its own calls do not.
const minStepShare = 0.3

// nvtxSteps tells steps by the outermost NVTX ranges that are repeated, or, for a
// capture of a single step, by the one that takes most of the time. Of warm-up it
// makes steps only if there is nothing else.
func nvtxSteps(ctx context.Context, tree *rangeTree) (segmentation, bool) {
	tree.count(ctx)
	warmup := true
	for _, chosen := range [][]int{
		outermostRepeated(tree.groups, isSetup), onlyRange(tree, isSetup),
		outermostRepeated(tree.groups, isWarmup), onlyRange(tree, isWarmup),
	} {
		if chosen == nil {
			continue
		}
		warmup = false
		if c := cutRanges(ctx, tree, chosen); c.covered(ctx) >= minStepShare {
			return c.segmentation(), true
		}
	}
	if chosen := repeatedWarmup(tree.groups); chosen != nil && warmup {
		if c := cutRanges(ctx, tree, chosen); c.covered(ctx) >= minStepShare {
			s := c.segmentation()
			s.leftOut = append(s.leftOut, fmt.Sprintf("nothing of NVTX range %q in spite of its name, as no other holds a step", s.ranges[0]))
			return s, true
		}
	}
	return segmentation{}, false
}

// namedSteps tells steps by the ranges of given names, of a tree that nvtxSteps
// has counted.
func namedSteps(ctx context.Context, tree *rangeTree, names []string) (segmentation, bool) {
	for _, leftOut := range []nameTest{isSetup, isWarmup} {
		var chosen []int
		for g := range tree.groups {
			if tree.groups[g].ranges > 0 && slices.Contains(names, tree.groups[g].name) && !tree.under(g, leftOut) {
				chosen = append(chosen, g)
			}
		}
		if chosen != nil {
			return cutRanges(ctx, tree, chosen).segmentation(), true
		}
	}
	return segmentation{}, false
}

// A rangeCut is a trace cut into the ranges of some groups.
type rangeCut struct {
	tree    *rangeTree
	chosen  []int  // groups
	steps   []step // one for each range that launches are within, in order of track and time
	ns      int64  // time of the launches in them
	outside []int  // launches outside of them, by the group of their innermost range
	bare    int    // launches in no range
}

// cutRanges makes a step of each range of the given groups that launches are
// within.
func cutRanges(ctx context.Context, tree *rangeTree, groups []int) *rangeCut {
	t := tree.t
	type piece struct {
		rangeCut
		track int
		interval
	}
	var pieces []piece
	for k, tr := range t.Tracks {
		for _, iv := range launchParts(tr.First, tr.First+tr.N) {
			pieces = append(pieces, piece{track: k, interval: iv})
		}
	}
	expected := 0
	for _, g := range groups {
		expected += tree.groups[g].ranges
	}
	within := tree.within(groups)
	parallel(ctx, len(pieces), func(k int) {
		p := pieces[k] // a copy: what is beside it is written by others
		defer func() { pieces[k] = p }()
		p.outside = newCounts[int](len(tree.groups))
		p.steps = make([]step, 0, expected/len(pieces)+1)
		byRange := map[uint32]int{}
		last, at := uint32(none), 0
		for i := p.start; i < p.end; i++ {
			issued := t.IssueRange(i)
			r := within(issued)
			switch {
			case issued == none:
				p.bare++
				continue
			case r == none:
				p.outside[tree.of[issued]]++
				continue
			}
			p.ns += t.Launches.Duration(i)
			if r != last {
				var ok bool
				if at, ok = byRange[r]; !ok {
					at = len(p.steps)
					byRange[r] = at
					p.steps = append(p.steps, step{track: p.track, first: i, label: r})
				}
				last = r
			}
			p.steps[at].add(i)
		}
	})
	all := &rangeCut{tree: tree, chosen: groups, outside: make([]int, len(tree.groups))}
	n := 0
	for k := range pieces {
		n += len(pieces[k].steps)
	}
	all.steps = make([]step, 0, n)
	byRange := map[uint32]int{}
	for k := range pieces {
		p := &pieces[k]
		if k > 0 && p.track != pieces[k-1].track {
			clear(byRange)
		}
		for i := range p.steps {
			st := &p.steps[i]
			if at, ok := byRange[st.label]; ok {
				all.steps[at].join(st)
				continue
			}
			byRange[st.label] = len(all.steps)
			all.steps = append(all.steps, *st)
		}
		all.ns += p.ns
		all.bare += p.bare
		for g, n := range p.outside {
			all.outside[g] += n
		}
	}
	return all
}

// covered returns the part of the GPU time, from the first to the last launch
// of each track that is within a step, that is within one.
func (c *rangeCut) covered(ctx context.Context) float64 {
	var parts []interval
	for i := 0; i < len(c.steps); {
		track := c.steps[i].track
		all := interval{start: c.steps[i].first}
		for ; i < len(c.steps) && c.steps[i].track == track; i++ {
			all.end = max(all.end, c.steps[i].at(c.steps[i].n-1)+1)
		}
		parts = append(parts, launchParts(all.start, all.end)...)
	}
	var total atomic.Int64
	parallel(ctx, len(parts), func(k int) {
		ns := int64(0)
		for i := parts[k].start; i < parts[k].end; i++ {
			ns += c.tree.t.Launches.Duration(i)
		}
		total.Add(ns)
	})
	return float64(c.ns) / float64(max(total.Load(), 1))
}

// segmentation returns the cut as a way to see the trace as steps.
func (c *rangeCut) segmentation() segmentation {
	s := segmentation{by: byNVTX, steps: c.steps, leftOut: c.leftOutside()}
	if joined := joinCycles(c.tree.t, s.steps); joined != nil {
		s.steps = joined
	}
	for _, g := range c.chosen {
		s.ranges = append(s.ranges, c.tree.groups[g].name)
	}
	return s
}

// What a further repeated range must have to count as a kind of steps beside
// the main one, as "prefill #" beside "decode #".
const (
	minGroupShare  = 0.02 // part of the GPU time of all repeated ranges
	minGroupRanges = 3    // ranges on one thread
)

// outermostRepeated returns the repeated groups that are inside no other repeated
// group, nor in one that is left out by its name, or nil.
func outermostRepeated(groups []rangeGroup, leftOut nameTest) []int {
	var repeated []int
	best := -1
	var total int64
	var visit func(g int)
	visit = func(g int) {
		for _, c := range groups[g].children {
			switch {
			case groups[c].ranges == 0 || leftOut(groups[c].name):
			case groups[c].repeats > 1:
				total += groups[c].ns
				repeated = append(repeated, c)
				if best < 0 || groups[c].ns > groups[best].ns {
					best = c
				}
			default:
				visit(c)
			}
		}
	}
	visit(0)
	if best < 0 {
		return nil
	}
	return slices.DeleteFunc(repeated, func(g int) bool {
		return g != best && (groups[g].repeats < minGroupRanges || float64(groups[g].ns) < minGroupShare*float64(total))
	})
}

// repeatedWarmup returns the repeated group of warm-up that takes most of the GPU
// time, or nil.
func repeatedWarmup(groups []rangeGroup) []int {
	best := -1
	var visit func(g int)
	visit = func(g int) {
		for _, c := range groups[g].children {
			switch {
			case !isWarmup(groups[c].name):
				visit(c)
			case groups[c].repeats > 1 && (best < 0 || groups[c].ns > groups[best].ns):
				best = c
			}
		}
	}
	visit(0)
	if best < 0 {
		return nil
	}
	return []int{best}
}

// onlyRange returns the outermost group, of those that are not left out by their
// name, that takes most of the GPU time that is not warm-up's, or nil.
func onlyRange(tree *rangeTree, leftOut nameTest) []int {
	total := tree.outside
	for _, g := range tree.groups[0].children {
		if !isWarmup(tree.groups[g].name) {
			total += tree.groups[g].ns
		}
	}
	for _, g := range tree.groups[0].children {
		if tree.groups[g].ns*2 > total && !leftOut(tree.groups[g].name) {
			return []int{g}
		}
	}
	return nil
}

// joinCycles makes one step of each round of ranges whose names go round
// within a track: "layer 0" to "layer 3", again and again, with no range around
// each round. A round at the end that is cut short is dropped. It returns
// nil where some track does not go round: the ranges are the steps.
func joinCycles(t *trace.Trace, steps []step) []step {
	var joined []step
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && steps[n].track == steps[0].track {
			n++
		}
		round := roundLength(t, steps[:n])
		if round < 2 {
			return nil
		}
		for i := 0; i+round <= n; i += round {
			st := steps[i]
			for _, s := range steps[i+1 : i+round] {
				st.join(&s)
			}
			joined = append(joined, st)
		}
		steps = steps[n:]
	}
	return joined
}

// roundLength returns the number of steps of one track after which their names
// repeat, twice at least, or 0.
func roundLength(t *trace.Trace, steps []step) int {
	name := func(i int) uint32 { return t.Ranges[steps[i].label].Name }
	round := 1
	for round < len(steps) && name(round) != name(0) {
		round++
	}
	if len(steps) < 2*round {
		return 0
	}
	for i := round; i < len(steps); i++ {
		if name(i) != name(i%round) {
			return 0
		}
	}
	return round
}

// add appends launch i to the step.
func (s *step) add(i int) {
	if s.index == nil && s.first+s.n != i {
		index := make([]uint32, s.n, s.n+1)
		for k := range index {
			index[k] = uint32(s.first + k)
		}
		s.index = &index
	}
	if s.index != nil {
		*s.index = append(*s.index, uint32(i))
	}
	s.n++
}

// join appends the launches of a later piece of the same step.
func (s *step) join(later *step) {
	if s.index == nil && later.index == nil && s.first+s.n == later.first {
		s.n += later.n
		return
	}
	for k := range later.n {
		s.add(later.at(k))
	}
}

// leftOutside says which launches are in no step, by the outermost range that
// has none of the steps inside.
func (c *rangeCut) leftOutside() []string {
	groups := c.tree.groups
	around := map[int]bool{0: true} // groups that steps are inside of
	for _, g := range c.chosen {
		for g = groups[g].parent; g > 0; g = groups[g].parent {
			around[g] = true
		}
	}
	counts := map[string]int{}
	for g, n := range c.outside {
		if n == 0 {
			continue
		}
		for !around[g] && !around[groups[g].parent] {
			g = groups[g].parent
		}
		counts[groups[g].name] += n
	}
	var out []string
	names := make([]string, 0, len(counts))
	for n := range counts {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		if counts[names[i]] != counts[names[j]] {
			return counts[names[i]] > counts[names[j]]
		}
		return names[i] < names[j]
	})
	const most = 4
	rest := 0
	for i, n := range names {
		if i >= most {
			rest += counts[n]
			continue
		}
		out = append(out, fmt.Sprintf("%s in NVTX range %q", count(counts[n], "launch"), n))
	}
	if rest > 0 {
		out = append(out, fmt.Sprintf("%s in %s", count(rest, "launch"), count(len(names)-most, "other NVTX range")))
	}
	if c.bare > 0 {
		out = append(out, fmt.Sprintf("%s in no NVTX range", count(c.bare, "launch")))
	}
	return out
}
