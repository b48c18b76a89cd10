package align

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

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
	base, next := cut(c.mock, bs, offset), cut(c.e2e, ns, offset)
	// Where the new run launches fewer or more before the anchor, its steps would begin
	// with another launch.
	first := func(s *sequence, st *step) int32 { return s.syms[s.t.Launches.Config[st.at(0)]].name }
	begin, alike := first(c.mock, &base.steps[0]), 0
	for i := range next.steps {
		if first(c.e2e, &next.steps[i]) == begin {
			alike++
		}
	}
	if 2*alike < len(next.steps) {
		return bs, ns
	}
	return base, next
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
	return pairs[0] == pair{0, 0} || pairs[len(pairs)-1] == newPair(n-1, m-1)
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
	var kinds [2][]*kind
	parallel(ctx, 2, func(i int) {
		kinds[i] = kindsOf([]*sequence{c.mock, c.e2e}[i], []segmentation{bs, ns}[i])
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	baseKinds, newKinds := kinds[0], kinds[1]
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
	rarer := func(kinds, worth []*kind) []*kind { return kinds[len(worth):min(len(kinds), maxFits)] }
	if err := pairUp(baseWorth, rarer(newKinds, newWorth)); err != nil {
		return nil, err
	}
	if err := pairUp(rarer(baseKinds, baseWorth), newWorth); err != nil {
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
				Code: CodeStepKind, Severity: SeverityWarning,
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
