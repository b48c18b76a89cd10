package align

// A durationSums is what launches add up to.
type durationSums struct {
	tally
	n           int
	least, most uint32
}

func (s *durationSums) add(d uint32) {
	s.n++
	s.tally.add(uint64(d))
	s.least, s.most = min(s.least, d), max(s.most, d)
}

// into puts the sums of a sample into it.
func (s *durationSums) into(sample *Sample) {
	sample.N, sample.MinNS, sample.MaxNS = s.n, int64(s.least), int64(s.most)
	s.tally.into(sample)
}

// noDurations is the sums of no launch.
var noDurations = durationSums{least: ^uint32(0)}
