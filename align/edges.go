package align

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/trace"
)

// widen gives the launches of a step that are in no occurrence to the one they
// stand beside, for a trace that holds the operation and nothing else. Between
// two occurrences a launch belongs to the one that it shares the innermost
// NVTX range with.
func (s *sequence) widen(mock, seq []element, st *step, occ []*occurrence) []*occurrence {
	if len(occ) == 0 {
		return occ
	}
	module := func(at int) uint32 { return s.t.ModuleRange(st.at(at)) }
	wide := make([]*occurrence, len(occ))
	start := 0
	for i, o := range occ {
		end := len(seq)
		if i+1 < len(occ) {
			next := occ[i+1]
			end = o.end
			for end < next.start && s.sharedDepth(module(end), module(o.end-1)) >= s.sharedDepth(module(end), module(next.start)) {
				end++
			}
		}
		var pairs []pair
		for m, at := range o.at {
			if at >= 0 {
				pairs = append(pairs, newPair(m, int(at)-start))
			}
		}
		wide[i] = newOccurrence(mock, seq, pairs, interval{start, end})
		start = end
	}
	return wide
}

// oneEach reports whether each range that the scope let through holds one
// occurrence at most: only then is it the operation's, and what it holds besides
// belongs to the operation. A scope of whole steps, or of several layers, holds
// other operations too.
//
// The ranges of the scope are those at the depth to which the paths of all
// launches are the same but for digits.
func (s *sequence) oneEach(st *step, occ []*occurrence) bool {
	if s.tree == nil {
		return false
	}
	chain := func(at int) []uint32 { // outermost first
		c := slices.Collect(s.t.Enclosing(s.t.ModuleRange(st.at(at))))
		slices.Reverse(c)
		return c
	}
	common := chain(0)
	last := s.t.ModuleRange(st.at(0))
	for at := 1; at < st.n && len(common) > 0; at++ {
		if r := s.t.ModuleRange(st.at(at)); r != last {
			last = r
			c := chain(at)
			n := 0
			for n < min(len(c), len(common)) && s.module(c[n]) == s.module(common[n]) {
				n++
			}
			common = common[:n]
		}
	}
	if len(common) == 0 {
		return false
	}
	seen := map[uint32]bool{}
	for _, o := range occ {
		r := chain(o.start)[len(common)-1]
		if seen[r] {
			return false
		}
		seen[r] = true
	}
	return true
}

// sharedDepth returns how many ranges enclose both a and b.
func (s *sequence) sharedDepth(a, b uint32) int {
	depth := 0
	for range s.t.Enclosing(a) {
		depth++
	}
	for x := range s.t.Enclosing(a) {
		for y := range s.t.Enclosing(b) {
			if x == y {
				return depth
			}
		}
		depth--
	}
	return 0
}

// edges reports launches that lie in the same NVTX range as a whole occurrence
// and yet outside of it: a mock that lacks the first or the last kernel of the
// operation aligns perfectly and shows no sign of it but this.
func (c *comparer) edges(r *Result, f *fit, v *view) {
	if c.e2e.tree == nil || c.e2e.scoped || len(f.placing.classes) == 0 {
		return
	}
	st := f.placing.classes[0].rep
	var outside []string
	var around string
	for _, o := range f.placing.classes[0].occurrences {
		common := c.e2e.commonRange(st, o)
		if common == trace.None || common == st.label {
			return
		}
		// What is launched from a module of its own, such as a layer's MLP
		// beside the attention that the mock runs, is another operation.
		modules := map[uint32]bool{common: true}
		for at := o.start; at < o.end; at++ {
			modules[c.e2e.t.ModuleRange(st.at(at))] = true
		}
		within := func(at int) bool {
			return at >= 0 && at < st.n && modules[c.e2e.t.ModuleRange(st.at(at))]
		}
		var names []string
		first, last := o.start, o.end
		for within(first - 1) {
			first--
		}
		for within(last) {
			last++
		}
		for at := first; at < last; at++ {
			if at < o.start || at >= o.end {
				names = append(names, c.short(c.e2e.t.Name(st.at(at))))
			}
		}
		// An operation that is the smaller part of its range is no sign:
		// the range is another one's, a layer's, say.
		if len(names) == 0 || len(names)*2 > o.end-o.start || outside != nil && !slices.Equal(outside, names) {
			return
		}
		outside = names
		around = normalise(c.e2e.t.Strings[c.e2e.t.Ranges[common].Name])
	}
	r.Findings = append(r.Findings, Finding{
		Code:     CodeEdge,
		Severity: SeverityWarning,
		Message: fmt.Sprintf("%s of NVTX range %q in the E2E at its edge, outside what the mock runs: %s",
			count(len(outside), "launch"), around, list(outside, 6)),
		Hint: fmt.Sprintf("if the mock is meant to run all of it, compare with --e2e-nvtx '%s', where they count as missing",
			strings.ReplaceAll(around, "#", "*")),
	})
}

// commonRange returns the innermost range around all launches of an
// occurrence, or None.
func (s *sequence) commonRange(st *step, o *occurrence) uint32 {
	common := s.t.ModuleRange(st.at(o.start))
	last := common
	for at := o.start + 1; at < o.end && common != trace.None; at++ {
		r := s.t.ModuleRange(st.at(at))
		if r == last {
			continue
		}
		last = r
		around := slices.Collect(s.t.Enclosing(r))
		for common != trace.None && !slices.Contains(around, common) {
			common = s.t.Ranges[common].Parent
		}
	}
	return common
}

// graphs reports that one side replays CUDA graphs and the other launches its
// kernels one by one.
func (c *comparer) graphs(r *Result, f *fit) {
	mock, e2e := f.mockKind.classes[0].replayed, f.placing.kind.classes[0].replayed
	if mock == e2e {
		return
	}
	eager, graph := c.words("the mock", "the base"), c.words("the E2E", "the new run")
	if mock {
		eager, graph = graph, eager
	}
	r.Findings = append(r.Findings, Finding{
		Code: CodeGraph, Severity: SeverityInfo,
		Message: fmt.Sprintf("%s launches its kernels one by one, %s replays a CUDA graph: kernel times compare, the gaps between kernels do not", eager, graph),
	})
	if t := r.Regression; t != nil {
		r.Causes = append(r.Causes, Cause{
			Code:     CauseGraph,
			Message:  fmt.Sprintf("%s replays a CUDA graph where %s launches kernels one by one: gaps change, kernels need not", graph, eager),
			Evidence: []string{fmt.Sprintf("gaps in a step: %s against %s", duration(t.BaseGapNS), duration(t.NewGapNS))},
			Sites:    []int{},
		})
	}
}
