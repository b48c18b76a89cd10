package align

import "context"

// A duration of 32 bits has two halves, each with so many values.
const (
	halfBits   = 16
	halfValues = 1 << halfBits
)

// counted summarises the durations of one group of n launches, none of 2^32 ns
// or more, without a copy of them, which for a report of one kernel would take a
// fifth of the memory that its launches take. They are counted by their upper
// halves, and then, where that is the upper half of a value that the sample needs,
// by their lower halves.
func counted(ctx context.Context, g *gatherer, group uint32, n int) *Sample {
	l, ns := &g.t.Launches, g.short
	type part struct {
		tally
		least, most uint32
		counts      []uint32
	}
	parts := make([]part, len(g.parts))
	parallel(ctx, len(parts), func(p int) {
		x := part{least: ^uint32(0), counts: make([]uint32, halfValues)}
		var t tally
		for i := g.parts[p].start; i < g.parts[p].end; i++ {
			if g.groups[l.Config[i]] != group {
				continue
			}
			d := ns[i]
			t.add(uint64(d))
			x.least, x.most = min(x.least, d), max(x.most, d)
			x.counts[d>>halfBits]++
		}
		x.tally = t
		parts[p] = x
	})
	s := &Sample{N: n}
	if ctx.Err() != nil {
		return s
	}
	upper, all := make([]int, halfValues), part{least: ^uint32(0)}
	for p := range parts {
		x := &parts[p]
		all.least, all.most = min(all.least, x.least), max(all.most, x.most)
		all.merge(&x.tally)
		for h, n := range x.counts {
			upper[h] += int(n)
		}
	}
	s.MinNS, s.MaxNS = int64(all.least), int64(all.most)
	all.into(s)

	ranks, lo := sampleRanks(n)
	values := make([]uint32, len(ranks))
	for k, below, h := 0, 0, 0; k < len(ranks); {
		for below+upper[h] <= ranks[k] {
			below += upper[h]
			h++
		}
		parallel(ctx, len(parts), func(p int) {
			counts := parts[p].counts
			clear(counts)
			for i := g.parts[p].start; i < g.parts[p].end; i++ {
				if d := ns[i]; d>>halfBits == uint32(h) && g.groups[l.Config[i]] == group {
					counts[d&(halfValues-1)]++
				}
			}
		})
		if ctx.Err() != nil {
			return s
		}
		last := below + upper[h]
		for low := 0; k < len(ranks) && ranks[k] < last; low++ {
			for p := range parts {
				below += int(parts[p].counts[low])
			}
			for k < len(ranks) && ranks[k] < below {
				values[k] = uint32(h)<<halfBits | uint32(low)
				k++
			}
		}
		below = last
		h++
	}
	s.setRanks(ranks, lo, func(k int) float64 { return float64(values[k]) })
	return s
}
