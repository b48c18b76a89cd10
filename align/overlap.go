package align

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// overlapSteps is the number of steps that overlap is measured in: streams
// overlap alike in each.
const overlapSteps = 8

// overlaps returns, by column, the part of the launches' time in which another
// kernel of the track's step ran too.
func (v *view) overlaps(ctx context.Context, columns int) []float64 {
	out := make([]float64, columns)
	n := min(len(v.steps), overlapSteps)
	steps := make([]*viewStep, n)
	beside := make([][]int64, n)
	parallel(ctx, n, func(k int) {
		steps[k] = &v.steps[k*len(v.steps)/n]
		beside[k] = sharedTime(&v.seq.t.Launches, steps[k].step)
	})
	if ctx.Err() != nil || !slices.ContainsFunc(beside, func(shared []int64) bool { return shared != nil }) {
		return out
	}
	shared, total := make([]int64, columns), make([]int64, columns)
	for k, vs := range steps {
		for _, cols := range vs.columns {
			for c, at := range cols {
				if at < 0 {
					continue
				}
				if beside[k] != nil {
					shared[c] += beside[k][at]
				}
				total[c] += v.seq.t.Launches.Duration(vs.step.at(int(at)))
			}
		}
	}
	for c := range out {
		if total[c] > 0 {
			out[c] = float64(shared[c]) / float64(total[c])
		}
	}
	return out
}

// sharedTime returns, for each launch of a step, how long another one ran at the
// same time, or nil if none did.
func sharedTime(l *trace.Launches, st *step) []int64 {
	apart, last := true, l.Start[st.at(0)]
	for k := 0; k < st.n && apart; k++ {
		i := st.at(k)
		apart, last = l.Start[i] >= last, l.End(i)
	}
	if apart {
		return nil
	}
	type edge struct {
		at int64
		k  int
	}
	starts, ends := make([]edge, st.n), make([]edge, st.n)
	for k := range st.n {
		i := st.at(k)
		starts[k], ends[k] = edge{l.Start[i], k}, edge{l.End(i), k}
	}
	byTime := func(a, b edge) int { return cmp.Compare(a.at, b.at) }
	slices.SortFunc(starts, byTime)
	slices.SortFunc(ends, byTime)
	// crowded is how long two or more have run together.
	out := make([]int64, st.n)
	running, crowded, now := 0, int64(0), starts[0].at
	for s, e := 0, 0; e < len(ends); {
		next, begins := ends[e], false
		if s < len(starts) && starts[s].at <= next.at {
			next, begins = starts[s], true
		}
		if running > 1 {
			crowded += next.at - now
		}
		now = next.at
		if begins {
			running++
			out[next.k] -= crowded
			s++
		} else {
			running--
			out[next.k] += crowded
			e++
		}
	}
	return out
}

// overlapDiffers is how much more of its time a kernel must share the GPU on
// one side than on the other for that to explain that it takes longer there.
const overlapDiffers = 0.3

// overlapCause looks for sites that take longer where they share the GPU.
func (c *comparer) overlapCause(r *Result) {
	cause := Cause{Code: CauseOverlap}
	var seen evidence
	inE2E := 0
	for i := range r.Sites {
		s := &r.Sites[i]
		if s.Ratio == nil || s.Verdict != Slower && s.Verdict != Faster && (s.Verdict != SiteUndecided || c.o.Regression) {
			continue
		}
		more := s.E2EOverlap - s.MockOverlap
		longer := s.E2E.MedianNS > s.Mock.MedianNS
		if more < overlapDiffers && more > -overlapDiffers || longer != (more > 0) {
			continue
		}
		if longer {
			inE2E++
		}
		cause.Sites = append(cause.Sites, s.Index)
		seen.add(func() string {
			return fmt.Sprintf("%s: beside other kernels for %.0f %% of its time in the %s, %.0f %% in the %s; %s against %s",
				c.short(s.MockName), 100*s.MockOverlap, c.words("mock", "base"), 100*s.E2EOverlap, c.words("E2E", "new run"), duration(s.Mock.MedianNS), duration(s.E2E.MedianNS))
		})
	}
	if len(cause.Sites) == 0 {
		return
	}
	cause.Evidence = seen.shown()
	beside, alone := c.words("E2E", "new run"), c.words("mock", "base")
	if 2*inE2E < len(cause.Sites) {
		beside, alone = alone, beside
	}
	cause.Message = fmt.Sprintf("the %s runs %s beside other kernels, so that they share the GPU and take longer; the %s runs them alone", beside, count(len(cause.Sites), "site"), alone)
	cause.Fix = c.words("run the mock's branches at the same time too (streams of their own, captured in a CUDA graph), or judge the operation by its span instead of kernel by kernel",
		"compare the time of the step: kernels that overlap take longer each, not together")
	r.Causes = append(r.Causes, cause)
}
