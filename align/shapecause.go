package align

import (
	"fmt"
	"math"
	"slices"
)

// shapeCause looks for another batch size or sequence length.
func (c *comparer) shapeCause(r *Result, all []scaling) {
	for _, dir := range []int{+1, -1} {
		var sites []int
		var seen evidence
		var attention []float64 // ratios of time
		others, othersScaled, attentionSites := 0, 0, 0
		perToken, perTokenScaled := 0, 0
		grids, sameGrids := 0, 0 // of others that scale and fill their grid by what there is to do
		var attentionNS, othersNS float64
		for _, s := range all {
			scaled := s.scaled(dir)
			if s.perToken() && (s.weight >= float64(minTimeCompare)/3 || s.blocks != 0 || s.unscaled()) {
				perToken++
				if scaled {
					perTokenScaled++
				}
			}
			switch {
			case s.kind == KindAttention:
				attentionSites++
				if scaled {
					attention = append(attention, toFactor(s.ratio, dir))
					attentionNS += s.weight
				}
			case s.scaled(-dir):
				// The other way: the heads' doing, if anything's.
			case s.weight >= float64(minTimeCompare)/3 || s.blocks != 0:
				others++
				if scaled {
					othersScaled++
					othersNS += s.weight
					switch {
					case s.kind == KindGemm || s.blocks == 0:
					case s.blocks == 1:
						sameGrids++
					default:
						grids++
					}
				}
			}
			if scaled {
				sites = append(sites, s.site.Index)
				seen.add(func() string { return c.scalingLine(s, "grid") })
			}
		}
		// What works token by token tells, if anything does; of the rest, part
		// may be the heads' doing.
		tokens := othersScaled > 0 && 3*othersScaled >= others && 2*perTokenScaled > perToken
		if perToken == 0 {
			tokens = othersScaled > 0 && 2*othersScaled >= others
		}
		// What reads its input from the cache, or from memory that others use, takes
		// another time for the same tokens, as its grid says.
		tokens = tokens && (grids > 0 || sameGrids == 0)
		// One layer of many that differs works on the same shape, and a longer context
		// is attention's doing for the most part.
		alone := len(attention) > 0 && (attentionSites == 1 || 2*len(attention) > attentionSites) && attentionNS >= othersNS
		if !tokens && !alone || !c.anyDiffers(r, sites) {
			continue
		}
		cause := Cause{Code: CauseShape, Sites: sites, Evidence: seen.shown()}
		var heads []Cause
		larger, smaller := c.words("mock", "base"), c.words("E2E", "new run")
		if dir < 0 {
			larger, smaller = smaller, larger
		}
		if tokens {
			f, exact := tokenFactor(all, dir)
			factor := toFactor(f, dir)
			cause.Factor = c.shown(factor)
			// Attention tells a batch from a sequence, unless it runs other
			// heads besides.
			heads = c.headsBesides(r, all, factor)
			what := "more tokens: a larger batch or a longer sequence"
			if len(attention) > 0 && heads == nil {
				switch a := median(attention); {
				case a > math.Pow(f, 1.25):
					what = fmt.Sprintf("a longer sequence: attention takes %.3g times as long, more than in proportion", a)
				case apart(a, f) < scaledBy:
					what = "attention scales like the rest, so that it is the batch that is larger"
				}
			}
			about := "about "
			if exact {
				about = ""
			}
			cause.Message = fmt.Sprintf("the %s works on %s%.3g times the tokens of the %s (%s)", larger, about, f, smaller, what)
			cause.Fix = c.words("give the mock the batch size and sequence length of the E2E's step, or choose the steps of the mock's shape with --e2e-nvtx", "compare runs of equal batch size and sequence length")
		} else {
			// Attention alone.
			f := median(attention)
			cause.Factor = c.shown(toFactor(f, dir))
			what := "only"
			if othersScaled > 0 {
				what = "mostly"
			}
			cause.Message = fmt.Sprintf("%s attention differs, by %.3g: the %s attends to a longer context (KV cache) than the %s", what, f, larger, smaller)
			cause.Fix = c.words("give the mock the context length of the E2E's requests", "compare runs of equal context length")
			if c.o.Regression {
				// A build that makes attention slower looks the same.
				cause.Message += ", or runs a slower attention"
				cause.Fix += "; if theirs is equal, it is attention that became slower or faster"
			}
		}
		r.Causes = append(r.Causes, cause)
		r.Causes = append(r.Causes, heads...)
		return
	}
}

// headsBesides looks for another number of heads besides another number of
// tokens, in what is left when the factor of the tokens is divided out.
func (c *comparer) headsBesides(r *Result, all []scaling, factor float64) []Cause {
	rest := slices.Clone(all)
	for i := range rest {
		s := &rest[i]
		s.ratio /= factor
		switch {
		case s.kind == KindGemm || s.kind == KindAttention:
			s.blocks = 0 // persistent kernels and tiles do not follow the tokens
		case s.blocks != 0:
			s.blocks /= factor
		}
	}
	n := len(r.Causes)
	c.headCause(r, rest)
	heads := slices.Clone(r.Causes[n:])
	r.Causes = r.Causes[:n]
	return heads
}

// tokenFactor returns how many times the tokens the larger side works on. The
// grids of kernels that work token by token say it exactly: the ratio that
// most of them have, if it is a whole number. Else the times say it about.
func tokenFactor(all []scaling, dir int) (f float64, exact bool) {
	votes := map[int]int{}
	var times []float64
	for _, s := range all {
		if s.kind == KindAttention || !s.scaled(dir) {
			continue
		}
		if s.kind != KindGemm && s.blocks > 0 {
			if b := toFactor(s.blocks, dir); b > 1 && math.Abs(b-math.Round(b)) < 0.01*b {
				votes[int(math.Round(b))]++
			}
		}
		times = append(times, toFactor(s.ratio, dir))
	}
	best := 0
	for k, n := range votes {
		if n > votes[best] || n == votes[best] && k < best {
			best = k
		}
	}
	if best > 1 {
		return float64(best), true
	}
	return median(times), false
}
