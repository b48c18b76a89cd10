package trace

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
