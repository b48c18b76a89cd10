package align

import (
	"cmp"
	"slices"
)

// maxValues is the number of durations that Sample.Values keeps: enough to
// see modes and tails of a distribution.
const maxValues = 128

// maxTimed is the number of launches that a Timeline keeps.
const maxTimed = 20000

// evenly returns at most maxValues of sorted durations, evenly spread by rank,
// the least and the greatest among them.
func evenly[T duration32or64](sorted []T) []int64 {
	out := make([]int64, min(len(sorted), maxValues))
	for i := range out {
		at := i
		if len(sorted) > maxValues {
			at = i * (len(sorted) - 1) / (maxValues - 1)
		}
		out[i] = int64(sorted[at])
	}
	return out
}

// An origin says where a site came from.
type origin struct {
	column    int
	mock, e2e bool // which sides have it
}

// timelines fills in a typical step of each side. origins are those of the
// sites, before any was split in two for its data types.
func timelines(r *Result, sites []Site, origins []origin, mv, ev *view) {
	n := 0
	for _, p := range origins {
		n = max(n, p.column+1)
	}
	mock, e2e := make([]int, n), make([]int, n) // site of a column, or -1
	for i := range mock {
		mock[i], e2e[i] = -1, -1
	}
	i := 0
	for _, p := range origins {
		if p.mock {
			mock[p.column] = sites[i].Index
		}
		if p.mock && p.e2e && sites[i].E2E == nil {
			i++ // the pair became an extra site and a missing one
		}
		if p.e2e {
			e2e[p.column] = sites[i].Index
		}
		i++
	}
	r.Mock.Timeline = mv.timeline(mock)
	r.E2E.Timeline = ev.timeline(e2e)
}

// timeline returns the view's typical step: of the steps that launch as many
// kernels and hold as many occurrences as most do, the one whose duration is
// the median. siteOf is the site of each column, or -1.
func (v *view) timeline(siteOf []int) *Timeline {
	type shape struct{ launches, occurrences int }
	shapes := map[shape]int{}
	var common shape
	for k := range v.steps {
		s := shape{v.steps[k].step.n, len(v.steps[k].columns)}
		shapes[s]++
		if shapes[s] > shapes[common] || shapes[s] == shapes[common] && s.launches > common.launches {
			common = s
		}
	}
	type timed struct {
		step       int
		start, end int64
	}
	var steps []timed
	l := &v.seq.t.Launches
	for k := range v.steps {
		st := v.steps[k].step
		if (shape{st.n, len(v.steps[k].columns)}) != common || st.n == 0 {
			continue
		}
		t := timed{k, l.Start[st.at(0)], l.End(st.at(0))}
		for i := range st.n {
			t.start, t.end = min(t.start, l.Start[st.at(i)]), max(t.end, l.End(st.at(i)))
		}
		steps = append(steps, t)
	}
	if len(steps) == 0 {
		return nil
	}
	slices.SortStableFunc(steps, func(a, b timed) int { return cmp.Compare(a.end-a.start, b.end-b.start) })
	typical := steps[(len(steps)-1)/2]
	return v.timed(&v.steps[typical.step], typical.start, typical.end, siteOf)
}

func (v *view) timed(vs *viewStep, start, end int64, siteOf []int) *Timeline {
	st := vs.step
	l := &v.seq.t.Launches
	t := &Timeline{StartNS: start, SpanNS: end - start, Occurrences: len(vs.columns)}
	t.PID, t.Device = v.seq.t.Tracks[st.track].PID, v.seq.t.Tracks[st.track].Device
	site, occurrence := make([]int, st.n), make([]int, st.n)
	for i := range site {
		site[i], occurrence[i] = -1, -1
	}
	for k, o := range vs.occurrences {
		for i := o.start; i < o.end; i++ {
			occurrence[i] = k
		}
	}
	for _, columns := range vs.columns {
		for c, at := range columns {
			if at >= 0 && c < len(siteOf) {
				site[at] = siteOf[c]
			}
		}
	}
	for i := range st.n {
		at := st.at(i)
		x := TimedLaunch{Site: site[i], Occurrence: occurrence[i], StartNS: l.Start[at] - start, DurationNS: l.Duration(at)}
		if x.Site < 0 {
			x.Name = v.seq.t.Name(at)
		}
		t.Launches = append(t.Launches, x)
	}
	if st.n > maxTimed {
		t.Launches = slices.DeleteFunc(t.Launches, func(x TimedLaunch) bool { return x.Occurrence < 0 })
		t.Launches = t.Launches[:min(len(t.Launches), maxTimed)]
		t.LeftOut = st.n - len(t.Launches)
	}
	slices.SortStableFunc(t.Launches, func(a, b TimedLaunch) int { return cmp.Compare(a.StartNS, b.StartNS) })
	return t
}
