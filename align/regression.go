package align

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// compareTimes says where the time of a kind of steps went from base to new run, and
// reports steps that take longer. The sites are those of this kind.
func (c *comparer) compareTimes(r *Result, sites []Site, base, next stepTimes, kind string) StepTimes {
	t := StepTimes{
		Kind:       kind,
		BaseSteps:  len(base.span),
		NewSteps:   len(next.span),
		BaseStepNS: middle(base.span), NewStepNS: middle(next.span),
		BaseKernelNS: middle(base.kernel), NewKernelNS: middle(next.kernel),
		BaseGapNS: medianOf(base.gap), NewGapNS: medianOf(next.gap),
	}
	t.Ratio = ratioOf(t.NewStepNS, t.BaseStepNS)
	for i := range sites {
		s := &sites[i]
		switch {
		case s.Mock == nil:
			t.AddedNS += s.E2E.MedianNS
		case s.E2E == nil:
			t.RemovedNS += s.Mock.MedianNS
		default:
			t.ChangedNS += s.E2E.MedianNS - s.Mock.MedianNS
		}
	}
	slower := t.NewStepNS - t.BaseStepNS
	if min(t.BaseSteps, t.NewSteps) < minSpans || slower < float64(c.o.MinTime) || t.Ratio <= c.o.MaxRatio {
		return t
	}
	b, e := orderSteps(blocks(base.span)), orderSteps(blocks(next.span))
	noise := max(b.splitHalf(), e.splitHalf())
	// Gaps are long-tailed: what a few steps show by chance is no news.
	lo, _ := c.boot.ratio(e.ascending(), b.ascending(), new(ratioScratch))
	told := lo > 1 && t.Ratio > noise*noise
	if !told && t.Ratio <= mostSpread {
		return t
	}
	f := Finding{
		Code: CodeStepTime, Severity: SeverityWarning,
		Message: fmt.Sprintf("a step takes %.3g times as long: %s against %s, of which kernels %s against %s and gaps %s against %s",
			t.Ratio, duration(t.NewStepNS), duration(t.BaseStepNS), duration(t.NewKernelNS), duration(t.BaseKernelNS), duration(t.NewGapNS), duration(t.BaseGapNS)),
		Hint: "gaps are the host's doing: launch overhead, synchronisation, CUDA graphs in one run only",
	}
	if kind != "" {
		f.Message = fmt.Sprintf("of kind %q ", kind) + f.Message
	}
	switch {
	case !told:
		f.Message += "; the steps of one run differ as much among themselves"
	case lo > hostNoise:
		f.Severity = SeverityError
	}
	if t.NewGapNS-t.BaseGapNS < slower/2 {
		f.Hint = "its kernels take more time: the sites say which"
	}
	r.Findings = append(r.Findings, f)
	return t
}

// hostNoise is the ratio of two step times up to which the host may be the
// reason, which no two runs share: beyond it the new run is slower.
const hostNoise = 1.2

// minSpans is the number of steps of each run from which on the time of a step
// is judged.
const minSpans = 4

// middle is the median of values that stay in order.
func middle(values []int64) float64 { return medianOf(slices.Clone(values)) }

// stepTimes holds, for each step in order, the summed kernel time and, if asked
// for, the time from the first launch's start to the last one's end, and that
// part of it in which no kernel ran.
type stepTimes struct{ kernel, span, gap []int64 }

func (v *view) stepTimes(ctx context.Context, spans bool) stepTimes {
	n, launches := len(v.steps), 0
	for k := range v.steps {
		launches += v.steps[k].step.n
	}
	t := stepTimes{kernel: make([]int64, n)}
	if spans {
		t.span, t.gap = make([]int64, n), make([]int64, n)
	}
	l := &v.seq.t.Launches
	parts := divide(n, launches)
	parallel(ctx, len(parts), func(p int) {
		var runs []timeSpan
		for k := parts[p].start; k < parts[p].end; k++ {
			st := v.steps[k].step
			var sum int64
			for i := range st.n {
				sum += l.Duration(st.at(i))
			}
			t.kernel[k] = sum
			if spans {
				t.span[k], t.gap[k] = v.timesOf(st, &runs)
			}
		}
	})
	return t
}

// timesOf returns the time from a step's first launch to its end, and that part
// of it in which no kernel ran. It uses runs as scratch space.
func (v *view) timesOf(st *step, runs *[]timeSpan) (span, gap int64) {
	if k := st.spliced; k > 0 {
		// Between the parts lie steps that are not kept.
		a, b := *st, *st
		a.n, a.spliced = k, 0
		b.first, b.n, b.spliced = st.first+k, st.n-k, 0
		span, gap = v.timesOf(&a, runs)
		s, g := v.timesOf(&b, runs)
		return span + s, gap + g
	}
	l := &v.seq.t.Launches
	b := busyTime{end: math.MinInt64}
	for i, from := 0, int64(math.MinInt64); i < st.n; i++ {
		at := st.at(i)
		r := timeSpan{l.Start[at], l.Start[at] + l.Duration(at)} // End is not inlined
		// Of a step of several streams kernels begin in another order.
		if r.start < from {
			return v.timesInOrder(st, runs)
		}
		from = r.start
		b.add(r)
	}
	return b.times()
}

// timesInOrder is timesOf for launches that do not begin one after the other.
func (v *view) timesInOrder(st *step, runs *[]timeSpan) (span, gap int64) {
	l := &v.seq.t.Launches
	*runs = (*runs)[:0]
	for i := range st.n {
		at := st.at(i)
		*runs = append(*runs, timeSpan{l.Start[at], l.End(at)})
	}
	slices.SortFunc(*runs, func(a, b timeSpan) int { return cmp.Compare(a.start, b.start) })
	b := busyTime{end: math.MinInt64}
	for _, r := range *runs {
		b.add(r)
	}
	return b.times()
}

// A timeSpan is when a launch ran.
type timeSpan struct{ start, end int64 }

// A busyTime is when a kernel ran, of launches in the order of their start. Its end
// is math.MinInt64 before the first of them.
type busyTime struct{ start, end, busy int64 }

func (b *busyTime) add(r timeSpan) {
	if b.end == math.MinInt64 {
		b.start, b.end = r.start, r.start
	}
	if r.end > b.end {
		b.busy += r.end - max(r.start, b.end)
		b.end = r.end
	}
}

// times returns the time from the first start to the last end, and that part of it
// in which no kernel ran.
func (b *busyTime) times() (span, gap int64) { return b.end - b.start, b.end - b.start - b.busy }
