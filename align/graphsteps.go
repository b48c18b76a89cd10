package align

import (
	"fmt"
	"maps"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

const (
	minReplays     = 3   // of graphs, to be taken for steps
	minReplayShare = 0.3 // part of the launches that must be replayed
	// fixedOrder is the part of the replays that must follow the graph that they
	// followed before, to be in a fixed order.
	fixedOrder = 0.9
	// fewEager is the part of the launches up to which those between the
	// replays, such as sampling, are no part of what repeats.
	fewEager = 0.1
)

// graphSteps tells steps by the replays of CUDA graphs: each replay is one,
// and so is what is launched one by one between two. What comes before the
// first replay is warm-up and capture. It returns the number of launches of the
// typical replay, and whether steps may hold several: where much is launched one by
// one, or different graphs take turns, as pieces of a step do. ok is false where
// replays are too few.
func graphSteps(t *trace.Trace) (s segmentation, length int, pieces, ok bool) {
	if len(t.Nodes) == 0 {
		return s, 0, false, false
	}
	s.by = byGraph
	var replays []int
	replayed, before := 0, 0
	var order graphOrder
	for k, tr := range t.Tracks {
		order.last = none
		for i := tr.First; i < tr.First+tr.N; {
			j := i + 1
			for j < tr.First+tr.N && sameReplay(t, j-1, j) {
				j++
			}
			switch {
			case t.LaunchNode(i) != none:
				order.add(t.LaunchNode(i))
				replays = append(replays, j-i)
				replayed += j - i
				fallthrough
			case i > tr.First:
				s.steps = append(s.steps, step{track: k, first: i, n: j - i, label: none})
			default:
				before += j - i
			}
			i = j
		}
	}
	s.steps = splitRepeats(t, s.steps)
	n := t.Launches.Len()
	if len(replays) < minReplays || float64(replayed) < minReplayShare*float64(n) {
		return s, 0, false, false
	}
	if before > 0 {
		s.leftOut = append(s.leftOut, fmt.Sprintf("%s before the first replay of a CUDA graph", count(before, "launch")))
	}
	// The replay that the middle one of the replayed launches belongs to.
	slices.Sort(replays)
	for sum, k := 0, 0; 2*sum < replayed; k++ {
		length = replays[k]
		sum += length
	}
	eager := 1 - float64(replayed)/float64(n-before)
	return s, length, eager > fewEager || order.fixed(), true
}

// A graphOrder is in which order graphs are replayed, each named by its first node.
type graphOrder struct {
	last   uint32
	next   map[uint32]uint32 // which was last replayed after each
	again  int               // replays after a graph that was followed before
	asLast int               // of these, of the graph that followed it then, and another one
}

func (o *graphOrder) add(graph uint32) {
	if o.next == nil {
		o.next = map[uint32]uint32{}
	}
	if o.last != none {
		if before, ok := o.next[o.last]; ok {
			o.again++
			if graph == before && graph != o.last {
				o.asLast++
			}
		}
		o.next[o.last] = graph
	}
	o.last = graph
}

// fixed reports whether several graphs follow each other in a fixed order: they are
// pieces of a step. Those of several batch sizes follow each other as requests come.
func (o *graphOrder) fixed() bool {
	return len(o.next) > 1 && o.again > 0 && float64(o.asLast) >= fixedOrder*float64(o.again)
}

// splitRepeats cuts steps of eager launches that are another one several times
// over: two prefills in a row, with no replay between.
func splitRepeats(t *trace.Trace, steps []step) []step {
	eager := func(st *step) bool { return t.LaunchNode(st.first) == none }
	name := func(i int) uint32 { return t.LaunchConfig(i).Name }
	// One of each length will do: most programs have few.
	shortest := map[int]int{}
	for k := range steps {
		if n := steps[k].n; eager(&steps[k]) {
			if _, ok := shortest[n]; !ok {
				shortest[n] = steps[k].first
			}
		}
	}
	lengths := slices.Sorted(maps.Keys(shortest))
	var out []step
	for _, st := range steps {
		piece := st.n
		for _, n := range lengths {
			if n*2 > st.n || !eager(&st) {
				break
			}
			if st.n%n != 0 {
				continue
			}
			first, repeats := shortest[n], true
			for k := 0; k < st.n && repeats; k++ {
				repeats = name(st.first+k) == name(first+k%n)
			}
			if repeats {
				piece = n
				break
			}
		}
		for at := 0; at < st.n; at += piece {
			out = append(out, step{track: st.track, first: st.first + at, n: piece, label: none})
		}
	}
	return out
}

// sameReplay reports whether launch j, which follows i, is of the same replay,
// or both are launched one by one. A report without API calls does not tell
// replays apart: there, a new one begins where the order of nodes starts again.
func sameReplay(t *trace.Trace, i, j int) bool {
	a, b := t.LaunchNode(i), t.LaunchNode(j)
	if a == none || b == none {
		return a == b
	}
	if o := t.Launches.Origin[j]; o != none {
		return o == t.Launches.Origin[i]
	}
	return t.Nodes[b].Order > t.Nodes[a].Order
}
