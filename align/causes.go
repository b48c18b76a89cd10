package align

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A scaling is how one matched site's work differs between the sides.
type scaling struct {
	site  *Site
	kind  KernelKind
	ratio float64 // of the medians, mock over E2E
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

// explain finds the causes that explain differences, most of them from which
// sites scale together, and gives the sites of a head mismatch their verdict.
//
// A mistaken number of heads scales the work done per head (the attention
// itself, the projections to and from heads) and leaves the work done per
// token (norms, routing, the choice of top-k). A mistaken batch or sequence
// scales both. So what does not scale is as much evidence as what does.
func (c *comparer) explain(r *Result) {
	c.moduleCause(r)
	c.dtypeCause(r)
	c.overlapCause(r)
	scalings := c.scalings(r)
	switch {
	case c.clockCause(r, scalings):
	case c.headCause(r, scalings):
	default:
		c.shapeCause(r, scalings)
	}
	c.tileCause(r)
	for i := range r.Causes {
		r.Causes[i].Evidence = shorten(r.Causes[i].Evidence)
	}
}

// maxEvidence is the number of lines of evidence that a cause gives.
const maxEvidence = 12

// shorten counts what is beyond that.
func shorten(evidence []string) []string {
	if len(evidence) <= maxEvidence {
		return evidence
	}
	rest := len(evidence) - (maxEvidence - 1)
	return append(evidence[:maxEvidence-1:maxEvidence-1], fmt.Sprintf("and %s more", count(rest, "line")))
}

// scalings returns the sites that tell how work scales: those whose time no
// other cause explains yet.
func (c *comparer) scalings(r *Result) []scaling {
	var out []scaling
	explained := map[int]bool{}
	for _, cause := range r.Causes {
		for _, i := range cause.Sites {
			explained[i] = true
		}
	}
	for i := range r.Sites {
		s := &r.Sites[i]
		if s.Ratio == nil || explained[i] || s.Verdict == Communication {
			continue
		}
		ratio := *s.Ratio
		if c.o.Regression {
			ratio = 1 / ratio
		}
		sc := scaling{site: s, kind: c.kindOf(s), ratio: ratio}
		if m, e := s.MockLaunch, s.E2ELaunch; m != nil && e != nil && m.Block == e.Block && !m.Varies && !e.Varies {
			sc.blocks = blocks3(m.Grid) / blocks3(e.Grid)
		}
		sc.weight = math.Abs(s.Mock.MedianNS - s.E2E.MedianNS)
		out = append(out, sc)
	}
	return out
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
	case KindAttention, KindCache, KindGemm, KindReduce, KindMemory, KindElementwise, KindQuantize, KindOther:
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
	if k < minHeads {
		return false
	}
	var sites []int
	var evidence []string
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
		line := fmt.Sprintf("%s: %s against %s, ratio %.3g", ShortName(s.site.MockName), duration(s.site.Mock.MedianNS), duration(s.site.E2E.MedianNS), s.ratio)
		if s.blocks != 0 && s.blocks != 1 {
			line += fmt.Sprintf(", blocks %v against %v", s.site.MockLaunch.Grid, s.site.E2ELaunch.Grid)
		}
		evidence = append(evidence, line)
	}
	if len(sites) == 0 {
		return false
	}
	if names := unscaledNames(all); len(names) > 0 {
		evidence = append(evidence, "unchanged: "+strings.Join(names, ", "))
	}
	cause := Cause{Code: CauseHeadCount, Factor: float64(k), Sites: sites, Evidence: evidence}
	more, fewer := "mock", "E2E rank"
	if dir < 0 {
		more, fewer = fewer, more
		cause.Factor = 1 / float64(k)
	}
	cause.Message = fmt.Sprintf("the %s runs %d times as many heads as the %s: only the work done per head scales, the work done per token does not", more, k, fewer)
	switch {
	case c.o.Regression:
		cause.Message = strings.NewReplacer("the mock", "the base", "the E2E rank", "the new run").Replace(cause.Message)
	case dir > 0:
		cause.Message += fmt.Sprintf(", as under TP=%d", k)
		cause.Fix = fmt.Sprintf("set the mock's num_heads to num_heads/%d, what one rank runs (128 heads under TP=8 are 16), or compare with --tp %d --scale-tp", k, k)
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
			at.Mock = &m
			s.Verdict, s.Reason = c.judgeRatio(&at, scaled, lo, hi)
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

// shapeCause looks for another batch size or sequence length.
func (c *comparer) shapeCause(r *Result, all []scaling) {
	for _, dir := range []int{+1, -1} {
		var sites []int
		var evidence []string
		var attention []float64 // ratios of time
		others, othersScaled, attentionSites := 0, 0, 0
		for _, s := range all {
			scaled := s.scaled(dir)
			switch {
			case s.kind == KindAttention:
				attentionSites++
				if scaled {
					attention = append(attention, toFactor(s.ratio, dir))
				}
			case s.weight >= float64(minTimeCompare)/3 || s.blocks != 0:
				others++
				if scaled {
					othersScaled++
				}
			}
			if scaled {
				sites = append(sites, s.site.Index)
				evidence = append(evidence, c.scalingLine(s))
			}
		}
		tokens := othersScaled > 0 && othersScaled*3 >= others
		// One layer of many that differs works on the same shape.
		if !tokens && (len(attention) == 0 || attentionSites > 1 && 2*len(attention) <= attentionSites) || !c.anyDiffers(r, sites) {
			continue
		}
		cause := Cause{Code: CauseShape, Sites: sites, Evidence: evidence}
		larger, smaller := c.words("mock", "base"), c.words("E2E", "new run")
		if dir < 0 {
			larger, smaller = smaller, larger
		}
		if tokens {
			f, exact := tokenFactor(all, dir)
			cause.Factor = toFactor(f, dir)
			what := "more tokens: a larger batch or a longer sequence"
			if len(attention) > 0 {
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
			cause.Factor = toFactor(f, dir)
			cause.Message = fmt.Sprintf("only attention differs, by %.3g: the %s attends to a longer context (KV cache) than the %s", f, larger, smaller)
			cause.Fix = c.words("give the mock the context length of the E2E's requests", "compare runs of equal context length")
		}
		r.Causes = append(r.Causes, cause)
		return
	}
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

// toFactor turns mock over E2E into larger over smaller, and back.
func toFactor(f float64, dir int) float64 {
	if dir < 0 {
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

func (c *comparer) scalingLine(s scaling) string {
	line := fmt.Sprintf("%s: %s against %s, ratio %.3g", ShortName(s.site.MockName), duration(s.site.Mock.MedianNS), duration(s.site.E2E.MedianNS), s.ratio)
	if s.blocks != 0 && s.blocks != 1 {
		line += fmt.Sprintf(", grid %v against %v", s.site.MockLaunch.Grid, s.site.E2ELaunch.Grid)
	}
	return line
}

// clockCause looks for one factor that all sites share, of unchanged work.
func (c *comparer) clockCause(r *Result, all []scaling) bool {
	var logs []float64
	var sites []int
	for _, s := range all {
		if s.blocks != 0 && s.blocks != 1 {
			return false
		}
		if s.site.Mock.MedianNS < 5000 {
			continue // launch overhead and timer granularity
		}
		logs = append(logs, math.Log(s.ratio))
		sites = append(sites, s.site.Index)
	}
	const least = 3
	if len(logs) < least {
		return false
	}
	sorted := slices.Clone(logs)
	slices.Sort(sorted)
	mid := quantile(sorted, 0.5)
	noticed := 0.1
	if c.o.Regression {
		noticed = 0.02
	}
	if math.Abs(mid) < noticed {
		return false
	}
	for _, l := range logs {
		if math.Abs(l-mid) > max(0.25*math.Abs(mid), 0.03) {
			return false
		}
	}
	f := math.Exp(mid)
	slow, fast := c.words("mock", "base"), c.words("E2E", "new run")
	if f < 1 {
		slow, fast = fast, slow
	}
	cause := Cause{Code: CauseClock, Factor: f, Sites: sites}
	gpus := fmt.Sprintf("GPUs: %s against %s", orUnknown(r.Mock.GPUs), orUnknown(r.E2E.GPUs))
	cause.Evidence = []string{
		fmt.Sprintf("%s differ by %.3g to %.3g, with equal launch geometry", count(len(sites), "site"), math.Exp(sorted[0]), math.Exp(sorted[len(sorted)-1])),
		gpus,
	}
	if slices.Equal(r.Mock.GPUs, r.E2E.GPUs) {
		cause.Message = fmt.Sprintf("all kernels of the %s take %.3g times as long, whatever they do: it ran at a lower clock (power cap, heat, other load)", slow, apart(f, 1))
		cause.Fix = "record both at the same clocks: nvidia-smi -lgc, an idle GPU, and the same power limit"
	} else {
		cause.Message = fmt.Sprintf("all kernels of the %s take %.3g times as long as those of the %s, and they ran on different GPUs", slow, apart(f, 1), fast)
		cause.Fix = "record both on the same kind of GPU"
	}
	r.Causes = append(r.Causes, cause)
	return true
}

func orUnknown(gpus []string) string {
	if len(gpus) == 0 {
		return "unknown"
	}
	return strings.Join(gpus, ", ")
}

// moduleCause looks for modules that one side does not call: NVTX ranges all
// of whose launches are missing, and without ranges, runs of missing launches.
func (c *comparer) moduleCause(r *Result) {
	whole := map[string]bool{} // by path: all launches inside are missing
	for i := range r.Sites {
		s := &r.Sites[i]
		if s.E2E == nil {
			continue
		}
		for d := range s.NVTX {
			key := strings.Join(s.NVTX[:d+1], "\x00")
			missing := s.Verdict == Missing
			if was, ok := whole[key]; ok {
				whole[key] = was && missing
			} else {
				whole[key] = missing
			}
		}
	}
	for i := 0; i < len(r.Sites); {
		if r.Sites[i].Verdict != Missing {
			i++
			continue
		}
		// The outermost range that is missing as a whole names the module.
		s := &r.Sites[i]
		module := ""
		for d := range s.NVTX {
			if key := strings.Join(s.NVTX[:d+1], "\x00"); whole[key] {
				module = key
				break
			}
		}
		j := i
		for j < len(r.Sites) && r.Sites[j].Verdict == Missing && (module == "" || strings.HasPrefix(strings.Join(r.Sites[j].NVTX, "\x00")+"\x00", module+"\x00")) {
			j++
		}
		c.moduleNotCalled(r, i, j, module)
		i = j
	}
}

// minModule is how many missing launches in a row make a module where no NVTX
// range does.
const minModule = 3

func (c *comparer) moduleNotCalled(r *Result, i, j int, module string) {
	if module == "" && j-i < minModule || c.o.Regression {
		return
	}
	cause := Cause{Code: CauseModuleNotCalled}
	var kinds []string
	for k := i; k < j; k++ {
		s := &r.Sites[k]
		if s.otherDtype() {
			return
		}
		cause.Sites = append(cause.Sites, s.Index)
		cause.Evidence = append(cause.Evidence, fmt.Sprintf("%s: %s a launch in the E2E, none in the mock", ShortName(s.E2EName), duration(s.E2E.MedianNS)))
		if k := string(c.kindOf(s)); k == string(KindIndexer) && !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	n := count(j-i, "launch")
	switch {
	case module != "":
		name := module[strings.LastIndex(module, "\x00")+1:]
		cause.Message = fmt.Sprintf("the mock does not call %s: all %s of that NVTX range are missing", name, n)
		cause.Fix = fmt.Sprintf("call %s in the mock", name)
	case len(kinds) > 0:
		cause.Message = fmt.Sprintf("the mock does not call the indexer: %s in a row are missing, an indexer's scores among them", n)
		cause.Fix = "call the indexer in the mock"
	default:
		cause.Message = fmt.Sprintf("the mock does not call a part of the operation: %s in a row are missing", n)
		cause.Fix = "call what launches them in the mock"
	}
	r.Causes = append(r.Causes, cause)
}

// dtypeCause looks for pairs of kernels that differ by data type.
func (c *comparer) dtypeCause(r *Result) {
	cause := Cause{Code: CauseDtype, Evidence: []string{}}
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
		line := fmt.Sprintf("%s against %s", m.MockName, e.E2EName)
		if !slices.Contains(cause.Evidence, line) {
			cause.Evidence = append(cause.Evidence, line)
		}
	}
	if len(cause.Sites) == 0 {
		return
	}
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
	for i := range r.Sites {
		if s := &r.Sites[i]; s.Verdict == Variant {
			cause.Sites = append(cause.Sites, s.Index)
			cause.Evidence = append(cause.Evidence, fmt.Sprintf("%s against %s, ratio %.3g", s.MockName, s.E2EName, *s.Ratio))
		}
	}
	if len(cause.Sites) == 0 {
		return
	}
	cause.Message = fmt.Sprintf("the library chose other tiles for %s: the same work under another name, judged by its time", count(len(cause.Sites), "site"))
	r.Causes = append(r.Causes, cause)
}

// unscaledNames lists the kernels that do not scale, each once, at most six.
func unscaledNames(all []scaling) []string {
	var names []string
	for _, s := range all {
		if n := ShortName(s.site.MockName); s.unscaled() && !slices.Contains(names, n) && len(names) < 6 {
			names = append(names, n)
		}
	}
	return names
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
