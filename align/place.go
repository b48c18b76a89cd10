package align

import (
	"context"
	"slices"
)

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
	others        otherPlaces
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

// place finds the mock's typical step in the typical step of a kind, or for a
// regression lays the two side by side.
func place(ctx context.Context, mock []element, s *sequence, k *kind, regression bool) (*placing, error) {
	p := &placing{kind: k, finder: &finder{mock: mock}, regression: regression}
	seq := s.elements(k.rep())
	occ, err := p.find(ctx, seq)
	if err != nil {
		return nil, err
	}
	for _, o := range occ {
		p.value = max(p.value, o.value())
		if o.matched > p.matched || o.matched == p.matched && o.geom > p.geom {
			p.matched, p.geom, p.nearest = o.matched, o.geom, k.rep().at(o.start)
		}
	}
	if !regression && !s.scoped {
		least := minMatched * float64(len(mock))
		p.others = tellOthers(mock, seq, slices.DeleteFunc(slices.Clone(occ), func(o *occurrence) bool { return float64(o.matched) < least }))
	}
	n := len(occ)
	occ = p.keep(s, k.rep(), seq, occ)
	p.perStep, p.partial = len(occ), n-len(occ)-p.others.n
	if len(occ) > 0 {
		p.classes = []placedClass{{k.classes[0], occ}}
	}
	return p, nil
}

// placeRest finds the mock's typical step in all other steps of the kind. Of the
// kinds that are tried most are not taken: it is for the one that is.
func (p *placing) placeRest(ctx context.Context, s *sequence) error {
	rest := p.kind.classes[1:]
	placed := make([]placedClass, len(rest))
	err := try(ctx, len(rest), func(i int) (err error) {
		s.launchesOf(rest[i].rep, func(seq []element) {
			var occ []*occurrence
			if occ, err = p.find(ctx, seq); err == nil {
				placed[i] = placedClass{rest[i], p.keep(s, rest[i].rep, seq, occ)}
			}
		})
		return err
	})
	for _, c := range placed {
		if len(c.occurrences) > 0 {
			p.classes = append(p.classes, c)
		}
	}
	return err
}

// find finds the mock's typical step in a step that launches seq.
func (p *placing) find(ctx context.Context, seq []element) ([]*occurrence, error) {
	if !p.regression {
		return p.finder.find(ctx, seq)
	}
	o, err := placeWhole(ctx, p.finder.mock, seq, false)
	if err != nil {
		return nil, err
	}
	return []*occurrence{o}, nil
}

// keep leaves out the occurrences, in a step that launches seq, that match less than
// those of the typical step.
func (p *placing) keep(s *sequence, st *step, seq []element, occ []*occurrence) []*occurrence {
	if p.regression {
		return occ
	}
	mock := p.finder.mock
	least := max(minMatched*float64(len(mock)), nearlyBest*float64(p.matched))
	occ = slices.DeleteFunc(occ, func(o *occurrence) bool { return float64(o.matched) < least })
	occ = p.others.keep(mock, seq, occ)
	if s.scoped && s.oneEach(st, occ) {
		return s.widen(mock, seq, st, occ)
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
				itself[i] = newPair(i, i)
			}
			o = newOccurrence(f.mock, f.mock, itself, interval{0, len(f.mock)})
		} else {
			s.launchesOf(c.rep, func(seq []element) { o, err = placeWhole(ctx, f.mock, seq, false) })
		}
		placed[i] = placedClass{classes[i], []*occurrence{o}}
		return err
	})
	return placed, err
}
