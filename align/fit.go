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

// alikeSteps chooses of the ways to see two runs as steps those with steps of
// like length, the longest such: layers repeat inside the steps, kinds of steps that
// come in turn repeat together, and of one run the steps may show, by its ranges or
// graphs, where of the other only what repeats does.
func alikeSteps(base, next *ways) (segmentation, segmentation) {
	const alike = 1.5 // ratio of their launches
	bs, ok := base.at(0)
	for i := 0; ok; i++ {
		ns, ok2 := next.at(0)
		for k := 0; ok2; k++ {
			if bs.by == byNVTX && ns.by == byNVTX || apart(float64(bs.perStep()), float64(ns.perStep())) < alike {
				return bs, ns
			}
			ns, ok2 = next.at(k + 1)
		}
		bs, ok = base.at(i + 1)
	}
	bs, _ = base.at(0)
	ns, _ := next.at(0)
	return bs, ns
}

// sameRanges makes the steps of two runs ranges of the same name, as far as
// both have them. A run of one step shows no repetition but that of its layers.
func (c *comparer) sameRanges(ctx context.Context, bs, ns segmentation) (segmentation, segmentation) {
	if bs.by != byNVTX || ns.by != byNVTX || slices.Equal(bs.ranges, ns.ranges) || c.mock.t.Reduced != nil || c.e2e.t.Reduced != nil {
		return bs, ns
	}
	if bs.perStep() > ns.perStep() {
		if s, ok := namedSteps(ctx, c.e2e.tree, bs.ranges); ok {
			if s.skip(c.o.SkipWarmup); len(s.steps) > 0 {
				return bs, s
			}
		}
	} else if s, ok := namedSteps(ctx, c.mock.tree, ns.ranges); ok {
		if s.skip(c.o.SkipWarmup); len(s.steps) > 0 {
			return s, ns
		}
	}
	return bs, ns
}

// samePeriod begins the steps of both runs at what begins those of the base, where some
// steps launch more than others and the new run has it as often, but for a step that a
// track begins within. Beginnings that were found in each run by itself are apart by a
// number of launches that is not the same in all steps.
func (c *comparer) samePeriod(bs, ns segmentation) (segmentation, segmentation) {
	uneven := func(a segmentation) bool {
		return slices.ContainsFunc(a.steps, func(st step) bool { return st.n != a.steps[0].n })
	}
	if bs.period == nil || ns.period == nil || !uneven(bs) && !uneven(ns) {
		return bs, ns
	}
	cut := func(s *sequence, own segmentation, offset int) segmentation {
		p := &periodic{t: s.t, syms: s.syms, searched: map[int]bool{}}
		by := *bs.period
		var lengths []int64
		for k := range s.t.Tracks {
			pos := by.positions(p.launches(k))
			for i := 1; i < len(pos); i++ {
				lengths = append(lengths, int64(pos[i]-pos[i-1]))
			}
		}
		if len(lengths) == 0 {
			return own
		}
		by.length, by.offset = max(int(medianOf(lengths)), offset+1), offset
		same := p.steps(by)
		same.skip(c.o.SkipWarmup)
		lost := len(own.steps) - len(same.steps)
		if lost > len(s.t.Tracks) || lost > 0 && len(same.steps) < c.o.MinSamples {
			return own
		}
		return same
	}
	seq := (&periodic{t: c.mock.t, syms: c.mock.syms}).launches(bs.steps[0].track)
	offset := bs.period.sameBeginning(seq, bs.period.positions(seq))
	return cut(c.mock, bs, offset), cut(c.e2e, ns, offset)
}

// phase returns by how many launches later the steps of the new run have to begin, to
// begin where those of the base do, given the typical step of both. A period does not
// tell where a step begins, and captures begin anywhere in one.
func phase(ctx context.Context, base, next []element) (int, error) {
	pairs, err := alignGlobal(ctx, base, next)
	if err != nil || len(pairs) == len(base) {
		return 0, err
	}
	by, ok := cyclicMatch(next, base)
	if !ok {
		if cells(base, next) > maxTurnCells || meetAtAnEnd(pairs, len(base), len(next)) {
			return 0, nil
		}
		if by, err = rotation(ctx, next, base); err != nil {
			return 0, err
		}
	}
	better, err := alignGlobal(ctx, base, slices.Concat(next[by:], next[:by]))
	if err != nil || len(better) <= len(pairs) {
		return 0, err
	}
	return by, nil
}

// meetAtAnEnd reports whether the first launches of two steps are a pair, or the last
// ones. Of steps that begin in different places neither are.
func meetAtAnEnd(pairs []pair, n, m int) bool {
	if len(pairs) == 0 {
		return false
	}
	return pairs[0] == pair{0, 0} || pairs[len(pairs)-1] == pair{n - 1, m - 1}
}

// cyclicMatch returns at which launch the cyclic sequence begins that equals the
// other one by name, if there is one.
//
// It is Knuth, Morris & Pratt's search (1977, "Fast Pattern Matching in Strings") in
// the sequence twice over.
func cyclicMatch(cyclic, other []element) (by int, ok bool) {
	n := len(cyclic)
	if n == 0 || n != len(other) {
		return 0, false
	}
	border := make([]int, n) // of each beginning of other, the longest that ends it, too
	for i, k := 1, 0; i < n; i++ {
		for k > 0 && other[i].name != other[k].name {
			k = border[k-1]
		}
		if other[i].name == other[k].name {
			k++
		}
		border[i] = k
	}
	for i, k := 0, 0; i < 2*n-1; i++ {
		for k > 0 && cyclic[i%n].name != other[k].name {
			k = border[k-1]
		}
		if cyclic[i%n].name == other[k].name {
			k++
		}
		if k == n {
			return i - n + 1, true
		}
	}
	return 0, false
}

// perStep returns the mean number of launches of a step.
func (s *segmentation) perStep() int {
	return launchesIn(s.steps) / max(len(s.steps), 1)
}

const (
	minKindShare = 0.05 // part of the GPU time from which on a kind of steps is compared for a regression
	maxFits      = 8    // kinds of steps that a regression compares
)

// minPairGeom is the part of the matched launches whose geometry must be equal
// for two kinds of steps to be a pair beside a better one: a prefill and a decode
// launch much the same by name.
const minPairGeom = 0.5

// regressionFits pairs the kinds of steps of two runs, those that fit best
// first, and returns the pairs, that with the most GPU time first.
func (c *comparer) regressionFits(ctx context.Context, bs, ns segmentation) ([]*fit, error) {
	kindsOf := func(s *sequence, seg segmentation) []*kind {
		return joinRare(s.kinds(s.classify(ctx, seg.steps)), c.o.MinSamples)
	}
	baseKinds, newKinds := kindsOf(c.mock, bs), kindsOf(c.e2e, ns)
	if bs.by == byPeriod && ns.by == byPeriod {
		by, err := phase(ctx, c.mock.elements(baseKinds[0].rep()), c.e2e.elements(newKinds[0].rep()))
		if err != nil {
			return nil, err
		}
		if turned := ns.turn(by); by > 0 && len(turned.steps) > 0 {
			ns, newKinds = turned, kindsOf(c.e2e, turned)
		}
	}
	worth := func(kinds []*kind) []*kind {
		var total int64
		for _, k := range kinds {
			total += k.ns
		}
		n := 1
		for n < min(len(kinds), maxFits) && float64(kinds[n].ns) >= minKindShare*float64(total) {
			n++
		}
		return kinds[:n]
	}
	var fits []*fit
	used := map[*kind]bool{}
	pairUp := func(baseKinds, newKinds []*kind) error {
		var all []*fit
		for _, bk := range baseKinds {
			if used[bk] {
				continue
			}
			base := c.mock.elements(bk.rep())
			for _, nk := range newKinds {
				if used[nk] {
					continue
				}
				p, err := place(ctx, base, c.e2e, nk, true)
				if err != nil {
					return err
				}
				all = append(all, &fit{mockSeg: bs, e2eSeg: ns, mockKind: bk, mockRep: bk.rep(), mock: base, placing: p, kindName: c.mock.kindName(bs.steps, bk)})
			}
		}
		slices.SortStableFunc(all, func(a, b *fit) int {
			switch {
			case a.alike() != b.alike():
				return b.alike() - a.alike()
			case better(a, b):
				return -1
			case better(b, a):
				return 1
			}
			return 0
		})
		for _, f := range all {
			p := f.placing
			if used[f.mockKind] || used[p.kind] ||
				len(fits) > 0 && (f.matched() < minMatched || float64(p.geom) < minPairGeom*float64(p.matched)) {
				continue
			}
			used[f.mockKind], used[p.kind] = true, true
			fits = append(fits, f)
		}
		return nil
	}
	baseWorth, newWorth := worth(baseKinds), worth(newKinds)
	if err := pairUp(baseWorth, newWorth); err != nil {
		return nil, err
	}
	// What one run does for a good part of its time the other may do less often.
	first := func(kinds []*kind) []*kind { return kinds[:min(len(kinds), maxFits)] }
	if err := pairUp(baseWorth, first(newKinds)); err != nil {
		return nil, err
	}
	if err := pairUp(first(baseKinds), newWorth); err != nil {
		return nil, err
	}
	slices.SortStableFunc(fits, func(a, b *fit) int { return cmp.Compare(b.mockKind.ns, a.mockKind.ns) })
	for _, bk := range baseWorth {
		if !used[bk] {
			c.unpaired = append(c.unpaired, bk)
		}
	}
	// A kind of too few steps tells nothing beside others: it is warm-up, for
	// the most part.
	steps := func(f *fit) int { return min(f.mockKind.steps, f.placing.kind.steps) }
	least := 0 // where none has enough, those that have fewer than others are cut off by the capture
	for _, f := range fits {
		least = max(least, min(steps(f), c.o.MinSamples))
	}
	few := func(f *fit) bool { return steps(f) < least }
	if enough := slices.DeleteFunc(slices.Clone(fits), few); len(enough) > 0 {
		for _, f := range fits {
			if few(f) {
				c.rare = append(c.rare, f.mockKind)
			}
		}
		fits = enough
	}
	for _, nk := range newKinds {
		c.newStepsNS += nk.ns
		if !used[nk] {
			fits[0].otherKinds = append(fits[0].otherKinds, nk)
		}
	}
	return fits, nil
}

// stepKindFindings reports kinds of steps that only one of two runs has.
func (c *comparer) stepKindFindings(r *Result, f *fit) {
	say := func(what, other string, s *sequence, steps []step, kinds []*kind) {
		for _, k := range kinds {
			name := s.kindName(steps, k)
			if name != "" {
				name = " (" + name + ")"
			}
			r.Findings = append(r.Findings, Finding{
				Code: CodeStepKind, Severity: Warning,
				Message: fmt.Sprintf("%s has %s of %s%s that %s has not", what, count(k.steps, "step"), count(k.rep().n, "launch"), name, other),
				Hint:    "the runs did different work: give both the same requests",
			})
		}
	}
	enough := func(kinds []*kind) []*kind {
		return slices.DeleteFunc(slices.Clone(kinds), func(k *kind) bool { return k.steps < c.o.MinSamples })
	}
	say("the base", "the new run", c.mock, f.mockSeg.steps, enough(c.unpaired))
	var extra []*kind
	for _, k := range f.otherKinds {
		if float64(k.ns) >= minKindShare*float64(c.newStepsNS) {
			extra = append(extra, k)
		}
	}
	say("the new run", "the base", c.e2e, f.e2eSeg.steps, enough(extra))
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
