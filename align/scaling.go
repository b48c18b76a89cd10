package align

import (
	"context"
	"fmt"
	"math"
)

// A scaling is how one matched site's work differs between the sides.
type scaling struct {
	site  *Site
	kind  KernelKind
	ratio float64 // of the medians, mock over E2E, which is base over new run
	// blocks is the ratio of the numbers of blocks, 0 where unknown. A
	// persistent kernel keeps its grid, so that 1 proves nothing.
	blocks float64
	weight float64 // nanoseconds that the difference is worth
}

const (
	scaledBy    = 1.5 // a ratio from which on a site counts as scaled
	unscaledBy  = 1.3 // and one up to which it counts as not
	minHeads    = 2
	maxHeads    = 1024
	tiredFactor = 0.45 // of the logarithm of the factor, that a site must reach to be explained by it
)

// scalings returns the sites that tell how work scales: those whose time no
// other cause explains yet.
func (c *comparer) scalings(r *Result) []scaling {
	out := make([]scaling, 0, len(r.Sites))
	explained := causesOf(r)
	for i := range r.Sites {
		if s := &r.Sites[i]; explained[i] == nil && s.scales() {
			sc := c.scalingOf(s)
			sc.kind = c.kindOf(s)
			out = append(out, sc)
		}
	}
	return out
}

// scales reports whether a site tells how work scales.
func (s *Site) scales() bool { return s.Ratio != nil && s.Verdict != Communication && !s.mixed() }

// A trend is how sites differ together, as far as that is seen at a glance: of tens of
// thousands that do not, no more need be looked for.
type trend struct {
	scaled          bool // some site is
	above, below, n int  // sites that are noticeably longer, or shorter, of n that are not short
}

// moved reports whether the median ratio of sites that are not short may be noticed: one
// way or the other, half of them must be.
func (t trend) moved() bool { return t.n >= minClockSites && 2*max(t.above, t.below) >= t.n }

// trendOf tells the trend of those sites that scalings returns.
func (c *comparer) trendOf(ctx context.Context, r *Result) trend {
	explained := causesOf(r)
	const rounding = 1e-9
	factor := math.Exp(c.noticed()) * (1 - rounding)
	parts := divide(len(r.Sites), len(r.Sites)*minPart/minJudged)
	trends := make([]trend, len(parts))
	parallel(ctx, len(parts), func(p int) {
		var t trend
		for i := parts[p].start; i < parts[p].end; i++ {
			s := &r.Sites[i]
			if !s.scales() || explained[i] != nil {
				continue
			}
			sc := c.scalingOf(s)
			t.scaled = t.scaled || sc.scaled(+1) || sc.scaled(-1)
			if !sc.short() {
				t.n++
				t.above += boolInt(sc.ratio >= factor)
				t.below += boolInt(sc.ratio <= 1/factor)
			}
		}
		trends[p] = t
	})
	var all trend
	for _, t := range trends {
		all = trend{all.scaled || t.scaled, all.above + t.above, all.below + t.below, all.n + t.n}
	}
	return all
}

// scalingOf returns how a site scales, without its kind.
func (c *comparer) scalingOf(s *Site) scaling {
	sc := scaling{site: s, ratio: *s.Ratio}
	if c.o.Regression {
		sc.ratio = 1 / sc.ratio
	}
	if m, e := s.MockLaunch, s.E2ELaunch; m != nil && e != nil && m.Block == e.Block && !m.Varies && !e.Varies {
		sc.blocks = blocks3(m.Grid) / blocks3(e.Grid)
	}
	sc.weight = math.Abs(s.Mock.MedianNS - s.E2E.MedianNS)
	return sc
}

func blocks3(g [3]int32) float64 {
	return math.Max(1, float64(g[0])*float64(g[1])*float64(g[2]))
}

// perToken reports whether kernels of a kind work per token whatever the
// number of heads.
func (s scaling) perToken() bool {
	switch s.kind {
	case KindNorm, KindSelect, KindIndexer, KindRouting, KindQuantize:
		return true
	}
	return false
}

// perHead reports whether kernels of a kind may work per head.
func (s scaling) perHead() bool {
	switch s.kind {
	case KindAttention, KindCache, KindGemm, KindReduce, KindMemory, KindElementwise, KindOther:
		return true
	}
	return false
}

// scaled reports whether the site's work is larger by a factor, in time or in
// blocks, in the direction that dir says: +1 for a larger mock.
func (s scaling) scaled(dir int) bool {
	t, b := s.ratio, s.blocks
	if dir < 0 {
		t = 1 / t
		if b != 0 {
			b = 1 / b
		}
	}
	return t >= scaledBy && (s.weight >= float64(minTimeCompare) || b >= scaledBy) || b >= scaledBy && t >= 1/unscaledBy
}

// unscaled reports whether the site's work is equal on both sides.
func (s scaling) unscaled() bool {
	return apart(s.ratio, 1) <= unscaledBy && (s.blocks == 0 || s.blocks == 1)
}

// toFactor turns mock over E2E into larger over smaller, and back.
func toFactor(f float64, dir int) float64 {
	if dir < 0 {
		return 1 / f
	}
	return f
}

// shown turns mock over E2E into what a result says: of two runs, new over base.
func (c *comparer) shown(f float64) float64 {
	if c.o.Regression {
		return 1 / f
	}
	return f
}

// anyDiffers reports whether a cause has something to explain: a site whose
// verdict is not match, or whose geometry shows another shape.
func (c *comparer) anyDiffers(r *Result, sites []int) bool {
	for _, i := range sites {
		switch s := &r.Sites[i]; s.Verdict {
		case Slower, Faster, SiteUndecided, HeadMismatch:
			return true
		default:
			if shapeDiffers(s) {
				return true
			}
		}
	}
	return false
}

// scalingLine says how a site's work differs; what is what its grid is called.
func (c *comparer) scalingLine(s scaling, what string) string {
	line := fmt.Sprintf("%s: %s against %s, ratio %.3g", c.short(s.site.MockName), duration(s.site.Mock.MedianNS), duration(s.site.E2E.MedianNS), c.shown(s.ratio))
	if s.blocks != 0 && s.blocks != 1 {
		line += fmt.Sprintf(", %s %v against %v", what, s.site.MockLaunch.Grid, s.site.E2ELaunch.Grid)
	}
	return line
}

// unscaledNames lists the kernels that do not scale, each once, at most six.
func (c *comparer) unscaledNames(all []scaling) []string {
	var names distinct
	for _, s := range all {
		if s.unscaled() {
			names.add(c.short(s.site.MockName))
		}
	}
	return names.texts[:min(len(names.texts), 6)]
}
