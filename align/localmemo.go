package align

import (
	"encoding/binary"
	"slices"

	"github.com/nsysdiff/nsysdiff/internal/intern"
)

// A localMemo makes the columns of its find, and remembers them: a sequence of
// the layers of a model comes to the same columns again and again, and what follows
// one is known then by the launch alone.
//
// Columns are the same if their scores differ from the score with no occurrence
// open by the same, and their occurrences began as many launches before. Of a lesser
// score than that one a state does not matter: to begin anew is better than to go on
// with it, and whatever it leads to would lose to what that leads to.
type localMemo struct {
	column    localColumn
	at        int32 // the number of the column, if it is known
	loaded    bool  // column is that of number at
	threshold int32

	plain    bool // nothing is remembered
	length   int  // of the sequence
	misses   int
	launches intern.Table[element]
	classes  []int32 // by launch: equal for those that no column tells apart
	paired   int32   // classes of launches that can be paired, from 1 on; 0 is all others

	numbers map[string]int32 // of columns, by their paths
	paths   []path           // of each column three for each launch of the query, see relative
	leads   [][]localLead    // by column, then by class
	key     []byte
	size    int // bytes remembered, about
}

// A localLead is what follows a column.
type localLead struct {
	known     bool
	to        int32 // the next column
	top, back int32 // the best B: its score above that with no occurrence open, and how many launches before it began; -1 if there is none
}

const (
	// A column remembered saves ten times of what it takes to work one out, and one
	// that is new takes four times as much: if too many are, all are worked out.
	leastPerMiss = 8
	// mostRemembered bounds the memory, in bytes.
	mostRemembered = 2 << 20
)

// newLocalMemo returns a localMemo for a query and a threshold.
func newLocalMemo(query []element, threshold int32) *localMemo {
	m := &localMemo{column: make(localColumn, len(query)), threshold: threshold}
	for j := range m.column {
		m.column[j].element = query[j]
	}
	return m
}

// begin goes to the column before the first launch of a sequence of n launches. What
// is remembered of sequences before is kept, unless that was too much.
func (m *localMemo) begin(n int) {
	for j := range m.column {
		c := &m.column[j]
		c.b, c.x, c.xl = noPath, noPath, noPath
	}
	if m.numbers == nil {
		m.numbers = map[string]int32{}
	}
	m.plain, m.length, m.misses = false, n, 0
	m.at, m.loaded = m.number(0, 0), true
}

// next goes to the column of launch i, counted from 1. It returns what
// localColumn.next does.
func (m *localMemo) next(e element, free int32, i int) (top path) {
	if m.plain {
		return m.column.next(e, free, i)
	}
	class := m.class(e)
	if leads := m.leads[m.at]; int(class) < len(leads) && leads[class].known {
		to := &leads[class]
		m.at, m.loaded = to.to, false
		if to.top < 0 {
			return noPath
		}
		return newPath(free+to.top, i-int(to.back))
	}
	if !m.loaded {
		m.load(free, i-1)
	}
	top = m.column.next(e, free, i)
	m.loaded = true
	m.misses++
	if m.misses*leastPerMiss > max(i, m.length/2) || m.size > mostRemembered {
		m.plain = true
		m.numbers, m.paths, m.leads, m.size = nil, nil, nil, 0
		return top
	}
	lead := localLead{known: true, top: -1}
	if top != noPath {
		lead.top, lead.back = top.score()-free, int32(i)-top.start()
		free = max(free, top.score()-m.threshold)
	}
	from := m.at
	m.at = m.number(free, i)
	lead.to = m.at
	for int(class) >= len(m.leads[from]) {
		m.leads[from] = append(m.leads[from], localLead{})
		m.size += 16
	}
	m.leads[from][class] = lead
	return top
}

// class returns the class of a launch.
func (m *localMemo) class(e element) int32 {
	id, isNew := m.launches.ID(&e)
	if isNew {
		class := int32(0)
		if slices.ContainsFunc(m.column, func(c localCell) bool { return c.noDtype == e.noDtype }) {
			m.paired++
			class = m.paired
		}
		m.classes = append(m.classes, class)
	}
	return m.classes[id]
}

// number returns the number of the column of launch i. The score with no occurrence
// open is free after it.
func (m *localMemo) number(free int32, i int) int32 {
	m.key = m.key[:0]
	for j := range m.column {
		c := &m.column[j]
		for _, p := range [...]path{c.b, c.x, c.xl} {
			m.key = binary.LittleEndian.AppendUint64(m.key, uint64(p.relative(free, i)))
		}
	}
	n, ok := m.numbers[string(m.key)]
	if !ok {
		n = int32(len(m.leads))
		m.numbers[string(m.key)] = n
		for j := range m.column {
			c := &m.column[j]
			m.paths = append(m.paths, c.b.relative(free, i), c.x.relative(free, i), c.xl.relative(free, i))
		}
		m.leads = append(m.leads, nil)
		m.size += 2*len(m.key) + 64
	}
	return n
}

// load makes column the one that m is at, as the column of launch i. The score with
// no occurrence open is free after it.
func (m *localMemo) load(free int32, i int) {
	paths := m.paths[int(m.at)*3*len(m.column):]
	for j := range m.column {
		c := &m.column[j]
		c.b, c.x, c.xl = paths[3*j].absolute(free, i), paths[3*j+1].absolute(free, i), paths[3*j+2].absolute(free, i)
	}
}

// relative returns a path by how much its score is above free, and by how many
// launches before launch i its occurrence began.
func (p path) relative(free int32, i int) path {
	if p.score() < free {
		return noPath
	}
	return newPath(p.score()-free, i-int(p.start()))
}

// absolute undoes relative.
func (p path) absolute(free int32, i int) path {
	if p == noPath {
		return noPath
	}
	return newPath(p.score()+free, i-int(p.start()))
}

// Hash makes it a key of [intern.Table].
func (e element) Hash() uint64 {
	h := intern.Mix(0, uint64(uint32(e.name))<<32|uint64(uint32(e.geom)))
	h = intern.Mix(h, uint64(uint32(e.family))<<32|uint64(uint32(e.noDtype)))
	return intern.Mix(h, uint64(uint32(e.module)))
}
