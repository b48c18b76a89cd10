package align

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"sync"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A sequence is a trace with what alignment needs to know of its launches.
type sequence struct {
	t       *trace.Trace
	syms    []symbol   // by configuration
	tree    *rangeTree // nil to go without NVTX ranges
	modules []int32    // by group of ranges
	scoped  bool       // holds the operation and nothing else: Options.ScopedE2E

	spare sync.Pool // of *[]element, see launchesOf
}

// newSequence returns the sequence of a trace, without its NVTX ranges.
func newSequence(t *trace.Trace, a *alphabet, sd side, o Options) *sequence {
	return &sequence{t: t, syms: a.symbols(t), scoped: sd == sideE2E && o.ScopedE2E && !o.Regression}
}

// sortRanges sorts the NVTX ranges of the trace, unless they are not wanted.
func (s *sequence) sortRanges(o Options) {
	if !o.NoNVTX && len(s.t.Ranges) > 0 {
		s.tree = newRangeTree(s.t)
	}
}

// nameModules numbers the modules of both sides by the names of their ranges.
func nameModules(sequences ...*sequence) {
	var modules numbering[string]
	modules.id("") // 0 stands for none
	for _, s := range sequences {
		if s.tree == nil {
			continue
		}
		s.modules = make([]int32, len(s.tree.groups))
		for g := range s.tree.groups {
			s.modules[g] = modules.id(s.tree.groups[g].name)
		}
	}
}

// module returns the number of the module that a range is.
func (s *sequence) module(r uint32) int32 { return s.modules[s.tree.of[r]] }

// element returns launch i as alignment sees it.
func (s *sequence) element(i int) element {
	e := element{symbol: s.syms[s.t.Launches.Config[i]]}
	if s.modules != nil {
		if r := s.t.ModuleRange(i); r != trace.None {
			e.module = s.module(r)
		}
	}
	return e
}

// elements returns the launches of a step as alignment sees them.
func (s *sequence) elements(st *step) []element {
	return s.appendElements(make([]element, 0, st.n), st)
}

func (s *sequence) appendElements(es []element, st *step) []element {
	for k := range st.n {
		es = append(es, s.element(st.at(k)))
	}
	return es
}

// launchesOf calls fn with the launches of a step, in memory that fn must not keep: one
// step after the other would take the memory of all of them.
func (s *sequence) launchesOf(st *step, fn func(seq []element)) {
	spare, ok := s.spare.Get().(*[]element)
	if !ok {
		spare = new([]element)
	}
	defer s.spare.Put(spare)
	*spare = s.appendElements(slices.Grow((*spare)[:0], st.n), st)
	fn(*spare)
}

// A class is the steps that launch exactly the same: equal names and geometry
// in equal order, all replayed from a CUDA graph or all not. What holds of one
// step's alignment holds of all.
type class struct {
	steps    []int32 // indices into the segmentation's steps, ascending
	rep      *step
	replayed bool
	ns       int64 // summed kernel time of all its steps
}

// A stepFacts is what classes are told by.
type stepFacts struct {
	hash     uint64 // of what it launches, in order
	ns       int64
	replayed bool  // most of it
	like     int32 // an earlier step of the same part that has the same configurations, or -1
	alike    bool  // it launches the same as the first step with its hash
}

// facts fills in the facts of the steps of a part, but for alike.
//
// Most steps have the same configurations as one just before, which is seen
// several times as fast as their hash is made.
func (s *sequence) facts(steps []step, part interval, facts []stepFacts) {
	l := &s.t.Launches
	ns, short := l.Durations()
	var recent recents
	for i := part.start; i < part.end; i++ {
		st := &steps[i]
		if r := recent.like(i, func(r int) bool { return s.equal(&steps[r], st) }); r != i {
			facts[i] = stepFacts{hash: facts[r].hash, replayed: facts[r].replayed, like: int32(r)}
		} else {
			facts[i] = s.hash(st)
		}
		var sum int64
		switch {
		case short && st.index == nil:
			for _, d := range ns[st.first : st.first+st.n] {
				sum += int64(d)
			}
		default:
			for k := range st.n {
				sum += l.Duration(st.at(k))
			}
		}
		facts[i].ns = sum
	}
}

// hash returns the facts of a step that its configurations tell.
func (s *sequence) hash(st *step) stepFacts {
	f := stepFacts{hash: 14695981039346656037, like: -1}
	replayed := 0
	for k := range st.n {
		c := s.t.Launches.Config[st.at(k)]
		y := s.syms[c]
		f.hash = (f.hash ^ uint64(uint32(y.name))<<32 ^ uint64(uint32(y.geom))) * 1099511628211
		f.hash ^= f.hash >> 29
		if s.t.Configs[c].Node != trace.None {
			replayed++
		}
	}
	f.replayed = replayed*2 > st.n
	return f
}

// equal reports whether two steps have the same configurations in the same order,
// as far as that is seen at a glance.
func (s *sequence) equal(a, b *step) bool {
	c := s.t.Launches.Config
	return a.n == b.n && a.index == nil && b.index == nil && slices.Equal(c[a.first:a.first+a.n], c[b.first:b.first+b.n])
}

// classify sorts steps into classes, in order of first appearance.
func (s *sequence) classify(ctx context.Context, steps []step) []*class {
	parts := divide(len(steps), launchesIn(steps))
	facts := make([]stepFacts, len(steps))
	parallel(ctx, len(parts), func(p int) { s.facts(steps, parts[p], facts) })
	// Steps with one hash are alike, but for chance.
	type print struct {
		hash     uint64
		replayed bool
	}
	firsts := map[print]int32{}
	of := make([]int32, len(steps)) // the first step with its hash, then the class
	for i := range facts {
		k := print{facts[i].hash, facts[i].replayed}
		at, ok := firsts[k]
		if !ok {
			at = int32(i)
			firsts[k] = at
		}
		of[i] = at
	}
	parallel(ctx, len(parts), func(p int) {
		for i := parts[p].start; i < parts[p].end; i++ {
			switch f := &facts[i]; {
			case int(of[i]) == i:
			case f.like >= 0:
				f.alike = f.like == of[i] || facts[f.like].alike
			default:
				f.alike = s.same(&steps[of[i]], &steps[i])
			}
		}
	})
	var classes []*class
	var sizes []int
	for i := range steps {
		st, f := &steps[i], &facts[i]
		at := -1
		switch {
		case f.alike:
			at = int(of[of[i]])
		case int(of[i]) < i && ctx.Err() == nil:
			// By chance its hash is another's.
			at = slices.IndexFunc(classes, func(c *class) bool { return c.replayed == f.replayed && s.same(c.rep, st) })
		}
		if at < 0 {
			at = len(classes)
			classes, sizes = append(classes, &class{rep: st, replayed: f.replayed}), append(sizes, 0)
		}
		of[i] = int32(at)
		sizes[at]++
		classes[at].ns += f.ns * int64(max(st.weight, 1))
	}
	all := make([]int32, len(steps))
	for k, n := range sizes {
		classes[k].steps, all = all[:0:n], all[n:]
	}
	for i, k := range of {
		classes[k].steps = append(classes[k].steps, int32(i))
	}
	return classes
}

// launchesIn returns how many launches steps have.
func launchesIn(steps []step) int {
	n := 0
	for i := range steps {
		n += steps[i].n
	}
	return n
}

// same reports whether two steps launch the same.
func (s *sequence) same(a, b *step) bool {
	if a.n != b.n {
		return false
	}
	for k := range a.n {
		if s.syms[s.t.Launches.Config[a.at(k)]] != s.syms[s.t.Launches.Config[b.at(k)]] {
			return false
		}
	}
	return true
}

// A kind is classes of steps that do alike: nearly the same kernels in nearly
// the same numbers. Prefill and decode are two kinds; so are the replays of
// graphs captured for two batch sizes, whose geometry differs.
type kind struct {
	classes []*class // the most frequent first
	steps   int
	ns      int64
	print   fingerprint
}

// rep returns the typical step of a kind.
func (k *kind) rep() *step { return k.classes[0].rep }

// maxKinds bounds the kinds of one trace: beyond it a step joins the kind most
// like it.
const maxKinds = 64

const (
	alikeNames = 0.8 // part of the launches that two steps of a kind share by name
	alikeGeom  = 0.8 // and by name and geometry
)

// printsAtOnce is of how many classes the fingerprints are taken at a time: of all,
// where no two steps are alike, they would take as much memory as the launches.
const printsAtOnce = 256

// kinds sorts classes into kinds, the one with the most GPU time first.
func (s *sequence) kinds(classes []*class) []*kind {
	order := slices.Clone(classes)
	slices.SortStableFunc(order, func(a, b *class) int { return len(b.steps) - len(a.steps) })
	var kinds []*kind
	var prints [printsAtOnce]fingerprint
	for i, c := range order {
		if i%printsAtOnce == 0 {
			parallel(context.Background(), min(printsAtOnce, len(order)-i), func(k int) { prints[k] = s.fingerprint(order[i+k].rep) })
		}
		print := prints[i%printsAtOnce]
		var best *kind
		var bestLike float64
		for _, k := range kinds {
			if k.classes[0].replayed != c.replayed {
				continue
			}
			if like := k.print.like(print); best == nil || like > bestLike {
				best, bestLike = k, like
			}
		}
		if best == nil || bestLike < alikeGeom && len(kinds) < maxKinds {
			best = &kind{print: print}
			kinds = append(kinds, best)
		}
		best.classes = append(best.classes, c)
		best.steps += len(c.steps)
		best.ns += c.ns
	}
	sort.SliceStable(kinds, func(i, j int) bool { return kinds[i].ns > kinds[j].ns })
	return kinds
}

// join makes one kind of those that are alike by name, for steps whose
// geometry is never twice the same.
func join(kinds []*kind, k *kind) *kind {
	all := &kind{print: k.print}
	names := k.print.withoutGeometry()
	for _, o := range kinds {
		if o.classes[0].replayed != k.classes[0].replayed || names.like(o.print.withoutGeometry()) < alikeNames {
			continue
		}
		all.classes = append(all.classes, o.classes...)
		all.steps += o.steps
		all.ns += o.ns
	}
	slices.SortStableFunc(all.classes, func(a, b *class) int { return len(b.steps) - len(a.steps) })
	return all
}

// joinRare joins the kinds that have fewer than least steps with those that
// are alike by name.
func joinRare(kinds []*kind, least int) []*kind {
	var out []*kind
	taken := map[*kind]bool{}
	for _, k := range kinds {
		if taken[k] {
			continue
		}
		if k.steps >= least {
			out = append(out, k)
			continue
		}
		var rare []*kind
		for _, o := range kinds {
			if o.steps < least && !taken[o] {
				rare = append(rare, o)
			}
		}
		all := join(rare, k)
		for _, o := range rare {
			if contains(all, o) {
				taken[o] = true
			}
		}
		out = append(out, all)
	}
	slices.SortStableFunc(out, func(a, b *kind) int { return cmp.Compare(b.ns, a.ns) })
	return out
}
