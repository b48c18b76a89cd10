package align

import (
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A rangeCopier copies the ranges that a reduced trace needs. A model opens
// the same ranges in each step: one copy stands for all that have equal names
// and equal places in their steps. What lies around the steps, and what was
// open when graphs were captured, is copied range by range.
type rangeCopier struct {
	r       *reducer
	exactly map[uint32]uint32 // of the output, by that of t
	shared  map[placeInStep]uint32
	labels  map[uint32]string // name in the output of a range that is a step
	outer   map[uint32]bool

	// Of the current step:
	copies map[uint32]uint32
	nth    map[nameInStep]int
}

// A placeInStep is which range of a step a range is.
type placeInStep struct {
	parent, name uint32
	nth          int // of those of equal name in the parent
}

type nameInStep struct{ parent, name uint32 }

// newRangeCopier returns a copier of the ranges that w's steps, the most
// trusted ones, are told by.
func newRangeCopier(r *reducer, w *keptWay) *rangeCopier {
	c := &rangeCopier{
		r:       r,
		exactly: map[uint32]uint32{trace.None: trace.None},
		shared:  map[placeInStep]uint32{},
		labels:  map[uint32]string{},
		outer:   map[uint32]bool{},
	}
	if !r.nvtx {
		return c
	}
	type key struct {
		kind int
		form string
	}
	byKind := map[key][]string{}
	keys := make([]key, len(w.steps))
	for i := range w.steps {
		l := w.steps[i].label
		if l == trace.None {
			continue
		}
		name := r.t.Strings[r.t.Ranges[l].Name]
		keys[i] = key{w.kindOf[i], normalise(name)}
		byKind[keys[i]] = append(byKind[keys[i]], name)
		for o := range r.t.Enclosing(r.t.Ranges[l].Parent) {
			if c.outer[o] {
				break
			}
			c.outer[o] = true
		}
	}
	// The number of a step is in its name, and two names differ by that
	// alone. Where a kind has only one step, others tell what counts.
	counters := map[key][]bool{}
	byForm := map[string][]bool{}
	for k, names := range byKind {
		counters[k] = differing(names)
		byForm[k.form] = either(byForm[k.form], counters[k])
	}
	for i := range w.steps {
		l := w.steps[i].label
		if l == trace.None {
			continue
		}
		k := keys[i]
		hidden := counters[k]
		if len(byKind[k]) == 1 {
			hidden = byForm[k.form]
		}
		c.labels[l] = hide(r.t.Strings[r.t.Ranges[l].Name], hidden)
	}
	return c
}

// begin starts a step.
func (c *rangeCopier) begin() {
	c.copies = map[uint32]uint32{trace.None: trace.None}
	c.nth = map[nameInStep]int{}
}

// exact copies a range and those around it.
func (c *rangeCopier) exact(id uint32) uint32 {
	if to, ok := c.exactly[id]; ok {
		return to
	}
	rg := c.r.t.Ranges[id]
	rg.Parent = c.exact(rg.Parent)
	rg.Name = c.r.stringOf(rg.Name)
	to := uint32(len(c.r.out.Ranges))
	c.r.out.Ranges = append(c.r.out.Ranges, rg)
	c.exactly[id] = to
	return to
}

// copy copies a range that launches of the current step were issued in.
func (c *rangeCopier) copy(id uint32) uint32 {
	if to, ok := c.copies[id]; ok {
		return to
	}
	if c.outer[id] {
		return c.exact(id)
	}
	rg := c.r.t.Ranges[id]
	rg.Parent = c.copy(rg.Parent)
	if label, ok := c.labels[id]; ok {
		rg.Name = c.r.str(label)
	} else {
		rg.Name = c.r.stringOf(rg.Name)
	}
	name := nameInStep{rg.Parent, rg.Name}
	place := placeInStep{rg.Parent, rg.Name, c.nth[name]}
	c.nth[name]++
	to, ok := c.shared[place]
	if !ok {
		to = uint32(len(c.r.out.Ranges))
		c.shared[place] = to
		c.r.out.Ranges = append(c.r.out.Ranges, rg)
	}
	c.copies[id] = to
	return to
}

// differing tells which parts of names of one normalised form, cut by
// splitDigits, differ.
func differing(names []string) []bool {
	first := splitDigits(names[0])
	differs := make([]bool, len(first))
	for _, n := range names[1:] {
		for i, part := range splitDigits(n) {
			differs[i] = differs[i] || part != first[i]
		}
	}
	return differs
}

// either returns a or b, by element; a may be nil.
func either(a, b []bool) []bool {
	if a == nil {
		return slices.Clone(b)
	}
	for i := range a {
		a[i] = a[i] || b[i]
	}
	return a
}

// hide replaces parts of a name by "#".
func hide(name string, parts []bool) string {
	cut := splitDigits(name)
	for i := range cut {
		if parts[i] {
			cut[i] = "#"
		}
	}
	return strings.Join(cut, "")
}
