package trace

import (
	"cmp"
	"math"
	"slices"
)

// A Builder makes a [Trace] launch by launch, for tests and for traces that
// do not come from an Nsight Systems report. The zero value is ready to use.
type Builder struct {
	t       Trace
	strings map[string]uint32
	configs map[Config]uint32
	lanes   map[Lane]uint32
	open    map[uint64]uint32 // innermost open range by thread
	keys    []issueKey        // by launch
}

type issueKey struct {
	pid    uint64
	device int
}

// A Launch is one launch as [Builder.Launch] takes it.
type Launch struct {
	Name            string
	Start, Duration int64
	Grid, Block     [3]int32
	Lane            Lane
	Thread          uint64 // calling thread: its innermost open range is the launch's
	// Node, if not 0, is one more than the index that Builder.Node returned,
	// and Replay one more than the index that Builder.Replay returned.
	Node, Replay int
}

// String returns the id of s.
func (b *Builder) String(s string) uint32 {
	if b.strings == nil {
		b.strings = map[string]uint32{"": 0}
		b.t.Strings = []string{""}
	}
	id, ok := b.strings[s]
	if !ok {
		id = uint32(len(b.t.Strings))
		b.t.Strings = append(b.t.Strings, s)
		b.strings[s] = id
	}
	return id
}

// Push opens a range on a thread.
func (b *Builder) Push(thread uint64, name string, start int64) {
	parent := b.innermost(thread)
	b.open[thread] = uint32(len(b.t.Ranges))
	b.t.Ranges = append(b.t.Ranges, Range{Start: start, End: math.MaxInt64, Name: b.String(name), Parent: parent, Thread: thread})
	b.t.Capture.HasNVTX = true
}

// Pop closes the innermost range of a thread. It does nothing if none is open.
func (b *Builder) Pop(thread uint64, end int64) {
	r := b.innermost(thread)
	if r == None {
		return
	}
	b.t.Ranges[r].End = end
	b.open[thread] = b.t.Ranges[r].Parent
}

func (b *Builder) innermost(thread uint64) uint32 {
	if b.open == nil {
		b.open = map[uint64]uint32{}
	}
	r, ok := b.open[thread]
	if !ok {
		return None
	}
	return r
}

// Node adds a graph node captured now on a thread and returns its index.
func (b *Builder) Node(thread uint64, id uint64) int {
	b.t.Nodes = append(b.t.Nodes, Node{ID: id, Order: uint32(len(b.t.Nodes)), Range: b.innermost(thread)})
	return len(b.t.Nodes) - 1
}

// Replay adds a graph launch made now on a thread and returns its index.
func (b *Builder) Replay(thread uint64) int {
	i := len(b.t.Replays)
	b.t.Replays = append(b.t.Replays, Replay{Correlation: uint32(i + 1), Range: b.innermost(thread)})
	return i
}

// Launch adds a launch. Launches must be added in issue order.
func (b *Builder) Launch(l Launch) {
	b.String("")
	if b.lanes == nil {
		b.lanes = map[Lane]uint32{}
		b.configs = map[Config]uint32{}
	}
	lane, ok := b.lanes[l.Lane]
	if !ok {
		lane = uint32(len(b.t.Lanes))
		b.t.Lanes = append(b.t.Lanes, l.Lane)
		b.lanes[l.Lane] = lane
	}
	c := Config{Name: b.String(l.Name), Short: b.String(l.Name), Lane: lane, Grid: l.Grid, Block: l.Block, Mangled: None, Node: None}
	origin := b.innermost(l.Thread)
	if l.Node != 0 {
		c.Node, origin = uint32(l.Node-1), uint32(l.Replay-1)
		b.t.Capture.GraphLaunches++
	}
	config, ok := b.configs[c]
	if !ok {
		config = uint32(len(b.t.Configs))
		b.t.Configs = append(b.t.Configs, c)
		b.configs[c] = config
	}
	b.t.Launches.Append(l.Start, l.Duration, config, origin)
	b.t.Capture.Launches++
	b.keys = append(b.keys, issueKey{l.Lane.GlobalPID, l.Lane.Device})
}

// Trace returns the trace built, with launches grouped in tracks. The builder
// must not be used afterwards.
func (b *Builder) Trace(path string) *Trace {
	t := &b.t
	b.String("")
	t.Capture.Path = path
	order := make([]uint32, t.Launches.Len())
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(x, y uint32) int {
		a, c := b.keys[x], b.keys[y]
		return cmp.Or(cmp.Compare(a.pid, c.pid), cmp.Compare(a.device, c.device))
	})
	t.Launches.Permute(0, order)
	t.MakeTracks()
	return t
}

// MakeTracks fills in Tracks from the launches, which must be grouped by
// report, process and device.
func (t *Trace) MakeTracks() {
	t.Tracks = t.Tracks[:0]
	for i := range t.Launches.Len() {
		lane := t.LaunchLane(i)
		if n := len(t.Tracks); n > 0 && t.Tracks[n-1].Report == lane.Report && t.Tracks[n-1].GlobalPID == lane.GlobalPID && t.Tracks[n-1].Device == lane.Device {
			t.Tracks[n-1].N++
			continue
		}
		t.Tracks = append(t.Tracks, Track{Report: lane.Report, GlobalPID: lane.GlobalPID, PID: lane.PID, Device: lane.Device, First: i, N: 1})
	}
}
