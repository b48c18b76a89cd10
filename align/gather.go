package align

import (
	"context"
	"slices"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
	"github.com/nsysdiff/nsysdiff/trace"
)

// samplesOf summarises the durations of a trace's launches by n groups, given
// by configuration. Samples are empty where the context was cancelled.
func samplesOf(ctx context.Context, t *trace.Trace, groups []uint32, n int) []Sample {
	ns, short := t.Launches.Durations()
	parts := launchParts(0, t.Launches.Len())
	countable := short && len(ns) > minCounted
	count := func() []Sample { return counted(ctx, &byConfig{t.Launches.Config, ns, groups, parts}, n) }
	if countable && n <= maxCounted/len(parts) {
		return count()
	}
	g := &gatherer{t: t, groups: groups, parts: parts, sizes: make([]int, n)}
	g.counts = make([][]int, len(g.parts))
	parallel(ctx, len(g.parts), func(p int) {
		counts := newCounts[int](n)
		for i := g.parts[p].start; i < g.parts[p].end; i++ {
			counts[groups[t.Launches.Config[i]]]++
		}
		g.counts[p] = counts
	})
	samples := make([]Sample, n)
	if ctx.Err() != nil || n == 0 {
		return samples
	}
	g.addUp()
	if countable && slices.Max(g.sizes) > g.limit() {
		return count() // what is gathered at a time holds one group at least
	}
	if short {
		gather[uint32](ctx, g, samples)
	} else {
		gather[int64](ctx, g, samples)
	}
	return samples
}

// A gatherer puts together the durations of groups of launches.
type gatherer struct {
	t      *trace.Trace
	groups []uint32 // by configuration
	parts  []interval
	counts [][]int // launches by part, then by group
	sizes  []int   // launches by group
}

// The durations of all groups together would take much of the memory that the
// launches take: some groups are gathered at a time, in rounds through the
// launches. Durations of 32 bits are gathered where there are few, or so many
// groups that to count them takes more rounds, and counted otherwise.
const (
	minCounted   = 1 << 17 // launches from which on it takes less to count
	minGathered  = 1 << 20 // durations in a round
	gatherRounds = 8       // about

	maxCounted = gatherRounds * maxCounters >> minCountBits // groups times goroutines
)

// limit returns how many durations are gathered in a round, or so.
func (g *gatherer) limit() int { return max(minGathered, g.t.Launches.Len()/gatherRounds) }

// addUp adds up the counts of all parts.
func (g *gatherer) addUp() {
	for _, counts := range g.counts {
		for k, n := range counts {
			g.sizes[k] += n
		}
	}
}

// gather fills in samples, by group.
func gather[T duration32or64](ctx context.Context, g *gatherer, samples []Sample) {
	sizes, limit := g.sizes, g.limit()
	var rounds []interval // of groups
	most := 0             // durations in one of them
	for from := 0; from < len(sizes); {
		to, n := from+1, sizes[from]
		for to < len(sizes) && n+sizes[to] <= limit {
			n += sizes[to]
			to++
		}
		rounds, most = append(rounds, interval{from, to}), max(most, n)
		from = to
	}
	all := hugepages.Make[T](most)
	for _, r := range rounds {
		round(ctx, g, sizes, all, r.start, r.end, samples)
	}
}

// round is a round of gather, for groups from to to-1. It puts their durations
// into all.
func round[T duration32or64](ctx context.Context, g *gatherer, sizes []int, all []T, from, to int, samples []Sample) {
	// Each part of the launches has its own place among a group's.
	next := make([][]int, len(g.parts))
	for p := range next {
		next[p] = newCounts[int](to - from)
	}
	at := 0
	for k := from; k < to; k++ {
		for p := range g.parts {
			next[p][k-from] = at
			at += g.counts[p][k]
		}
	}
	l := &g.t.Launches
	parallel(ctx, len(g.parts), func(p int) {
		next := next[p]
		for i := g.parts[p].start; i < g.parts[p].end; i++ {
			if k := int(g.groups[l.Config[i]]) - from; uint(k) < uint(len(next)) {
				all[next[k]] = T(l.Duration(i))
				next[k]++
			}
		}
	})
	values := make([][]T, 0, to-from)
	for k := from; k < to; k++ {
		values = append(values, all[:sizes[k]:sizes[k]])
		all = all[sizes[k]:]
	}
	parallel(ctx, len(values), func(k int) { samples[from+k] = *newSample(values[k], nil) })
}
