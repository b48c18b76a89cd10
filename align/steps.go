package align

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A step is one repetition of what a capture repeats.
type step struct {
	track int
	first int       // index of the first launch
	n     int       // number of launches
	index *[]uint32 // the launches, where they are not first, first+1, …; else nil
	label uint32    // the NVTX range that is the step, or None
	// weight is how many steps it stands for in a reduced trace; 0 in others,
	// where it stands for itself.
	weight int32
	// spliced is how many launches of it are of one kept step, if the others are of a
	// later one, with steps between that are not kept; else 0.
	spliced int
}

// at returns the index of the step's launch k.
func (s *step) at(k int) int {
	if s.index != nil {
		return int((*s.index)[k])
	}
	return s.first + k
}

// How steps were told; the values of Side.StepsBy.
const (
	byNVTX   = "nvtx"
	byPeriod = "period"
	byGraph  = "graph"
	byWhole  = "whole"
)

// A segmentation is a way to see a trace as steps.
type segmentation struct {
	by      string
	steps   []step // in order of track and time
	leftOut []string
	ranges  []string // names of the NVTX ranges that are the steps, digits normalised
	period  *period  // that the steps were told by, if so
}

// ways are the ways to see a trace as steps, the most trusted first, but for
// those that have no steps. Each is worked out when it is asked for, and those
// before it: mostly the first will do.
type ways struct {
	cuts []func() segmentation // that were not asked for yet
	made []segmentation
}

// at returns way i; ok is false if there are fewer.
func (w *ways) at(i int) (s segmentation, ok bool) {
	for i >= len(w.made) && len(w.cuts) > 0 {
		s := w.cuts[0]()
		w.cuts = w.cuts[1:]
		if len(s.steps) > 0 {
			w.made = append(w.made, s)
		}
	}
	if i >= len(w.made) {
		return segmentation{}, false
	}
	return w.made[i], true
}

// all returns all ways.
func (w *ways) all() []segmentation {
	for ok := true; ok; {
		_, ok = w.at(len(w.made))
	}
	return w.made
}

// newWays returns the ways that cuts make, without the first steps of each track
// that are to be skipped.
func newWays(skip int, cuts []func() segmentation) *ways {
	w := &ways{}
	for _, cut := range cuts {
		w.cuts = append(w.cuts, func() segmentation {
			s := cut()
			s.skip(skip)
			return s
		})
	}
	return w
}

// made returns a function that returns s.
func made(s segmentation) func() segmentation { return func() segmentation { return s } }

// ways returns the ways to see a trace as steps. There is always at least one if
// the trace has a launch. NVTX ranges that repeat come before all others; after
// them come replays of CUDA graphs and each period that the sequence of launches
// may have, the longest first.
func (s *sequence) ways(ctx context.Context, o Options) *ways {
	if s.t.Reduced != nil {
		return newWays(0, recordedSteps(s.t, o, false))
	}
	if s.tree != nil {
		if seg, ok := nvtxSteps(ctx, s.tree); ok {
			return newWays(o.SkipWarmup, []func() segmentation{made(seg)})
		}
	}
	cuts := repeatedSteps(s.t, s.syms)
	if len(cuts) == 0 {
		cuts = append(cuts, made(wholeSteps(s.t)))
	}
	return newWays(o.SkipWarmup, cuts)
}

// otherWays returns further ways, for where the mock is not found in what ways
// returns: without NVTX ranges, between the steps, and in the trace as a whole.
func (s *sequence) otherWays(o Options, first segmentation) *ways {
	if s.t.Reduced != nil {
		return newWays(0, recordedSteps(s.t, o, true))
	}
	var cuts []func() segmentation
	if first.by == byNVTX {
		cuts = repeatedSteps(s.t, s.syms)
	}
	if first.by != byWhole {
		cuts = append(cuts, func() segmentation { return between(s.t, first) }, func() segmentation { return wholeSteps(s.t) })
	}
	return newWays(o.SkipWarmup, cuts)
}

// repeatedSteps tells steps by what repeats: replays of graphs, and periods.
func repeatedSteps(t *trace.Trace, syms []symbol) []func() segmentation {
	p := newPeriodic(t, syms)
	var cuts []func() segmentation
	for _, by := range p.periods {
		cuts = append(cuts, func() segmentation { return p.steps(by) })
	}
	graph, length, pieces, ok := graphSteps(t)
	if !ok {
		return cuts
	}
	at := 0
	if pieces {
		for at < len(p.periods) && p.periods[at].length > length {
			at++
		}
	}
	return slices.Insert(cuts, at, made(graph))
}

// between makes a step of each run of launches between the steps of another
// segmentation.
func between(t *trace.Trace, s segmentation) segmentation {
	in := make([]bool, t.Launches.Len())
	for i := range s.steps {
		for k := range s.steps[i].n {
			in[s.steps[i].at(k)] = true
		}
	}
	rest := segmentation{by: s.by}
	kept := 0
	for k, tr := range t.Tracks {
		for i := tr.First; i < tr.First+tr.N; {
			j := i + 1
			for j < tr.First+tr.N && in[j] == in[i] {
				j++
			}
			if !in[i] {
				rest.steps = append(rest.steps, step{track: k, first: i, n: j - i, label: none})
				kept += j - i
			}
			i = j
		}
	}
	if n := t.Launches.Len() - kept; n > 0 {
		rest.leftOut = append(rest.leftOut, fmt.Sprintf("%s in the steps that repeat most", count(n, "launch")))
	}
	return rest
}

// wholeSteps makes each track one step.
func wholeSteps(t *trace.Trace) segmentation {
	s := segmentation{by: byWhole}
	for i, tr := range t.Tracks {
		s.steps = append(s.steps, step{track: i, first: tr.First, n: tr.N, label: trace.None})
	}
	return s
}

// skip drops the first n steps of each track.
func (s *segmentation) skip(n int) {
	if n <= 0 {
		return
	}
	seen := map[int]int{}
	dropped := 0
	s.steps = slices.DeleteFunc(s.steps, func(st step) bool {
		seen[st.track]++
		if seen[st.track] <= n {
			dropped++
			return true
		}
		return false
	})
	if dropped > 0 {
		s.leftOut = append(s.leftOut, fmt.Sprintf("%s skipped as warm-up, as asked", count(dropped, "step")))
	}
}

// normalise replaces each run of digits by '#'.
func normalise(name string) string {
	if !strings.ContainsAny(name, "0123456789") {
		return name
	}
	var b strings.Builder
	b.Grow(len(name))
	digits := false
	for i := 0; i < len(name); i++ {
		if c := name[i]; c >= '0' && c <= '9' {
			if !digits {
				b.WriteByte('#')
			}
			digits = true
		} else {
			b.WriteByte(c)
			digits = false
		}
	}
	return b.String()
}

// A commonLabel is what names have in common: each run of digits that differs
// between them replaced by '#'. All names must have the same normalised form.
type commonLabel struct{ parts []string }

func (c *commonLabel) add(name string) {
	if c.parts == nil {
		c.parts = splitDigits(name)
		return
	}
	for i := 0; i < len(c.parts) && name != ""; i++ {
		n := runLength(name)
		if name[:n] != c.parts[i] {
			c.parts[i] = "#"
		}
		name = name[n:]
	}
}

func (c *commonLabel) String() string { return strings.Join(c.parts, "") }

// splitDigits cuts a name into runs of digits and of other bytes.
func splitDigits(name string) []string {
	var parts []string
	for name != "" {
		n := runLength(name)
		parts = append(parts, name[:n])
		name = name[n:]
	}
	return parts
}

// runLength returns how many bytes at the beginning of a name, which is not
// empty, are digits, or are not.
func runLength(name string) int {
	// A reduced trace writes digits that differ as '#' itself.
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' || c == '#' }
	n := 1
	for n < len(name) && isDigit(name[n]) == isDigit(name[0]) {
		n++
	}
	return n
}

// count renders a number and its noun: "1 step", "1,234 steps".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if before, ok := strings.CutSuffix(noun, "ch"); ok {
		return thousands(n) + " " + before + "ches"
	}
	return thousands(n) + " " + noun + "s"
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
