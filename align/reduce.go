package align

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// ReduceOptions say what [Reduce] keeps. The zero value is the documented
// default.
type ReduceOptions struct {
	// Steps is the number of steps that are kept of each kind and track: 64
	// if 0.
	Steps int
	// Launches bounds the launches in them: of steps so long that Steps of
	// them hold more, fewer are kept, down to 16. It is 32,768 if 0.
	Launches int

	// NoNVTX and SkipWarmup are as in [Options]: they are part of how steps
	// are told, and so belong here for a trace that is to be reduced.
	NoNVTX     bool
	SkipWarmup int
}

const (
	leastSteps = 16 // that a kind of steps keeps, if it has them
	// furtherSteps is how many it keeps in a further way to see the trace.
	furtherSteps = 8
	// scarceSteps is to how few that falls where there are very many kinds.
	scarceSteps = 4
	// maxTrackBudgets bounds what a track keeps of all kinds together, in
	// multiples of ReduceOptions.Launches.
	maxTrackBudgets = 4
	// maxReduced bounds the launches of a reduced trace.
	maxReduced = 1 << 22
)

func (o ReduceOptions) withDefaults() ReduceOptions {
	o.Steps = max(cmp.Or(o.Steps, 64), 1)
	o.Launches = max(cmp.Or(o.Launches, 32768), 1)
	return o
}

// An IrreducibleError says that no repetition was found in a trace too long to
// be kept as it is, or no step beyond those that were to be skipped.
type IrreducibleError struct {
	Path     string
	Launches int // that a reduced trace would hold
}

func (e *IrreducibleError) Error() string {
	return fmt.Sprintf("%s: too few repeated steps to tell what is typical: a summary would hold %s", e.Path, count(e.Launches, "launch"))
}

// Hint says, on one line, what can be done about it.
func (e *IrreducibleError) Hint() string {
	return "narrow it to the repeated work with an NVTX range or a time window"
}

// Reduce returns a trace that compares as t does, of a size that does not
// depend on how many steps t has: of each kind of steps in each track it keeps
// every 2^k-th, so that at most ReduceOptions.Steps are left, and of all
// launches the distributions of their durations. Ranks that did alike keep the
// same steps.
//
// t is not changed. It is an error to reduce a trace that is reduced already or
// that of several reports; others are an [*IrreducibleError], or that of the
// context.
func Reduce(ctx context.Context, t *trace.Trace, o ReduceOptions) (*trace.Trace, error) {
	switch {
	case t.Reduced != nil:
		return nil, fmt.Errorf("%s: is reduced already", t.Capture.Path)
	case len(t.Reports) > 1:
		return nil, fmt.Errorf("trace of %d reports: reduce each, then merge", len(t.Reports))
	}
	o = o.withDefaults()
	r := &reducer{
		t:       t,
		o:       o,
		nvtx:    !o.NoNVTX && len(t.Ranges) > 0,
		out:     &trace.Trace{Capture: t.Capture, LeftOut: slices.Clone(t.LeftOut), Strings: []string{""}},
		owners:  map[uint32]*keptStep{},
		strings: map[string]uint32{"": 0},
		replays: map[uint32]uint32{},
	}
	r.out.Reduced = &trace.Reduced{Launches: int64(t.Launches.Len()), Ways: []trace.Way{{By: byWhole}}}
	r.seq = newSequence(t, newAlphabet(nil), sideMock, Options{})
	r.seq.sortRanges(Options{NoNVTX: o.NoNVTX})
	if t.Launches.Len() > 0 {
		ways, err := r.chooseWays(ctx)
		if err != nil {
			return nil, err
		}
		r.copyWays(ways)
	}
	r.totals()
	return r.out, ctx.Err()
}

// A reducer makes a reduced trace.
type reducer struct {
	t    *trace.Trace
	o    ReduceOptions
	nvtx bool // ranges are kept
	seq  *sequence
	out  *trace.Trace

	owners  map[uint32]*keptStep // of the launches of t that are kept
	strings map[string]uint32
	ranges  *rangeCopier
	configs []uint32          // of the output, by that of t
	replays map[uint32]uint32 // of the output, by its range
}

// A keptStep is a step of t that is kept.
type keptStep struct {
	*step
	index  int // among the steps of its track
	weight int // steps that it stands for
	// within is the step of an earlier way whose launches begin, at offset,
	// with those of this one, nil if there is none.
	within *keptStep
	offset int
	to     int // its first launch in the output
}

// A keptWay is a way of which some steps are kept.
type keptWay struct {
	*segmentation
	further bool
	kept    []*keptStep
	kindOf  []int // by step of the segmentation
}

// chooseWays returns the ways to see t as steps, and what to keep of each: of
// the first what the options say, of others what they share with it, and
// where that is too little a few steps more, within a budget.
func (r *reducer) chooseWays(ctx context.Context) ([]keptWay, error) {
	o := Options{NoNVTX: r.o.NoNVTX, SkipWarmup: r.o.SkipWarmup}
	segs := r.seq.ways(ctx, o).all()
	trusted := len(segs)
	if trusted > 0 {
		segs = append(segs, r.seq.otherWays(o, segs[0]).all()...)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var ways []keptWay
	budget := r.o.Launches
	for i := range segs {
		isFirst := len(ways) == 0
		if len(segs[i].steps) == 0 || !isFirst && segs[i].by == byWhole {
			continue
		}
		w := keptWay{segmentation: &segs[i], further: i >= trusted && !isFirst}
		limit := r.o.Steps
		if !isFirst {
			limit = min(limit, furtherSteps)
		}
		r.choose(ctx, &w, limit)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		launches := 0
		for _, k := range w.kept {
			if k.within == nil {
				launches += k.n
			}
		}
		switch {
		case isFirst && launches > maxReduced:
			return nil, &IrreducibleError{r.t.Capture.Path, launches}
		case !isFirst && launches > budget:
			continue
		case !isFirst:
			budget -= launches
		}
		for _, k := range w.kept {
			if k.within != nil {
				continue
			}
			for j := range k.n {
				if at := uint32(k.at(j)); r.owners[at] == nil {
					r.owners[at] = k
				}
			}
		}
		ways = append(ways, w)
	}
	if len(ways) == 0 {
		// All steps were skipped.
		return nil, &IrreducibleError{r.t.Capture.Path, 0}
	}
	return ways, nil
}

// choose chooses the steps of a way that are kept, in order.
func (r *reducer) choose(ctx context.Context, w *keptWay, limit int) {
	kinds := r.seq.kinds(r.seq.classify(ctx, w.steps))
	tracks := len(r.t.Tracks)
	w.kindOf = make([]int, len(w.steps))
	typical := make([]int, len(kinds))
	for k, kd := range kinds {
		typical[k] = kd.rep().n
		for _, c := range kd.classes {
			for _, i := range c.steps {
				w.kindOf[i] = k
			}
		}
	}
	// groups are the steps of a kind in a track, in order.
	groups := make([][]*keptStep, tracks*len(kinds))
	index := 0
	for i := range w.steps {
		st := &w.steps[i]
		if i > 0 && st.track != w.steps[i-1].track {
			index = 0
		}
		g := w.kindOf[i]*tracks + st.track
		groups[g] = append(groups[g], r.keptStep(st, index))
		index++
	}
	limits := make([]int, len(kinds))
	for k := range limits {
		limits[k] = max(min(limit, leastSteps), min(limit, r.o.Launches/max(typical[k], 1)))
	}
	most := func() (most int) {
		perTrack := make([]int, tracks)
		for g, steps := range groups {
			for _, k := range thin(steps, limits[g/tracks]) {
				perTrack[g%tracks] += k.n
			}
		}
		return slices.Max(perTrack)
	}
	for most() > maxTrackBudgets*r.o.Launches && slices.Max(limits) > scarceSteps {
		for k := range limits {
			limits[k] = max(min(limits[k], scarceSteps), limits[k]/2)
		}
	}
	for g, steps := range groups {
		from := steps
		if nested := slices.DeleteFunc(slices.Clone(steps), func(k *keptStep) bool { return k.within == nil }); len(nested) >= min(len(steps), limits[g/tracks]) {
			// What others keep anyway costs nothing.
			from = nested
		}
		kept := thin(from, limits[g/tracks])
		for i, k := range kept {
			k.weight = (i+1)*len(steps)/len(kept) - i*len(steps)/len(kept)
		}
		w.kept = append(w.kept, kept...)
	}
	slices.SortFunc(w.kept, func(a, b *keptStep) int {
		return cmp.Or(cmp.Compare(a.track, b.track), cmp.Compare(a.index, b.index))
	})
}

// keptStep returns a step as one to keep, and where in a step that is kept
// already it lies.
func (r *reducer) keptStep(st *step, index int) *keptStep {
	k := &keptStep{step: st, index: index}
	in := r.owners[uint32(st.at(0))]
	if in == nil || in.n < st.n {
		return k
	}
	offset := 0
	for in.at(offset) != st.at(0) {
		offset++
	}
	if offset+st.n > in.n {
		return k
	}
	for j := range st.n {
		if in.at(offset+j) != st.at(j) {
			return k
		}
	}
	k.within, k.offset = in, offset
	return k
}

// thin returns every 2^k-th of steps, so that at most limit are left. Powers
// of two nest: ranks that made a few steps more or less keep mostly the same
// ones, so that their calls of collectives still pair up.
func thin(steps []*keptStep, limit int) []*keptStep {
	by := 1
	for (len(steps)+by-1)/by > limit {
		by *= 2
	}
	var out []*keptStep
	for i := 0; i < len(steps); i += by {
		out = append(out, steps[i])
	}
	return out
}

// copyWays makes the output's launches and ways.
func (r *reducer) copyWays(ways []keptWay) {
	r.ranges = newRangeCopier(r, &ways[0])
	r.copyConfigs()
	r.copyNodes()
	out := make([]trace.Way, len(ways))
	for i, w := range ways {
		out[i] = trace.Way{By: w.by, Further: w.further, LeftOut: w.leftOut}
	}
	next := make([]int, len(ways))
	for track, tr := range r.t.Tracks {
		first := r.out.Launches.Len()
		for i := range ways {
			kept := ways[i].kept[next[i]:]
			for len(kept) > 0 && kept[0].track == track {
				out[i].Steps = append(out[i].Steps, r.copyStep(kept[0]))
				kept = kept[1:]
				next[i]++
			}
		}
		r.out.Reduced.TrackLaunches = append(r.out.Reduced.TrackLaunches, int64(tr.N))
		tr.First, tr.N = first, r.out.Launches.Len()-first
		r.out.Tracks = append(r.out.Tracks, tr)
	}
	r.out.Reduced.Ways = out
}

func (r *reducer) copyStep(k *keptStep) trace.Step {
	st := trace.Step{N: k.n, Range: trace.None, Index: k.index, Weight: k.weight}
	if k.within != nil {
		st.First = k.within.to + k.offset
		return st
	}
	src, dst := &r.t.Launches, &r.out.Launches
	r.ranges.begin()
	k.to = dst.Len()
	st.First = k.to
	for j := range k.n {
		i := k.at(j)
		origin := r.ranges.copy(r.issueRange(i))
		if r.t.LaunchNode(i) != trace.None {
			origin = r.replay(src.Origin[i], origin)
		}
		dst.Append(src.Start[i], src.Duration(i), r.configs[src.Config[i]], origin)
	}
	if r.nvtx {
		st.Range = r.ranges.copy(k.label)
	}
	return st
}

// issueRange is Trace.IssueRange, or None where ranges are not kept.
func (r *reducer) issueRange(i int) uint32 {
	if !r.nvtx {
		return trace.None
	}
	return r.t.IssueRange(i)
}

// replay returns the output's replay for one of t that was made in a range of
// the output.
func (r *reducer) replay(origin, in uint32) uint32 {
	if origin == trace.None {
		return trace.None
	}
	id, ok := r.replays[in]
	if !ok {
		id = uint32(len(r.out.Replays))
		r.replays[in] = id
		r.out.Replays = append(r.out.Replays, trace.Replay{Correlation: r.t.Replays[origin].Correlation, Range: in})
	}
	return id
}

func (r *reducer) str(s string) uint32 {
	id, ok := r.strings[s]
	if !ok {
		id = uint32(len(r.out.Strings))
		r.out.Strings = append(r.out.Strings, s)
		r.strings[s] = id
	}
	return id
}

// stringOf copies a string of t.
func (r *reducer) stringOf(id uint32) uint32 {
	if id == trace.None {
		return trace.None
	}
	return r.str(r.t.Strings[id])
}

// copyConfigs copies the configurations and lanes that kept launches use, in
// their order.
func (r *reducer) copyConfigs() {
	used := make([]bool, len(r.t.Configs))
	for i := range r.owners {
		used[r.t.Launches.Config[i]] = true
	}
	inUse := make([]bool, len(r.t.Lanes))
	for i, u := range used {
		if u {
			inUse[r.t.Configs[i].Lane] = true
		}
	}
	lanes := make([]uint32, len(r.t.Lanes))
	for i, u := range inUse {
		if u {
			lanes[i] = uint32(len(r.out.Lanes))
			r.out.Lanes = append(r.out.Lanes, r.t.Lanes[i])
		}
	}
	r.configs = make([]uint32, len(r.t.Configs))
	for i, u := range used {
		if !u {
			continue
		}
		c := r.t.Configs[i]
		c.Name, c.Short, c.Mangled, c.Lane = r.stringOf(c.Name), r.stringOf(c.Short), trace.None, lanes[c.Lane]
		r.configs[i] = uint32(len(r.out.Configs))
		r.out.Configs = append(r.out.Configs, c)
	}
}

// copyNodes copies the graph nodes that the output's configurations have, in
// their order.
func (r *reducer) copyNodes() {
	used := make([]bool, len(r.t.Nodes))
	for i := range r.out.Configs {
		if n := r.out.Configs[i].Node; n != trace.None {
			used[n] = true
		}
	}
	nodes := make([]uint32, len(r.t.Nodes))
	for i, u := range used {
		if !u {
			continue
		}
		n := r.t.Nodes[i]
		if !r.nvtx {
			n.Range = trace.None
		}
		n.Range = r.ranges.exact(n.Range)
		nodes[i] = uint32(len(r.out.Nodes))
		r.out.Nodes = append(r.out.Nodes, n)
	}
	for i := range r.out.Configs {
		if n := &r.out.Configs[i].Node; *n != trace.None {
			*n = nodes[*n]
		}
	}
}

// totals fills in the distributions of all launches of t.
func (r *reducer) totals() {
	type key struct {
		name, short uint32
		grid, block [3]int32
	}
	to := r.out.Reduced
	totalOf := make([]int, len(r.t.Configs))
	byKey := map[key]int{}
	var keys []key
	lanes := make([]bool, len(r.t.Lanes))
	for i := range r.t.Configs {
		c := &r.t.Configs[i]
		k := key{c.Name, c.Short, c.Grid, c.Block}
		at, ok := byKey[k]
		if !ok {
			at = len(keys)
			byKey[k] = at
			keys = append(keys, k)
		}
		totalOf[i] = at
	}
	counters := make([]durationCounter, len(keys))
	for i, c := range r.t.Launches.Config {
		counters[totalOf[c]].add(r.t.Launches.Duration(i))
		lanes[r.t.Configs[c].Lane] = true
	}
	for at, k := range keys {
		if d := counters[at].distribution(); d.N > 0 {
			to.Totals = append(to.Totals, trace.Total{Name: r.stringOf(k.name), Short: r.stringOf(k.short), Grid: k.grid, Block: k.block, Distribution: d})
		}
	}
	for _, used := range lanes {
		to.Streams += boolInt(used)
	}
	byName := map[uint32]int{}
	var ops []durationCounter
	for i := range r.t.MemOps {
		op := &r.t.MemOps[i]
		at, ok := byName[op.Name]
		if !ok {
			at = len(ops)
			byName[op.Name] = at
			ops = append(ops, durationCounter{})
			to.MemOps = append(to.MemOps, trace.MemTotal{Name: r.stringOf(op.Name)})
		}
		ops[at].add(op.Duration)
	}
	for i := range to.MemOps {
		to.MemOps[i].Distribution = ops[i].distribution()
	}
}

// A durationCounter makes a distribution of durations that come one by one.
type durationCounter struct {
	d      trace.Distribution
	recent []int64
}

func (c *durationCounter) add(ns int64) {
	if c.recent == nil {
		c.recent = make([]int64, 0, 256)
	}
	c.recent = append(c.recent, ns)
	if len(c.recent) == cap(c.recent) {
		c.flush()
	}
}

func (c *durationCounter) flush() {
	c.d.Add(c.recent...)
	c.recent = c.recent[:0]
}

func (c *durationCounter) distribution() trace.Distribution {
	c.flush()
	return c.d
}

// recordedSteps returns the ways in which a reduced trace is seen as steps, the
// further ones or the others.
func recordedSteps(t *trace.Trace, o Options, further bool) []func() segmentation {
	var cuts []func() segmentation
	for i := range t.Reduced.Ways {
		w := &t.Reduced.Ways[i]
		if w.Further != further {
			continue
		}
		s := segmentation{by: w.By, leftOut: slices.Clone(w.LeftOut)}
		track, total, skipped := 0, 0, 0
		for _, st := range w.Steps {
			for !within(&t.Tracks[track], st.First) {
				track++
			}
			total += st.Weight
			if st.Index < o.SkipWarmup {
				skipped++
				continue
			}
			s.steps = append(s.steps, step{track: track, first: st.First, n: st.N, label: st.Range, weight: int32(st.Weight)})
		}
		if skipped > 0 {
			s.leftOut = append(s.leftOut, fmt.Sprintf("%s skipped as warm-up, as asked", count(skipped, "step")))
		}
		if lost := total - len(w.Steps); lost > 0 {
			s.leftOut = append(s.leftOut, fmt.Sprintf("%s of %s, which the summary does not keep", thousands(lost), count(total, "step")))
		}
		cuts = append(cuts, made(s))
	}
	return cuts
}

// within reports whether a launch is one of a track.
func within(t *trace.Track, launch int) bool { return t.First <= launch && launch < t.First+t.N }
