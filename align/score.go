package align

// Scores of alignment. Only their proportions matter: an equal name is worth
// an equal family and a half, and a gap must buy what it skips.
const (
	scoreName    = 64 // equal name
	scoreFamily  = 40 // equal family
	scoreNoDtype = 24 // equal family but for the data type
	scoreGeom    = 16 // equal grid and block besides
	scoreModule  = 8  // equal innermost NVTX range besides

	// A gap of n launches costs the less of gapOpen + n·gapExtend and
	// longOpen + n·longExtend (two-piece affine gap cost: Li 2018, "Minimap2",
	// section 2.2.1). Few launches in between are dear, so that a launch is
	// not paired with a namesake of the next operation; many are hardly
	// dearer, so that a module that one side does not call is bridged.
	gapOpen    = 24
	gapExtend  = 16
	longOpen   = 140
	longExtend = 1
)

// gapCost returns what a gap of n launches costs.
func gapCost(n int) int { return min(gapOpen+n*gapExtend, longOpen+n*longExtend) }

// An element is one launch as alignment sees it.
type element struct {
	symbol
	module int32 // number of the innermost NVTX range's name, 0 for none
}

// score returns the score of pairing two launches, 0 where they cannot be
// paired.
func score(a, b element) int32 {
	var s int32
	switch {
	case a.name == b.name:
		s = scoreName
	case a.family == b.family:
		s = scoreFamily
	case a.noDtype == b.noDtype:
		s = scoreNoDtype
	default:
		return 0
	}
	if a.geom == b.geom {
		s += scoreGeom
	}
	if a.module == b.module && a.module != 0 {
		s += scoreModule
	}
	return s
}
