package align

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/nsysdiff/nsysdiff/trace"
)

// comparer holds what the stages of one comparison share.
type comparer struct {
	o         Options
	alphabet  *alphabet
	short     func(name string) string // what messages call a kernel
	family    func(name string) string // of a kernel
	mock, e2e *sequence
	boot      *bootstrap
	judging   sync.Pool // of *judging
	ranks     uTest
	sites     int // how many there are
	rulings   map[siteNames]ruling
	unpaired  []*kind // kinds of the base's steps that the new run has not
	swapped   int     // times that the E2E's step lies in the mock's, if the sides are swapped
	rare      []*kind // and of which a run has too few to compare
	// newStepsNS is the time of all kinds of the new run's steps.
	newStepsNS int64
}

// Compare looks for the mock's step inside the E2E's and says how the two
// differ. With Options.Regression it compares base and new run of one program,
// given in this order.
//
// A comparison that finds no likeness is not an error: its verdict is
// [NotComparable]. The error is that of the context, or says which option is out
// of range.
func Compare(ctx context.Context, mock, e2e *trace.Trace, o Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &comparer{o: o.withDefaults(), alphabet: newAlphabet(o.Aliases), short: shortNames(mock, e2e), boot: newBootstrap()}
	c.judging.New = func() any { return new(judging) }
	c.family = func(name string) string { return c.alphabet.of(name).family }
	c.mock = newSequence(mock, c.alphabet, sideMock, c.o)
	c.e2e = newSequence(e2e, c.alphabet, sideE2E, c.o)
	r := c.newResult()
	// The tables by name need nothing of the rest: both sequences have put all
	// names into the alphabet, which is only read from here on.
	var tables sync.WaitGroup
	tables.Go(func() { c.tables(ctx, r) })
	err := c.compare(ctx, r)
	tables.Wait()
	if err = cmp.Or(err, ctx.Err()); err != nil {
		return nil, err
	}
	return r, nil
}

// compare fills in a result, but for its tables by name.
func (c *comparer) compare(ctx context.Context, r *Result) error {
	if c.mock.t.Launches.Len() == 0 || c.e2e.t.Launches.Len() == 0 {
		c.emptySide(r)
		return nil
	}
	if c.opaque(r) {
		return nil
	}
	parallel(ctx, 2, func(i int) { []*sequence{c.mock, c.e2e}[i].sortRanges(c.o) })
	if err := ctx.Err(); err != nil {
		return err
	}
	nameModules(c.mock, c.e2e)
	fits, err := c.findFits(ctx)
	if err != nil {
		return err
	}
	if len(fits) == 0 {
		c.noSteps(r)
		return nil
	}
	main := fits[0]
	if c.swapped > 0 {
		c.giveUp(r, Finding{
			Code: CodeNotComparable, Severity: SeverityError,
			Message: fmt.Sprintf("the step of the second report lies in that of the first %d times: the reports are in the wrong order", c.swapped),
			Hint:    "give the mock first: nsysdiff MOCK E2E",
		}, "the reports are in the wrong order")
		return nil
	}
	for _, f := range fits {
		if err := f.placing.placeRest(ctx, c.e2e); err != nil {
			return err
		}
	}
	c.describeSteps(r, main)
	c.placesFinding(r, main)
	if main.placing.perStep == 0 || main.matched() < minMatched {
		c.notComparable(r, main)
		return nil
	}
	c.expectTP(r)
	for i, f := range fits {
		if err := c.compareSteps(ctx, r, f, i == 0, len(fits) > 1); err != nil {
			return err
		}
	}
	if c.o.Regression {
		c.stepKindFindings(r, main)
	}
	shares(ctx, r.Sites)
	c.judge(ctx, r)
	if err := ctx.Err(); err != nil {
		return err
	}
	c.explain(ctx, r)
	if err := ctx.Err(); err != nil {
		return err
	}
	accept(r, c.o.Accept, c.short)
	c.report(r)
	return nil
}

// compareSteps adds to the result what the steps of one fit have. The main fit comes
// first, and there may be several.
func (c *comparer) compareSteps(ctx context.Context, r *Result, f *fit, main, several bool) error {
	typical, err := c.mock.placeTypical(ctx, f)
	if err != nil {
		return err
	}
	columns := columns(len(f.mock), placedSide{c.e2e, f.placing.classes}, placedSide{c.mock, typical})
	mv, ev := newView(c.mock, f.mockSeg.steps, typical), newView(c.e2e, f.e2eSeg.steps, f.placing.classes)
	mv.plots, ev.plots = c.o.Plots, c.o.Plots
	first := len(r.Sites)
	var beside sync.WaitGroup
	defer beside.Wait()
	if !c.o.Regression {
		beside.Go(func() { r.Before, r.After = ev.beside(ctx) })
	}
	origins, err := c.measureSites(ctx, r, columns, mv, ev)
	if err != nil {
		return err
	}
	sites := r.Sites[first:]
	kind := ""
	if several {
		kind = f.name()
	}
	base, next := mv.stepTimes(ctx, c.o.Regression), ev.stepTimes(ctx, c.o.Regression)
	if !main {
		// Sites of the main kind are told from others by having none.
		for i := range sites {
			sites[i].StepKind = kind
		}
		r.OtherSteps = append(r.OtherSteps, c.compareTimes(r, sites, base, next, kind))
		return nil
	}
	r.Mock.StepNS = *newSample(slices.Clone(base.kernel), blocks(base.kernel))
	r.E2E.StepNS = *newSample(slices.Clone(next.kernel), blocks(next.kernel))
	if c.o.Regression {
		t := c.compareTimes(r, sites, base, next, kind)
		r.Regression = &t
	} else {
		beside.Wait()
		c.edges(r, f, ev)
	}
	if c.o.Plots {
		timelines(r, sites, origins, mv, ev)
	}
	c.graphs(r, f)
	return nil
}

// withDefaults fills in the documented defaults.
func (o Options) withDefaults() Options {
	def := func(regression, compare float64) float64 {
		if o.Regression {
			return regression
		}
		return compare
	}
	if o.MaxRatio == 0 {
		o.MaxRatio = def(1.05, 2)
	}
	switch {
	case o.MinTime == 0:
		o.MinTime = minTimeCompare
		if o.Regression {
			o.MinTime = minTimeRegression
		}
	case o.MinTime < 0:
		o.MinTime = 0
	}
	if o.MinSamples == 0 {
		o.MinSamples = 3
	}
	if o.By == "" {
		o.By = ByName
	}
	return o
}
