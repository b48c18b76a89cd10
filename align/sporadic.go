package align

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// sporadic collects launches that only some steps or occurrences have.
type sporadic struct {
	order []sporadicKey
	parts map[sporadicKey]sporadicPart
}

type sporadicKey struct {
	side side
	name string
}

type sporadicPart struct {
	launches int
	present  float64 // the largest
}

func newSporadic() *sporadic {
	return &sporadic{parts: map[sporadicKey]sporadicPart{}}
}

func (s *sporadic) add(sd side, name string, c *cell) {
	k := sporadicKey{sd, name}
	p, ok := s.parts[k]
	if !ok {
		s.order = append(s.order, k)
	}
	p.launches += c.sample.N
	p.present = max(p.present, c.present)
	s.parts[k] = p
}

// sporadicFindings says it in one finding a side.
func (c *comparer) sporadicFindings(s *sporadic) []Finding {
	var out []Finding
	for _, sd := range []side{sideMock, sideE2E} {
		var what []string
		n := 0
		for _, k := range s.order {
			if k.side != sd {
				continue
			}
			n++
			p := s.parts[k]
			// Never "0 %" of what was seen.
			percent := max(1, int(math.Round(100*p.present)))
			what = append(what, fmt.Sprintf("%s (%s, %d %%)", c.short(k.name), count(p.launches, "launch"), percent))
		}
		if n == 0 {
			continue
		}
		const most = 5
		if n > most {
			what = append(slices.Clone(what[:most]), fmt.Sprintf("%d more", n-most))
		}
		where, of := c.words("occurrences of the E2E", "new run's steps"), c.words("of the occurrences", "of the steps")
		if sd == sideMock {
			where, of = c.words("steps of the mock", "base's steps"), "of the steps"
		}
		out = append(out, Finding{
			Code:     CodeSporadic,
			Severity: SeverityInfo,
			Message:  fmt.Sprintf("in fewer than half of the %s, and not compared: %s", where, strings.Join(what, ", ")),
			Hint:     "the percentage is " + of + " that have it; a launch that comes and goes is often a copy or a check of the framework",
		})
	}
	return out
}
