package align

import (
	"slices"

	"github.com/nsysdiff/nsysdiff/internal/hugepages"
	"github.com/nsysdiff/nsysdiff/internal/intern"
)

// maxWindow is the length of the longest windows that are looked at.
const maxWindow = 64

// anchored returns the periods that windows of any length show, in the order in
// which they are found, of each distance that which covers most.
//
// To number the windows of one length takes about as long as to look at the
// distances of those half as long, which is done meanwhile.
func anchored(seq launchSeq, m searchMemory) []period {
	numbered := make(chan windows)
	free := make(chan []uint32, len(m.stretches))
	for _, s := range m.stretches {
		free <- s
	}
	go func() {
		defer close(numbered)
		ids := m.ids[:seq.len()]
		seq.names(ids)
		for length := 1; length <= maxWindow && 2*length <= seq.len(); length *= 2 {
			w := windows{length: length, stretches: <-free}
			ids = w.number(ids)
			numbered <- w
		}
	}()
	var found []period
	c := chains{places: m.places}
	for w := range numbered {
		for _, p := range c.anchors(seq, w) {
			at := slices.IndexFunc(found, func(f period) bool { return near(f.length, p.length) })
			if at < 0 {
				found = append(found, p)
			} else if p.cover > found[at].cover+0.02 {
				found[at] = p
			}
		}
		free <- w.stretches
	}
	return found
}

// searchMemory is what the search for periods puts numbers of launches into. All
// is one piece of memory, which is large enough for huge pages.
type searchMemory struct {
	ids, places, border []uint32
	stretches           [2][]uint32 // of windows of two lengths at any time
}

// newSearchMemory returns memory for a sequence of n launches.
func newSearchMemory(n int) searchMemory {
	all := hugepages.Make[uint32](5*n + 1)
	next := func(n int) []uint32 {
		s := all[:n:n]
		all = all[n:]
		return s
	}
	return searchMemory{ids: next(n), places: next(n), border: next(n + 1), stretches: [2][]uint32{next(n), next(n)}}
}

// windows are all windows of one length of a sequence. Equal ones have equal
// numbers, in order of first occurrence.
//
// What repeats has windows numbered one after the other most of the time, so they
// are told by the stretches of such: much fewer, as windows get longer, than there
// are launches.
type windows struct {
	length    int
	distinct  int
	stretches []uint32 // each a stretch
}

// A stretch is windows that follow one another in the sequence and by number:
// the number of the first times maxStretch, and how many there are after it.
type stretch uint32

// Both the number of a window and how many follow it fit into a stretch.
const maxStretch = 1 << 32 / maxPeriodSample

func (s stretch) first() uint32 { return uint32(s / maxStretch) }
func (s stretch) last() uint32  { return uint32(s/maxStretch + s%maxStretch) }

// halves names a window of launches by those of half its length.
type halves struct{ first, second uint32 }

func (h halves) Hash() uint64 { return intern.Mix(0, uint64(h.first)<<32|uint64(h.second)) }

// number numbers the windows by the numbers of their halves (Karp, Miller &
// Rosenberg 1972, "Rapid identification of repeated patterns in strings, trees
// and arrays"), which ids are, or the names where a window is one launch. It
// returns their own numbers in the same memory, and reuses that of the stretches.
func (w *windows) number(ids []uint32) []uint32 {
	n := len(ids) - w.length/2
	// What is ahead is still of half the length.
	first, second := ids[:n], ids[w.length/2:][:n]
	stretches := w.stretches[:0]
	var table intern.Table[halves]
	next := uint32(0) // the number after that of the window before
	for i := 0; i < n; {
		id, _ := table.ID(&halves{first[i], second[i]})
		k := len(stretches) - 1
		if k >= 0 && id == next && stretches[k]%maxStretch < maxStretch-1 {
			stretches[k]++
		} else {
			stretches = append(stretches, id*maxStretch)
			k++
		}
		first[i] = id
		i++
		// Most windows are numbered one after the other, as they were before.
		end := min(n, i+maxStretch-1-int(stretches[k]%maxStretch))
		start := i
		for _, key := range table.Keys[id+1:] {
			if i == end || key != (halves{first[i], second[i]}) {
				break
			}
			id++
			first[i] = id
			i++
		}
		stretches[k] += uint32(i - start)
		next = id + 1
	}
	w.distinct, w.stretches = len(table.Keys), stretches
	return first
}

// A chain is windows numbered one after the other of which none occurs without
// the others: they recur at the same distances, so that only the first needs to
// be looked at.
type chain struct {
	first uint32 // its number
	n     uint32 // occurrences
	end   uint32 // of its places
}

// chains puts the places of the first window of each chain side by side. Its
// memory serves one length after the other.
type chains struct {
	chains []chain
	byID   []uint32 // the chain that begins with a window
	places []uint32 // those of a chain are places[end-n:end]
	gaps   [maxCountedGap]uint32
	seen   []int
}

// sort fills in chains and places. Chains that occur too few times to be anchors
// have no places.
func (c *chains) sort(w windows) {
	const begins = 1
	c.byID = slices.Grow(c.byID[:0], w.distinct+1)[:w.distinct+1]
	clear(c.byID)
	// A chain begins where a stretch does, and ends where one does.
	for _, s := range w.stretches {
		c.byID[stretch(s).first()], c.byID[stretch(s).last()+1] = begins, begins
	}
	c.chains = c.chains[:0]
	for id, mark := range c.byID[:w.distinct] {
		if mark == begins {
			c.byID[id] = uint32(len(c.chains))
			c.chains = append(c.chains, chain{first: uint32(id)})
		}
	}
	// within returns the chains that a stretch consists of.
	within := func(s stretch) []chain {
		in := c.chains[c.byID[s.first()]:]
		n := 0
		for n < len(in) && in[n].first <= s.last() {
			n++
		}
		return in[:n]
	}
	for _, s := range w.stretches {
		in := within(stretch(s))
		for i := range in {
			in[i].n++
		}
	}
	end := uint32(0)
	for i := range c.chains {
		c.chains[i].end = end
		if n := c.chains[i].n; n >= minAnchors {
			end += n
		}
	}
	at := uint32(0)
	for _, s := range w.stretches {
		s := stretch(s)
		in := within(s)
		for i := range in {
			if in[i].n >= minAnchors {
				c.places[in[i].end] = at + in[i].first - s.first()
				in[i].end++
			}
		}
		at += s.last() - s.first() + 1
	}
}

// maxCountedGap is the gap from which on gaps are not counted by length. Only
// few so long are in a sequence.
const maxCountedGap = 1 << 12

// spacing returns the median of the gaps between places, the greater of two, and
// how many are near it. Short gaps are of few lengths, which are counted.
func (c *chains) spacing(at []uint32) (median, regular int) {
	c.seen = c.seen[:0]
	for k := 1; k < len(at); k++ {
		g := int(at[k] - at[k-1])
		if g >= maxCountedGap {
			c.seen = append(c.seen, g)
			continue
		}
		if c.gaps[g] == 0 {
			c.seen = append(c.seen, g)
		}
		c.gaps[g]++
	}
	slices.Sort(c.seen)
	count := func(gap int) int {
		if gap >= maxCountedGap {
			return 1
		}
		return int(c.gaps[gap])
	}
	below := 0
	for _, g := range c.seen {
		if below += count(g); below > (len(at)-1)/2 {
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
	return median, regular
}

const (
	minAnchors = 3   // occurrences of an anchor
	minRegular = 0.7 // part of its distances that are near the median
	minCover   = 0.3 // part of the sequence within regular distances
)

// anchors returns the periods that windows of one length show, one for each
// distance: that of the window which covers most, the first such.
func (c *chains) anchors(seq launchSeq, w windows) []period {
	c.sort(w)
	var found []period
	for _, ch := range c.chains {
		if ch.n < minAnchors {
			continue
		}
		at := c.places[ch.end-ch.n : ch.end]
		median, regular := c.spacing(at)
		p := period{length: median}
		// As many steps as anchors, of which the last ends with the sequence.
		p.cover = min(1, float64((regular+1)*median)/float64(seq.len()))
		if float64(regular) < minRegular*float64(len(at)-1) || p.cover < minCover {
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
