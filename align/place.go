package align

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
)

// An occurrence is a place in a step where the mock's step aligns.
type occurrence struct {
	interval
	at       []int32 // by launch of the mock: the launch of the step, or -1
	matched  int
	geom     int // matched launches of equal geometry
	inserted []insertion
	score    int
	columns  []int32 // by column: the launch of the step, or -1
}

// An insertion is a launch of the step, inside an occurrence, without partner.
type insertion struct {
	gap int // launches of the mock before it
	at  int32
}

// A placing is where the mock's step lies in the steps of one kind.
type placing struct {
	kind    *kind
	finder  *finder
	classes []placedClass // of the typical step only, until placeRest
	// matched and geom are of the best occurrence of the typical step.
	matched, geom int
	nearest       int // launch that it begins with, if anything matched
	value         int // of the best, by score
	perStep       int // occurrences in the typical step
	partial       int // occurrences left out since they match less, in the typical step
	scoped        bool
	regression    bool
}

type placedClass struct {
	*class
	occurrences []*occurrence
}

// Thresholds of what counts as an occurrence.
const (
	minMatched = 0.5  // of the mock's launches, for an occurrence at all
	nearlyBest = 0.85 // of the best occurrence's, for one of the same kind of layer
)

// thresholds are the scores an occurrence must exceed, for each launch of the
// mock, tried in turn until one is found. The first asks for a little more
// than half of a perfect match: with less, two halves of one occurrence would
// each be worth more by themselves than both with the gap between them. The
// others are for mocks that run under other names throughout.
var thresholds = [...]int{(scoreName + scoreGeom) * 55 / 100, scoreFamily * 6 / 10, scoreNoDtype / 2}

// maxLocalCells bounds repeated local alignment, about 10 ns a cell. Beyond
// it the mock is as large as a model and is aligned once, globally.
const maxLocalCells = 200e6

// A finder finds the mock's typical step in one step after another, of which it
// remembers what localMemo does.
type finder struct {
	mock  []element
	memos [len(thresholds)]sync.Pool // of *localMemo
}

// occurrencesIn finds the mock in one step.
func occurrencesIn(ctx context.Context, mock, seq []element) ([]*occurrence, error) {
	return (&finder{mock: mock}).find(ctx, seq)
}

// find finds the mock in a step: all places with at least half of the mock's
// launches. Calls may run concurrently.
func (f *finder) find(ctx context.Context, seq []element) ([]*occurrence, error) {
	mock := f.mock
	if len(mock) == 0 || len(seq) == 0 {
		return nil, nil
	}
	if float64(len(mock))*float64(len(seq)) > maxLocalCells {
		o, err := placeWhole(ctx, mock, seq, true)
		if err != nil || o == nil {
			return nil, err
		}
		return []*occurrence{o}, nil
	}
	var found []*occurrence
	nothing, most := false, int32(0) // the best there is, where nothing was found
	for k, t := range thresholds {
		threshold := int32(min(t*len(mock), 1<<29))
		if nothing && most <= threshold {
			continue
		}
		m, ok := f.memos[k].Get().(*localMemo)
		if !ok {
			m = newLocalMemo(mock, threshold)
		}
		m.begin(len(seq))
		places, best, err := m.find(ctx, seq)
		f.memos[k].Put(m)
		if err != nil {
			return nil, err
		}
		nothing, most = len(places) == 0, best
		if found, err = alignPlaces(ctx, mock, seq, places); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(found, func(o *occurrence) bool { return float64(o.matched) >= minMatched*float64(len(mock)) }) {
			break
		}
	}
	return found, nil
}

// maxRecentPlaces is how many places that hold different launches are remembered
// to know the next ones by.
const maxRecentPlaces = 8

// alignPlaces aligns the mock with each of some places in a step. Of places that
// hold the same, as most do, one is aligned.
func alignPlaces(ctx context.Context, mock, seq []element, places []interval) ([]*occurrence, error) {
	like := make([]int, len(places)) // the first place that holds the same
	var different, recent []int
	for i, iv := range places {
		k := slices.IndexFunc(recent, func(r int) bool {
			return slices.Equal(seq[places[r].start:places[r].end], seq[iv.start:iv.end])
		})
		if k >= 0 {
			like[i] = recent[k]
			continue
		}
		like[i] = i
		different = append(different, i)
		recent = slices.Insert(recent[:min(len(recent), maxRecentPlaces-1)], 0, i)
	}
	found := make([]*occurrence, len(places))
	err := try(ctx, len(different), func(k int) error {
		i := different[k]
		iv := places[i]
		pairs, err := alignGlobal(ctx, mock, seq[iv.start:iv.end])
		found[i] = newOccurrence(mock, seq, pairs, iv)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The others lie side by side in memory.
	n := len(places) - len(different)
	moved, at := make([]occurrence, n), make([]int32, n*len(mock))
	for i, k := range like {
		if k == i {
			continue
		}
		o := &moved[0]
		*o, o.at = *found[k], at[:len(mock):len(mock)]
		o.moveTo(found[k], places[i])
		found[i], moved, at = o, moved[1:], at[len(mock):]
	}
	return found, nil
}

// moveTo makes o, but for the memory of its launches, what an occurrence is in another
// place that holds the same.
func (o *occurrence) moveTo(from *occurrence, place interval) {
	o.interval = place
	by := int32(place.start - from.start)
	for i, at := range from.at {
		o.at[i] = at
		if at >= 0 {
			o.at[i] += by
		}
	}
	o.inserted = slices.Clone(from.inserted)
	for i := range o.inserted {
		o.inserted[i].at += by
	}
}

// placeWhole aligns the mock with a step once, from end to end. With trim,
// what the step launches before and after is not part of the occurrence.
func placeWhole(ctx context.Context, mock, seq []element, trim bool) (*occurrence, error) {
	pairs, err := alignGlobal(ctx, mock, seq)
	if err != nil {
		return nil, err
	}
	iv := interval{0, len(seq)}
	if trim {
		if len(pairs) == 0 {
			return nil, nil
		}
		iv = interval{pairs[0].b, pairs[len(pairs)-1].b + 1}
		for i := range pairs {
			pairs[i].b -= iv.start
		}
	}
	return newOccurrence(mock, seq, pairs, iv), nil
}

// newOccurrence makes an occurrence of pairs whose b count from iv.start.
func newOccurrence(mock, seq []element, pairs []pair, iv interval) *occurrence {
	o := &occurrence{interval: iv, at: make([]int32, len(mock)), matched: len(pairs)}
	for i := range o.at {
		o.at[i] = -1
	}
	gap, next := 0, iv.start
	for _, p := range pairs {
		b := iv.start + p.b
		for ; next < b; next++ {
			o.inserted = append(o.inserted, insertion{gap, int32(next)})
		}
		o.at[p.a] = int32(b)
		gap, next = p.a+1, b+1
		s := score(mock[p.a], seq[b])
		o.score += int(s)
		if mock[p.a].geom == seq[b].geom {
			o.geom++
		}
	}
	for ; next < iv.end; next++ {
		o.inserted = append(o.inserted, insertion{gap, int32(next)})
	}
	return o
}

// value is the score of an occurrence less what its gaps cost.
func (o *occurrence) value() int {
	v := o.score
	run := 0
	for i, ins := range o.inserted {
		run++
		if i+1 == len(o.inserted) || o.inserted[i+1].gap != ins.gap {
			v -= gapCost(run)
			run = 0
		}
	}
	// Launches of the mock without partner, but for those at its ends.
	begun := false
	for _, at := range o.at {
		switch {
		case at < 0:
			run++
			continue
		case begun && run > 0:
			v -= gapCost(run)
		}
		begun, run = true, 0
	}
	return v
}

// place finds the mock's typical step in the typical step of a kind, or for a
// regression lays the two side by side.
func place(ctx context.Context, mock []element, s *sequence, k *kind, regression bool) (*placing, error) {
	p := &placing{kind: k, finder: &finder{mock: mock}, scoped: s.scoped, regression: regression}
	occ, err := p.find(ctx, mock, s, k.classes[0])
	if err != nil {
		return nil, err
	}
	for _, o := range occ {
		p.value = max(p.value, o.value())
		if o.matched > p.matched || o.matched == p.matched && o.geom > p.geom {
			p.matched, p.geom, p.nearest = o.matched, o.geom, k.rep().at(o.start)
		}
	}
	n := len(occ)
	occ = p.keep(mock, s, k.classes[0], occ)
	p.perStep, p.partial = len(occ), n-len(occ)
	if len(occ) > 0 {
		p.classes = []placedClass{{k.classes[0], occ}}
	}
	return p, nil
}

// placeRest finds the mock's typical step in all other steps of the kind. Of the
// kinds that are tried most are not taken: it is for the one that is.
func (p *placing) placeRest(ctx context.Context, mock []element, s *sequence) error {
	rest := p.kind.classes[1:]
	placed := make([]placedClass, len(rest))
	err := try(ctx, len(rest), func(i int) error {
		occ, err := p.find(ctx, mock, s, rest[i])
		if err == nil {
			placed[i] = placedClass{rest[i], p.keep(mock, s, rest[i], occ)}
		}
		return err
	})
	for _, c := range placed {
		if len(c.occurrences) > 0 {
			p.classes = append(p.classes, c)
		}
	}
	return err
}

// find finds the mock's typical step in the steps of a class.
func (p *placing) find(ctx context.Context, mock []element, s *sequence, c *class) ([]*occurrence, error) {
	seq := s.elements(c.rep)
	if !p.regression {
		return p.finder.find(ctx, seq)
	}
	o, err := placeWhole(ctx, mock, seq, false)
	if err != nil {
		return nil, err
	}
	return []*occurrence{o}, nil
}

// keep leaves out the occurrences that match less than those of the typical step.
func (p *placing) keep(mock []element, s *sequence, c *class, occ []*occurrence) []*occurrence {
	if p.regression {
		return occ
	}
	least := max(minMatched*float64(len(mock)), nearlyBest*float64(p.matched))
	occ = slices.DeleteFunc(occ, func(o *occurrence) bool { return float64(o.matched) < least })
	if p.scoped && s.oneEach(c.rep, occ) {
		return s.widen(mock, s.elements(c.rep), c.rep, occ)
	}
	return occ
}

// placeTypical places the mock's typical step in all steps of its kind.
func (s *sequence) placeTypical(ctx context.Context, f *fit) ([]placedClass, error) {
	classes := f.mockKind.classes
	placed := make([]placedClass, len(classes))
	err := try(ctx, len(classes), func(i int) (err error) {
		var o *occurrence
		if c := classes[i]; c.rep == f.mockRep {
			itself := make([]pair, len(f.mock))
			for i := range itself {
				itself[i] = pair{i, i}
			}
			o = newOccurrence(f.mock, f.mock, itself, interval{0, len(f.mock)})
		} else {
			o, err = placeWhole(ctx, f.mock, s.elements(c.rep), false)
		}
		placed[i] = placedClass{classes[i], []*occurrence{o}}
		return err
	})
	return placed, err
}

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
// other steps of the mock, hold besides. The launches of the mock's typical step are columns as they are. What
// occurrences hold between two of them is merged in order of how often it is
// seen, launches of equal name falling together as far as their order allows.
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
		match[p.b] = p.a
	}
	return match
}
