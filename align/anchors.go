package align

import (
	"slices"

	"github.com/nsysdiff/nsysdiff/internal/intern"
)

// maxWindow is the length of the longest windows that are looked at.
const maxWindow = 64

// anchored returns the periods that windows of any length show, in the order in
// which they are found, of each distance that which covers most.
//
// To number the windows of one length takes about as long as to look at the
// distances of those half as long, which is done meanwhile.
func anchored(seq launchSeq) []period {
	numbered := make(chan windows)
	// Windows of two lengths are in memory at any time, not of all.
	free := make(chan []stretch, 2)
	for range cap(free) {
		free <- make([]stretch, 0, seq.len()/2)
	}
	go func() {
		defer close(numbered)
		ids := seq.names()
		for length := 1; length <= maxWindow && 2*length <= seq.len(); length *= 2 {
			w := windows{length: length, stretches: <-free}
			ids = w.number(ids)
			numbered <- w
		}
	}()
	var found []period
	var places chains
	for w := range numbered {
		for _, p := range places.anchors(seq, w) {
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

// windows are all windows of one length of a sequence. Equal ones have equal
// numbers, in order of first occurrence.
//
// What repeats has windows numbered one after the other most of the time, so they
// are told by the stretches of such: much fewer, as windows get longer, than there are
// launches.
type windows struct {
	length    int
	n         int // windows in the sequence
	distinct  int
	stretches []stretch
}

// A stretch is windows that follow one another in the sequence and by number, up to
// the next one.
type stretch struct {
	at    int32  // where the first begins
	first uint32 // its number
}

// halves names a window of launches by those of half its length.
type halves struct{ first, second uint32 }

func (h halves) Hash() uint64 { return intern.Mix(0, uint64(h.first)<<32|uint64(h.second)) }

// number numbers the windows by the numbers of their halves (Karp, Miller &
// Rosenberg 1972, "Rapid identification of repeated patterns in strings, trees
// and arrays"), which ids are, or the names where a window is one launch. It
// returns their own numbers in the same memory, and reuses that of the stretches.
func (w *windows) number(ids []uint32) []uint32 {
	w.n, w.stretches = len(ids)-w.length/2, w.stretches[:0]
	// What is ahead is still of half the length.
	first, second := ids[:w.n], ids[w.length/2:][:w.n]
	var table intern.Table[halves]
	next := uint32(0) // the number after the last window's
	for i := 0; i < w.n; {
		id, _ := table.ID(&halves{first[i], second[i]})
		if i == 0 || id != next {
			w.stretches = append(w.stretches, stretch{int32(i), id})
		}
		first[i] = id
		i++
		next = id + 1
		for i < w.n && int(next) < len(table.Keys) && table.Keys[next] == (halves{first[i], second[i]}) {
			first[i] = next
			i++
			next++
		}
	}
	w.distinct = len(table.Keys)
	return first
}

// last returns the number of the last window of stretch k.
func (w *windows) last(k int) uint32 {
	end := w.n
	if k+1 < len(w.stretches) {
		end = int(w.stretches[k+1].at)
	}
	return w.stretches[k].first + uint32(end) - uint32(w.stretches[k].at) - 1
}

// A chain is windows numbered one after the other of which none occurs without
// the others: they recur at the same distances, so that only the first needs to
// be looked at.
type chain struct {
	first uint32 // its number
	n     int32  // occurrences
	end   int32  // of its places
}

// chains puts the places of the first window of each chain side by side. Its
// memory serves one length after the other.
type chains struct {
	chains []chain
	byID   []int32 // the chain that begins with a window, or -1
	places []int32 // those of a chain are places[end-n:end]
	gaps   [maxCountedGap]int32
	seen   []int
}

// sort fills in chains and places. Chains that occur too few times to be anchors
// have no places.
func (c *chains) sort(w windows) {
	c.byID = slices.Grow(c.byID[:0], w.distinct+1)[:w.distinct+1]
	for id := range c.byID {
		c.byID[id] = -1
	}
	// A chain ends where a stretch does, and one begins where a stretch does.
	for k, r := range w.stretches {
		c.byID[r.first], c.byID[w.last(k)+1] = 0, 0
	}
	c.chains = c.chains[:0]
	for id, begins := range c.byID[:w.distinct] {
		if begins == 0 {
			c.byID[id] = int32(len(c.chains))
			c.chains = append(c.chains, chain{first: uint32(id)})
		}
	}
	// within returns the chains of a stretch.
	within := func(k int) []chain {
		in := c.chains[c.byID[w.stretches[k].first]:]
		last, n := w.last(k), 0
		for n < len(in) && in[n].first <= last {
			n++
		}
		return in[:n]
	}
	for k := range w.stretches {
		in := within(k)
		for i := range in {
			in[i].n++
		}
	}
	end := int32(0)
	for i := range c.chains {
		c.chains[i].end = end
		if n := c.chains[i].n; n >= minAnchors {
			end += n
		}
	}
	c.places = slices.Grow(c.places[:0], int(end))[:end]
	for k, r := range w.stretches {
		in := within(k)
		for i := range in {
			if in[i].n >= minAnchors {
				c.places[in[i].end] = r.at + int32(in[i].first-r.first)
				in[i].end++
			}
		}
	}
}

// maxCountedGap is the gap from which on gaps are not counted by length. Only
// few so long are in a sequence.
const maxCountedGap = 1 << 12

// spacing returns the median of the gaps between places, the greater of two, and
// how many are near it. Short gaps are of few lengths, which are counted.
func (c *chains) spacing(at []int32) (median, regular int) {
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
