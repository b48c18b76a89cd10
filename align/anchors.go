package align

import (
	"slices"
	"sync"
)

// Windows of 1, 2, 4, … maxWindow launches are looked at.
const (
	maxWindow  = 1 << (maxLengths - 1)
	maxLengths = 7
)

// anchored returns the periods that windows of any length show, in the order in
// which they are found, of each distance that which covers most.
func anchored(seq excerpt) []period {
	var all [maxLengths][]period
	var wg sync.WaitGroup
	ws := windowsOfOne(seq.launchSeq)
	for k := range all {
		if k > 0 {
			ws = ws.twiceAsLong()
		}
		w := ws
		if 2*w.length > seq.len() {
			break
		}
		// Windows of one length are looked at while those twice as long are numbered.
		wg.Go(func() { all[k] = anchors(seq, w) })
	}
	wg.Wait()
	var found []period
	for _, p := range slices.Concat(all[:]...) {
		at := slices.IndexFunc(found, func(f period) bool { return near(f.length, p.length) })
		if at < 0 {
			found = append(found, p)
		} else if p.cover > found[at].cover+0.02 {
			found[at] = p
		}
	}
	return found
}

// A chain is windows numbered one after the other of which none occurs without
// the others: they recur at the same distances, so that only the first needs to
// be looked at.
type chain struct {
	first uint32 // its number
	n     uint32 // occurrences
	end   uint32 // of its places
}

// chains puts the places of the first window of each chain side by side.
type chains struct {
	chains []chain  // by the number of the first window
	places []uint32 // those of a chain are places[end-n:end]
	gaps   [maxCountedGap]uint32
	seen   []int
}

// newChains returns the chains of windows. Those that occur less than so many times
// have no places.
func newChains(w windows, least uint32) *chains {
	c := &chains{}
	// A chain begins where a stretch does, and ends where one does.
	const begins = 1
	before := make([]uint32, w.distinct+1) // by window: how many chains begin before it
	for _, s := range w.stretches {
		before[s.first], before[s.first+s.n] = begins, begins
	}
	for id, mark := range before {
		before[id] = uint32(len(c.chains))
		if mark == begins && id < w.distinct {
			c.chains = append(c.chains, chain{first: uint32(id)})
		}
	}
	within := func(s stretch) []chain { return c.chains[before[s.first]:before[s.first+s.n]] }
	for _, s := range w.stretches {
		in := within(s)
		for i := range in {
			in[i].n++
		}
	}
	end := uint32(0)
	for i := range c.chains {
		c.chains[i].end = end
		if n := c.chains[i].n; n >= least {
			end += n
		}
	}
	c.places = make([]uint32, end)
	place := uint32(0)
	for _, s := range w.stretches {
		in := within(s)
		for i := range in {
			if in[i].n >= least {
				c.places[in[i].end] = place + in[i].first - s.first
				in[i].end++
			}
		}
		place += s.n
	}
	return c
}

// maxCountedGap is the gap from which on gaps are not counted by length. Only
// few so long are in a sequence.
const maxCountedGap = 1 << 12

// spacing returns the median of the gaps between places, the greater of two, how
// many are near it and how many there are.
func (c *chains) spacing(at []uint32, seq excerpt) (median, regular, n int) {
	first := 0 // gaps in the first repetition, if more of it are left out
	for seq.more > 0 && at[first] < at[0]+uint32(seq.period) {
		first++
	}
	c.seen = c.seen[:0]
	c.add(at[:first+1], 1+seq.more)
	c.add(at[first:], 1)
	slices.Sort(c.seen)
	count := func(gap int) int {
		if gap >= maxCountedGap {
			return 1
		}
		return int(c.gaps[gap])
	}
	n = len(at) - 1 + first*seq.more
	below := 0
	for _, g := range c.seen {
		if below += count(g); below > n/2 {
			median = g
			break
		}
	}
	for _, g := range c.seen {
		if near(g, median) {
			regular += count(g)
		}
	}
	for _, g := range c.seen {
		if g < maxCountedGap {
			c.gaps[g] = 0
		}
	}
	return median, regular, n
}

// add adds the gaps between places so many times. Short ones are of few lengths,
// which are counted.
func (c *chains) add(at []uint32, times int) {
	for k := 1; k < len(at); k++ {
		g := int(at[k] - at[k-1])
		if g >= maxCountedGap {
			c.seen = append(c.seen, slices.Repeat([]int{g}, times)...)
			continue
		}
		if c.gaps[g] == 0 {
			c.seen = append(c.seen, g)
		}
		c.gaps[g] += uint32(times)
	}
}

const (
	minAnchors = 3   // occurrences of an anchor
	minRegular = 0.7 // part of its distances that are near the median
	minCover   = 0.3 // part of the sequence within regular distances
)

// anchors returns the periods that windows of one length show, one for each
// distance: that of the window which covers most, the first such.
func anchors(seq excerpt, w windows) []period {
	least := uint32(minAnchors)
	if seq.more > 0 {
		least = 2 // what is left out has the others
	}
	c := newChains(w, least)
	var found []period
	for _, ch := range c.chains {
		if ch.n < least {
			continue
		}
		at := c.places[ch.end-ch.n : ch.end]
		median, regular, gaps := c.spacing(at, seq)
		p := period{length: median}
		// As many steps as anchors, of which the last ends with the sequence.
		p.cover = min(1, float64((regular+1)*median)/float64(seq.whole()))
		if float64(regular) < minRegular*float64(gaps) || p.cover < minCover {
			continue
		}
		known := slices.IndexFunc(found, func(f period) bool { return near(f.length, p.length) })
		switch {
		case known < 0:
			p.anchor = seq.anchor(int(at[0]), w.length)
			found = append(found, p)
		case p.cover > found[known].cover:
			p.anchor = seq.anchor(int(at[0]), w.length)
			found[known] = p
		}
	}
	return found
}
