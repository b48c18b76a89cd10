package align

import (
	"context"
	"slices"
)

// A column is one position of the merged sequence: a launch of the mock's
// step, or one that occurrences hold besides.
type column struct {
	mock int // launch of the mock's typical step, or -1
	// For mock == -1:
	gap  int // launches of the mock's step before it
	name int32
	// weight counts the steps times occurrences that have it.
	weight int
}

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
	classes []placedClass
	// matched and geom are of the best occurrence of the typical step.
	matched, geom int
	nearest       int // launch that it begins with, if anything matched
	value         int // of the best, by score
	perStep       int // occurrences in the typical step
	partial       int // occurrences left out since they match less, in the typical step
	scoped        bool
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
var thresholds = []int{(scoreName + scoreGeom) * 55 / 100, scoreFamily * 6 / 10, scoreNoDtype / 2}

// maxLocalCells bounds repeated local alignment, about 10 ns a cell. Beyond
// it the mock is as large as a model and is aligned once, globally.
const maxLocalCells = 200e6

// occurrencesIn finds the mock in a step: all places with at least half of
// the mock's launches.
func occurrencesIn(ctx context.Context, mock, seq []element) ([]*occurrence, error) {
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
	for _, t := range thresholds {
		places, err := findOccurrences(ctx, mock, seq, int32(min(t*len(mock), 1<<29)))
		if err != nil {
			return nil, err
		}
		enough := false
		found = found[:0]
		for _, iv := range places {
			pairs, err := alignGlobal(ctx, mock, seq[iv.start:iv.end])
			if err != nil {
				return nil, err
			}
			o := newOccurrence(mock, seq, pairs, iv)
			enough = enough || float64(o.matched) >= minMatched*float64(len(mock))
			found = append(found, o)
		}
		if enough {
			break
		}
	}
	return found, nil
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

// place finds the mock's typical step in the steps of a kind.
func place(ctx context.Context, mock []element, s *sequence, k *kind, regression bool) (*placing, error) {
	p := &placing{kind: k, scoped: s.scoped}
	find := func(seq []element) ([]*occurrence, error) {
		if regression {
			o, err := placeWhole(ctx, mock, seq, false)
			if err != nil {
				return nil, err
			}
			return []*occurrence{o}, nil
		}
		return occurrencesIn(ctx, mock, seq)
	}
	for i, c := range k.classes {
		seq := s.elements(c.rep)
		occ, err := find(seq)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			for _, o := range occ {
				p.value = max(p.value, o.value())
				if o.matched > p.matched || o.matched == p.matched && o.geom > p.geom {
					p.matched, p.geom, p.nearest = o.matched, o.geom, c.rep.at(o.start)
				}
			}
		}
		if !regression {
			least := max(minMatched*float64(len(mock)), nearlyBest*float64(p.matched))
			n := len(occ)
			occ = slices.DeleteFunc(occ, func(o *occurrence) bool { return float64(o.matched) < least })
			if i == 0 {
				p.perStep = len(occ)
				p.partial = n - len(occ)
			}
			if p.scoped && s.oneEach(c.rep, occ) {
				occ = s.widen(mock, seq, c.rep, occ)
			}
		} else if i == 0 {
			p.perStep = 1
		}
		if len(occ) > 0 {
			p.classes = append(p.classes, placedClass{c, occ})
		}
	}
	return p, nil
}

// columns merges the occurrences into one sequence of columns and tells each
// occurrence its launch for each column.
//
// The launches of the mock are columns as they are. What occurrences hold
// between two of them is merged in order of how often it is seen, launches of
// equal name falling together as far as their order allows.
func (p *placing) columns(s *sequence, mockLen int) []column {
	gaps := make([][]column, mockLen+1)
	type use struct {
		o    *occurrence
		gap  int
		ins  []insertion
		cols []int // by insertion: index into gaps[gap] at the time of merging
	}
	// Columns of a gap move as others are put before them: uses refer to
	// them by identity.
	ids := make([][]int, mockLen+1)
	nextID := 0
	var uses []use
	order := slices.Clone(p.classes)
	slices.SortStableFunc(order, func(a, b placedClass) int { return len(b.steps) - len(a.steps) })
	for _, c := range order {
		for _, o := range c.occurrences {
			for i := 0; i < len(o.inserted); {
				j := i
				for j < len(o.inserted) && o.inserted[j].gap == o.inserted[i].gap {
					j++
				}
				g := o.inserted[i].gap
				ins := o.inserted[i:j]
				names := make([]int32, len(ins))
				for k := range ins {
					names[k] = s.syms[s.t.Launches.Config[c.rep.at(int(ins[k].at))]].name
				}
				where := mergeNames(&gaps[g], &ids[g], &nextID, names, g, len(c.steps))
				uses = append(uses, use{o, g, ins, where})
				i = j
			}
		}
	}
	var cols []column
	byID := make([]int, nextID)
	mockCol := make([]int, mockLen)
	for g := 0; g <= mockLen; g++ {
		for k := range gaps[g] {
			byID[ids[g][k]] = len(cols)
			cols = append(cols, gaps[g][k])
		}
		if g < mockLen {
			mockCol[g] = len(cols)
			cols = append(cols, column{mock: g})
		}
	}
	for _, c := range p.classes {
		for _, o := range c.occurrences {
			o.columns = make([]int32, len(cols))
			for i := range o.columns {
				o.columns[i] = -1
			}
			for i, at := range o.at {
				o.columns[mockCol[i]] = at
				if at >= 0 {
					cols[mockCol[i]].weight += len(c.steps)
				}
			}
		}
	}
	for _, u := range uses {
		for k, id := range u.cols {
			u.o.columns[byID[id]] = u.ins[k].at
		}
	}
	return cols
}

// mergeNames merges names into the columns of a gap by their longest common
// subsequence and returns the identity of each name's column.
func mergeNames(cols *[]column, ids *[]int, nextID *int, names []int32, gap, weight int) []int {
	old := *cols
	m, n := len(old), len(names)
	where := make([]int, n)
	var match []int // by name: index into old, or -1
	switch {
	case m == 0:
		match = make([]int, n)
		for k := range match {
			match[k] = -1
		}
	default:
		match = commonNames(old, names)
	}
	merged := make([]column, 0, m+n)
	mergedIDs := make([]int, 0, m+n)
	i := 0
	for k, name := range names {
		if match[k] < 0 {
			merged = append(merged, column{mock: -1, gap: gap, name: name, weight: weight})
			mergedIDs = append(mergedIDs, *nextID)
			where[k] = *nextID
			*nextID++
			continue
		}
		for i < match[k] {
			merged = append(merged, old[i])
			mergedIDs = append(mergedIDs, (*ids)[i])
			i++
		}
		c := old[i]
		c.weight += weight
		merged = append(merged, c)
		mergedIDs = append(mergedIDs, (*ids)[i])
		where[k] = (*ids)[i]
		i++
	}
	merged = append(merged, old[i:]...)
	mergedIDs = append(mergedIDs, (*ids)[i:]...)
	*cols, *ids = merged, mergedIDs
	return where
}

// commonNames pairs names with columns in order, by difference: it returns
// the column of each name, or -1.
func commonNames(cols []column, names []int32) []int {
	match := make([]int, len(names))
	for k := range match {
		match[k] = -1
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
