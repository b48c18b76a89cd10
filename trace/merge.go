package trace

// Merge makes one trace of the traces of several reports of one run, in the
// order given: the ranks of a parallel job, say. Ids repeat between hosts and
// clocks differ, so that lanes, tracks and graph nodes keep the number of
// their report and no time of one report may be held against another's.
//
// The traces are not changed, and their launches are copied. Merge of one
// trace returns it as it is.
func Merge(traces ...*Trace) *Trace {
	if len(traces) == 1 {
		return traces[0]
	}
	m := &merger{
		t:       &Trace{Strings: []string{""}},
		strings: map[string]uint32{"": 0},
	}
	n := 0
	for _, t := range traces {
		n += t.Launches.Len()
	}
	m.t.Launches.Resize(n)
	for _, t := range traces {
		m.add(t)
	}
	m.t.MakeTracks()
	return m.t
}

type merger struct {
	t       *Trace
	strings map[string]uint32
	at      int // launches so far
}

func (m *merger) add(t *Trace) {
	base := len(m.t.Reports)
	if t.Reports != nil {
		m.t.Reports = append(m.t.Reports, t.Reports...)
	} else {
		m.t.Reports = append(m.t.Reports, t.Capture)
	}
	m.capture(&t.Capture)

	ids := make([]uint32, len(t.Strings))
	for i, s := range t.Strings {
		id, ok := m.strings[s]
		if !ok {
			id = uint32(len(m.t.Strings))
			m.t.Strings = append(m.t.Strings, s)
			m.strings[s] = id
		}
		ids[i] = id
	}
	str := func(id uint32) uint32 {
		if id == None {
			return None
		}
		return ids[id]
	}
	shift := func(i uint32, by int) uint32 {
		if i == None {
			return None
		}
		return i + uint32(by)
	}
	lanes, ranges := len(m.t.Lanes), len(m.t.Ranges)
	nodes, replays := len(m.t.Nodes), len(m.t.Replays)
	for _, l := range t.Lanes {
		l.Report += base
		m.t.Lanes = append(m.t.Lanes, l)
	}
	configs := len(m.t.Configs)
	for _, c := range t.Configs {
		c.Name, c.Short, c.Mangled = str(c.Name), str(c.Short), str(c.Mangled)
		c.Lane += uint32(lanes)
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
	for i := range l.Len() {
		node := shift(l.Node[i], nodes)
		origin := l.Origin[i]
		if node != None {
			origin = shift(origin, replays)
		} else {
			origin = shift(origin, ranges)
		}
		m.t.Launches.Set(m.at, l.Start[i], l.Duration(i), l.Config[i]+uint32(configs), node, origin)
		m.at++
	}
	for _, op := range t.MemOps {
		op.Name = str(op.Name)
		op.Lane += uint32(lanes)
		m.t.MemOps = append(m.t.MemOps, op)
	}
	m.t.LeftOut = append(m.t.LeftOut, t.LeftOut...)
}

// capture sums what can be summed and keeps of the rest what the first report
// says.
func (m *merger) capture(c *Capture) {
	s := &m.t.Capture
	if len(m.t.Reports) == 1 || s.Path == "" {
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
	s.Warnings = append(s.Warnings, c.Warnings...)
	s.Diagnostics = append(s.Diagnostics, c.Diagnostics...)
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
