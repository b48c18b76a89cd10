package trace

// Merge makes one trace of the traces of several reports of one run, in the
// order given: the ranks of a parallel job, say. Ids repeat between hosts and
// clocks differ, so that lanes, tracks and graph nodes keep the number of
// their report and no time of one report may be held against another's.
//
// The traces are not changed, and their launches are copied. Merge of one
// trace returns it as it is. Reduced traces merge into a reduced one;
// Merge panics on a mixture, as [Merger.Add] does.
func Merge(traces ...*Trace) *Trace {
	if len(traces) == 1 {
		return traces[0]
	}
	n := 0
	for _, t := range traces {
		n += t.Launches.Len()
	}
	m := NewMerger(n)
	for _, t := range traces {
		m.Add(t)
	}
	return m.Trace()
}

// A Merger merges traces one by one, for those that do not fit into memory
// beside what becomes of them.
type Merger struct {
	t       *Trace
	strings map[string]uint32
	totals  map[totalKey]int
	memOps  map[uint32]int
	leftOut phrases
	wayAt   map[wayKey]int // index into Reduced.Ways
	ways    []phrases      // their LeftOut
	seen    map[string]bool
	at      int // launches so far
}

type totalKey struct {
	name, short uint32
	grid, block [3]int32
}

// A wayKey tells which ways of several traces are one: the zero value is for the
// first of each, others are counted off.
type wayKey struct {
	by      string
	further bool
	nth     int
}

// NewMerger returns a merger. launches is how many launches are expected, 0 if
// that is not known.
func NewMerger(launches int) *Merger {
	m := &Merger{
		t:       &Trace{Strings: []string{""}},
		strings: map[string]uint32{"": 0},
		totals:  map[totalKey]int{},
		memOps:  map[uint32]int{},
		wayAt:   map[wayKey]int{},
		seen:    map[string]bool{},
	}
	m.t.Launches.Resize(launches)
	return m
}

// Trace returns what was merged. The merger must not be used afterwards.
func (m *Merger) Trace() *Trace {
	m.t.Launches.Resize(m.at)
	m.t.LeftOut = m.leftOut.list
	for i := range m.ways {
		m.t.Reduced.Ways[i].LeftOut = m.ways[i].list
	}
	return m.t
}

// Add merges t. It panics if t is a reduced trace and an earlier one was not,
// or the other way round: a part of one report is nothing to compare with the
// whole of another. Reduce the whole ones first.
func (m *Merger) Add(t *Trace) {
	base := len(m.t.Reports)
	if base > 0 && (t.Reduced == nil) != (m.t.Reduced == nil) {
		panic("trace: merge of a reduced trace with a whole one")
	}
	if t.Reports != nil {
		m.t.Reports = append(m.t.Reports, t.Reports...)
	} else {
		m.t.Reports = append(m.t.Reports, t.Capture)
	}
	m.capture(&t.Capture, base == 0)

	ids := make([]uint32, len(t.Strings))
	for i, s := range t.Strings {
		ids[i] = m.str(s)
	}
	str := func(id uint32) uint32 {
		if id == None {
			return None
		}
		return ids[id]
	}
	lanes, ranges := len(m.t.Lanes), len(m.t.Ranges)
	nodes, replays := len(m.t.Nodes), len(m.t.Replays)
	first := m.at
	if t.Reduced != nil {
		m.reduced(t.Reduced, str, first, ranges)
	}
	for _, l := range t.Lanes {
		l.Report += base
		m.t.Lanes = append(m.t.Lanes, l)
	}
	for _, tr := range t.Tracks {
		tr.Report += base
		tr.First += first
		m.t.Tracks = append(m.t.Tracks, tr)
	}
	configs := len(m.t.Configs)
	for _, c := range t.Configs {
		c.Name, c.Short, c.Mangled = str(c.Name), str(c.Short), str(c.Mangled)
		c.Lane += uint32(lanes)
		c.Node = shift(c.Node, nodes)
		m.t.Configs = append(m.t.Configs, c)
	}
	for _, r := range t.Ranges {
		r.Name = str(r.Name)
		r.Parent = shift(r.Parent, ranges)
		m.t.Ranges = append(m.t.Ranges, r)
	}
	for _, n := range t.Nodes {
		n.Range = shift(n.Range, ranges)
		m.t.Nodes = append(m.t.Nodes, n)
	}
	for _, r := range t.Replays {
		r.Range = shift(r.Range, ranges)
		m.t.Replays = append(m.t.Replays, r)
	}
	l := &t.Launches
	if n := m.at + l.Len(); n > m.t.Launches.Len() {
		m.t.Launches.Resize(max(n, m.at+m.at/2))
	}
	for i := range l.Len() {
		by := ranges
		if t.LaunchNode(i) != None {
			by = replays
		}
		m.t.Launches.Set(m.at, l.Start[i], l.Duration(i), l.Config[i]+uint32(configs), shift(l.Origin[i], by))
		m.at++
	}
	for _, op := range t.MemOps {
		op.Name = str(op.Name)
		op.Lane += uint32(lanes)
		m.t.MemOps = append(m.t.MemOps, op)
	}
	m.leftOut.add(t.LeftOut)
}

// shift adds to an index that is not None.
func shift(i uint32, by int) uint32 {
	if i == None {
		return None
	}
	return i + uint32(by)
}

func (m *Merger) str(s string) uint32 {
	id, ok := m.strings[s]
	if !ok {
		id = uint32(len(m.t.Strings))
		m.t.Strings = append(m.t.Strings, s)
		m.strings[s] = id
	}
	return id
}

// reduced merges what reduced traces were before.
func (m *Merger) reduced(r *Reduced, str func(uint32) uint32, first, ranges int) {
	if m.t.Reduced == nil {
		m.t.Reduced = &Reduced{}
	}
	to := m.t.Reduced
	to.Launches += r.Launches
	to.TrackLaunches = append(to.TrackLaunches, r.TrackLaunches...)
	to.Streams += r.Streams
	nth := map[wayKey]int{}
	for i := range r.Ways {
		w := &r.Ways[i]
		// The most trusted ways belong together however steps were told.
		k := wayKey{by: w.By, further: w.Further}
		k.nth = nth[k]
		nth[wayKey{by: w.By, further: w.Further}]++
		if i == 0 {
			k = wayKey{}
		}
		at, ok := m.wayAt[k]
		if !ok {
			at = len(to.Ways)
			m.wayAt[k] = at
			to.Ways = append(to.Ways, Way{By: w.By, Further: w.Further})
			m.ways = append(m.ways, phrases{})
		}
		for _, s := range w.Steps {
			s.First += first
			s.Range = shift(s.Range, ranges)
			to.Ways[at].Steps = append(to.Ways[at].Steps, s)
		}
		m.ways[at].add(w.LeftOut)
	}
	for i := range r.Totals {
		t := r.Totals[i]
		t.Name, t.Short = str(t.Name), str(t.Short)
		k := totalKey{t.Name, t.Short, t.Grid, t.Block}
		at, ok := m.totals[k]
		if !ok {
			at = len(to.Totals)
			m.totals[k] = at
			to.Totals = append(to.Totals, Total{Name: t.Name, Short: t.Short, Grid: t.Grid, Block: t.Block})
		}
		to.Totals[at].Merge(&t.Distribution)
	}
	for i := range r.MemOps {
		name := str(r.MemOps[i].Name)
		at, ok := m.memOps[name]
		if !ok {
			at = len(to.MemOps)
			m.memOps[name] = at
			to.MemOps = append(to.MemOps, MemTotal{Name: name})
		}
		to.MemOps[at].Merge(&r.MemOps[i].Distribution)
	}
}

// capture sums what can be summed and keeps of the rest what the first report
// says.
func (m *Merger) capture(c *Capture, isFirst bool) {
	s := &m.t.Capture
	if isFirst {
		first := *c
		first.GPUs, first.Processes, first.Warnings, first.Diagnostics = nil, nil, nil, nil
		first.Launches, first.GraphLaunches, first.OpaqueGraphs, first.OpaqueNS = 0, 0, 0, 0
		first.Unattributed, first.Unresolved = 0, 0
		// Bounds on different clocks have no union.
		first.Start, first.Stop = 0, 0
		*s = first
	}
	s.GPUs = append(s.GPUs, c.GPUs...)
	s.Processes = append(s.Processes, c.Processes...)
	// What a thousand ranks say alike is said once.
	for _, w := range c.Warnings {
		if m.once("w" + w) {
			s.Warnings = append(s.Warnings, w)
		}
	}
	for _, d := range c.Diagnostics {
		if m.once("d" + d.Severity + d.Text) {
			s.Diagnostics = append(s.Diagnostics, d)
		}
	}
	s.Launches += c.Launches
	s.GraphLaunches += c.GraphLaunches
	s.OpaqueGraphs += c.OpaqueGraphs
	s.OpaqueNS += c.OpaqueNS
	s.Unattributed += c.Unattributed
	s.Unresolved += c.Unresolved
	s.HasNVTX = s.HasNVTX || c.HasNVTX
	s.HasAPI = s.HasAPI || c.HasAPI
	if c.StartUTC != 0 && (s.StartUTC == 0 || c.StartUTC < s.StartUTC) {
		s.StartUTC = c.StartUTC
	}
}

// once reports whether it is called with s for the first time.
func (m *Merger) once(s string) bool {
	if m.seen[s] {
		return false
	}
	m.seen[s] = true
	return true
}
