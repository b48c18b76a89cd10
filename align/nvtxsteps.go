package align

import (
	"fmt"
	"regexp"
	"slices"
	"sort"

	"github.com/nsysdiff/nsysdiff/trace"
)

// warmupName matches the names that programs give to what they do before they
// repeat what is to be measured.
var warmupName = regexp.MustCompile(`(?i)warm.?up|auto.?tun|profil|capture|load|init|compil`)

// minStepShare is the part of the GPU time, from the first to the last of the
// repeated ranges, that they must cover to count as the steps: ranges that a
// library opens around a few of its own calls do not.
const minStepShare = 0.3

// A rangeGroup is the ranges of one place in the nesting and one name but for
// its digits.
type rangeGroup struct {
	parent   int
	name     string
	children []int
	ranges   int // ranges with launches in them
	repeats  int // the most of them on one thread
	ns       int64
}

// nvtxSteps tells steps by the outermost NVTX ranges that are repeated.
func nvtxSteps(t *trace.Trace) (segmentation, bool) {
	groups, groupOf, outside := groupRanges(t)
	for _, chosen := range [][]int{outermostRepeated(groups), onlyRange(groups, outside)} {
		if chosen == nil {
			continue
		}
		if within := rangesWithin(t, groupOf, chosen); covered(t, within) >= minStepShare {
			return stepsOf(t, groups, groupOf, chosen, within), true
		}
	}
	return segmentation{}, false
}

// namedSteps tells steps by the ranges of given names.
func namedSteps(t *trace.Trace, names []string) (segmentation, bool) {
	groups, groupOf, _ := groupRanges(t)
	var chosen []int
	for g := range groups {
		if groups[g].ranges > 0 && slices.Contains(names, groups[g].name) && !underWarmup(groups, g) {
			chosen = append(chosen, g)
		}
	}
	if chosen == nil {
		return segmentation{}, false
	}
	return stepsOf(t, groups, groupOf, chosen, rangesWithin(t, groupOf, chosen)), true
}

// underWarmup reports whether a group is warm-up or inside of it.
func underWarmup(groups []rangeGroup, g int) bool {
	for ; g > 0; g = groups[g].parent {
		if warmupName.MatchString(groups[g].name) {
			return true
		}
	}
	return false
}

// stepsOf makes steps of the ranges of the chosen groups.
func stepsOf(t *trace.Trace, groups []rangeGroup, groupOf []int32, chosen []int, within []uint32) segmentation {
	s := segmentation{by: byNVTX, steps: stepsWithin(t, within)}
	if joined := joinCycles(t, s.steps); joined != nil {
		s.steps = joined
	}
	s.leftOut = leftOutside(t, groups, groupOf, within, chosen)
	for _, g := range chosen {
		s.ranges = append(s.ranges, groups[g].name)
	}
	return s
}

// covered returns the part of the GPU time, from the first to the last launch
// of each track that is within a range, that is within one.
func covered(t *trace.Trace, within []uint32) float64 {
	var in, all int64
	for _, tr := range t.Tracks {
		var since int64 // time of launches outside since the last one within
		begun := false
		for i := tr.First; i < tr.First+tr.N; i++ {
			d := t.Launches.Duration(i)
			if r := t.IssueRange(i); r == trace.None || within[r] == trace.None {
				since += d
				continue
			}
			if begun {
				all += since
			}
			begun, since = true, 0
			in += d
			all += d
		}
	}
	return float64(in) / float64(max(all, 1))
}

// groupRanges sorts the ranges into groups, counting in each the launches
// inside its ranges. groupOf is by range; group 0 is the root. outside is the
// GPU time of launches inside no range.
func groupRanges(t *trace.Trace) (groups []rangeGroup, groupOf []int32, outside int64) {
	launches := make([]int32, len(t.Ranges))
	ns := make([]int64, len(t.Ranges))
	for i := range t.Launches.Len() {
		if r := t.IssueRange(i); r != trace.None {
			launches[r]++
			ns[r] += t.Launches.Duration(i)
		} else {
			outside += t.Launches.Duration(i)
		}
	}
	// A range comes after the range around it.
	for r := len(t.Ranges) - 1; r >= 0; r-- {
		if p := t.Ranges[r].Parent; p != trace.None {
			launches[p] += launches[r]
			ns[p] += ns[r]
		}
	}
	nameIDs := normalisedNames(t)
	byKey := map[uint64]int32{}     // by group around and name
	perThread := map[uint64]int32{} // by group and thread
	threads := map[uint64]uint64{}
	groups = []rangeGroup{{parent: -1}}
	groupOf = make([]int32, len(t.Ranges))
	for r := range t.Ranges {
		rg := &t.Ranges[r]
		parent := int32(0)
		if rg.Parent != trace.None {
			parent = groupOf[rg.Parent]
		}
		k := uint64(parent)<<32 | uint64(nameIDs.of[rg.Name])
		id, ok := byKey[k]
		if !ok {
			id = int32(len(groups))
			byKey[k] = id
			groups = append(groups, rangeGroup{parent: int(parent), name: nameIDs.names[nameIDs.of[rg.Name]]})
			groups[parent].children = append(groups[parent].children, int(id))
		}
		groupOf[r] = id
		if launches[r] == 0 {
			continue
		}
		g := &groups[id]
		g.ranges++
		g.ns += ns[r]
		thread, ok := threads[rg.Thread]
		if !ok {
			thread = uint64(len(threads))
			threads[rg.Thread] = thread
		}
		k = uint64(id)<<32 | thread
		perThread[k]++
		g.repeats = max(g.repeats, int(perThread[k]))
	}
	return groups, groupOf, outside
}

// What a further repeated range must have to count as a kind of steps beside
// the main one, as "prefill #" beside "decode #".
const (
	minGroupShare  = 0.02 // part of the GPU time of all repeated ranges
	minGroupRanges = 3    // ranges on one thread
)

// rangeNames are the names of a trace's ranges, digits normalised.
type rangeNames struct {
	of    []uint32 // by string id: index into names, for those that are names of ranges
	names []string
}

func normalisedNames(t *trace.Trace) rangeNames {
	n := rangeNames{of: make([]uint32, len(t.Strings))}
	seen := make([]bool, len(t.Strings))
	ids := map[string]uint32{}
	for r := range t.Ranges {
		s := t.Ranges[r].Name
		if seen[s] {
			continue
		}
		seen[s] = true
		name := normalise(t.Strings[s])
		id, ok := ids[name]
		if !ok {
			id = uint32(len(n.names))
			ids[name] = id
			n.names = append(n.names, name)
		}
		n.of[s] = id
	}
	return n
}

// outermostRepeated returns the repeated groups that are inside no other
// repeated group, or nil. Warm-up counts only if there is nothing else.
func outermostRepeated(groups []rangeGroup) []int {
	var repeated []int
	best, warm := -1, -1
	var total int64
	var visit func(g int)
	visit = func(g int) {
		for _, c := range groups[g].children {
			switch {
			case groups[c].ranges == 0:
			case warmupName.MatchString(groups[c].name):
				if groups[c].repeats > 1 && (warm < 0 || groups[c].ns > groups[warm].ns) {
					warm = c
				}
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
	switch {
	case best >= 0:
		return slices.DeleteFunc(repeated, func(g int) bool {
			return g != best && (groups[g].repeats < minGroupRanges || float64(groups[g].ns) < minGroupShare*float64(total))
		})
	case warm >= 0:
		return []int{warm}
	}
	return nil
}

// onlyRange returns the outermost group that takes most of the GPU time, for a
// capture of a single step, or nil.
func onlyRange(groups []rangeGroup, outside int64) []int {
	total := outside
	for _, g := range groups[0].children {
		total += groups[g].ns
	}
	for _, g := range groups[0].children {
		if groups[g].ns*2 > total && !warmupName.MatchString(groups[g].name) {
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
				for k := range s.n {
					st.add(s.at(k))
				}
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

// stepsWithin makes a step of each range that launches are within, in order of
// track and time.
func stepsWithin(t *trace.Trace, within []uint32) []step {
	var steps []step
	for k, tr := range t.Tracks {
		byRange := map[uint32]int{}
		for i := tr.First; i < tr.First+tr.N; i++ {
			r := t.IssueRange(i)
			if r == trace.None || within[r] == trace.None {
				continue
			}
			r = within[r]
			at, ok := byRange[r]
			if !ok {
				at = len(steps)
				byRange[r] = at
				steps = append(steps, step{track: k, first: i, label: r})
			}
			steps[at].add(i)
		}
	}
	return steps
}

// add appends launch i to the step.
func (s *step) add(i int) {
	if s.index == nil && s.first+s.n != i {
		s.index = make([]uint32, s.n, s.n+1)
		for k := range s.index {
			s.index[k] = uint32(s.first + k)
		}
	}
	if s.index != nil {
		s.index = append(s.index, uint32(i))
	}
	s.n++
}

// rangesWithin returns, by range, the range of one of the groups that encloses
// it or is it, or None.
func rangesWithin(t *trace.Trace, groupOf []int32, groups []int) []uint32 {
	within := make([]uint32, len(t.Ranges))
	for r := range t.Ranges {
		switch p := t.Ranges[r].Parent; {
		case slices.Contains(groups, int(groupOf[r])):
			within[r] = uint32(r)
		case p != trace.None:
			within[r] = within[p]
		default:
			within[r] = trace.None
		}
	}
	return within
}

// leftOutside says which launches are in no step, by the outermost range that
// has none of the steps inside.
func leftOutside(t *trace.Trace, groups []rangeGroup, groupOf []int32, within []uint32, chosen []int) []string {
	around := map[int]bool{0: true} // groups that steps are inside of
	for _, g := range chosen {
		for g = groups[g].parent; g > 0; g = groups[g].parent {
			around[g] = true
		}
	}
	counts := map[string]int{}
	bare := 0
	for i := range t.Launches.Len() {
		r := t.IssueRange(i)
		if r == trace.None {
			bare++
			continue
		}
		if within[r] != trace.None {
			continue
		}
		g := int(groupOf[r])
		for !around[g] && !around[groups[g].parent] {
			g = groups[g].parent
		}
		counts[groups[g].name]++
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
	if bare > 0 {
		out = append(out, fmt.Sprintf("%s in no NVTX range", count(bare, "launch")))
	}
	return out
}
