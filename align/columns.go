package align

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
)

// A placedSide is where the mock's typical step lies in the steps of a side.
type placedSide struct {
	*sequence
	classes []placedClass
}

// A merger merges what occurrences hold between two launches of the mock's
// typical step.
type merger struct {
	gaps [][]mergedName // by the launches of the mock's step before
	next int            // identity of the next column
	// known is where names between two launches were put before: what two steps
	// have alike falls into the same columns, whichever sides they are of.
	known map[string][]int
	key   []byte
}

// A mergedName is a column of a gap. Columns move as others are put before them:
// its identity does not.
type mergedName struct {
	name int32
	id   int
}

// columns merges the occurrences of all sides into one sequence of columns, tells
// each occurrence its launch for each column, and returns how many there are.
//
// A column is a launch of the mock's typical step, or one that occurrences, or
// other steps of the mock, hold besides. The launches of the mock's typical step are
// columns as they are. What occurrences hold between two of them is merged in order
// of how often it is seen, launches of equal name falling together as far as their
// order allows.
func columns(mockLen int, sides ...placedSide) int {
	type use struct {
		o     *occurrence
		ins   []insertion
		names []int32 // by insertion
		ids   []int   // likewise
	}
	m := &merger{gaps: make([][]mergedName, mockLen+1), known: map[string][]int{}}
	var uses []use
	for _, s := range sides {
		order := slices.Clone(s.classes)
		slices.SortStableFunc(order, func(a, b placedClass) int { return len(b.steps) - len(a.steps) })
		found := make([][]use, len(order))
		parallel(context.Background(), len(order), func(k int) {
			c := &order[k]
			for _, o := range c.occurrences {
				for rest := o.inserted; len(rest) > 0; {
					n := 1
					for n < len(rest) && rest[n].gap == rest[0].gap {
						n++
					}
					u := use{o: o, ins: rest[:n], names: make([]int32, n)}
					for i := range u.names {
						u.names[i] = s.syms[s.t.Launches.Config[c.rep.at(int(rest[i].at))]].name
					}
					found[k] = append(found[k], u)
					rest = rest[n:]
				}
			}
		})
		for _, of := range found {
			for _, u := range of {
				u.ids = m.merge(u.ins[0].gap, u.names)
				uses = append(uses, u)
			}
		}
	}
	n := 0
	byID := make([]int, m.next)
	mockCol := make([]int, mockLen)
	for g := range m.gaps {
		for _, x := range m.gaps[g] {
			byID[x.id] = n
			n++
		}
		if g < mockLen {
			mockCol[g] = n
			n++
		}
	}
	var all []*occurrence
	for _, s := range sides {
		for _, c := range s.classes {
			all = append(all, c.occurrences...)
		}
	}
	cells := hugepages.Make[int32](n * len(all))
	parts := divide(len(all), len(cells))
	parallel(context.Background(), len(parts), func(p int) {
		for i := parts[p].start; i < parts[p].end; i++ {
			o := all[i]
			o.columns = cells[i*n : (i+1)*n : (i+1)*n]
			for k := range o.columns {
				o.columns[k] = -1
			}
			for k, at := range o.at {
				o.columns[mockCol[k]] = at
			}
		}
	})
	for _, u := range uses {
		for k, id := range u.ids {
			u.o.columns[byID[id]] = u.ins[k].at
		}
	}
	return n
}

// merge merges names into the columns of a gap by their longest common
// subsequence and returns the identity of each name's column.
func (m *merger) merge(gap int, names []int32) []int {
	m.key = binary.LittleEndian.AppendUint64(m.key[:0], uint64(gap))
	for _, name := range names {
		m.key = binary.LittleEndian.AppendUint32(m.key, uint32(name))
	}
	if ids, ok := m.known[string(m.key)]; ok {
		return ids
	}
	old := m.gaps[gap]
	ids := make([]int, len(names))
	match := commonNames(old, names)
	merged := make([]mergedName, 0, len(old)+len(names))
	i := 0
	for k, name := range names {
		if match[k] < 0 {
			ids[k] = m.next
			merged = append(merged, mergedName{name, m.next})
			m.next++
			continue
		}
		merged = append(merged, old[i:match[k]+1]...)
		i = match[k] + 1
		ids[k] = old[match[k]].id
	}
	m.gaps[gap] = append(merged, old[i:]...)
	m.known[string(m.key)] = ids
	return ids
}

// commonNames pairs names with columns in order, by difference: it returns
// the column of each name, or -1.
func commonNames(cols []mergedName, names []int32) []int {
	match := slices.Repeat([]int{-1}, len(names))
	if len(cols) == 0 {
		return match
	}
	a := make([]element, len(cols))
	for i := range cols {
		a[i].symbol = symbol{name: cols[i].name, family: -1, noDtype: -1}
	}
	b := make([]element, len(names))
	for i := range names {
		b[i].symbol = symbol{name: names[i], family: -2, noDtype: -2}
	}
	pairs, err := alignGlobal(context.Background(), a, b)
	if err != nil {
		return match
	}
	for _, p := range pairs {
		match[p.b] = int(p.a)
	}
	return match
}
