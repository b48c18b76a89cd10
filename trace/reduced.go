package trace

import "slices"

// Reduced says of a reduced trace what it was before. A reduced trace holds
// some of the steps of a report, evenly spread, and nothing besides: what a
// comparison needs of a report of any size. Within a track its launches stand
// step by step; one that belongs to steps of several ways may be there more
// than once. A range stands for all ranges of its name in its place of a step,
// and a replay likewise.
type Reduced struct {
	// Ways are the ways to see the launches as steps, the most trusted
	// first: at least one.
	Ways []Way

	// Totals holds all launches in scope of the trace before, by kernel and
	// geometry, in order of appearance; MemOps likewise the memory operations.
	Totals []Total
	MemOps []MemTotal

	Launches      int64   // in scope, of the trace before
	TrackLaunches []int64 // of them in each of Trace.Tracks, some of which may have kept none
	Streams       int     // lanes that they ran on
}

// A Way is a way to see a trace as steps.
type Way struct {
	By string // how steps were told: "nvtx", "graph", "period" or "whole"
	// Further says that it is for an operation that is not found in the
	// steps of the other ways.
	Further bool
	Steps   []Step // in order of track and time
	// LeftOut says what is in no step, each a phrase such as "12 launches in
	// no NVTX range".
	LeftOut []string
}

// A Step is a step of a reduced trace: its launches First, …, First+N-1.
type Step struct {
	First, N int
	Range    uint32 // the range that is the step, or None; digits that count are "#" in its name
	Index    int    // its number among the steps of its track before, from 0
	Weight   int    // the steps before of its kind and track that it stands for, itself included
}

// A Total is the launches of a kernel in one geometry.
type Total struct {
	Name, Short uint32 // string ids
	Grid, Block [3]int32
	Distribution
}

// A MemTotal is the memory operations of one kind.
type MemTotal struct {
	Name uint32 // string id
	Distribution
}

// GPUTimeNS returns the summed time of the launches before, in nanoseconds.
func (r *Reduced) GPUTimeNS() int64 {
	var ns int64
	for i := range r.Totals {
		ns += r.Totals[i].Sum
	}
	return ns
}

// narrow drops launches of a reduced trace, of which keep leaves at least one.
// Of what the launches before were in that scope only the names tell: where
// more than those is asked, the totals are of the launches that are left.
func (t *Trace) narrow(s *Scope, keep func(i int) bool) {
	n := t.Launches.Len()
	to := make([]int, n+1) // where a launch goes; the number of those left before it
	for i := range n {
		to[i+1] = to[i]
		if keep(i) {
			to[i+1]++
		}
	}
	t.Launches.Compact(func(i int) bool { return to[i+1] > to[i] })
	for i := range t.Tracks {
		tr := &t.Tracks[i]
		tr.First, tr.N = to[tr.First], to[tr.First+tr.N]-to[tr.First]
	}
	r := *t.Reduced
	r.Ways = nil
	for _, w := range t.Reduced.Ways {
		var steps []Step
		for _, st := range w.Steps {
			if st.First, st.N = to[st.First], to[st.First+st.N]-to[st.First]; st.N > 0 {
				steps = append(steps, st)
			}
		}
		if len(steps) > 0 {
			w.Steps = steps
			w.Further = w.Further && len(r.Ways) > 0
			r.Ways = append(r.Ways, w)
		}
	}
	if len(s.NVTX) == 0 && len(s.PIDs) == 0 && len(s.Devices) == 0 && len(s.Streams) == 0 && s.From == nil && s.To == nil {
		r.Totals = slices.DeleteFunc(slices.Clone(r.Totals), func(x Total) bool { return s.Name(t.Strings[x.Name]) != Satisfied })
	} else {
		r.Totals, r.MemOps = t.totals(r.Ways[0].Steps), nil
	}
	r.Launches = 0
	for i := range r.Totals {
		r.Launches += r.Totals[i].N
	}
	r.TrackLaunches = make([]int64, len(t.Tracks))
	for i := range t.Tracks {
		r.TrackLaunches[i] = int64(t.Tracks[i].N)
	}
	lanes := map[uint32]bool{}
	for _, c := range t.Launches.Config {
		lanes[t.Configs[c].Lane] = true
	}
	r.Streams = len(lanes)
	t.Reduced = &r
}

// totals returns the launches of some steps by kernel.
func (t *Trace) totals(steps []Step) []Total {
	at := map[totalKey]int{}
	var totals []Total
	var durations [][]int64
	for _, s := range steps {
		for i := s.First; i < s.First+s.N; i++ {
			c := t.LaunchConfig(i)
			k := totalKey{c.Name, c.Short, c.Grid, c.Block}
			id, ok := at[k]
			if !ok {
				id = len(totals)
				at[k] = id
				totals = append(totals, Total{Name: c.Name, Short: c.Short, Grid: c.Grid, Block: c.Block})
				durations = append(durations, nil)
			}
			durations[id] = append(durations[id], t.Launches.Duration(i))
		}
	}
	for id := range totals {
		totals[id].Add(durations[id]...)
	}
	return totals
}
