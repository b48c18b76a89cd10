package align

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// checks is the checklist in its order.
var checks = []string{CheckNames, CheckLatency, CheckMissing, CheckExtra, CheckShapes}

// report turns sites and causes into findings, checklist and verdict.
func (c *comparer) report(r *Result) {
	c.siteFindings(r)
	c.explainFindings(r)
	c.checklist(r)
	r.Verdict = verdict(r)
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
}

func rank(s Severity) int {
	switch s {
	case SeverityError:
		return 0
	case SeverityWarning:
		return 1
	}
	return 2
}

// verdict is what the sites say as a whole.
func verdict(r *Result) Verdict {
	v := Aligned
	for i := range r.Findings {
		switch f := &r.Findings[i]; {
		case f.Code == CodeStepTime && f.Severity == SeverityError:
			return Misaligned
		case f.Code == CodeOccurrences && f.Severity == SeverityWarning:
			v = Undecided
		}
	}
	judged := false
	for i := range r.Sites {
		judged = judged || r.Sites[i].Verdict != Ignored && r.Sites[i].Verdict != Communication
		switch r.Sites[i].Verdict {
		case Missing, Extra, Slower, HeadMismatch:
			return Misaligned
		case Faster:
			if r.Mode != ModeRegression {
				return Misaligned
			}
		case SiteUndecided:
			v = Undecided
		}
	}
	if !judged {
		return Undecided
	}
	return v
}

// siteFindings makes a finding of each run of sites that are missing or extra,
// one of all runs of equal names, and one of all sites of equal names that are
// slower or faster.
func (c *comparer) siteFindings(r *Result) {
	of := map[SiteVerdict][]*Site{} // but for Match
	var late, reshaped, mixed []*Site
	for i := range r.Sites {
		s := &r.Sites[i]
		switch s.Verdict {
		case Match:
		case Slower, Faster:
			late = append(late, s)
		default:
			of[s.Verdict] = append(of[s.Verdict], s)
		}
		if s.judged() && shapeDiffers(s) {
			reshaped = append(reshaped, s)
		}
		if s.mixed() && !s.torn() && (s.Verdict == Match || s.Verdict == Variant) {
			mixed = append(mixed, s)
		}
	}
	if len(of[Missing])+len(of[Extra]) > 0 {
		c.presenceFindings(r)
	}
	c.latencyFindings(r, late)
	c.collect(r, of[HeadMismatch], CodeHeadMismatch, SeverityError, "per-head work differs by the number of heads at %s: %s", "")
	c.collect(r, of[Variant], CodeVariant, SeverityInfo, "%s under another name of the same family, the time within bounds: %s",
		"a library's tuning chose another tile; it is judged by its time")
	c.collect(r, of[SiteUndecided], CodeUndecided, SeverityWarning, "%s undecided: %s",
		hintUndecided(of[SiteUndecided]))
	c.collect(r, of[Communication], CodeCommunication, SeverityInfo, "%s of communication shown and not judged, since a collective's time is mostly waiting: %s",
		"judge it too with --judge-communication")
	c.shapeFinding(r, reshaped)
	c.mixedFinding(r, mixed)
}

// collect makes one finding of all sites of a verdict, if there are any.
func (c *comparer) collect(r *Result, all []*Site, code string, sev Severity, format, hint string) {
	if len(all) == 0 {
		return
	}
	var what distinct
	for _, s := range all {
		name := c.short(s.name())
		if s.Verdict == SiteUndecided {
			name += " (" + s.Reason + ")"
		}
		what.add(name)
	}
	r.Findings = append(r.Findings, Finding{
		Code: code, Severity: sev, Sites: indexes(all), Hint: hint,
		Message: fmt.Sprintf(format, count(len(all), "site"), list(what.texts, 6)),
	})
}

// indexes returns the indexes of sites.
func indexes(sites []*Site) []int {
	out := make([]int, len(sites))
	for i, s := range sites {
		out[i] = s.Index
	}
	return out
}

// list joins at most n items and counts the rest.
func list(items []string, n int) string {
	if len(items) <= n {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:n], ", "), len(items)-n)
}

// A presence is runs of sites that are missing or extra, all of equal names.
type presence struct {
	verdict SiteVerdict
	dtype   bool // pairs that differ by data type, which are told as one
	names   []string
	runs    []interval // of Result.Sites
	around  interval   // the first of them and what stands beside it on one side only
}

// presenceFindings reports missing and extra sites.
func (c *comparer) presenceFindings(r *Result) {
	var order []*presence
	byKey := map[string]*presence{}
	var around interval
	for i := 0; i < len(r.Sites); {
		v := r.Sites[i].Verdict
		if v != Missing && v != Extra {
			i++
			continue
		}
		p := presence{verdict: v, dtype: r.Sites[i].otherDtype()}
		j := i
		for ; j < len(r.Sites) && r.Sites[j].Verdict == v && r.Sites[j].otherDtype() == p.dtype; j++ {
			p.names = append(p.names, c.short(r.Sites[j].name()))
		}
		key := string(v) + "\x00dtype"
		if !p.dtype {
			key = string(v) + "\x00" + strings.Join(p.names, "\x00")
		}
		known := byKey[key]
		if known == nil {
			known = &p
			if j > around.end {
				around = gapAround(r, interval{i, j})
			}
			p.around = around
			byKey[key] = known
			order = append(order, known)
		} else if p.dtype {
			known.names = append(known.names, p.names...)
		}
		known.runs = append(known.runs, interval{i, j})
		i = j
	}
	for _, p := range order {
		r.Findings = append(r.Findings, c.presenceFinding(r, p))
	}
}

// otherDtype reports whether a site is one half of a pair that runs in
// different data types.
func (s *Site) otherDtype() bool { return strings.HasPrefix(s.Reason, otherDtype) }

// otherDtype begins the reason of such a site.
const otherDtype = "other data type"

func (c *comparer) presenceFinding(r *Result, p *presence) Finding {
	f := Finding{Code: string(p.verdict), Severity: SeverityError}
	ns := 0.0
	least, most := 1.0, 0.0 // part of the occurrences
	for _, run := range p.runs {
		for k := run.start; k < run.end; k++ {
			s := &r.Sites[k]
			f.Sites = append(f.Sites, s.Index)
			least, most = min(least, s.Present), max(most, s.Present)
			if s.E2E != nil {
				ns += s.E2E.MedianNS
			} else {
				ns += s.Mock.MedianNS
			}
		}
	}
	n := count(len(f.Sites), "launch")
	where := c.between(r, p.around)
	if len(p.runs) > 1 {
		where = fmt.Sprintf("in %d places, the first %s", len(p.runs), where)
	}
	if p.dtype {
		where = fmt.Sprintf("in %d places, under another data type there", len(p.runs))
	}
	names := list(slices.Compact(slices.Clone(p.names)), 8)
	missing := p.verdict == Missing
	switch {
	case missing && c.o.Regression:
		f.Message = fmt.Sprintf("%s added by the new run %s, %s %s: %s", n, where, duration(ns), inPart(least, most, "a step", "steps"), names)
	case missing:
		f.Message = fmt.Sprintf("%s missing in the mock %s, %s %s: %s", n, where, duration(ns), inPart(least, most, "in each occurrence", "occurrences"), names)
		f.Hint = "the mock does not run this part of the operation; if it belongs to another operation, narrow the E2E with --e2e-nvtx"
	case c.o.Regression:
		f.Message = fmt.Sprintf("%s gone from the new run %s, %s a step: %s", n, where, duration(ns), names)
	default:
		f.Message = fmt.Sprintf("%s extra in the mock %s, %s a step: %s", n, where, duration(ns), names)
		f.Hint = "the E2E does not launch it here: a debugging aid, input preparation or another code path of the mock; leave it out with --mock-nvtx or --exclude"
		if 2*len(f.Sites) > len(r.Sites) {
			f.Hint = "the E2E lacks most of what the first report runs: is the order of the reports right, the mock first?"
		}
	}
	return f
}

// inPart says in which of some there is something, given the least and the greatest
// part of them that have it: each, unless it rounds to less.
func inPart(least, most float64, each, some string) string {
	lo, hi := math.Round(100*least), math.Round(100*most)
	switch {
	case lo == 100:
		return each
	case lo == hi:
		return fmt.Sprintf("in %g %% of the %s", lo, some)
	}
	return fmt.Sprintf("in %g to %g %% of the %s", lo, hi, some)
}

// gapAround adds to a run of sites that one side lacks those beside it.
func gapAround(r *Result, run interval) interval {
	both := func(k int) bool { return r.Sites[k].Mock != nil && r.Sites[k].E2E != nil }
	for run.start > 0 && !both(run.start-1) {
		run.start--
	}
	for run.end < len(r.Sites) && !both(run.end) {
		run.end++
	}
	return run
}

// between says which sites a run stands between.
func (c *comparer) between(r *Result, run interval) string {
	i, j := run.start, run.end
	name := func(k int) string {
		return c.short(r.Sites[k].name())
	}
	switch {
	case i > 0 && j < len(r.Sites):
		return fmt.Sprintf("between %s and %s", name(i-1), name(j))
	case i > 0:
		return "at the end, after " + name(i-1)
	case j < len(r.Sites):
		return "at the start, before " + name(j)
	}
	return "as a whole"
}

// A latency is sites that are slower, or faster, and are told as one: those of
// equal names, or those that one cause explains.
type latency struct {
	cause, mock, e2e string
	verdict          SiteVerdict
}

// latencyFindings reports sites that are slower or faster, those that cost
// most first.
func (c *comparer) latencyFindings(r *Result, late []*Site) {
	if len(late) == 0 {
		return
	}
	causes := causesOf(r)
	groups := map[latency][]*Site{}
	var order []latency
	for _, s := range late {
		k := latency{mock: s.MockName, e2e: s.E2EName, verdict: s.Verdict}
		if of := causes[s.Index]; len(of) > 0 {
			k = latency{cause: r.Causes[of[0]].Code, verdict: s.Verdict}
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], s)
	}
	cost := remember(func(k latency) float64 {
		sum := 0.0
		for _, s := range groups[k] {
			sum += math.Abs(s.Mock.MedianNS - s.E2E.MedianNS)
		}
		return sum
	})
	slices.SortStableFunc(order, func(a, b latency) int { return cmp.Compare(cost(b), cost(a)) })
	for _, k := range order {
		f := Finding{Code: CodeLatency, Severity: SeverityError, Message: c.latencyMessage(k, groups[k], cost(k))}
		f.Sites = indexes(groups[k])
		if c.o.Regression && k.verdict == Faster {
			f.Severity = SeverityInfo
		}
		r.Findings = append(r.Findings, f)
	}
}

// latencyMessage says it of some sites. The site that differs most speaks for all.
func (c *comparer) latencyMessage(k latency, sites []*Site, cost float64) string {
	s := slices.MaxFunc(sites, func(a, b *Site) int { return cmp.Compare(apart(*a.Ratio, 1), apart(*b.Ratio, 1)) })
	worst := fmt.Sprintf("%s %s, %s %s, ratio %s", c.words("mock", "base"), duration(s.Mock.MedianNS), c.words("E2E", "new"), duration(s.E2E.MedianNS), interval95(s, c.ruling(s).maxRatio))
	name := c.short(s.MockName)
	variant := ""
	if s.Variant {
		variant = ", under another name of the same family"
	}
	if len(sites) == 1 {
		return fmt.Sprintf("%s is %s: %s%s", name, k.verdict, worst, variant)
	}
	if k.cause == "" {
		return fmt.Sprintf("%s at %s is %s: %s at the furthest, %s a step in all%s", name, count(len(sites), "site"), k.verdict, worst, duration(cost), variant)
	}
	var names distinct
	for _, s := range sites {
		names.add(c.short(s.MockName))
	}
	return fmt.Sprintf("%s are %s, %s a step in all: %s; the furthest apart is %s: %s", count(len(sites), "site"), k.verdict, duration(cost), list(names.texts, 6), name, worst)
}

// interval95 returns the ratio of a site beyond a bound, with its interval.
func interval95(s *Site, bound float64) string {
	if s.RatioLo == nil {
		return ratioBeyond(*s.Ratio, bound)
	}
	return fmt.Sprintf("%s (%.3g to %.3g)", ratioBeyond(*s.Ratio, bound), *s.RatioLo, *s.RatioHi)
}

// ratioBeyond returns a ratio with as many digits as it takes to be seen beyond a
// bound, if it is.
func ratioBeyond(ratio, bound float64) string {
	within := apart(ratio, 1) <= bound
	return shownBeyond(ratio, 'g', 3, func(shown float64) bool { return within || apart(shown, 1) > bound })
}

// shownBeyond returns a value with as many digits, but so many at least, as it takes to
// be seen beyond a bound. format is that of strconv.FormatFloat.
func shownBeyond(value float64, format byte, digits int, beyond func(shown float64) bool) string {
	for ; ; digits++ {
		s := strconv.FormatFloat(value, format, digits, 64)
		if shown, err := strconv.ParseFloat(s, 64); err != nil || digits == 9 || beyond(shown) {
			return s
		}
	}
}

// name is what a site is called by: the mock's kernel where there is one.
func (s *Site) name() string { return cmp.Or(s.MockName, s.E2EName) }

// judged reports whether a site takes part in the verdict.
func (s *Site) judged() bool {
	return s.Verdict != Ignored && s.Verdict != Communication && s.Verdict != Accepted
}

// shapeDiffers reports whether the launch geometry of a matched site differs.
// Another tile has another grid for the same shape.
func shapeDiffers(s *Site) bool {
	m, e := s.MockLaunch, s.E2ELaunch
	if s.ScaledRatio != nil {
		return false // it must, and is divided out
	}
	return m != nil && e != nil && !s.Variant && !m.Varies && !e.Varies && (m.Grid != e.Grid || m.Block != e.Block)
}

// shapeFinding reports sites of equal name and other geometry, if there are any.
func (c *comparer) shapeFinding(r *Result, sites []*Site) {
	if len(sites) == 0 {
		return
	}
	var what distinct
	for _, s := range sites {
		if s.MockLaunch.Grid != s.E2ELaunch.Grid {
			what.add(fmt.Sprintf("%s grid %v against %v", c.short(s.MockName), s.MockLaunch.Grid, s.E2ELaunch.Grid))
		} else {
			what.add(fmt.Sprintf("%s block %v against %v", c.short(s.MockName), s.MockLaunch.Block, s.E2ELaunch.Block))
		}
	}
	sev := SeverityWarning
	if c.o.Regression {
		sev = SeverityInfo
	}
	hint := "the two sides do not work on equal shapes; see the causes"
	if !slices.ContainsFunc(sites, func(s *Site) bool { return s.MockLaunch.Grid != s.E2ELaunch.Grid }) {
		hint = "equal grids and other blocks: the kernel was built or tuned otherwise"
	}
	r.Findings = append(r.Findings, Finding{
		Code: CodeShapes, Severity: sev, Sites: indexes(sites),
		Message: fmt.Sprintf("%s launched with another geometry: %s", count(len(sites), "site"), list(what.texts, 4)),
		Hint:    hint,
	})
}

// explainFindings names the cause of each finding that one explains.
func (c *comparer) explainFindings(r *Result) {
	if len(r.Causes) == 0 {
		return
	}
	causes := causesOf(r)
	for i := range r.Findings {
		f := &r.Findings[i]
		if len(f.Sites) == 0 {
			continue
		}
		for _, k := range causes[f.Sites[0]] {
			if f.Code == CodeHeadMismatch && r.Causes[k].Code != CauseHeadCount {
				continue
			}
			if slices.ContainsFunc(f.Sites, func(s int) bool { return !slices.Contains(causes[s], k) }) {
				continue
			}
			f.Cause = r.Causes[k].Code
			if f.Hint == "" || f.Code == CodeMissing || f.Code == CodeExtra || f.Code == CodeShapes {
				f.Hint = cmp.Or(r.Causes[k].Fix, f.Hint)
			}
			break
		}
	}
}

// causesOf returns, by site, the causes that explain it, by their place in
// Result.Causes and in that order.
func causesOf(r *Result) map[int][]int {
	causes := map[int][]int{}
	for k := range r.Causes {
		for _, s := range r.Causes[k].Sites {
			causes[s] = append(causes[s], k)
		}
	}
	return causes
}

// checklist answers the five questions.
func (c *comparer) checklist(r *Result) {
	var matched, variants, missing, extra, slow, faster, undecided, judged, heads, geometries, shapes, dtypes int
	worst := 1.0
	for i := range r.Sites {
		s := &r.Sites[i]
		if !s.judged() {
			continue
		}
		if s.otherDtype() {
			dtypes++
		}
		switch s.Verdict {
		case Missing:
			missing++
			continue
		case Extra:
			extra++
			continue
		case SiteUndecided:
			undecided++
		case Slower:
			slow++
		case Faster:
			if c.o.Regression {
				faster++
			} else {
				slow++
			}
		case HeadMismatch:
			heads++
		}
		matched++
		if s.Variant {
			variants++
		}
		if s.Verdict != SiteUndecided {
			judged++
			ratio := *s.Ratio
			if s.ScaledRatio != nil {
				ratio = *s.ScaledRatio
			}
			if math.Abs(s.Mock.MedianNS-s.E2E.MedianNS) >= float64(c.ruling(s).minTime) && apart(ratio, 1) > apart(worst, 1) {
				worst = ratio
			}
		}
		if m, e := s.MockLaunch, s.E2ELaunch; s.ScaledRatio == nil && !s.Variant && !m.Varies && !e.Varies {
			geometries++
			if shapeDiffers(s) {
				shapes++
			}
		}
	}
	add := func(id string, st Status, format string, args ...any) {
		r.Checklist = append(r.Checklist, Check{ID: id, Status: st, Detail: fmt.Sprintf(format, args...)})
	}
	status := func(bad int) Status {
		if bad > 0 {
			return Fail
		}
		return Pass
	}

	names := fmt.Sprintf("%s matched by name", count(matched-variants, "site"))
	if variants > 0 {
		names += fmt.Sprintf(", %d by family (another tile)", variants)
	}
	if dtypes > 0 {
		names += fmt.Sprintf(", %d under another data type", dtypes/2)
	}
	if matched+missing+extra == 0 {
		add(CheckNames, NotChecked, "no site to judge")
	} else {
		add(CheckNames, status(dtypes+boolInt(matched == 0)), "%s", names)
	}

	bound := fmt.Sprintf("%.4g×", c.o.MaxRatio)
	if len(c.o.Kernels) > 0 {
		bound += " (or bounds of their own)"
	}
	switch {
	case slow > 0 && heads > 0:
		add(CheckLatency, Fail, "%s beyond %s and %d by the number of heads, the furthest at %.3g", count(slow, "site"), bound, heads, worst)
	case heads > 0:
		add(CheckLatency, Fail, "%s apart by the number of heads, the furthest at %.3g", count(heads, "site"), worst)
	case slow > 0:
		add(CheckLatency, Fail, "%s beyond %s, the furthest at %s", count(slow, "site"), bound, ratioBeyond(worst, c.o.MaxRatio))
	case undecided > 0:
		add(CheckLatency, StatusUndecided, "%s undecided, %d within %s", count(undecided, "site"), judged, bound)
	case judged == 0:
		add(CheckLatency, NotChecked, "no site to judge")
	case faster > 0:
		add(CheckLatency, Pass, "%s within %s, %s faster, the furthest at %.3g", count(judged-faster, "site"), bound, thousands(faster), worst)
	case worst == 1:
		add(CheckLatency, Pass, "all %s within %s, none further apart than %s", count(judged, "site"), bound, duration(float64(c.o.MinTime)))
	default:
		add(CheckLatency, Pass, "all %s within %s, the furthest at %.3g", count(judged, "site"), bound, worst)
	}

	presence := func(id string, n int, what string) {
		if n == 0 {
			add(id, Pass, "none %s", what)
			return
		}
		add(id, Fail, "%s %s", count(n, "launch"), what)
	}
	presence(CheckMissing, missing, c.words("missing in the mock", "added by the new run"))
	presence(CheckExtra, extra, c.words("extra in the mock", "gone from the new run"))

	switch {
	case shapes > 0:
		add(CheckShapes, Fail, "%s of %d launched with another grid or block", count(shapes, "site"), geometries)
	case geometries == 0:
		add(CheckShapes, NotChecked, "no site with a launch geometry to compare")
	default:
		add(CheckShapes, Pass, "grid and block equal at all %s of equal name; a persistent kernel keeps its grid, so this proves little about those", count(geometries, "site"))
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
