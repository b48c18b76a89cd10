package align

import "slices"

// A launchSeq is launches that follow one another on a track, as alignment by
// repetition sees them.
type launchSeq struct {
	configs []uint32
	syms    []symbol // by configuration
}

func (s launchSeq) len() int { return len(s.configs) }

// from returns the sequence without its first n launches.
func (s launchSeq) from(n int) launchSeq { return launchSeq{s.configs[n:], s.syms} }

// name returns the name of launch i.
func (s launchSeq) name(i int) int32 { return s.syms[s.configs[i]].name }

// full returns the name and the geometry of launch i as one number.
func (s launchSeq) full(i int) uint64 {
	y := &s.syms[s.configs[i]]
	return uint64(uint32(y.name))<<32 | uint64(uint32(y.geom))
}

// anchor returns the names of n launches from launch i on.
func (s launchSeq) anchor(i, n int) []int32 {
	names := make([]int32, n)
	for k := range names {
		names[k] = s.name(i + k)
	}
	return names
}

// equal reports whether two intervals hold the same names.
func (s launchSeq) equal(a, b interval) bool {
	x, y := s.configs[a.start:a.end], s.configs[b.start:b.end]
	// Equal configurations are seen many times as fast, and most are.
	return slices.Equal(x, y) || slices.EqualFunc(x, y, func(x, y uint32) bool { return s.syms[x].name == s.syms[y].name })
}
