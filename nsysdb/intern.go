package nsysdb

// An interner gives equal keys equal small numbers, in order of appearance.
// It is a hash table with open addressing: there is a look-up for each launch
// of a report, and the standard map would make up most of the time to read it.
type interner[K comparable] struct {
	keys   []K
	hashes []uint64 // of keys
	slots  []uint32 // number of a key plus 1; 0 is free; a power of two long
}

// id returns the number of the key, whose hash is h, and whether the key is
// new.
func (t *interner[K]) id(key *K, h uint64) (id uint32, isNew bool) {
	if 2*len(t.keys) >= len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	i := h & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		if id := t.slots[i] - 1; t.hashes[id] == h && t.keys[id] == *key {
			return id, false
		}
	}
	t.keys = append(t.keys, *key)
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
