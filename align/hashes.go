package align

import "slices"

// hashes is a set of hashes that is filled and emptied again and again. The zero
// value is ready.
type hashes struct {
	n    int
	few  [16]uint64 // which are looked through faster than a map
	more map[uint64]struct{}
}

func (h *hashes) clear() {
	h.n = 0
	clear(h.more)
}

func (h *hashes) add(hash uint64) {
	few := h.few[:min(h.n, len(h.few))]
	if slices.Contains(few, hash) {
		return
	}
	if h.n < len(h.few) {
		h.few[h.n] = hash
		h.n++
		return
	}
	if h.more == nil {
		h.more = map[uint64]struct{}{}
	}
	h.more[hash] = struct{}{}
	h.n = len(h.few) + len(h.more)
}
