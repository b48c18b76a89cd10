package align

import (
	"context"
	"sync/atomic"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
	"github.com/nsysdiff/nsysdiff/internal/intern"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A rangeGroup is the ranges of one place in the nesting and one name but for
// its digits.
type rangeGroup struct {
	parent   int
	name     string
	children []int
	ranges   int   // ranges with launches in them
	repeats  int   // the most of them on one thread
	ns       int64 // GPU time of the launches in them
}

// A rangeTree is the NVTX ranges of a trace, sorted into groups.
//
// Of each range it keeps the group alone, since there may be as many ranges as
// launches: whatever else is asked of a range is found on the way up from it.
type rangeTree struct {
	t       *trace.Trace
	groups  []rangeGroup // a group comes after the one around it; group 0 is the root
	of      []uint32     // group, by range
	outside int64        // GPU time of launches inside no range
}

// A groupKey names a group by the one around it.
type groupKey struct{ parent, name uint32 }

func (k groupKey) Hash() uint64 { return intern.Mix(0, uint64(k.parent)<<32|uint64(k.name)) }

// newRangeTree sorts the ranges of a trace. What groups say of launches is
// left to count.
func newRangeTree(t *trace.Trace) *rangeTree {
	tree := &rangeTree{t: t, groups: []rangeGroup{{parent: -1}}, of: hugepages.Make[uint32](len(t.Ranges))}
	names := newRangeNames(t)
	var ids intern.Table[groupKey] // of group number less 1
	for r := range t.Ranges {
		rg := &t.Ranges[r]
		k := groupKey{name: names.id(rg.Name)}
		if rg.Parent != none { // a range comes after the range around it
			k.parent = tree.of[rg.Parent]
		}
		id, isNew := ids.ID(&k)
		g := id + 1
		tree.of[r] = g
		if isNew {
			tree.groups = append(tree.groups, rangeGroup{parent: int(k.parent), name: names.names[k.name]})
			parent := &tree.groups[k.parent]
			parent.children = append(parent.children, int(g))
		}
	}
	return tree
}

// A groupThread is a group on one thread.
type groupThread struct{ group, thread uint64 }

func (k groupThread) Hash() uint64 { return intern.Mix(intern.Mix(0, k.group), k.thread) }

// A groupCount is what some launches say of the groups.
type groupCount struct {
	outside int64
	ns      []int64 // by group, of launches that have no range further inside
	threads intern.Table[groupThread]
	ranges  []int // by number in threads, those with launches in them
}

// count counts, once, the launches inside the ranges of each group, and the
// ranges that have any.
func (tree *rangeTree) count(ctx context.Context) {
	t := tree.t
	// Whoever first sets a range's bit counts it, and then those around it.
	used := make([]uint32, (len(t.Ranges)+31)/32)
	parts := launchParts(0, t.Launches.Len())
	counts := make([]groupCount, len(parts))
	parallel(ctx, len(parts), func(p int) {
		c := groupCount{ns: newCounts[int64](len(tree.groups))}
		defer func() { counts[p] = c }()
		last := uint32(none)
		for i := parts[p].start; i < parts[p].end; i++ {
			r := t.IssueRange(i)
			if r == none {
				c.outside += t.Launches.Duration(i)
				continue
			}
			c.ns[tree.of[r]] += t.Launches.Duration(i)
			if r == last {
				continue
			}
			last = r
			for ; r != none; r = t.Ranges[r].Parent {
				word, bit := &used[r/32], uint32(1)<<(r%32)
				if atomic.LoadUint32(word)&bit != 0 || atomic.OrUint32(word, bit)&bit != 0 {
					break
				}
				id, isNew := c.threads.ID(&groupThread{uint64(tree.of[r]), t.Ranges[r].Thread})
				if isNew {
					c.ranges = append(c.ranges, 0)
				}
				c.ranges[id]++
			}
		}
	})
	var threads intern.Table[groupThread]
	var ranges []int
	for p := range counts {
		c := &counts[p]
		tree.outside += c.outside
		for g, ns := range c.ns {
			tree.groups[g].ns += ns
		}
		for k := range c.threads.Keys {
			id, isNew := threads.ID(&c.threads.Keys[k])
			if isNew {
				ranges = append(ranges, 0)
			}
			ranges[id] += c.ranges[k]
		}
	}
	for k := range threads.Keys {
		g := &tree.groups[threads.Keys[k].group]
		g.ranges += ranges[k]
		g.repeats = max(g.repeats, ranges[k])
	}
	for g := len(tree.groups) - 1; g > 0; g-- {
		tree.groups[tree.groups[g].parent].ns += tree.groups[g].ns
	}
}

// within returns a function that tells of a range, which may be None, the
// innermost one of the given groups that encloses it or is it, None if there
// is none.
func (tree *rangeTree) within(groups []int) func(r uint32) uint32 {
	// How many ranges up it is from those of each group, -1 if none is.
	up := make([]int, len(tree.groups))
	up[0] = -1
	for g := 1; g < len(up); g++ {
		if up[g] = up[tree.groups[g].parent]; up[g] >= 0 {
			up[g]++
		}
		for _, chosen := range groups {
			if g == chosen {
				up[g] = 0
			}
		}
	}
	return func(r uint32) uint32 {
		if r == none {
			return none
		}
		n := up[tree.of[r]]
		if n < 0 {
			return none
		}
		for range n {
			r = tree.t.Ranges[r].Parent
		}
		return r
	}
}

// under reports whether a group has, or is inside of one that has, a name that is
// left out.
func (tree *rangeTree) under(g int, leftOut nameTest) bool {
	for ; g > 0; g = tree.groups[g].parent {
		if leftOut(tree.groups[g].name) {
			return true
		}
	}
	return false
}

// rangeNames are names of ranges, digits normalised, and numbered.
type rangeNames struct {
	t     *trace.Trace
	of    []uint32 // by string id: index into names plus 1, 0 for those not seen
	names []string
	ids   map[string]uint32
}

func newRangeNames(t *trace.Trace) *rangeNames {
	return &rangeNames{t: t, of: make([]uint32, len(t.Strings)), ids: map[string]uint32{}}
}

// id returns the index into names of the name with a string id.
func (n *rangeNames) id(s uint32) uint32 {
	if n.of[s] == 0 {
		name := normalise(n.t.Strings[s])
		id, ok := n.ids[name]
		if !ok {
			id = uint32(len(n.names))
			n.ids[name] = id
			n.names = append(n.names, name)
		}
		n.of[s] = id + 1
	}
	return n.of[s] - 1
}
