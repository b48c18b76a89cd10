package trace

import "iter"

// Name returns the demangled name of launch i.
func (t *Trace) Name(i int) string { return t.Strings[t.Configs[t.Launches.Config[i]].Name] }

// LaunchConfig returns the configuration of launch i.
func (t *Trace) LaunchConfig(i int) *Config { return &t.Configs[t.Launches.Config[i]] }

// LaunchLane returns the lane of launch i.
func (t *Trace) LaunchLane(i int) Lane { return t.Lanes[t.LaunchConfig(i).Lane] }

// LaunchNode returns the graph node that launch i was replayed from, an index
// into Nodes, or None if no graph replayed it.
func (t *Trace) LaunchNode(i int) uint32 { return t.Configs[t.Launches.Config[i]].Node }

// IssueRange returns the innermost NVTX range that was open on the host when
// launch i was issued, for a replayed launch when its graph was launched.
// It returns None where there was none or where it is not known.
func (t *Trace) IssueRange(i int) uint32 {
	o := t.Launches.Origin[i]
	if t.LaunchNode(i) == None || o == None {
		return o
	}
	return t.Replays[o].Range
}

// CaptureRange returns the innermost NVTX range that was open when the graph
// node that launch i was replayed from was captured, None for launches that
// were not replayed and where it is not known.
func (t *Trace) CaptureRange(i int) uint32 {
	n := t.LaunchNode(i)
	if n == None {
		return None
	}
	return t.Nodes[n].Range
}

// ModuleRange returns the range that tells which module of the model launch i
// belongs to: CaptureRange for a replayed launch, IssueRange for any other.
func (t *Trace) ModuleRange(i int) uint32 {
	if t.LaunchNode(i) != None {
		return t.CaptureRange(i)
	}
	return t.IssueRange(i)
}

// Enclosing yields the indices of range r and of the ranges around it, from
// the inside out. It yields nothing for None.
func (t *Trace) Enclosing(r uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for r != None {
			if !yield(r) {
				return
			}
			r = t.Ranges[r].Parent
		}
	}
}

// Path returns the names of range r and the ranges around it, outermost
// first; nil for None.
func (t *Trace) Path(r uint32) []string {
	n := 0
	for range t.Enclosing(r) {
		n++
	}
	if n == 0 {
		return nil
	}
	path := make([]string, n)
	for r := range t.Enclosing(r) {
		n--
		path[n] = t.Strings[t.Ranges[r].Name]
	}
	return path
}
