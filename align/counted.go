package align

import (
	"context"
	"math/bits"
	"slices"
)

const (
	countBits   = 10             // of durations, which a pass tells apart
	counters    = 1 << countBits // that a band is divided into
	maxCounters = 1 << 22        // of all goroutines in a pass: 16 MB
)

// Launches counted are looked at several times, each time in parts, by a goroutine
// each, and of each part some at a time.
type countedLaunches interface {
	parts() int
	// each calls fn with the groups of some launches of a part and, in
	// nanoseconds, their durations.
	each(part int, fn func(groups, ns []uint32))
}

// countedAtOnce is how many launches countedLaunches yield at a time.
const countedAtOnce = 1024

// byConfig is launches whose group their configuration says.
type byConfig struct {
	configs, ns []uint32 // by launch
	groups      []uint32 // by configuration
	divided     []interval
}

func (b *byConfig) parts() int { return len(b.divided) }

func (b *byConfig) each(part int, fn func(groups, ns []uint32)) {
	var groups [countedAtOnce]uint32
	for from, end := b.divided[part].start, b.divided[part].end; from < end; from += countedAtOnce {
		to := min(from+countedAtOnce, end)
		for i, c := range b.configs[from:to] {
			groups[i] = b.groups[c]
		}
		fn(groups[:to-from], b.ns[from:to])
	}
}

// counted summarises the durations of launches by n groups. It takes a few passes
// over the launches, whatever the number of groups, and no copy of the durations,
// which would take a fifth of the memory that the launches take.
//
// The values from a group's least to its greatest duration are divided into
// bands of equal length, and the durations in each are counted; then those
// bands that a needed rank lies in are divided, and so on, until they are of
// one value.
func counted(ctx context.Context, launches countedLaunches, n int) []Sample {
	c := &counting{launches: launches}
	samples := make([]Sample, n)
	c.summarise(ctx, samples)
	if ctx.Err() != nil {
		return samples
	}

	c.ranks, c.values = make([][]int, n), make([][]uint32, n)
	lowest := make([]int, n) // see medianRank
	var open []band
	for g := range samples {
		if s := &samples[g]; s.N > 0 {
			c.ranks[g], lowest[g] = sampleRanks(s.N)
			c.values[g] = make([]uint32, len(c.ranks[g]))
			open = append(open, band{group: uint32(g), base: uint32(s.MinNS), width: uint32(s.MaxNS-s.MinNS) + 1, to: len(c.ranks[g])})
		}
	}
	c.counts = make([][]uint32, launches.parts())
	for len(open) > 0 {
		var next []band
		for some := range slices.Chunk(open, max(1, maxCounters/counters/launches.parts())) {
			c.count(ctx, some, n)
			found := make([][]band, len(some))
			parallel(ctx, len(some), func(k int) { found[k] = c.narrow(&some[k], k) })
			if ctx.Err() != nil {
				return make([]Sample, n)
			}
			next = append(next, slices.Concat(found...)...)
		}
		open = next
	}
	for g := range samples {
		if samples[g].N > 0 {
			samples[g].setRanks(c.ranks[g], lowest[g], func(k int) float64 { return float64(c.values[g][k]) })
		}
	}
	return samples
}

// A counting is what counted works with.
type counting struct {
	launches countedLaunches
	counts   [][]uint32 // by part: the counters of each band
	ranks    [][]int    // by group
	values   [][]uint32 // by group and rank
}

// A band is some values of a group that some ranks lie in.
type band struct {
	group       uint32
	base, width uint32 // the values from base to base+width-1
	below       int    // how many durations are less
	from, to    int    // the ranks, as they are numbered in counting.ranks
}

// shift returns by how many bits values are shifted to tell apart no more than
// there are counters for.
func (b *band) shift() int { return max(0, bits.Len32(b.width-1)-countBits) }

// summarise fills in what samples have but for ranks.
func (c *counting) summarise(ctx context.Context, samples []Sample) {
	type sums struct {
		tally
		n           int
		least, most uint32
	}
	found := make([][]sums, c.launches.parts())
	parallel(ctx, len(found), func(p int) {
		own := make([]sums, len(samples))
		for g := range own {
			own[g].least = ^uint32(0)
		}
		c.launches.each(p, func(groups, ns []uint32) {
			for i, d := range ns {
				s := &own[groups[i]]
				s.n++
				s.add(uint64(d))
				s.least, s.most = min(s.least, d), max(s.most, d)
			}
		})
		found[p] = own
	})
	if ctx.Err() != nil {
		return
	}
	for g := range samples {
		all := sums{least: ^uint32(0)}
		for p := range found {
			x := &found[p][g]
			all.n += x.n
			all.merge(&x.tally)
			all.least, all.most = min(all.least, x.least), max(all.most, x.most)
		}
		if s := &samples[g]; all.n > 0 {
			s.N, s.MinNS, s.MaxNS = all.n, int64(all.least), int64(all.most)
			all.into(s)
		}
	}
}

// count counts the durations in bands, which are in order of the n groups.
func (c *counting) count(ctx context.Context, bands []band, n int) {
	// What a launch needs of a band.
	type place struct{ base, width, shift uint32 }
	places, first := make([]place, len(bands)), make([]uint32, n+1)
	for k := range bands {
		b := &bands[k]
		places[k] = place{b.base, b.width, uint32(b.shift())}
		first[b.group+1]++
	}
	for g := range n {
		first[g+1] += first[g]
	}
	parallel(ctx, len(c.counts), func(p int) {
		if len(c.counts[p]) < len(bands)*counters {
			c.counts[p] = make([]uint32, len(bands)*counters)
		} else {
			clear(c.counts[p][:len(bands)*counters])
		}
		counts := c.counts[p]
		c.launches.each(p, func(groups, ns []uint32) {
			for i, d := range ns {
				g := groups[i]
				for k := first[g]; k < first[g+1]; k++ {
					b := &places[k]
					// Below base x is more than the group's durations span.
					if x := d - b.base; x < b.width {
						counts[k<<countBits+x>>(b.shift&31)]++
						break
					}
				}
			}
		})
	})
}

// narrow returns the parts of a band, number k of those counted, that its ranks
// lie in, but for those of one value, which it keeps.
func (c *counting) narrow(b *band, k int) (parts []band) {
	var counts [counters]int
	for p := range c.counts {
		for i, n := range c.counts[p][k<<countBits : (k+1)<<countBits] {
			counts[i] += int(n)
		}
	}
	ranks, values, shift := c.ranks[b.group], c.values[b.group], b.shift()
	below, at := b.below, 0
	for r := b.from; r < b.to; {
		for below+counts[at] <= ranks[r] {
			below += counts[at]
			at++
		}
		end := r
		for end < b.to && ranks[end] < below+counts[at] {
			end++
		}
		part := band{group: b.group, base: b.base + uint32(at)<<shift, width: 1 << shift, below: below, from: r, to: end}
		if part.width > 1 {
			parts = append(parts, part)
		} else {
			for ; r < end; r++ {
				values[r] = part.base
			}
		}
		r = end
	}
	return parts
}
