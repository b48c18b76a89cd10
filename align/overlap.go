package align

import (
	"cmp"
	"fmt"
	"slices"
)

// overlapSteps is the number of steps that overlap is measured in: streams
// overlap alike in each.
const overlapSteps = 8

// overlaps returns, by column, the part of the launches' time in which another
// kernel of the track's step ran too.
func (v *view) overlaps(columns int) []float64 {
	shared, total := make([]int64, columns), make([]int64, columns)
	n := min(len(v.steps), overlapSteps)
	for k := range n {
		vs := &v.steps[k*len(v.steps)/n]
		beside := v.shared(vs.step)
		for _, cols := range vs.columns {
			for c, at := range cols {
				if at >= 0 {
					shared[c] += beside[at]
					total[c] += v.seq.t.Launches.Duration(vs.step.at(int(at)))
				}
			}
		}
	}
	out := make([]float64, columns)
	for c := range out {
		if total[c] > 0 {
			out[c] = float64(shared[c]) / float64(total[c])
		}
	}
	return out
}

// shared returns, for each launch of a step, how long another one ran at the
// same time.
func (v *view) shared(st *step) []int64 {
	type edge struct {
		at    int64
		delta int
	}
	l := &v.seq.t.Launches
	edges := make([]edge, 0, 2*st.n)
	for k := range st.n {
		i := st.at(k)
		edges = append(edges, edge{l.Start[i], +1}, edge{l.End(i), -1})
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.delta, b.delta)) })
	// crowded[k] is how long two or more had run together by times[k].
	times, crowded := make([]int64, 0, len(edges)), make([]int64, 0, len(edges))
	running, sum := 0, int64(0)
	for k, e := range edges {
		if k > 0 && running > 1 {
			sum += e.at - edges[k-1].at
		}
		running += e.delta
		times, crowded = append(times, e.at), append(crowded, sum)
	}
	by := func(at int64) int64 {
		k, _ := slices.BinarySearch(times, at)
		return crowded[k]
	}
	out := make([]int64, st.n)
	for k := range st.n {
		i := st.at(k)
		out[k] = by(l.End(i)) - by(l.Start[i])
	}
	return out
}

// overlapDiffers is how much more of its time a kernel must share the GPU on
// one side than on the other for that to explain that it takes longer there.
const overlapDiffers = 0.3

// overlapCause looks for sites that take longer where they share the GPU.
func (c *comparer) overlapCause(r *Result) {
	cause := Cause{Code: CauseOverlap}
	inE2E := 0
	for i := range r.Sites {
		s := &r.Sites[i]
		if s.Ratio == nil || s.Verdict != Slower && s.Verdict != Faster && s.Verdict != SiteUndecided {
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
		cause.Evidence = append(cause.Evidence, fmt.Sprintf("%s: beside other kernels for %.0f %% of its time in the %s, %.0f %% in the %s; %s against %s",
			ShortName(s.MockName), 100*s.MockOverlap, c.words("mock", "base"), 100*s.E2EOverlap, c.words("E2E", "new run"), duration(s.Mock.MedianNS), duration(s.E2E.MedianNS)))
	}
	if len(cause.Sites) == 0 {
		return
	}
	beside, alone := c.words("E2E", "new run"), c.words("mock", "base")
	if 2*inE2E < len(cause.Sites) {
		beside, alone = alone, beside
	}
	cause.Message = fmt.Sprintf("the %s runs %s beside other kernels, so that they share the GPU and take longer; the %s runs them alone", beside, count(len(cause.Sites), "site"), alone)
	cause.Fix = c.words("run the mock's branches at the same time too (streams of their own, captured in a CUDA graph), or judge the operation by its span instead of kernel by kernel",
		"compare the time of the step: kernels that overlap take longer each, not together")
	r.Causes = append(r.Causes, cause)
}
