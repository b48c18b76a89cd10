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

// describeTracks says of each track of the E2E what its typical step is, and
// which tracks launch alike.
func (c *comparer) describeTracks(r *Result, f *fit) {
	tracks := r.E2E.Tracks
	steps := f.e2eSeg.steps
	typical := make([]*class, len(tracks)) // that takes the most time
	most := make([]int64, len(tracks))
	look := func(cl *class, fn func(track, n int)) {
		perTrack := map[int]int{}
		var order []int
		for _, i := range cl.steps {
			if perTrack[steps[i].track] == 0 {
				order = append(order, steps[i].track)
			}
			perTrack[steps[i].track]++
		}
		for _, t := range order {
			fn(t, perTrack[t])
		}
	}
	compared := make([]int, len(tracks)) // most steps of one class that are compared
	for _, k := range append([]*kind{f.placing.kind}, f.otherKinds...) {
		for _, cl := range k.classes {
			look(cl, func(t, n int) {
				if ns := cl.ns / int64(len(cl.steps)) * int64(n); typical[t] == nil || ns > most[t] {
					typical[t], most[t] = cl, ns
				}
			})
		}
	}
	for t, cl := range typical {
		if cl != nil {
			tracks[t].LaunchesPerStep = cl.rep.n
		}
	}
	for _, cl := range f.placing.classes {
		look(cl.class, func(t, n int) {
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
	c.groupTracks(r, typical)
}

// groupTracks numbers the groups of tracks whose typical steps launch the same
// kernels, in any order, and says so where there are several.
func (c *comparer) groupTracks(r *Result, typical []*class) {
	tracks := r.E2E.Tracks
	var groups [][]int
	var prints []fingerprint
	for t, cl := range typical {
		if cl == nil {
			continue
		}
		print := c.e2e.fingerprint(cl.rep).withoutGeometry()
		g := slices.IndexFunc(prints, func(p fingerprint) bool { return p.equal(print) })
		if g < 0 {
			g = len(groups)
			groups, prints = append(groups, nil), append(prints, print)
		}
		groups[g] = append(groups[g], t)
	}
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
	r.Findings = append(r.Findings, Finding{
		Code: CodeRankGroups, Severity: Info,
		Message: fmt.Sprintf("%d groups of ranks launch different things: %s", len(groups), strings.Join(what, "; ")),
		Hint:    "pipeline stages, a draft model, or attention and expert ranks; each is compared as far as it runs what is compared",
	})
}
