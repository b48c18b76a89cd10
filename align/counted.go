package align

import (
	"context"
	"math/bits"
	"slices"
)

const (
	// minCountBits and maxCountBits bound how many bits of durations a pass tells
	// apart: as many as there are, or are counters for.
	minCountBits = 10
	maxCountBits = 13
	maxCounters  = 1 << 21 // of all goroutines in a pass: 8 MB
)

// countedLaunches are looked at several times, each time in parts, by a goroutine
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
// over the launches, and a few more for thousands of groups, and no copy of the durations,
// which would take a fifth of the memory that the launches take.
//
// The durations of a group are counted in bands, at first of like proportion or, of
// many groups, of equal length; then those bands that a needed rank lies in are
// divided into bands of equal length, and so on, until they are of one value.
func counted(ctx context.Context, launches countedLaunches, n int) []Sample {
	samples := make([]Sample, n)
	var logs [][]uint32
	if parts := launches.parts(); n <= maxCounters/logBuckets/max(1, parts) {
		logs = make([][]uint32, parts)
	}
	summarise(ctx, launches, samples, logs)
	countRanks(ctx, launches, samples, logs)
	return samples
}

// countRanks fills in the quantiles of samples that have all but these, given what
// summarise counted. Where the context was cancelled it empties them.
func countRanks(ctx context.Context, launches countedLaunches, samples []Sample, logs [][]uint32) {
	n := len(samples)
	c := &counting{launches: launches, ranks: make([]*sampleRanks, n), values: make([][]uint32, n), counts: make([][]uint32, launches.parts())}
	var open []band
	for g := range samples {
		if s := &samples[g]; s.N > 0 {
			c.ranks[g] = newSampleRanks(s.N)
			c.values[g] = make([]uint32, len(c.ranks[g].ascending))
			all := band{group: uint32(g), base: uint32(s.MinNS), width: uint32(s.MaxNS-s.MinNS) + 1, to: len(c.values[g])}
			if logs == nil {
				open = append(open, all)
			} else {
				open = append(open, c.splitLogs(&all, logs)...)
			}
		}
	}
	for len(open) > 0 {
		var next []band
		c.bits = c.bitsFor(open)
		for some := range slices.Chunk(open, max(1, maxCounters>>c.bits/launches.parts())) {
			c.count(ctx, some, n, logs != nil)
			found := make([][]band, len(some))
			parallel(ctx, len(some), func(k int) { found[k] = c.narrow(&some[k], k) })
			if ctx.Err() != nil {
				clear(samples)
				return
			}
			next = append(next, slices.Concat(found...)...)
		}
		open, logs = next, nil
	}
	for g := range samples {
		if samples[g].N > 0 {
			samples[g].setRanks(c.ranks[g], func(rank int) float64 { return float64(c.values[g][c.ranks[g].index(rank)]) })
		}
	}
}

// A counting is what counted works with.
type counting struct {
	launches countedLaunches
	bits     int            // see minCountBits
	counts   [][]uint32     // by part: the counters of each band
	firsts   []uint32       // by band: the first of its counters
	ranks    []*sampleRanks // by group
	values   [][]uint32     // by group and rank
}

// A band is some values of a group that some ranks lie in.
type band struct {
	group       uint32
	base, width uint32 // the values from base to base+width-1
	below       int    // how many durations are less
	from, to    int    // the ranks, as they are numbered in counting.ranks
}

// last returns the greatest value of a band. The last bands of a group can end
// above 32 bits.
func (b *band) last() uint64 { return uint64(b.base) + uint64(b.width) - 1 }

// bitsFor returns how many bits of durations to tell apart in bands.
func (c *counting) bitsFor(bands []band) int {
	widest := 0
	for k := range bands {
		widest = max(widest, bits.Len32(bands[k].width-1))
	}
	room := bits.Len(uint(maxCounters/len(bands)/c.launches.parts())) - 1
	return min(widest, max(room, minCountBits), maxCountBits)
}

// shift returns by how many bits values of a band are shifted to tell apart no
// more than there are counters for.
func (c *counting) shift(b *band) int { return max(0, bits.Len32(b.width-1)-c.bits) }

// summarise fills in what samples have but for ranks. If logs is not nil it puts into
// it, by part, how many durations are in each logBucket of each group.
func summarise(ctx context.Context, launches countedLaunches, samples []Sample, logs [][]uint32) {
	found := make([][]durationSums, launches.parts())
	parallel(ctx, len(found), func(p int) {
		own := slices.Repeat([]durationSums{noDurations}, len(samples))
		sum := func(groups, ns []uint32) {
			for i, d := range ns {
				own[groups[i]].add(d)
			}
		}
		if logs != nil {
			counts := make([]uint32, len(samples)*logBuckets)
			logs[p] = counts
			sum = func(groups, ns []uint32) {
				for i, d := range ns {
					own[groups[i]].add(d)
					counts[groups[i]*logBuckets+logBucket(d)]++
				}
			}
		}
		launches.each(p, sum)
		found[p] = own
	})
	if ctx.Err() != nil {
		return
	}
	for g := range samples {
		all := noDurations
		for p := range found {
			x := &found[p][g]
			all.n += x.n
			all.merge(&x.tally)
			all.least, all.most = min(all.least, x.least), max(all.most, x.most)
		}
		if all.n > 0 {
			all.into(&samples[g])
		}
	}
}

// count counts the durations in bands, which are in order of the n groups and of
// their values. With logs each is a logBucket.
func (c *counting) count(ctx context.Context, bands []band, n int, logs bool) {
	// What a launch needs of a band.
	type place struct{ base, width, shift, first uint32 }
	places := make([]place, len(bands), len(bands)+1)
	c.firsts = append(c.firsts[:0], 0)
	for k := range bands {
		b := &bands[k]
		shift := uint32(c.shift(b))
		places[k] = place{b.base, b.width, shift, c.firsts[k]}
		c.firsts = append(c.firsts, c.firsts[k]+(b.width-1)>>shift+1)
	}
	none := uint32(len(bands))
	places = append(places, place{shift: 31, first: c.firsts[none]}) // for what is in none
	var of []uint32                                                  // by group, then by logBucket: the place
	var finders []bandFinder
	if logs {
		of = slices.Repeat([]uint32{none}, n*logBuckets)
		for k := range bands {
			of[bands[k].group*logBuckets+logBucket(bands[k].base)] = uint32(k)
		}
	} else {
		finders = findersOf(bands, n)
	}
	parallel(ctx, len(c.counts), func(p int) {
		if size := int(c.firsts[none]) + 2; len(c.counts[p]) < size {
			c.counts[p] = make([]uint32, size)
		} else {
			clear(c.counts[p][:size])
		}
		counts := c.counts[p]
		if logs {
			c.launches.each(p, func(groups, ns []uint32) {
				for i, d := range ns {
					b := &places[of[groups[i]*logBuckets+logBucket(d)]]
					counts[b.first+(d-b.base)>>(b.shift&31)]++
				}
			})
			return
		}
		c.launches.each(p, func(groups, ns []uint32) {
			for i, d := range ns {
				f := &finders[groups[i]]
				for k := f.find(d); k < f.end; k++ {
					b := &places[k]
					// Below base x is more than the group's durations span.
					if x := d - b.base; x < b.width {
						counts[b.first+x>>(b.shift&31)]++
						break
					}
					if d < b.base {
						break
					}
				}
			}
		})
	})
}

// narrow returns the parts of a band, number k of those counted, that its ranks
// lie in, but for those of one value, which it keeps.
func (c *counting) narrow(b *band, k int) []band {
	from, to := c.firsts[k], c.firsts[k+1]
	counts := make([]int, to-from)
	for p := range c.counts {
		for i, n := range c.counts[p][from:to] {
			counts[i] += int(n)
		}
	}
	shift := c.shift(b)
	return c.split(b, counts, func(i int) (base, width uint32) { return b.base + uint32(i)<<shift, 1 << shift })
}

// splitLogs is narrow for all values of a group, as summarise counted them.
func (c *counting) splitLogs(all *band, logs [][]uint32) []band {
	first, last := logBucket(all.base), logBucket(uint32(all.last()))
	counts := make([]int, last-first+1)
	for p := range logs {
		for i, n := range logs[p][all.group*logBuckets+first : all.group*logBuckets+last+1] {
			counts[i] += int(n)
		}
	}
	return c.split(all, counts, func(i int) (base, width uint32) { return logValues(first + uint32(i)) })
}

// split returns the parts of a band that its ranks lie in, but for those of one value,
// which it keeps. Of each part it is given how many durations are in it, and what
// values.
func (c *counting) split(b *band, counts []int, values func(i int) (base, width uint32)) (parts []band) {
	ranks := c.ranks[b.group].ascending
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
		base, width := values(at)
		if width > 1 {
			parts = append(parts, band{group: b.group, base: base, width: width, below: below, from: r, to: end})
		} else {
			for ; r < end; r++ {
				c.values[b.group][r] = base
			}
		}
		r = end
	}
	return parts
}
