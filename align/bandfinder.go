package align

// A bandFinder tells which bands of a group a duration can be in. Most durations are
// in none of the several that narrow made of one.
type bandFinder struct {
	base, shift uint32
	first       []uint32 // by the duration above base, shifted: the first band that ends above, or end if that begins above, too
	end         uint32   // the last band, and one
}

// find returns the first band that a duration can be in, or end.
func (f *bandFinder) find(d uint32) uint32 {
	if x := (d - f.base) >> (f.shift & 31); int(x) < len(f.first) {
		return f.first[x]
	}
	return f.end
}

// maxFinders bounds the entries of all bandFinders: they should stay in the cache.
const maxFinders = 1 << 16

// findersOf returns the finders of n groups, whose bands are in order.
func findersOf(bands []band, n int) []bandFinder {
	finders := make([]bandFinder, n)
	most := min(1<<maxCountBits, max(4, maxFinders/len(bands))) // with 4 the shift is below 32
	for from := 0; from < len(bands); {
		f := &finders[bands[from].group]
		to := from + 1
		for to < len(bands) && bands[to].group == bands[from].group {
			to++
		}
		f.base, f.end = bands[from].base, uint32(to)
		span := bands[to-1].last() + 1 - uint64(f.base)
		for (span-1)>>f.shift >= uint64(most) {
			f.shift++
		}
		f.first = make([]uint32, (span-1)>>f.shift+1)
		k := from
		for x := range f.first {
			begin := uint64(f.base) + uint64(x)<<f.shift
			for k < to && bands[k].last() < begin {
				k++
			}
			f.first[x] = uint32(k)
			if k < to && uint64(bands[k].base) >= begin+1<<f.shift {
				f.first[x] = f.end
			}
		}
		from = to
	}
	return finders
}
