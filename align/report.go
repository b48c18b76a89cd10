package align

import (
	"cmp"
	"fmt"
	"math"
	"slices"
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
	case Error:
		return 0
	case Warning:
		return 1
	}
	return 2
}

// verdict is what the sites say as a whole.
func verdict(r *Result) Verdict {
	v := Aligned
	for i := range r.Sites {
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
	return v
}

// siteFindings makes a finding of each run of sites that are missing or extra,
// and one of all sites of equal names that are slower or faster.
func (c *comparer) siteFindings(r *Result) {
	for i := 0; i < len(r.Sites); {
		v := r.Sites[i].Verdict
		j := i + 1
		if v == Missing || v == Extra {
			for j < len(r.Sites) && r.Sites[j].Verdict == v {
				j++
			}
			c.presenceFinding(r, i, j)
		}
		i = j
	}
	c.latencyFindings(r)
	c.collect(r, HeadMismatch, CodeHeadMismatch, Error, "per-head work differs by the number of heads at %s: %s", "")
	c.collect(r, Variant, CodeVariant, Info, "%s under another name of the same family, in about the same time: %s",
		"a library's tuning chose another tile; it is judged by its time")
	c.collect(r, SiteUndecided, CodeUndecided, Warning, "%s undecided: %s",
		"record more steps on both sides, on an idle GPU")
	c.collect(r, Communication, CodeCommunication, Info, "%s of communication shown and not judged, since a collective's time is mostly waiting: %s",
		"judge it too with --judge-communication")
	c.shapeFinding(r)
}

// collect makes one finding of all sites of a verdict.
func (c *comparer) collect(r *Result, v SiteVerdict, code string, sev Severity, format, hint string) {
	var sites []int
	var names []string
	for i := range r.Sites {
		if s := &r.Sites[i]; s.Verdict == v {
			sites = append(sites, s.Index)
			what := ShortName(cmp.Or(s.MockName, s.E2EName))
			if v == SiteUndecided {
				what += " (" + s.Reason + ")"
			}
			if !slices.Contains(names, what) {
				names = append(names, what)
			}
		}
	}
	if len(sites) == 0 {
		return
	}
	r.Findings = append(r.Findings, Finding{
		Code: code, Severity: sev, Sites: sites, Hint: hint,
		Message: fmt.Sprintf(format, count(len(sites), "site"), list(names, 6)),
	})
}

// list joins at most n items and counts the rest.
func list(items []string, n int) string {
	if len(items) <= n {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:n], ", "), len(items)-n)
}

// presenceFinding reports the missing or extra sites i to j-1.
func (c *comparer) presenceFinding(r *Result, i, j int) {
	v := r.Sites[i].Verdict
	f := Finding{Code: string(v), Severity: Error}
	var names []string
	ns := 0.0
	for k := i; k < j; k++ {
		s := &r.Sites[k]
		f.Sites = append(f.Sites, s.Index)
		names = append(names, ShortName(cmp.Or(s.MockName, s.E2EName)))
		if s.E2E != nil {
			ns += s.E2E.MedianNS
		} else {
			ns += s.Mock.MedianNS
		}
	}
	n := count(j-i, "launch")
	where := c.between(r, i, j)
	switch {
	case v == Missing && c.o.Regression:
		f.Message = fmt.Sprintf("%s added by the new run %s, %s a step: %s", n, where, duration(ns), list(names, 8))
	case v == Missing:
		f.Message = fmt.Sprintf("%s missing in the mock %s, %s in each occurrence: %s", n, where, duration(ns), list(names, 8))
		f.Hint = "the mock does not run this part of the operation; if it belongs to another operation, narrow the E2E with --e2e-nvtx"
	case c.o.Regression:
		f.Message = fmt.Sprintf("%s gone from the new run %s, %s a step: %s", n, where, duration(ns), list(names, 8))
	default:
		f.Message = fmt.Sprintf("%s extra in the mock %s, %s a step: %s", n, where, duration(ns), list(names, 8))
		f.Hint = "the E2E does not launch it here: a debugging aid, input preparation or another code path of the mock; leave it out with --mock-nvtx or --exclude"
	}
	r.Findings = append(r.Findings, f)
}

// between says which sites i to j-1 stand between.
func (c *comparer) between(r *Result, i, j int) string {
	name := func(k int) string {
		return ShortName(cmp.Or(r.Sites[k].MockName, r.Sites[k].E2EName))
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

// latencyFindings reports sites that are slower or faster, those of equal
// names together, those that cost most first.
func (c *comparer) latencyFindings(r *Result) {
	type key struct {
		mock, e2e string
		verdict   SiteVerdict
	}
	groups := map[key][]int{}
	var order []key
	for i := range r.Sites {
		s := &r.Sites[i]
		if s.Verdict != Slower && s.Verdict != Faster {
			continue
		}
		k := key{s.MockName, s.E2EName, s.Verdict}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], i)
	}
	cost := func(k key) float64 {
		sum := 0.0
		for _, i := range groups[k] {
			sum += math.Abs(r.Sites[i].Mock.MedianNS - r.Sites[i].E2E.MedianNS)
		}
		return sum
	}
	slices.SortStableFunc(order, func(a, b key) int { return cmp.Compare(cost(b), cost(a)) })
	for _, k := range order {
		sites := groups[k]
		f := Finding{Code: CodeLatency, Severity: Error}
		for _, i := range sites {
			f.Sites = append(f.Sites, r.Sites[i].Index)
		}
		// The site that differs most speaks for all.
		worst := slices.MaxFunc(sites, func(a, b int) int {
			return cmp.Compare(apart(*r.Sites[a].Ratio, 1), apart(*r.Sites[b].Ratio, 1))
		})
		s := &r.Sites[worst]
		a, b := c.words("mock", "base"), c.words("E2E", "new")
		what := ShortName(s.MockName)
		if len(sites) > 1 {
			what += " at " + count(len(sites), "site")
		}
		f.Message = fmt.Sprintf("%s is %s: %s %s, %s %s, ratio %s", what, s.Verdict,
			a, duration(s.Mock.MedianNS), b, duration(s.E2E.MedianNS), interval95(s))
		if len(sites) > 1 {
			f.Message += fmt.Sprintf(" at the furthest, %s a step in all", duration(cost(k)))
		}
		if s.Variant {
			f.Message += ", under another name of the same family"
		}
		if c.o.Regression && s.Verdict == Faster {
			f.Severity = Info
		}
		r.Findings = append(r.Findings, f)
	}
}

func interval95(s *Site) string {
	if s.RatioLo == nil {
		return fmt.Sprintf("%.3g", *s.Ratio)
	}
	return fmt.Sprintf("%.3g (%.3g to %.3g)", *s.Ratio, *s.RatioLo, *s.RatioHi)
}

// shapeDiffers reports whether the launch geometry of a matched site differs.
// Another tile has another grid for the same shape.
func shapeDiffers(s *Site) bool {
	m, e := s.MockLaunch, s.E2ELaunch
	return m != nil && e != nil && !s.Variant && !m.Varies && !e.Varies && (m.Grid != e.Grid || m.Block != e.Block)
}

// shapeFinding reports sites of equal name and other geometry.
func (c *comparer) shapeFinding(r *Result) {
	var sites []int
	var what []string
	for i := range r.Sites {
		s := &r.Sites[i]
		if s.Verdict == Ignored || s.Verdict == Communication || !shapeDiffers(s) {
			continue
		}
		sites = append(sites, s.Index)
		line := fmt.Sprintf("%s grid %v against %v", ShortName(s.MockName), s.MockLaunch.Grid, s.E2ELaunch.Grid)
		if !slices.Contains(what, line) {
			what = append(what, line)
		}
	}
	if len(sites) == 0 {
		return
	}
	sev := Warning
	if c.o.Regression {
		sev = Info
	}
	r.Findings = append(r.Findings, Finding{
		Code: CodeShapes, Severity: sev, Sites: sites,
		Message: fmt.Sprintf("%s launched with another geometry: %s", count(len(sites), "site"), list(what, 4)),
		Hint:    "the two sides do not work on equal shapes; see the causes",
	})
}

// explainFindings names the cause of each finding that one explains.
func (c *comparer) explainFindings(r *Result) {
	for i := range r.Findings {
		f := &r.Findings[i]
		if len(f.Sites) == 0 {
			continue
		}
		for k := range r.Causes {
			all := true
			for _, s := range f.Sites {
				all = all && slices.Contains(r.Causes[k].Sites, s)
			}
			if all {
				f.Cause = r.Causes[k].Code
				if f.Hint == "" || f.Code == CodeMissing || f.Code == CodeExtra || f.Code == CodeShapes {
					f.Hint = cmp.Or(r.Causes[k].Fix, f.Hint)
				}
				break
			}
		}
	}
}

// checklist answers the five questions.
func (c *comparer) checklist(r *Result) {
	var matched, variants, missing, extra, slow, faster, undecided, judged, heads, geometries, shapes, dtypes int
	worst := 1.0
	for i := range r.Sites {
		s := &r.Sites[i]
		if s.Verdict == Ignored || s.Verdict == Communication {
			continue
		}
		if strings.HasPrefix(s.Reason, "other data type") {
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
			if math.Abs(s.Mock.MedianNS-s.E2E.MedianNS) >= float64(c.o.MinTime) && apart(ratio, 1) > apart(worst, 1) {
				worst = ratio
			}
		}
		if m, e := s.MockLaunch, s.E2ELaunch; !s.Variant && !m.Varies && !e.Varies {
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
	add(CheckNames, status(dtypes+boolInt(matched == 0)), "%s", names)

	switch {
	case slow+heads > 0:
		add(CheckLatency, Fail, "%s beyond %.4g×, the furthest at %.3g", count(slow+heads, "site"), c.o.MaxRatio, worst)
	case undecided > 0:
		add(CheckLatency, StatusUndecided, "%s undecided, %d within %.4g×", count(undecided, "site"), judged, c.o.MaxRatio)
	case judged == 0:
		add(CheckLatency, NotChecked, "no site to judge")
	case faster > 0:
		add(CheckLatency, Pass, "%s within %.4g×, %s faster, the furthest at %.3g", count(judged-faster, "site"), c.o.MaxRatio, thousands(faster), worst)
	case worst == 1:
		add(CheckLatency, Pass, "all %s within %.4g×, none further apart than %v", count(judged, "site"), c.o.MaxRatio, c.o.MinTime)
	default:
		add(CheckLatency, Pass, "all %s within %.4g×, the furthest at %.3g", count(judged, "site"), c.o.MaxRatio, worst)
	}

	add(CheckMissing, status(missing), "%s missing", c.presence(missing, "none", c.words("in the mock", "in the base (added)")))
	add(CheckExtra, status(extra), "%s extra", c.presence(extra, "none", c.words("in the mock", "in the base (gone)")))

	switch {
	case shapes > 0:
		add(CheckShapes, Fail, "%s of %d launched with another grid or block", count(shapes, "site"), geometries)
	case geometries == 0:
		add(CheckShapes, NotChecked, "no site with a launch geometry to compare")
	default:
		add(CheckShapes, Pass, "grid and block equal at all %s of equal name; a persistent kernel keeps its grid, so this proves little about those", count(geometries, "site"))
	}
}

func (c *comparer) presence(n int, nothing, where string) string {
	if n == 0 {
		return nothing
	}
	return count(n, "launch") + " " + where
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
