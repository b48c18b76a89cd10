package align

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// explain finds the causes that explain differences, most of them from which
// sites scale together, and gives the sites of a head mismatch their verdict.
//
// A mistaken number of heads scales the work done per head (the attention
// itself, the projections to and from heads) and leaves the work done per
// token (norms, routing, the choice of top-k). A mistaken batch or sequence
// scales both. So what does not scale is as much evidence as what does.
func (c *comparer) explain(ctx context.Context, r *Result) {
	c.moduleCause(r)
	c.dtypeCause(r)
	c.overlapCause(r)
	if t := c.trendOf(ctx, r); t.scaled || t.moved() {
		scalings := c.scalings(r)
		switch {
		case t.moved() && c.clockCause(r, scalings):
		case !t.scaled: // what shows heads and shape
		case c.headCause(r, scalings):
		default:
			c.shapeCause(r, scalings)
		}
	}
	c.tileCause(r)
	c.missedTP(r)
}

// dtypeCause looks for pairs of kernels that differ by data type.
func (c *comparer) dtypeCause(r *Result) {
	cause := Cause{Code: CauseDtype}
	var pairs distinct
	from, to := map[string]bool{}, map[string]bool{}
	for i := 0; i+1 < len(r.Sites); i++ {
		m, e := &r.Sites[i], &r.Sites[i+1]
		if !m.otherDtype() || !e.otherDtype() || m.Mock == nil || e.E2E == nil {
			continue
		}
		cause.Sites = append(cause.Sites, m.Index, e.Index)
		md, ed := Dtypes(m.MockName), Dtypes(e.E2EName)
		for _, d := range md {
			if !slices.Contains(ed, d) {
				from[d] = true
			}
		}
		for _, d := range ed {
			if !slices.Contains(md, d) {
				to[d] = true
			}
		}
		pairs.add(fmt.Sprintf("%s against %s", m.MockName, e.E2EName))
	}
	if len(cause.Sites) == 0 {
		return
	}
	var seen evidence
	for _, line := range pairs.texts {
		seen.add(func() string { return line })
	}
	cause.Evidence = seen.shown()
	a, b := sortedKeys(from), sortedKeys(to)
	mock, e2e := c.words("mock", "base"), c.words("E2E", "new run")
	cause.Message = fmt.Sprintf("the %s runs in another data type than the %s", mock, e2e)
	if len(a) > 0 && len(b) > 0 {
		cause.Message = fmt.Sprintf("the %s runs in %s where the %s runs in %s", mock, strings.Join(a, "/"), e2e, strings.Join(b, "/"))
		cause.Fix = c.words("give the mock's weights and activations the data type of the E2E: "+strings.Join(b, ", "), "")
	}
	r.Causes = append(r.Causes, cause)
}

func sortedKeys(m map[string]bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// tileCause says that names differ by nothing but tuning.
func (c *comparer) tileCause(r *Result) {
	cause := Cause{Code: CauseTiles}
	var seen evidence
	for i := range r.Sites {
		if s := &r.Sites[i]; s.Verdict == Variant {
			cause.Sites = append(cause.Sites, s.Index)
			seen.add(func() string { return fmt.Sprintf("%s against %s, ratio %.3g", s.MockName, s.E2EName, *s.Ratio) })
		}
	}
	if len(cause.Sites) == 0 {
		return
	}
	cause.Evidence = seen.shown()
	cause.Message = fmt.Sprintf("the library chose other tiles for %s: the same work under another name, judged by its time", count(len(cause.Sites), "site"))
	r.Causes = append(r.Causes, cause)
}

// duration renders nanoseconds in the unit that suits their size, to four digits.
func duration(ns float64) string {
	switch {
	case ns >= 0.99995e9:
		return fmt.Sprintf("%.4g s", ns/1e9)
	case ns >= 0.99995e6:
		return fmt.Sprintf("%.4g ms", ns/1e6)
	}
	return fmt.Sprintf("%.4g µs", ns/1e3)
}
