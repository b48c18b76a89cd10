package align

import (
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
	short     func(name string) string // ShortName
	family    func(name string) string // of a kernel
	mock, e2e *sequence
	boot      *bootstrap
	ranks     uTest
	sites     int // that are judged
	rulings   map[siteNames]ruling
	unpaired  []*kind // kinds of the base's steps that the new run has not
	swapped   int     // times that the E2E's step lies in the mock's, if the sides are swapped
	rare      []*kind // and of which a run has too few to compare
}

// Compare looks for the mock's step inside the E2E's and says how the two
// differ. With Options.Regression it compares base and new run of one program,
// given in this order.
//
// A comparison that finds no likeness is not an error: its verdict is
// [NotComparable]. An error means that the context was cancelled.
func Compare(ctx context.Context, mock, e2e *trace.Trace, o Options) (*Result, error) {
	c := &comparer{o: o.withDefaults(), alphabet: newAlphabet(o.Aliases), short: remember(ShortName), boot: newBootstrap()}
	c.family = func(name string) string { return c.alphabet.of(name).family }
	c.mock = newSequence(mock, c.alphabet, sideMock, c.o)
	c.e2e = newSequence(e2e, c.alphabet, sideE2E, c.o)
	r := c.newResult()
	// The tables by name need nothing of the rest: both sequences have put all
	// names into the alphabet, which is only read from here on.
	var tables sync.WaitGroup
	defer tables.Wait()
	tables.Go(func() { c.tables(ctx, r) })
	if mock.Launches.Len() == 0 || e2e.Launches.Len() == 0 {
		c.emptySide(r)
		return r, nil
	}
	if c.opaque(r) {
		return r, nil
	}
	parallel(ctx, 2, func(i int) { []*sequence{c.mock, c.e2e}[i].sortRanges(c.o) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	nameModules(c.mock, c.e2e)
	fits, err := c.findFits(ctx)
	if err != nil {
		return nil, err
	}
	if len(fits) == 0 {
		c.noSteps(r)
		return r, nil
	}
	main := fits[0]
	if c.swapped > 0 {
		c.giveUp(r, Finding{
			Code: CodeNotComparable, Severity: Error,
			Message: fmt.Sprintf("the step of the second report lies in that of the first %d times: the reports are in the wrong order", c.swapped),
			Hint:    "give the mock first: nsysdiff MOCK E2E",
		}, "the reports are in the wrong order")
		return r, nil
	}
	for _, f := range fits {
		if err := f.placing.placeRest(ctx, f.mock, c.e2e); err != nil {
			return nil, err
		}
	}
	c.describeSteps(r, main)
	if main.placing.perStep == 0 || main.matched() < minMatched {
		c.notComparable(r, main)
		return r, nil
	}
	c.expectTP(r)
	for _, f := range fits {
		if err := c.compareSteps(ctx, r, f); err != nil {
			return nil, err
		}
	}
	if c.o.Regression {
		c.stepKindFindings(r, main)
	}
	shares(r.Sites)
	c.judge(ctx, r)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.explain(r)
	accept(r, c.o.Accept, c.short)
	c.report(r)
	return r, nil
}

// compareSteps adds to the result what the steps of one fit have.
func (c *comparer) compareSteps(ctx context.Context, r *Result, f *fit) error {
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
	if r.Mock.StepNS.N == 0 && !c.o.Regression {
		beside.Go(func() { r.Before, r.After = ev.beside(ctx) })
	}
	origins, err := c.measureSites(ctx, r, columns, mv, ev)
	if err != nil {
		return err
	}
	if r.Mock.StepNS.N > 0 {
		// Not the main kind of steps: it is told from the main one by name.
		for i := first; i < len(r.Sites); i++ {
			r.Sites[i].StepKind = f.kindName
		}
		return nil
	}
	if !c.o.Regression {
		beside.Wait()
		c.edges(r, f, ev)
	}
	c.measureSteps(ctx, r, r.Sites[first:], mv, ev)
	if c.o.Plots {
		timelines(r, r.Sites[first:], origins, mv, ev)
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

// minPresent is the part of the occurrences, or of the mock's steps, from
// which on a launch belongs to them. What is seen in fewer is sporadic.
const minPresent = 0.5

// measureSites makes the sites: one for each column that enough occurrences,
// or the mock, have. What only some occurrences hold is reported as sporadic.
func (c *comparer) measureSites(ctx context.Context, r *Result, columns int, mv, ev *view) ([]origin, error) {
	mocks, e2es := mv.cells(ctx, columns), ev.cells(ctx, columns)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Of steps of tens of thousands of launches the sites are tens of megabytes.
	r.Sites = slices.Grow(r.Sites, columns)
	origins := make([]origin, 0, columns)
	mockOverlap, e2eOverlap := mv.overlaps(ctx, columns), ev.overlaps(ctx, columns)
	sporadic := newSporadic()
	var basePaced, paced []cell
	for i := range columns {
		m, e := mocks[i], e2es[i]
		inMock := m.sample != nil && m.present >= minPresent
		inE2E := e.sample != nil && e.present >= minPresent
		if m.sample != nil && !inMock {
			sporadic.add(sideMock, c.mock.t.Name(m.first), m)
		}
		if e.sample != nil && !inE2E {
			sporadic.add(sideE2E, c.e2e.t.Name(e.first), e)
		}
		if !inMock && !inE2E {
			continue
		}
		s := Site{Index: len(r.Sites)}
		if inMock {
			name := c.mock.t.Name(m.first)
			s.MockName, s.Family = name, c.alphabet.of(name).family
			s.Mock, s.MockLaunch = m.sample, mv.geometry(m)
			s.MockOverlap = mockOverlap[i]
			s.NVTX, s.Module = c.mock.path(m.first)
			s.Present = e.present
			if c.o.Launches {
				s.Launches = append(s.Launches, mv.refs(i, sideMock)...)
			}
			if c.o.Regression && m.ranks != nil && c.alphabet.of(name).kind != KindCommunication {
				basePaced = append(basePaced, m)
			}
		}
		if inE2E {
			name := c.e2e.t.Name(e.first)
			s.E2EName, s.Family = name, c.alphabet.of(name).family
			s.E2E, s.E2ELaunch = e.sample, ev.geometry(e)
			s.E2EOverlap = e2eOverlap[i]
			if path, module := c.e2e.path(e.first); path != nil {
				s.NVTX, s.Module = path, module
			}
			s.Present = e.present
			s.Ranks = e.ranks
			if e.ranks != nil {
				if c.alphabet.of(name).kind == KindCommunication {
					s.Collective = ev.collective(i)
				} else {
					paced = append(paced, e)
				}
			}
			if c.o.Launches {
				s.Launches = append(s.Launches, ev.refs(i, sideE2E)...)
			}
		}
		r.Sites = append(r.Sites, s)
		origins = append(origins, origin{i, inMock, inE2E})
	}
	r.Findings = append(r.Findings, sporadic.findings()...)
	stragglers(r, mv.paces(r.Mock.Tracks, basePaced), ev.paces(r.E2E.Tracks, paced))
	c.splitDtypes(r)
	return origins, nil
}

// splitDtypes makes two sites, one extra and one missing, of a pair that runs
// on different data types: those are different kernels, and which stands for
// which is said as the reason.
func (c *comparer) splitDtypes(r *Result) {
	differ := func(s *Site) bool {
		return s.MockName != "" && s.E2EName != "" && !c.sameFamily(s.MockName, s.E2EName)
	}
	n := 0
	for i := range r.Sites {
		if differ(&r.Sites[i]) {
			n++
		}
	}
	if n == 0 {
		return
	}
	sites := make([]Site, 0, len(r.Sites)+n)
	for _, s := range r.Sites {
		if !differ(&s) {
			sites = append(sites, s)
			continue
		}
		m, e := s, s
		m.E2EName, m.E2E, m.E2ELaunch, m.E2EOverlap, m.Ranks, m.Collective, m.Family = "", nil, nil, 0, nil, nil, Family(s.MockName)
		e.MockName, e.Mock, e.MockLaunch, e.MockOverlap = "", nil, nil, 0
		m.Reason = otherDtype + " than the E2E's " + c.short(s.E2EName)
		e.Reason = otherDtype + " than the mock's " + c.short(s.MockName)
		m.Launches, e.Launches = splitRefs(s.Launches)
		sites = append(sites, m, e)
	}
	for i := range sites {
		sites[i].Index = i
	}
	r.Sites = sites
}

func splitRefs(refs []LaunchRef) (mock, e2e []LaunchRef) {
	for _, r := range refs {
		if r.Side == sideMock.String() {
			mock = append(mock, r)
		} else {
			e2e = append(e2e, r)
		}
	}
	return mock, e2e
}

// sameFamily reports whether two names are of one family or aliases.
func (c *comparer) sameFamily(mock, e2e string) bool {
	if mock == e2e {
		return true
	}
	m, e := c.alphabet.name(mock), c.alphabet.name(e2e)
	return m.name == e.name || m.family == e.family
}

// shares fills in each site's part of its side's kernel time.
func shares(sites []Site) {
	var mock, e2e int64
	for i := range sites {
		if sites[i].Mock != nil {
			mock += sites[i].Mock.TotalNS
		}
		if sites[i].E2E != nil {
			e2e += sites[i].E2E.TotalNS
		}
	}
	for i := range sites {
		if s := &sites[i]; s.Mock != nil && mock > 0 {
			s.MockShare = float64(s.Mock.TotalNS) / float64(mock)
		}
		if s := &sites[i]; s.E2E != nil && e2e > 0 {
			s.E2EShare = float64(s.E2E.TotalNS) / float64(e2e)
		}
	}
}
