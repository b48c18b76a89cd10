package align

import (
	"fmt"
	"math"
	"slices"
)

const (
	unlikeTimes     = 1.5 // ratio of the times of two places from which on they are unlike
	maxPlaceSamples = 16  // steps that the time of a place is told from
	minPlaceSamples = 3   // and the fewest
)

// placeSteps returns some of the steps that share the places which most steps have, at
// most maxPlaceSamples, from all over the trace.
func (v *view) placeSteps() []*viewStep {
	counts := map[*places]int{}
	var most *places
	for k := range v.steps {
		p := v.steps[k].places
		if counts[p]++; most == nil || counts[p] > counts[most] {
			most = p
		}
	}
	n := counts[most]
	var steps []*viewStep
	for k, seen := 0, 0; k < len(v.steps); k++ {
		if v.steps[k].places != most {
			continue
		}
		if seen*maxPlaceSamples/n >= len(steps) || n <= maxPlaceSamples {
			steps = append(steps, &v.steps[k])
		}
		seen++
	}
	return steps
}

// placeMedians returns the median duration, in ns, of a column in each place of some
// steps that has it.
func (v *view) placeMedians(steps []*viewStep, column int) []float64 {
	if len(steps) < minPlaceSamples {
		return nil
	}
	var medians []float64
	durations := make([]int64, 0, maxPlaceSamples)
	for _, columns := range steps[0].columns {
		at := columns[column]
		if at < 0 {
			continue
		}
		durations = durations[:0]
		for _, st := range steps {
			durations = append(durations, v.seq.t.Launches.Duration(st.step.at(int(at))))
		}
		medians = append(medians, median(durations))
	}
	return medians
}

// unlike returns how the places of a site differ, given their medians; nil if by no more
// than kernels do that work alike. What runs beside other kernels takes as long as those
// let it.
func (c *comparer) unlike(s *Site, medians []float64) *Places {
	if len(medians) < 2 || c.kindOf(s) == KindCommunication || s.E2EOverlap >= overlapDiffers {
		return nil
	}
	p := &Places{N: len(medians), MinNS: slices.Min(medians), MaxNS: slices.Max(medians)}
	if p.MaxNS < unlikeTimes*p.MinNS || p.MaxNS-p.MinNS < float64(c.o.MinTime) {
		return nil
	}
	rule := c.ruling(s)
	for _, ns := range medians {
		if apart(s.Mock.MedianNS, ns) <= rule.maxRatio || math.Abs(s.Mock.MedianNS-ns) < float64(rule.minTime) {
			p.Within++
		}
	}
	return p
}

// mixed reports whether the mock is within the bound of some places and not of others, so
// that its ratio to the median of all says little of either.
func (s *Site) mixed() bool {
	return s.Places != nil && s.Places.Within > 0 && s.Places.Within < s.Places.N
}

// torn reports whether a mixed site is so in as many places as it is not, or in fewer:
// the median of all is then of neither, or of those that the mock may not be meant for.
func (s *Site) torn() bool { return s.mixed() && 2*s.Places.Within <= s.Places.N }

// String returns a phrase that says it, for people.
func (p *Places) String() string {
	return fmt.Sprintf("within the bound of %d of %s in each step, which take %s to %s", p.Within, count(p.N, "place"), duration(p.MinNS), duration(p.MaxNS))
}

// hintLayers is what to do where layers differ.
const hintLayers = "compare each kind of layer with a mock of its own, chosen with --e2e-nvtx"

// hintUndecided returns what to do about undecided sites.
func hintUndecided(sites []*Site) string {
	if slices.ContainsFunc(sites, func(s *Site) bool { return !s.torn() }) {
		return "record more steps on both sides, on an idle GPU"
	}
	return hintLayers
}

// mixedFinding says of what sites some places are beyond the bound, though most are not.
func (c *comparer) mixedFinding(r *Result, sites []*Site) {
	if len(sites) == 0 {
		return
	}
	var what distinct
	for _, s := range sites {
		what.add(fmt.Sprintf("%s (%s)", c.short(s.name()), s.Places))
	}
	r.Findings = append(r.Findings, Finding{
		Code: CodeOccurrences, Severity: SeverityInfo, Sites: indexes(sites),
		Message: fmt.Sprintf("%s of which the layers differ: %s", count(len(sites), "site"), list(what.texts, 4)),
		Hint:    hintLayers,
	})
}
