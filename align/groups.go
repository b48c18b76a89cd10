package align

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// withOtherTracks adds to the kind of steps that a mock was found in those of
// other tracks that hold it as well: pipeline stages launch different things,
// and each may run the mock's operation.
func (c *comparer) withOtherTracks(ctx context.Context, f *fit, kinds []*kind) error {
	if len(c.e2e.t.Tracks) < 2 || f.placing.perStep == 0 {
		return nil
	}
	covered := map[int]bool{}
	add := func(k *kind) {
		for _, cl := range k.classes {
			for _, i := range cl.steps {
				covered[f.e2eSeg.steps[i].track] = true
			}
		}
	}
	add(f.placing.kind)
	all := *f.placing.kind
	for _, k := range kinds {
		if contains(f.placing.kind, k) || slices.ContainsFunc(k.classes, func(cl *class) bool {
			return slices.ContainsFunc(cl.steps, func(i int32) bool { return covered[f.e2eSeg.steps[i].track] })
		}) {
			continue
		}
		p, err := place(ctx, f.mock, c.e2e, k, false)
		if err != nil {
			return err
		}
		if p.perStep == 0 || float64(p.matched) < nearlyBest*float64(f.placing.matched) || float64(p.geom) < nearlyBest*float64(f.placing.geom) {
			continue
		}
		add(k)
		all.classes = append(all.classes[:len(all.classes):len(all.classes)], k.classes...)
		all.steps += k.steps
		all.ns += k.ns
	}
	if all.steps == f.placing.kind.steps {
		return nil
	}
	p, err := place(ctx, f.mock, c.e2e, &all, false)
	if err == nil {
		f.placing = p
	}
	return err
}

// eachTrack calls fn for each track that has steps of a class, in order of the first of
// them, with their number.
func (c *class) eachTrack(steps []step, fn func(track, n int)) {
	perTrack := map[int]int{}
	var order []int
	for _, i := range c.steps {
		if perTrack[steps[i].track] == 0 {
			order = append(order, steps[i].track)
		}
		perTrack[steps[i].track]++
	}
	for _, t := range order {
		fn(t, perTrack[t])
	}
}

// typicalSteps returns, by track, the class of steps that takes the most time of it; nil
// for a track without steps.
func (s *sequence) typicalSteps(steps []step, kinds []*kind) []*class {
	typical, most := make([]*class, len(s.t.Tracks)), make([]int64, len(s.t.Tracks))
	for _, k := range kinds {
		for _, cl := range k.classes {
			cl.eachTrack(steps, func(t, n int) {
				if ns := cl.ns / int64(len(cl.steps)) * int64(n); typical[t] == nil || ns > most[t] {
					typical[t], most[t] = cl, ns
				}
			})
		}
	}
	return typical
}

// describeTracks says of each track of the E2E what its typical step is, and
// which tracks launch alike.
func (c *comparer) describeTracks(r *Result, f *fit) {
	tracks := r.E2E.Tracks
	steps := f.e2eSeg.steps
	typical := c.e2e.typicalSteps(steps, append([]*kind{f.placing.kind}, f.otherKinds...))
	compared := make([]int, len(tracks)) // most steps of one class that are compared
	for t, cl := range typical {
		if cl != nil {
			tracks[t].LaunchesPerStep = cl.rep.n
		}
	}
	for _, cl := range f.placing.classes {
		cl.eachTrack(steps, func(t, n int) {
			tracks[t].Steps += n
			if n > compared[t] {
				compared[t] = n
				tracks[t].LaunchesPerStep = cl.rep.n
				if !c.o.Regression {
					tracks[t].Occurrences = len(cl.occurrences)
				}
			}
		})
	}
	c.groupTracks(r, f, typical)
}

// groupTracks numbers the groups of tracks that launch different things, and says so
// where there are several. In a regression check it is a warning if the base has fewer.
func (c *comparer) groupTracks(r *Result, f *fit, typical []*class) {
	tracks := r.E2E.Tracks
	groups := c.e2e.trackGroups(typical)
	if len(groups) < 2 {
		return
	}
	var what []string
	for g, members := range groups {
		var names []string
		held := false
		for _, t := range members {
			tracks[t].Group = g + 1
			names = append(names, rankName(c.e2e.t, t))
			held = held || tracks[t].Steps > 0
		}
		line := fmt.Sprintf("%s (%s a step", list(names, 4), count(typical[members[0]].rep.n, "launch"))
		if !held {
			line += c.words(", without the mock", ", without the base's steps")
		}
		what = append(what, line+")")
	}
	finding := Finding{
		Code: CodeRankGroups, Severity: SeverityInfo,
		Message: fmt.Sprintf("%d groups of ranks launch different things: %s", len(groups), strings.Join(what, "; ")),
		Hint:    "pipeline stages, a draft model, or attention and expert ranks; each is compared as far as it runs what is compared",
	}
	if c.o.Regression {
		kinds := c.mock.kinds(c.mock.classify(context.Background(), f.mockSeg.steps))
		if n := len(c.mock.trackGroups(c.mock.typicalSteps(f.mockSeg.steps, kinds))); n < len(groups) {
			finding.Severity = SeverityWarning
			finding.Message += fmt.Sprintf("; the base has %d", n)
			finding.Hint = "a rank that lost or gained launches shows in the number of launches a step; compare it by itself"
		}
	}
	r.Findings = append(r.Findings, finding)
}

// compareRanks says that the runs have other numbers of ranks that launch what is
// compared: figures of all together hide one that is not there.
func (c *comparer) compareRanks(r *Result) {
	ranks := func(tracks []Track) (n int) {
		for i := range tracks {
			if tracks[i].Steps > 0 {
				n++
			}
		}
		return n
	}
	base, next := ranks(r.Mock.Tracks), ranks(r.E2E.Tracks)
	if base == next {
		return
	}
	r.Findings = append(r.Findings, Finding{
		Code: CodeRanks, Severity: SeverityWarning,
		Message: fmt.Sprintf("%s of the base and %d of the new run launch what is compared", count(base, "rank"), next),
		Hint:    "give the reports of all ranks of both runs; a rank may be missing in one, or the runs differ in their parallelism",
	})
}

// trackGroups returns the tracks whose typical steps launch the same kernels, in any
// order, as groups in order of their first track.
func (s *sequence) trackGroups(typical []*class) (groups [][]int) {
	var prints []fingerprint
	for t, cl := range typical {
		if cl == nil {
			continue
		}
		print := s.fingerprint(cl.rep).withoutGeometry()
		g := slices.IndexFunc(prints, func(p fingerprint) bool { return p.equal(print) })
		if g < 0 {
			g = len(groups)
			groups, prints = append(groups, nil), append(prints, print)
		}
		groups[g] = append(groups[g], t)
	}
	return groups
}
