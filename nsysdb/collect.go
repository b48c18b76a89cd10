package nsysdb

import (
	"sync"

	"github.com/nsysdiff/nsysdiff/trace"
)

// slotRows is the number of launches in a slot of a collector.
const slotRows = 4096

// A collector gathers the launches of several tracks, which come mixed, so
// that those of a track end up together in the order they came in, without
// ever taking more room than they need in the end.
//
// It fills slots of equal size, each with launches of one track. As the launches
// of a track fill one slot after the other, in the end only slots have to
// change places, and to move together over what the last of each track left
// free. With one track, as most reports have, nothing moves.
type collector struct {
	// grow is held for reading while launches are written, for writing while
	// the columns grow.
	grow     sync.RWMutex
	launches trace.Launches
	slots    []uint32 // track that each slot belongs to
	tracks   []collected
}

// collected is what there is of one track.
type collected struct {
	n      int
	next   int   // where the next launch goes
	free   int   // how many may follow there
	starts []int // of the parts that it came in, counted from the track's first launch
}

// A part is launches from, …, from+n-1 of a batch, which are of one track and
// in order of issue.
type part struct {
	track   uint32
	from, n int
}

// A span says where launches of a batch go: from, …, from+n-1 to to, …, to+n-1.
type span struct{ from, to, n int }

// reset forgets all launches.
func (c *collector) reset() { c.slots, c.tracks = nil, nil }

// expect makes room for n launches. More may come: it costs a copy.
func (c *collector) expect(n int) {
	slots := n/slotRows + 1
	if slots > 1 {
		slots += slots/64 + 16 // for slots that stay unfilled
	}
	c.launches.Resize(slots * slotRows)
}

// reserve returns the places for the parts of a batch.
func (c *collector) reserve(parts []part) []span {
	spans := make([]span, 0, len(parts)+1)
	for _, p := range parts {
		for int(p.track) >= len(c.tracks) {
			c.tracks = append(c.tracks, collected{})
		}
		t := &c.tracks[p.track]
		t.starts = append(t.starts, t.n)
		t.n += p.n
		for from := p.from; from < p.from+p.n; {
			if t.free == 0 {
				c.newSlot(p.track)
			}
			n := min(p.from+p.n-from, t.free)
			if k := len(spans) - 1; k >= 0 && spans[k].from+spans[k].n == from && spans[k].to+spans[k].n == t.next {
				spans[k].n += n
			} else {
				spans = append(spans, span{from, t.next, n})
			}
			from, t.next, t.free = from+n, t.next+n, t.free-n
		}
	}
	return spans
}

// store writes a batch's launches to the places that were reserved for them.
func (c *collector) store(b *launchBatch, spans []span) {
	l := &c.launches
	c.grow.RLock()
	defer c.grow.RUnlock()
	for _, s := range spans {
		from, to, end := s.from, s.from+s.n, s.to+s.n
		l.SetTimes(s.to, b.start[from:to], b.end[from:to])
		copy(l.Origin[s.to:end], b.correlation[from:to])
		copy(l.Config[s.to:end], b.config[from:to])
	}
}

func (c *collector) newSlot(track uint32) {
	t := &c.tracks[track]
	t.next, t.free = len(c.slots)*slotRows, slotRows
	c.slots = append(c.slots, track)
	c.room(len(c.slots))
}

// room makes room for a number of slots.
func (c *collector) room(slots int) {
	if have := c.launches.Len(); have < slots*slotRows {
		c.grow.Lock()
		c.launches.Resize(max(slots*slotRows, have+have/2))
		c.grow.Unlock()
	}
}

// arrange brings the launches of each track together, the tracks in the order
// given, and returns where each of these begins.
func (c *collector) arrange(order []uint32) (first []int) {
	// Where the slots of each track begin, in slots and then in launches.
	count := make([]int, len(c.tracks))
	for _, t := range c.slots {
		count[t]++
	}
	next := make([]int, len(c.tracks))
	first = make([]int, len(order)+1)
	slot := 0
	for i, t := range order {
		next[t] = slot
		slot += count[t]
		first[i+1] = first[i] + c.tracks[t].n
	}
	from := make([]int, len(c.slots)) // the slot whose contents each gets
	for s, t := range c.slots {
		from[next[t]] = s
		next[t]++
	}

	var moves []trace.Move
	spare := len(c.slots)
	move := func(to, from int) {
		c.room(spare + 1)
		moves = append(moves, trace.Move{To: to * slotRows, From: from * slotRows, N: slotRows})
	}
	for s := range from {
		if from[s] == s {
			continue
		}
		// A cycle: each slot gets the contents of the next, the last those of
		// the first.
		move(spare, s)
		at := s
		for from[at] != s {
			move(at, from[at])
			at, from[at] = from[at], at
		}
		move(at, spare)
		from[at] = at
	}
	slot = 0
	for i, t := range order {
		if at := slot * slotRows; at != first[i] {
			moves = append(moves, trace.Move{To: first[i], From: at, N: c.tracks[t].n})
		}
		slot += count[t]
	}
	if len(moves) > 0 {
		c.launches.Move(moves)
	}
	c.launches.Resize(first[len(order)])
	return first
}
