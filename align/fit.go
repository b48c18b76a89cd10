package align

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// A fit is a way to see both traces as steps, and where the typical step of
// the mock lies in the typical step of the E2E.
type fit struct {
	mockSeg, e2eSeg segmentation
	mockKind        *kind
	mockRep         *step // the typical step, which mock holds
	mock            []element
	placing         *placing
	otherKinds      []*kind // kinds of E2E steps that were not chosen
	kindName        string  // of the mock's steps
}

// matched is the part of the mock's launches that the best occurrence has.
func (f *fit) matched() float64 { return float64(f.placing.matched) / float64(len(f.mock)) }

// alike tells roughly which part of both steps matches, where both are whole. A step
// that prefills and decodes holds all of one that decodes, and is another kind.
func (f *fit) alike() int {
	return 20 * f.placing.matched / max(len(f.mock), f.placing.kind.rep().n)
}

// name names the kind of the mock's steps.
func (f *fit) name() string {
	if f.kindName != "" {
		return f.kindName
	}
	return "steps of " + count(f.mockRep.n, "launch")
}

// maxMockKinds is how many kinds of the mock's steps are tried.
const maxMockKinds = 4

// findFits returns the best fit of all ways to see both traces as steps, and
// for a regression, after that, those of the other kinds of steps.
//
// Of several periods of the mock the longest that still matches nearly as
// well as any is the step: a whole-model mock repeats its layers as well.
func (c *comparer) findFits(ctx context.Context) ([]*fit, error) {
	var all [2]*ways
	parallel(ctx, 2, func(i int) {
		all[i] = []*sequence{c.mock, c.e2e}[i].ways(ctx, c.o)
		all[i].at(0)
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	mockWays, e2eWays := all[0], all[1]
	ms, someMock := mockWays.at(0)
	es, someE2E := e2eWays.at(0)
	if !someMock || !someE2E {
		return nil, nil
	}
	if c.o.Regression {
		// Two runs of one program have one step.
		bs, ns := alikeSteps(mockWays, e2eWays)
		bs, ns = c.sameRanges(ctx, bs, ns)
		bs, ns = c.samePeriod(bs, ns)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return c.regressionFits(ctx, bs, ns)
	}
	var best *fit
	consider := func(ms, es segmentation) error {
		f, err := c.fitSteps(ctx, ms, es)
		if err == nil && (best == nil || f.matched() > best.matched()+muchBetter) {
			best = f
		}
		return err
	}
	// Ways that nothing could come of are not even made.
	for i := 0; best == nil || best.matched()+muchBetter < 1; i++ {
		ms, ok := mockWays.at(i)
		if !ok {
			break
		}
		if err := consider(ms, es); err != nil {
			return nil, err
		}
	}
	if best.matched() >= wellMatched {
		return []*fit{best}, nil
	}
	first := best
	others := slices.Concat(e2eWays.all()[1:], c.e2e.otherWays(c.o, es).all())
	for _, es := range others {
		// What lies between steps in ranges is warm-up for the most part. That it holds
		// the mock is no answer if the steps nearly do.
		if best.e2eSeg.by == byNVTX && best.placing.perStep > 0 && best.matched() >= nearlyMatched && (es.by == byNVTX || es.by == byWhole) {
			continue
		}
		for _, ms := range mockWays.all() {
			if err := consider(ms, es); err != nil {
				return nil, err
			}
		}
	}
	if best.matched() < wellMatched {
		if err := c.swap(ctx, ms, first.placing.kind.rep()); err != nil {
			return nil, err
		}
	}
	return []*fit{best}, nil
}

// swap notices reports given in the wrong order: the E2E's step lies in the
// mock's several times, as a layer in a model.
func (c *comparer) swap(ctx context.Context, ms segmentation, rep *step) error {
	k := c.mock.kinds(c.mock.classify(ctx, ms.steps))[0]
	if 2*rep.n > k.rep().n {
		return nil
	}
	p, err := place(ctx, c.e2e.elements(rep), c.mock, k, false)
	if err == nil && p.perStep > 1 && float64(p.matched) >= wellMatched*float64(rep.n) {
		c.swapped = p.perStep
	}
	return err
}

// muchBetter is how much more of the mock's launches a shorter step must match to
// be taken.
const muchBetter = 0.05

// nearlyMatched is the part of the mock's launches that steps told by NVTX ranges must
// match for nothing but periods to be tried in their place.
const nearlyMatched = 0.75

// wellMatched is the part of the mock's launches from which on no other way to
// see the E2E as steps is tried.
const wellMatched = 0.95

// perStep returns the mean number of launches of a step.
func (s *segmentation) perStep() int {
	return launchesIn(s.steps) / max(len(s.steps), 1)
}

// fitSteps finds the best fit of two segmentations.
//
// A period does not tell where a step begins. Occurrences do: the mock's step
// may have to begin where they begin, and the E2E's so that none lies across
// its end. Steps are turned only if that matches more.
func (c *comparer) fitSteps(ctx context.Context, ms, es segmentation) (*fit, error) {
	best, err := c.fitKinds(ctx, ms, es)
	if err != nil {
		return nil, err
	}
	rep := c.e2e.elements(best.placing.kind.rep())
	twice := append(rep[:len(rep):len(rep)], rep...)
	if cells(best.mock, twice) > maxLocalCells/2 {
		return best, nil
	}
	if ms.by != byPeriod && es.by != byPeriod {
		return best, nil
	}
	mocks := []segmentation{ms}
	occ, err := occurrencesIn(ctx, best.mock, twice)
	if err != nil {
		return nil, err
	}
	if ms.by == byPeriod {
		by, err := bestTurn(ctx, best.mock, twice, occ)
		if err != nil {
			return nil, err
		}
		if by != 0 {
			mocks = append(mocks, ms.turn(by))
		}
	}
	for i, ms := range mocks {
		if len(ms.steps) == 0 {
			continue
		}
		f := best
		if i > 0 {
			if f, err = c.fitKinds(ctx, ms, es); err != nil {
				return nil, err
			}
			best = improved(best, f)
			if es.by == byPeriod {
				if occ, err = occurrencesIn(ctx, f.mock, twice); err != nil {
					return nil, err
				}
			}
		}
		if es.by != byPeriod {
			continue
		}
		by := crossing(f.mock, occ, len(rep))
		if by == 0 {
			continue
		}
		turned := es.turn(by)
		if len(turned.steps) == 0 {
			continue
		}
		if f, err = c.fitKinds(ctx, ms, turned); err != nil {
			return nil, err
		}
		best = improved(best, f)
	}
	return best, nil
}

// maxTurnCells bounds the cells that bestTurn fills for all turns together.
const maxTurnCells = 50e6

// bestTurn returns the launch at which the cyclic sequence mock is best begun,
// to lie in seq: 0 unless another is better by at least a launch. occ is where it
// lies in seq as it is.
func bestTurn(ctx context.Context, mock, seq []element, occ []*occurrence) (int, error) {
	value := func(occ []*occurrence) int {
		best := 0
		for _, o := range occ {
			best = max(best, o.value())
		}
		return best
	}
	if slices.ContainsFunc(occ, func(o *occurrence) bool { return o.matched == len(mock) && len(o.inserted) == 0 }) {
		return 0, nil
	}
	if cells(mock, seq)*float64(len(mock)) > maxTurnCells {
		return rotation(ctx, mock, seq)
	}
	values := make([]int, len(mock))
	values[0] = value(occ)
	err := try(ctx, len(mock)-1, func(k int) error {
		by := k + 1
		occ, err := occurrencesIn(ctx, slices.Concat(mock[by:], mock[:by]), seq)
		values[by] = value(occ)
		return err
	})
	if err != nil {
		return 0, err
	}
	best, most := 0, values[0]+scoreName-1
	for by, v := range values {
		if v > most {
			best, most = by, v
		}
	}
	return best, nil
}

// improved returns b if it matches better than a, in an occurrence or by more
// of them, else a.
func improved(a, b *fit) *fit {
	p, q := a.placing, b.placing
	if cmp.Or(min(q.perStep, 1)-min(p.perStep, 1), q.value-p.value, q.perStep-p.perStep) > 0 {
		return b
	}
	return a
}

func cells(a, b []element) float64 { return float64(len(a)) * float64(len(b)) }

// crossing returns where in a step of n launches an occurrence begins that lies
// across its end, or 0. The occurrences are those in two such steps.
func crossing(mock []element, occ []*occurrence, n int) int {
	for _, o := range occ {
		if o.start < n && o.end > n && float64(o.matched) >= minMatched*float64(len(mock)) {
			return o.start
		}
	}
	return 0
}

// turn makes each step begin by launches later, dropping the last of each run
// of adjoining steps, which has no next step to take its end from.
func (s segmentation) turn(by int) segmentation {
	t := segmentation{by: s.by, leftOut: s.leftOut, steps: make([]step, 0, len(s.steps))}
	for i := 0; i+1 < len(s.steps); i++ {
		a, b := s.steps[i], s.steps[i+1]
		if a.track != b.track || a.first+a.n != b.first || by >= a.n || by >= b.n {
			continue
		}
		a.first += by
		if a.weight > 1 {
			a.spliced = a.n - by
		}
		t.steps = append(t.steps, a)
	}
	return t
}

// fitKinds finds the best fit of the kinds of steps.
func (c *comparer) fitKinds(ctx context.Context, ms, es segmentation) (*fit, error) {
	mockKinds := c.mock.kinds(c.mock.classify(ctx, ms.steps))
	e2eKinds := c.e2e.kinds(c.e2e.classify(ctx, es.steps))
	var best *fit
	for i, mk := range mockKinds {
		if i >= maxMockKinds || mk.ns*10 < mockKinds[0].ns {
			break
		}
		mock := c.mock.elements(mk.rep())
		for _, ek := range e2eKinds {
			p, err := place(ctx, mock, c.e2e, ek, false)
			if err != nil {
				return nil, err
			}
			f := &fit{mockSeg: ms, e2eSeg: es, mockKind: mk, mockRep: mk.rep(), mock: mock, placing: p}
			if best == nil || better(f, best) {
				best = f
			}
		}
	}
	// Steps whose geometry is never twice the same are too few apiece: take
	// all such that are alike by name.
	if k := best.placing.kind; k.steps*max(best.placing.perStep, 1) < c.o.MinSamples && len(e2eKinds) > 1 {
		few := slices.DeleteFunc(slices.Clone(e2eKinds), func(o *kind) bool { return o != k && o.steps >= c.o.MinSamples })
		if all := join(few, k); all.steps > k.steps {
			p, err := place(ctx, best.mock, c.e2e, all, false)
			if err != nil {
				return nil, err
			}
			best.placing = p
		}
	}
	if best.mockKind.steps < c.o.MinSamples && len(mockKinds) > 1 {
		best.mockKind = join(mockKinds, best.mockKind)
	}
	if err := c.withOtherTracks(ctx, best, e2eKinds); err != nil {
		return nil, err
	}
	for _, k := range e2eKinds {
		if !contains(best.placing.kind, k) {
			best.otherKinds = append(best.otherKinds, k)
		}
	}
	return best, nil
}

func contains(all, k *kind) bool {
	for _, c := range all.classes {
		if c == k.classes[0] {
			return true
		}
	}
	return false
}

// better reports whether a fits better than b: by launches matched, then by
// equal geometry, both roughly, then by how much of the E2E it compares.
func better(a, b *fit) bool {
	rough := func(f *fit) (int, int, int) {
		geom := 0
		if f.placing.matched > 0 {
			geom = 10 * f.placing.geom / f.placing.matched
		}
		return int(20 * f.matched()), min(f.placing.perStep, 1), geom
	}
	am, ap, ag := rough(a)
	bm, bp, bg := rough(b)
	return cmp.Or(ap-bp, am-bm, ag-bg, cmp.Compare(a.placing.kind.ns, b.placing.kind.ns), cmp.Compare(a.mockKind.ns, b.mockKind.ns)) > 0
}

// kindName names a kind of steps by the ranges that it has, digits that differ
// as '#'; "" where no range tells.
func (s *sequence) kindName(steps []step, k *kind) string {
	var label commonLabel
	last := uint32(none)
	for _, c := range k.classes {
		for _, i := range c.steps {
			if l := steps[i].label; l != none && s.t.Ranges[l].Name != last {
				last = s.t.Ranges[l].Name
				label.add(s.t.Strings[last])
			}
		}
	}
	return label.String()
}

// leftOutKinds says which steps are of another kind than the one compared.
func (s *sequence) leftOutKinds(steps []step, kinds []*kind) []string {
	var out []string
	const most = 3
	rest := 0
	for i, k := range kinds {
		if i >= most {
			rest += k.steps
			continue
		}
		what := fmt.Sprintf("%s of %s", count(k.steps, "step"), count(k.rep().n, "launch"))
		if name := s.kindName(steps, k); name != "" {
			what += fmt.Sprintf(" (%s)", name)
		}
		how := "launches something else"
		if k.steps != 1 {
			how = "launch something else"
		}
		out = append(out, what+", which "+how)
	}
	if rest > 0 {
		out = append(out, fmt.Sprintf("%s of %s", count(rest, "step"), count(len(kinds)-most, "other kind")))
	}
	return out
}
