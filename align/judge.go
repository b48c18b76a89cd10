package align

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Default absolute floors: how far apart two medians may be whatever their
// ratio. Timestamps of kernels have a granularity of 32 ns on current GPUs,
// and a kernel of a few microseconds takes a microsecond more or less by what
// ran before it (caches, clocks, tail of the kernel before).
const (
	minTimeCompare    = 3 * time.Microsecond
	minTimeRegression = 500 * time.Nanosecond
)

// judge gives each site its verdict, and those that differ the p-value of their ratio.
func (c *comparer) judge(ctx context.Context, r *Result) {
	if c.o.Regression {
		noiseOfEqualSites(ctx, r.Sites)
	}
	c.sites = len(r.Sites)
	c.rule(r.Sites)
	parallel(ctx, len(r.Sites), func(i int) {
		s := &r.Sites[i]
		c.judgeSite(s)
		// The rank test qualifies differences.
		switch {
		case s.Verdict == Match:
			s.P = nil
		case s.Ratio != nil && s.P == nil:
			s.P = c.rankTest(s)
		}
	})
}

// A judging is memory that the ratio of one site after another is worked out in.
type judging struct {
	ratioScratch
	fewSorter[uint64]
	x, y orderedSteps
}

// measureRatio fills in ratio, interval and noise floor of a site, given its cells.
func (c *comparer) measureRatio(s *Site, mock, e2e *cell, d *siteDetails) {
	num, den := mock, e2e
	if c.o.Regression {
		num, den = e2e, mock
	}
	d.ratio = ratioOf(num.sample.MedianNS, den.sample.MedianNS)
	s.Ratio = &d.ratio
	w := c.judging.Get().(*judging)
	defer c.judging.Put(w)
	x, y := &w.x, &w.y
	x.take(num, &w.fewSorter)
	y.take(den, &w.fewSorter)
	if x.n >= 2 && y.n >= 2 {
		lo, hi := c.boot.ratio(x.ascending(), y.ascending(), &w.ratioScratch)
		// The interval is of the steps' medians; it is moved to the ratio of
		// all launches, and holds it.
		mid := ratioOf(quantile(x.ascending(), 0.5), quantile(y.ascending(), 0.5))
		d.lo, d.hi = min(d.ratio, d.ratio*lo/mid), max(d.ratio, d.ratio*hi/mid)
		s.RatioLo, s.RatioHi = &d.lo, &d.hi
	}
	if c.o.Regression {
		// Twice what the runs show in themselves is no difference between
		// them.
		n := max(x.splitHalf(), y.splitHalf())
		d.noise = n * n
		s.Noise = &d.noise
	}
}

// significant is the p-value up to which a rank test finds a difference.
const significant = 0.05

// indistinct reports whether the rank test finds no difference between the
// samples of a site, where they are large enough for it, and notes its p-value.
//
// Of many sites that are judged, one in twenty would seem distinct by chance
// (Bonferroni). Samples so small, or so full of ties, that they would not even be
// found distinct if all of one were above all of the other say nothing.
func (c *comparer) indistinct(s *Site) bool {
	alpha := significant / float64(max(c.sites, 1))
	x, y := orderSteps(s.Mock.Steps), orderSteps(s.E2E.Steps)
	if least, ok := c.ranks.least(x.ascending(), y.ascending()); !ok || least > alpha {
		return false
	}
	p, _ := c.ranks.p(x.ascending(), y.ascending())
	s.P = &p
	return p > alpha
}

// rankTest returns the two-sided p-value of the rank test on the medians of a
// site's steps, nil where it cannot be had.
func (c *comparer) rankTest(s *Site) *float64 {
	x, y := orderSteps(s.Mock.Steps), orderSteps(s.E2E.Steps)
	if p, ok := c.ranks.p(x.ascending(), y.ascending()); ok {
		return &p
	}
	return nil
}

const (
	minEqualSites = 4      // sites of one kernel from which their spread is told
	minJudged     = 256    // sites that are worth a goroutine
	spreadSigmas  = 3      // how many standard deviations are noise
	madToSigma    = 1.4826 // of normally distributed values
	mostSpread    = 1.2    // beyond which a spread is the work's, not noise
	otherWork     = 1.1    // from one site's time to the next longer one's, if the work is another
)

// noiseOfEqualSites raises the noise floor of sites that run one kernel with
// one geometry, as the layers of a model do. Two processes differ by where
// their memory lies, and the halves of one of them do not show that: the
// ratios of such sites do, some up, some down.
//
// The lesser of two spreads is noise: of the ratios, and of the times in the
// base by itself. A kernel that is slower at all sites does not spread the
// ratios, one that is slower at some does not spread the base. The measure is the
// median absolute deviation, which one site that differs does not move. Layers may
// differ by their work, too, as those with a sliding window do: sites are compared
// with those that take about as long in the base.
func noiseOfEqualSites(ctx context.Context, sites []Site) {
	type kernel struct {
		base, next     string
		baseAt, nextAt Geometry
		kind           string
	}
	parts := divide(len(sites), len(sites)*minPart/minJudged)
	found := make([]map[kernel][]equalSite, len(parts))
	parallel(ctx, len(parts), func(p int) {
		own := map[kernel][]equalSite{}
		for i := parts[p].start; i < parts[p].end; i++ {
			if s := &sites[i]; s.Ratio != nil && s.MockLaunch != nil && s.E2ELaunch != nil {
				k := kernel{s.MockName, s.E2EName, *s.MockLaunch, *s.E2ELaunch, s.StepKind}
				own[k] = append(own[k], equalSite{*s.Ratio, s.Mock.MedianNS, s.Noise})
			}
		}
		found[p] = own
	})
	equal := map[kernel][]equalSite{}
	for _, own := range found {
		for k, g := range own {
			equal[k] = append(equal[k], g...)
		}
	}
	groups := slices.Collect(maps.Values(equal))
	spreadOf := func(g []equalSite) {
		if len(g) < minEqualSites {
			return
		}
		spread := func(of func(s *equalSite) float64) float64 {
			logs := make([]float64, len(g))
			for k := range g {
				logs[k] = math.Log(max(of(&g[k]), 1e-9))
			}
			mid := median(slices.Clone(logs))
			for k := range logs {
				logs[k] = math.Abs(logs[k] - mid)
			}
			return spreadSigmas * madToSigma * median(logs)
		}
		// A ratio is of two times, whose variances add.
		noise := math.Exp(min(
			spread(func(s *equalSite) float64 { return s.ratio }),
			math.Sqrt2*spread(func(s *equalSite) float64 { return s.baseNS }),
			math.Log(mostSpread)))
		for _, s := range g {
			*s.noise = max(*s.noise, noise)
		}
	}
	parallel(ctx, len(groups), func(n int) {
		for _, g := range byWork(groups[n]) {
			spreadOf(g)
		}
	})
}

// An equalSite is what the spread of sites of one kernel is told from.
type equalSite struct {
	ratio  float64
	baseNS float64
	noise  *float64 // of the site
}

// byWork divides sites where the next longer time in the base is otherWork times as long.
// Such a gap is none within a bucket of times that are less apart.
func byWork(g []equalSite) [][]equalSite {
	type bucket struct {
		least, most float64
		sites       []equalSite
	}
	buckets := map[int]*bucket{}
	width := math.Log(otherWork)
	last, b := 0, (*bucket)(nil) // most are in one
	for _, s := range g {
		if k := int(math.Floor(math.Log(max(s.baseNS, 1e-9)) / width)); b == nil || k != last {
			if last, b = k, buckets[k]; b == nil {
				b = &bucket{least: s.baseNS, most: s.baseNS}
				buckets[k] = b
			}
		}
		b.least, b.most = min(b.least, s.baseNS), max(b.most, s.baseNS)
		b.sites = append(b.sites, s)
	}
	var works [][]equalSite
	most := 0.0
	for _, k := range slices.Sorted(maps.Keys(buckets)) {
		b := buckets[k]
		if len(works) == 0 || b.least > otherWork*most {
			works = append(works, nil)
		}
		at := &works[len(works)-1]
		*at, most = append(*at, b.sites...), b.most
	}
	return works
}

// apart returns the ratio of two values, the larger over the smaller.
func apart(a, b float64) float64 {
	r := ratioOf(a, b)
	return max(r, 1/r)
}

// judgeSite decides the verdict of a site by its ratio alone; causes may
// change it later.
func (c *comparer) judgeSite(s *Site) {
	s.Variant = s.MockName != "" && s.E2EName != "" && s.MockName != s.E2EName && !c.sameName(s)
	switch {
	case c.ruling(s).ignored:
		s.Verdict, s.Reason = Ignored, "ignored, as asked"
	case !c.o.JudgeCommunication && c.kindOf(s) == KindCommunication:
		s.Verdict, s.Reason = Communication, "a collective waits for its peers"
	case s.Mock == nil:
		s.Verdict = Missing
		if s.Reason == "" {
			s.Reason = c.words("in the E2E, not in the mock", "added by the new run")
		}
	case s.E2E == nil:
		s.Verdict = Extra
		if s.Reason == "" {
			s.Reason = c.words("in the mock, not in the E2E", "gone from the new run")
		}
	case s.torn() && min(s.Mock.N, s.E2E.N) >= c.o.MinSamples:
		s.Verdict, s.Reason = SiteUndecided, s.Places.String()
	default:
		s.Verdict, s.Reason = c.judgeRatio(s, *s.Ratio, s.RatioLo, s.RatioHi)
	}
}

// kindOf returns what a site's kernel does.
func (c *comparer) kindOf(s *Site) KernelKind {
	if s.MockName != "" {
		return c.alphabet.of(s.MockName).kind
	}
	return c.alphabet.of(s.E2EName).kind
}

// words chooses between what is said of a mock and of a regression.
func (c *comparer) words(compare, regression string) string {
	if c.o.Regression {
		return regression
	}
	return compare
}

func (c *comparer) sameName(s *Site) bool {
	return c.alphabet.name(s.MockName).name == c.alphabet.name(s.E2EName).name
}

// judgeRatio decides by a ratio and its interval. The ratio decides, the
// interval qualifies: what it leaves open is undecided.
func (c *comparer) judgeRatio(s *Site, ratio float64, lo, hi *float64) (SiteVerdict, string) {
	within := func() (SiteVerdict, string) {
		if s.Variant {
			return Variant, "another name of the same family"
		}
		return Match, ""
	}
	if n := min(s.Mock.N, s.E2E.N); n < c.o.MinSamples {
		return SiteUndecided, fmt.Sprintf("only %s", count(n, "launch"))
	}
	rule := c.ruling(s)
	limit := rule.maxRatio
	if math.Abs(s.Mock.MedianNS-s.E2E.MedianNS) < float64(rule.minTime) {
		return within()
	}
	if s.Noise != nil {
		limit = max(limit, *s.Noise)
	}
	loV, hiV := ratio, ratio
	if lo != nil {
		loV, hiV = *lo, *hi
	}
	variant := ""
	if s.Variant {
		variant = ", variant"
	}
	if limit > rule.maxRatio {
		variant = ", a bound raised by the noise of the runs" + variant
	}
	switch {
	case loV > limit:
		return Slower, fmt.Sprintf("more than %.4g× as long%s", limit, variant)
	case hiV < 1/limit:
		return Faster, fmt.Sprintf("less than 1/%.4g as long%s", limit, variant)
	case c.o.Regression && ratio > max(rule.maxRatio, mostSpread):
		// Too much for noise of runs that are worth comparing: an outlier among
		// few steps, or a change in the middle of a run.
		return SiteUndecided, fmt.Sprintf("%.3g× as long, which is not more than the steps of one run differ among themselves", ratio)
	case c.o.Regression && (ratio <= limit || loV <= 1):
		// Faster or not is nothing that a gate must know, and of many sites
		// some have an interval that reaches beyond the bound: what cannot be
		// told from no change is none.
	case ratio <= limit && ratio >= 1/limit && (loV <= 1 && hiV >= 1 || c.indistinct(s)):
		// Within the bound, and not told from equal.
	case hiV > limit || loV < 1/limit:
		return SiteUndecided, fmt.Sprintf("interval %.3g to %.3g spans the bound", loV, hiV)
	}
	return within()
}
