package align

import "github.com/nsysdiff/nsysdiff/internal/intern"

// windows are all windows of one length of a sequence. Equal ones have equal
// numbers, in order of first occurrence.
//
// What repeats has windows numbered one after the other most of the time, so they
// are told by the stretches of such: much fewer, as windows get longer, than there
// are launches.
type windows struct {
	length    int // launches
	distinct  int
	stretches []stretch
}

// A stretch is windows that follow one another in the sequence and by number.
type stretch struct{ first, n uint32 }

// add adds n windows numbered from id on.
func (w *windows) add(id, n uint32) {
	if k := len(w.stretches) - 1; k >= 0 && w.stretches[k].first+w.stretches[k].n == id {
		w.stretches[k].n += n
		return
	}
	w.stretches = append(w.stretches, stretch{id, n})
}

// windowsOfOne returns the windows of one launch, which are told by name.
func windowsOfOne(seq launchSeq) windows {
	w := windows{length: 1, stretches: make([]stretch, 0, seq.len()/2)}
	var numbers []uint32 // by name, plus 1
	for i := range seq.syms {
		if more := int(seq.syms[i].name) + 1 - len(numbers); more > 0 {
			numbers = append(numbers, make([]uint32, more)...)
		}
	}
	for i := range seq.len() {
		number := &numbers[seq.name(i)]
		if *number == 0 {
			w.distinct++
			*number = uint32(w.distinct)
		}
		w.add(*number-1, 1)
	}
	return w
}

// halves names a window of launches by those of half its length.
type halves struct{ first, second uint32 }

func (h halves) Hash() uint64 { return intern.Mix(0, uint64(h.first)<<32|uint64(h.second)) }

// later returns the halves of the window n launches later where those of both
// halves are numbered one after the other.
func (h halves) later(n uint32) halves { return halves{h.first + n, h.second + n} }

// twiceAsLong returns the windows of twice the length, which are numbered by the
// numbers of their halves (Karp, Miller & Rosenberg 1972, "Rapid identification
// of repeated patterns in strings, trees and arrays"): those that are numbered
// one after the other, and have been before, all at once.
func (w windows) twiceAsLong() windows {
	d := windows{length: 2 * w.length, stretches: make([]stretch, 0, len(w.stretches))}
	var table intern.Table[halves]
	// Windows are of one run if they are numbered one after the other and the
	// halves of each are those of the one before, each plus 1.
	var runs []uint32 // by window
	var ends []uint32 // by run: the number after its last
	first, second := cursor{rest: w.stretches}, cursor{rest: w.stretches}
	first.skip(0)
	for second.skip(uint32(w.length)); second.n > 0; {
		n := min(first.n, second.n)
		for h, left := (halves{first.first, second.first}), n; left > 0; {
			id, isNew := table.ID(&h)
			if isNew {
				if id == 0 || table.Keys[id-1].later(1) != h {
					ends = append(ends, 0)
				}
				ends[len(ends)-1] = id + 1
				runs = append(runs, uint32(len(ends)-1))
			}
			k := min(left, ends[runs[id]]-id)
			d.add(id, k)
			h, left = h.later(k), left-k
		}
		first.skip(n)
		second.skip(n)
	}
	d.distinct = len(table.Keys)
	return d
}

// A cursor goes through stretches.
type cursor struct {
	stretch // what is left of one, which is empty only at the end
	rest    []stretch
}

// skip goes on by n windows.
func (c *cursor) skip(n uint32) {
	for n >= c.n && len(c.rest) > 0 {
		n -= c.n
		c.stretch, c.rest = c.rest[0], c.rest[1:]
	}
	n = min(n, c.n)
	c.first, c.n = c.first+n, c.n-n
}
