// Package intern gives equal values equal small numbers.
package intern

// A Key is what a Table takes. Its Hash is made with [Mix].
type Key interface {
	comparable
	Hash() uint64
}

// A Table gives equal keys equal small numbers, in order of appearance. The
// zero value is ready to use.
//
// There is a look-up for each launch or range of a report, which the standard
// map would make the most of the time to read it. Since launches repeat in
// sequence, the key that came after the last one when that was last seen is
// tried first; otherwise it is a hash table with open addressing.
type Table[K Key] struct {
	Keys   []K      // by number
	next   []uint32 // the number that last came after each number
	last   uint32
	hashes []uint64 // of Keys
	slots  []uint32 // number of a key plus 1; 0 is free; a power of two long
}

// ID returns the number of a key and whether the key is new.
func (t *Table[K]) ID(k *K) (id uint32, isNew bool) {
	if len(t.Keys) > 0 {
		if id = t.next[t.last]; t.Keys[id] == *k {
			t.last = id
			return id, false
		}
	}
	id, isNew = t.find(k)
	t.next[t.last] = id
	t.last = id
	return id, isNew
}

func (t *Table[K]) find(k *K) (id uint32, isNew bool) {
	if 2*len(t.Keys) >= len(t.slots) {
		t.grow()
	}
	h := (*k).Hash()
	mask := uint64(len(t.slots) - 1)
	i := h & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		if id := t.slots[i] - 1; t.hashes[id] == h && t.Keys[id] == *k {
			return id, false
		}
	}
	t.Keys = append(t.Keys, *k)
	t.next = append(t.next, uint32(len(t.Keys)-1))
	t.hashes = append(t.hashes, h)
	t.slots[i] = uint32(len(t.Keys))
	return uint32(len(t.Keys) - 1), true
}

func (t *Table[K]) grow() {
	t.slots = make([]uint32, max(256, 2*len(t.slots)))
	mask := uint64(len(t.slots) - 1)
	for id, h := range t.hashes {
		i := h & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = uint32(id) + 1
	}
}

// Mix adds x to the hash h, which begins as 0. The multiplier is that of
// Fibonacci hashing, 2^64 divided by the golden ratio (Knuth, The Art of
// Computer Programming, volume 3, section 6.4); the shift brings the good high
// bits down to where the table looks.
func Mix(h, x uint64) uint64 {
	h = (h ^ x) * 0x9E3779B97F4A7C15
	return h ^ h>>29
}
