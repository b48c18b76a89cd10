package align

import (
	"context"
	"math"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
)

// minPresent is the part of the occurrences, or of the mock's steps, from
// which on a launch belongs to them. What is seen in fewer is sporadic.
const minPresent = 0.5

// measured is what was measured of a side, by column.
type measured struct {
	*view
	cells    []cell
	overlaps []float64
	typical  []*viewStep // that the times of places are told from; none in a regression
}

func measure(ctx context.Context, v *view, columns int) measured {
	return measured{view: v, cells: v.cells(ctx, columns), overlaps: v.overlaps(ctx, columns)}
}

// measureSites makes the sites: one for each column that enough occurrences,
// or the mock, have. What only some occurrences hold is reported as sporadic.
func (c *comparer) measureSites(ctx context.Context, r *Result, columns int, mv, ev *view) ([]origin, error) {
	mock, e2e := measure(ctx, mv, columns), measure(ctx, ev, columns)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !c.o.Regression {
		e2e.typical = e2e.placeSteps()
	}
	origins, sporadic := c.origins(mock, e2e)
	r.Findings = append(r.Findings, c.sporadicFindings(sporadic)...)
	first := len(r.Sites)
	if first == 0 {
		r.Sites = hugepages.Make[Site](len(origins))
	} else {
		r.Sites = append(r.Sites, make([]Site, len(origins))...)
	}
	details := hugepages.Make[siteDetails](len(origins))
	parallel(ctx, len(origins), func(i int) {
		r.Sites[first+i] = c.newSite(first+i, origins[i], mock, e2e, &details[i])
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.rankPaces(r, origins, mock, e2e)
	c.splitDtypes(r, first, details)
	return origins, nil
}

// siteDetails is what a site points to, side by side for all: there are tens of
// thousands where steps are long.
type siteDetails struct {
	mock, e2e            Geometry
	ratio, lo, hi, noise float64
	dtypes               bool // it is of two kernels that differ in data type
}

// newSite makes a site of a column, whose details it puts into d.
func (c *comparer) newSite(index int, o origin, mock, e2e measured, d *siteDetails) Site {
	m, e := &mock.cells[o.column], &e2e.cells[o.column]
	s := Site{Index: index, Present: e.present}
	if o.mock {
		s.MockName, s.Family = mock.seq.t.Name(m.first), c.alphabet.facts(mock.symbol(m)).family
		d.mock = mock.geometry(m)
		s.Mock, s.MockLaunch = m.sample, &d.mock
		s.MockOverlap = mock.overlaps[o.column]
		s.NVTX, s.Module = mock.seq.path(m.first)
		if c.o.Launches {
			s.Launches = append(s.Launches, mock.refs(o.column, sideMock)...)
		}
	}
	if !o.e2e {
		return s
	}
	facts := c.alphabet.facts(e2e.symbol(e))
	s.E2EName, s.Family = e2e.seq.t.Name(e.first), facts.family
	d.e2e = e2e.geometry(e)
	s.E2E, s.E2ELaunch = e.sample, &d.e2e
	s.E2EOverlap = e2e.overlaps[o.column]
	if path, module := e2e.seq.path(e.first); path != nil {
		s.NVTX, s.Module = path, module
	}
	s.Ranks = e.ranks
	if e.ranks != nil && facts.kind == KindCommunication {
		s.Collective = e2e.collective(o.column)
	}
	if c.o.Launches {
		s.Launches = append(s.Launches, e2e.refs(o.column, sideE2E)...)
	}
	if d.dtypes = o.mock && !sameFamily(mock.symbol(m), e2e.symbol(e)); o.mock && !d.dtypes {
		c.measureRatio(&s, m, e, d)
		s.Places = c.unlike(&s, e2e.placeMedians(e2e.typical, o.column))
	}
	return s
}

// symbol returns that of the launches of a cell.
func (m measured) symbol(k *cell) symbol { return m.seq.syms[k.config] }

// origins returns the columns that sites are made of, and what launches are seen
// in too few steps to be one.
func (c *comparer) origins(mock, e2e measured) ([]origin, *sporadic) {
	origins := make([]origin, 0, len(mock.cells))
	sporadic := newSporadic()
	for i := range mock.cells {
		m, e := &mock.cells[i], &e2e.cells[i]
		o := origin{i, m.sample != nil && m.present >= minPresent, e.sample != nil && e.present >= minPresent}
		if o.mock != o.e2e && m.sample != nil && e.sample != nil && asOften(m, e) {
			o.mock, o.e2e = true, true
		}
		if m.sample != nil && !o.mock {
			sporadic.add(sideMock, mock.seq.t.Name(m.first), m)
		}
		if e.sample != nil && !o.e2e {
			sporadic.add(sideE2E, e2e.seq.t.Name(e.first), e)
		}
		if o.mock || o.e2e {
			origins = append(origins, o)
		}
	}
	return origins, sporadic
}

// oftener is by how much of its steps one side may launch a kernel oftener than the
// other for it to be as often, however many steps they have.
const oftener = 0.1

// asOften reports whether two cells are launched in as many of the occurrences of their
// sides, as far as their numbers tell: within two standard deviations of the difference
// of two shares of one probability.
func asOften(a, b *cell) bool {
	n := func(c *cell) float64 { return float64(c.sample.N) / c.present }
	p := float64(a.sample.N+b.sample.N) / (n(a) + n(b))
	return math.Abs(a.present-b.present) <= max(oftener, 2*math.Sqrt(p*(1-p)*(1/n(a)+1/n(b))))
}

// splitDtypes makes two sites, one extra and one missing, of a pair that runs
// on different data types: those are different kernels, and which stands for
// which is said as the reason. The details are of the sites from the first on.
func (c *comparer) splitDtypes(r *Result, first int, details []siteDetails) {
	n := 0
	for i := range details {
		n += boolInt(details[i].dtypes)
	}
	if n == 0 {
		return
	}
	sites := make([]Site, 0, len(r.Sites)+n)
	sites = append(sites, r.Sites[:first]...)
	for i, s := range r.Sites[first:] {
		if !details[i].dtypes {
			sites = append(sites, s)
			continue
		}
		m, e := s, s
		m.E2EName, m.E2E, m.E2ELaunch, m.E2EOverlap, m.Ranks, m.Collective, m.Family = "", nil, nil, 0, nil, nil, Family(s.MockName)
		e.MockName, e.Mock, e.MockLaunch, e.MockOverlap = "", nil, nil, 0
		m.Reason = otherDtype + " than the " + c.words("E2E's ", "new run's ") + c.short(s.E2EName)
		e.Reason = otherDtype + " than the " + c.words("mock's ", "base's ") + c.short(s.MockName)
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

// sameFamily reports whether two launches are of one family or aliases. Kernels that
// are paired and are not run on different data types.
func sameFamily(a, b symbol) bool { return a.name == b.name || a.family == b.family }

// shares fills in each site's part of its side's kernel time.
func shares(ctx context.Context, sites []Site) {
	var mock, e2e int64
	for i := range sites {
		if sites[i].Mock != nil {
			mock += sites[i].Mock.TotalNS
		}
		if sites[i].E2E != nil {
			e2e += sites[i].E2E.TotalNS
		}
	}
	parallel(ctx, len(sites), func(i int) {
		s := &sites[i]
		if s.Mock != nil && mock > 0 {
			s.MockShare = float64(s.Mock.TotalNS) / float64(mock)
		}
		if s.E2E != nil && e2e > 0 {
			s.E2EShare = float64(s.E2E.TotalNS) / float64(e2e)
		}
	})
}
