package align

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nsysdiff/nsysdiff/trace"
)

// What the owners of a mock decide about single kernels: bounds of their own,
// differences that they accept, and the kernels that they expect. A pattern
// matches a kernel by its demangled name or by its [ShortName].

// A KernelLimit bounds some kernels otherwise than [Options] bound the rest.
// Of several that match the first counts.
type KernelLimit struct {
	Pattern  trace.Pattern
	MaxRatio float64       // Options.MaxRatio if 0
	MinTime  time.Duration // Options.MinTime if 0, none if negative
}

// An Acceptance is a difference that is known and accepted: the sites that it
// names are listed with the reason and not judged.
type Acceptance struct {
	Pattern trace.Pattern
	Codes   []string // among AcceptableCodes
	Reason  string
	// Expired, if not empty, is the date since when it no longer holds: sites
	// are judged as if it were not there, and a finding of code [CodeExpired]
	// says so.
	Expired string
}

// AcceptableCodes returns the codes that an [Acceptance] can name: those of
// findings about single sites.
func AcceptableCodes() []string {
	return []string{CodeMissing, CodeExtra, CodeLatency, CodeHeadMismatch, CodeVariant, CodeUndecided, CodeShapes}
}

// An Expectation is what is known of a kernel before it is measured.
type Expectation struct {
	Pattern trace.Pattern
	// Optional lets the kernel be absent.
	Optional bool
	// E2E looks at the E2E, or the new run, instead of the mock.
	E2E bool
	// ShareLo and ShareHi bound the part of the step's kernel time, or of the
	// occurrence's on the E2E's side, that all launches of the kernel take
	// together, 0 to 1. Both 0: any.
	ShareLo, ShareHi float64
	// TimeLo and TimeHi bound the time that all launches of the kernel take
	// together in a step, or an occurrence: the sum of their medians. Both 0:
	// any.
	TimeLo, TimeHi time.Duration
}

// matches reports whether a pattern names a kernel; name is "" where a site
// lacks one.
func matches(p trace.Pattern, name string) bool {
	return name != "" && (p.Match(name) || p.Match(ShortName(name)))
}

// siteNames is what patterns look at in a site.
type siteNames struct{ mock, e2e string }

func (s *Site) names() siteNames { return siteNames{s.MockName, s.E2EName} }

func (n siteNames) match(p trace.Pattern) bool { return matches(p, n.mock) || matches(p, n.e2e) }

// A ruling is what the options say of sites of given names.
type ruling struct {
	ignored  bool
	maxRatio float64
	minTime  time.Duration
}

// rule returns the ruling of sites of given names.
func (o *Options) rule(n siteNames) ruling {
	r := ruling{maxRatio: o.MaxRatio, minTime: o.MinTime}
	if o.Ignore != nil {
		r.ignored = n.mock != "" && o.Ignore.MatchString(n.mock) || n.e2e != "" && o.Ignore.MatchString(n.e2e)
	}
	for _, l := range o.Kernels {
		if !n.match(l.Pattern) {
			continue
		}
		if l.MaxRatio != 0 {
			r.maxRatio = l.MaxRatio
		}
		if l.MinTime != 0 {
			r.minTime = max(l.MinTime, 0)
		}
		break
	}
	return r
}

// rule works out the rulings of all sites. Of one kernel there are thousands, and
// a pattern takes as long to match as all else that is done of a site. Without any
// the ruling is the same for all.
func (c *comparer) rule(sites []Site) {
	if c.o.Ignore == nil && len(c.o.Kernels) == 0 {
		return
	}
	c.rulings = map[siteNames]ruling{}
	for i := range sites {
		n := sites[i].names()
		if _, known := c.rulings[n]; !known {
			c.rulings[n] = c.o.rule(n)
		}
	}
}

func (c *comparer) ruling(s *Site) ruling {
	if r, known := c.rulings[s.names()]; known {
		return r
	}
	return c.o.rule(s.names())
}

// codeOf returns the code of the finding that a site's verdict leads to, ""
// for none.
func codeOf(s *Site) string {
	switch s.Verdict {
	case Slower, Faster:
		return CodeLatency
	case Missing, Extra, HeadMismatch, Variant, SiteUndecided:
		return string(s.Verdict)
	case Match:
		if shapeDiffers(s) {
			return CodeShapes
		}
	}
	return ""
}

// accept gives the sites whose difference is accepted the verdict Accepted, and
// lists them. Causes are told before, since an accepted site is evidence too,
// and findings after.
func accept(r *Result, acceptances []Acceptance, short func(name string) string) {
	for _, a := range acceptances {
		if a.Expired != "" {
			r.Findings = append(r.Findings, Finding{
				Code: CodeExpired, Severity: SeverityWarning,
				Message: fmt.Sprintf("what was accepted of %s (%s) is judged again, since that expired on %s: %s",
					a.Pattern, strings.Join(a.Codes, ", "), a.Expired, a.Reason),
				Hint: "mend the difference, or accept it anew with a later date",
			})
			continue
		}
		var sites []int
		var what distinct
		match := remember(func(n siteNames) bool { return n.match(a.Pattern) })
		for i := range r.Sites {
			s := &r.Sites[i]
			code := codeOf(s)
			if code == "" || !slices.Contains(a.Codes, code) || !match(s.names()) {
				continue
			}
			was := string(s.Verdict)
			switch {
			case s.Verdict == Match:
				was = "launched with another geometry"
			case r.Mode == ModeRegression && s.Verdict == Missing:
				was = "added"
			case r.Mode == ModeRegression && s.Verdict == Extra:
				was = "gone"
			}
			s.Verdict, s.Reason = Accepted, was+", accepted: "+a.Reason
			sites = append(sites, s.Index)
			what.add(short(s.name()) + " " + was)
		}
		if len(sites) > 0 {
			r.Findings = append(r.Findings, Finding{
				Code: CodeAccepted, Severity: SeverityInfo, Sites: sites,
				Message: fmt.Sprintf("accepted, since %s: %s", a.Reason, list(what.texts, 6)),
			})
		}
	}
}

// Expect holds a result to what is expected of it and adds a finding of code
// [CodeExpected] for each kernel that is not so. A result that was aligned, or
// undecided, is [Misaligned] then; one that is [NotComparable] tells nothing of
// kernels. One report by itself has no steps: of it shares are those of all
// launches in scope, and times are not looked at.
func Expect(r *Result, list []Expectation) {
	if r.Verdict == NotComparable {
		return
	}
	failed := false
	for _, x := range list {
		seen := r.look(x)
		side := "the mock"
		switch {
		case r.Mode == ModeReport:
			side = "the report"
		case r.Mode == ModeRegression && x.E2E:
			side = "the new run"
		case r.Mode == ModeRegression:
			side = "the base"
		case x.E2E:
			side = "the E2E"
		}
		f := Finding{Code: CodeExpected, Severity: SeverityError, Sites: seen.sites}
		var wrong []string
		switch {
		case !seen.present && x.Optional:
		case !seen.present:
			where := "is not there"
			if r.launches(x) {
				where = "is in no step that was compared"
				if r.Mode == ModeCompare && x.E2E {
					where = "is in no occurrence of the mock"
				}
			}
			wrong = append(wrong, where)
			f.Hint = "if it need not be there, say required = false"
		default:
			if x.ShareHi > 0 && (seen.share < x.ShareLo || seen.share > x.ShareHi) {
				wrong = append(wrong, fmt.Sprintf("takes %s%% of the kernel time, not %s", shareOutside(seen.share, x), shareRange(x)))
			}
			if x.TimeHi > 0 && seen.timed && (seen.ns < float64(x.TimeLo) || seen.ns > float64(x.TimeHi)) {
				wrong = append(wrong, fmt.Sprintf("takes %s a step, not %s to %s", duration(seen.ns), duration(float64(x.TimeLo)), duration(float64(x.TimeHi))))
			}
		}
		if len(wrong) == 0 {
			continue
		}
		failed = true
		f.Message = fmt.Sprintf("expected kernel %s: in %s it %s", x.Pattern, side, strings.Join(wrong, " and "))
		r.Findings = append(r.Findings, f)
	}
	if !failed {
		return
	}
	if r.Verdict == Aligned || r.Verdict == Undecided {
		r.Verdict = Misaligned
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
}

func shareRange(x Expectation) string {
	return fmt.Sprintf("%g%% to %g%%", percent(x.ShareLo), percent(x.ShareHi))
}

// percent returns a bound without the noise of its division by 100.
func percent(v float64) float64 { return math.Round(v*1e6) / 1e4 }

// shareOutside returns a share in percent with as many digits as it takes to be
// seen out of bounds.
func shareOutside(share float64, x Expectation) string {
	return shownBeyond(100*share, 'f', 1, func(shown float64) bool { return shown < percent(x.ShareLo) || shown > percent(x.ShareHi) })
}

// launches reports whether an expected kernel is launched at all, as far as the table by
// name tells.
func (r *Result) launches(x Expectation) bool {
	return slices.ContainsFunc(r.Kernels, func(k KernelRow) bool {
		side := k.Mock
		if x.E2E {
			side = k.E2E
		}
		return side != nil && matches(x.Pattern, k.Name)
	})
}

// A sight is what a result holds of an expected kernel.
type sight struct {
	present bool
	share   float64
	ns      float64
	timed   bool
	sites   []int
}

func (r *Result) look(x Expectation) sight {
	var seen sight
	if r.Mode == ModeReport {
		for i := range r.Kernels {
			if k := &r.Kernels[i]; k.Mock != nil && matches(x.Pattern, k.Name) {
				seen.present = true
				seen.share += k.MockShare
			}
		}
		return seen
	}
	seen.timed = true
	match := remember(func(name string) bool { return matches(x.Pattern, name) })
	for i := range r.Sites {
		s := &r.Sites[i]
		name, sample, share := s.MockName, s.Mock, s.MockShare
		if x.E2E {
			name, sample, share = s.E2EName, s.E2E, s.E2EShare
		}
		if sample == nil || !match(name) {
			continue
		}
		seen.present = true
		seen.share += share
		seen.ns += sample.MedianNS
		seen.sites = append(seen.sites, s.Index)
	}
	return seen
}
