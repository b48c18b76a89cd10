package nsysdb

// A key is what an interner takes.
type key interface {
	comparable
	hash() uint64
}

// An interner gives equal keys equal small numbers, in order of appearance.
// There is a look-up for each launch of a report, which the standard map would
// make the most of the time to read it. Since launches repeat in sequence, the
// key that came after the last one when that was last seen is tried first;
// otherwise it is a hash table with open addressing.
type interner[K key] struct {
	keys   []K
	next   []uint32 // the number that last came after each number
	last   uint32
	hashes []uint64 // of keys
	slots  []uint32 // number of a key plus 1; 0 is free; a power of two long
}

// id returns the number of a key and whether the key is new.
func (t *interner[K]) id(k *K) (id uint32, isNew bool) {
	if len(t.keys) > 0 {
		if id = t.next[t.last]; t.keys[id] == *k {
			t.last = id
			return id, false
		}
	}
	id, isNew = t.find(k)
	t.next[t.last] = id
	t.last = id
	return id, isNew
}

func (t *interner[K]) find(k *K) (id uint32, isNew bool) {
	if 2*len(t.keys) >= len(t.slots) {
		t.grow()
	}
	h := (*k).hash()
	mask := uint64(len(t.slots) - 1)
	i := h & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		if id := t.slots[i] - 1; t.hashes[id] == h && t.keys[id] == *k {
			return id, false
		}
	}
	t.keys = append(t.keys, *k)
	t.next = append(t.next, uint32(len(t.keys)-1))
	t.hashes = append(t.hashes, h)
	t.slots[i] = uint32(len(t.keys))
	return uint32(len(t.keys) - 1), true
}

func (t *interner[K]) grow() {
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

// mix adds x to the hash h, which begins as 0. The multiplier is that of
// Fibonacci hashing, 2^64 divided by the golden ratio (Knuth, The Art of
// Computer Programming, volume 3, section 6.4); the shift brings the good high
// bits down to where the table looks.
func mix(h, x uint64) uint64 {
	h = (h ^ x) * 0x9E3779B97F4A7C15
	return h ^ h>>29
}
