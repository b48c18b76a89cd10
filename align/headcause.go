package align

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// headCause looks for another number of heads.
func (c *comparer) headCause(r *Result, all []scaling) bool {
	for _, dir := range []int{+1, -1} {
		if c.headCauseToward(r, all, dir) {
			return true
		}
	}
	return false
}

func (c *comparer) headCauseToward(r *Result, all []scaling, dir int) bool {
	var attention, attentionSites, gemms, gemmSites, tokens, tokensScaled int
	var scaledSites []scaling
	for _, s := range all {
		switch s.kind {
		case KindGemm:
			gemmSites++
		case KindAttention:
			attentionSites++
		}
		if s.scaled(dir) {
			switch {
			case s.perToken():
				tokensScaled++
				continue
			case s.kind == KindAttention:
				attention++
			case s.kind == KindGemm:
				gemms++
			}
			if s.perHead() {
				scaledSites = append(scaledSites, s)
			}
		} else if s.perToken() && s.unscaled() {
			tokens++
		}
	}
	// The attention must scale, in most layers, some projection with it where
	// there is one, and what is done per token must not.
	if attention == 0 || attentionSites > 1 && 2*attention <= attentionSites || gemmSites > 0 && gemms == 0 || tokensScaled > tokens || tokens == 0 && !c.someUnscaled(all) {
		return false
	}
	k := headFactor(scaledSites, dir)
	if k < minHeads || !c.headsShow(scaledSites, k, dir) {
		return false
	}
	var sites []int
	var seen evidence
	lim := tiredFactor * math.Log(float64(k))
	for _, s := range scaledSites {
		t := math.Log(s.ratio)
		if dir < 0 {
			t = -t
		}
		by := t
		if s.blocks > 0 {
			b := math.Log(s.blocks)
			if dir < 0 {
				b = -b
			}
			by = max(by, b)
		}
		if by < lim || t > math.Log(float64(k))*1.25 {
			continue
		}
		sites = append(sites, s.site.Index)
		seen.add(func() string { return c.scalingLine(s, "blocks") })
	}
	if len(sites) == 0 {
		return false
	}
	evidence := seen.shown()
	if names := c.unscaledNames(all); len(names) > 0 {
		evidence = append(evidence, "unchanged: "+strings.Join(names, ", "))
	}
	cause := Cause{Code: CauseHeadCount, Factor: c.shown(toFactor(float64(k), dir)), Sites: sites, Evidence: evidence}
	more, fewer := "mock", "E2E rank"
	if dir < 0 {
		more, fewer = fewer, more
	}
	cause.Message = fmt.Sprintf("the %s runs %d times as many heads as the %s: only the work done per head scales, the work done per token does not", more, k, fewer)
	switch {
	case c.o.Regression:
		cause.Message = strings.NewReplacer("the mock", "the base", "the E2E rank", "the new run").Replace(cause.Message)
	case dir > 0:
		cause.Message += fmt.Sprintf(", as under TP=%d", k)
		cause.Fix = fmt.Sprintf("set the mock's num_heads to num_heads/%d, what one rank runs (%d heads under TP=%d are 16), or compare with --tp %d --scale-tp", k, 16*k, k, k)
		if c.o.TP > 1 && c.o.TP != k {
			cause.Evidence = append(cause.Evidence, fmt.Sprintf("the expected TP is %d, the factor seen is %d", c.o.TP, k))
		}
	default:
		cause.Fix = fmt.Sprintf("the mock is sharded further than the E2E: set its num_heads to %d times what it is", k)
	}
	if dir > 0 && !c.o.Regression {
		inferTP(r, &cause, k)
	}
	if c.scales(k, dir) {
		cause.Message += ", which is divided out, as asked"
		cause.Fix = ""
	}
	r.Causes = append(r.Causes, cause)
	c.giveHeadVerdicts(r, sites, k, dir)
	return true
}

// nearHeads is the part of the factor between two numbers of heads that an attention
// whose grid says nothing must take longer by, if that is within the bound.
const nearHeads = 0.85

// headsShow reports whether the heads are seen to differ by a factor of k: by a grid, or
// by the time of attention. Between two runs of one program time alone does not tell:
// most that makes attention slower is something else.
func (c *comparer) headsShow(scaled []scaling, k, dir int) bool {
	return slices.ContainsFunc(scaled, func(s scaling) bool {
		b := toFactor(s.blocks, dir)
		if s.kind != KindGemm && s.blocks > 0 && math.Abs(b-float64(k)) < 0.02*b {
			return true
		}
		return s.kind == KindAttention && !c.o.Regression && toFactor(s.ratio, dir) >= min(nearHeads*float64(k), c.o.MaxRatio)
	})
}

// someUnscaled reports whether a good part of the sites is equal.
func (c *comparer) someUnscaled(all []scaling) bool {
	n := 0
	for _, s := range all {
		if s.unscaled() {
			n++
		}
	}
	return n*4 >= len(all) && n > 0
}

// headFactor returns the integer that the sites scale by: each gives its vote,
// in proportion to the time it is worth, for the ratio of its blocks if that
// is whole, else for the whole number nearest to its ratio of time, powers of
// two before others. Time falls short of the factor, for what a kernel costs
// besides its work.
func headFactor(sites []scaling, dir int) int {
	votes := map[int]float64{}
	for _, s := range sites {
		t, b := s.ratio, s.blocks
		if dir < 0 {
			t, b = 1/t, 1/max(b, 1e-9)
		}
		if s.blocks > 0 && b >= minHeads && b <= maxHeads && math.Abs(b-math.Round(b)) < 0.02*b {
			votes[int(math.Round(b))] += 4 * s.weight
			continue
		}
		if t < scaledBy {
			continue
		}
		pow := math.Exp2(math.Round(math.Log2(t)))
		if apart(t, pow) <= 1.25 {
			votes[int(pow)] += s.weight
		} else {
			votes[int(math.Round(t))] += s.weight
		}
	}
	best := 0
	for k, v := range votes {
		if k > maxHeads {
			continue
		}
		if best == 0 || v > votes[best] || v == votes[best] && k < best {
			best = k
		}
	}
	return best
}

// scales reports whether a number of heads is to be divided out.
func (c *comparer) scales(k, dir int) bool {
	return c.o.ScaleTP && c.o.TP == k && dir > 0 && !c.o.Regression
}

// giveHeadVerdicts judges the sites that a head count explains: a mismatch,
// or, for a mock that is to be scaled, what the scaled ratio says.
func (c *comparer) giveHeadVerdicts(r *Result, sites []int, k, dir int) {
	if c.o.Regression {
		return
	}
	scale := c.scales(k, dir)
	for _, i := range sites {
		s := &r.Sites[i]
		if !s.judged() || s.Verdict == SiteUndecided && min(s.Mock.N, s.E2E.N) < c.o.MinSamples {
			continue
		}
		if scale {
			by := float64(k)
			scaled := *s.Ratio / by
			s.ScaledRatio = &scaled
			var lo, hi *float64
			if s.RatioLo != nil {
				l, h := *s.RatioLo/by, *s.RatioHi/by
				lo, hi = &l, &h
			}
			at := *s
			m := *s.Mock
			m.MedianNS /= by
			m.Steps = slices.Clone(m.Steps)
			for k := range m.Steps {
				m.Steps[k] /= by
			}
			at.Mock, at.P = &m, nil
			s.Verdict, s.Reason = c.judgeRatio(&at, scaled, lo, hi)
			if s.P = nil; s.Verdict != Match {
				s.P = c.rankTest(&at)
			}
			continue
		}
		s.Verdict = HeadMismatch
		if dir > 0 {
			s.Reason = fmt.Sprintf("per-head work, the mock has %d times the heads", k)
		} else {
			s.Reason = fmt.Sprintf("per-head work, the E2E has %d times the heads", k)
		}
	}
}
