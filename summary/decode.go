package summary

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A decoder makes a trace of a line, and holds the first thing that is wrong
// with it: no index of what it returns without an error is out of bounds.
type decoder struct {
	p       *partJSON
	t       *trace.Trace
	configs []trace.Config // without nodes
	err     error
}

func decode(p *partJSON) (*trace.Trace, error) {
	d := &decoder{p: p, t: &trace.Trace{
		Capture: decodeCapture(&p.Capture),
		Strings: stringsOf(p.Strings),
		LeftOut: stringsOf(p.LeftOut),
		Reduced: &trace.Reduced{Launches: p.Launches, Streams: p.Streams},
	}}
	if len(d.t.Strings) == 0 || d.t.Strings[0] != "" {
		d.fail("strings do not begin with an empty one")
	}
	for _, step := range []func(){d.lanes, d.readConfigs, d.ranges, d.graphs, d.launches, d.tracks, d.ways, d.totals} {
		if step(); d.err != nil {
			return nil, d.err
		}
	}
	return d.t, nil
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// rows checks that columns have equal length, and returns it.
func (d *decoder) rows(of string, columns ...int) int {
	for _, n := range columns {
		if n != columns[0] {
			d.fail("columns of %s of different length", of)
			return 0
		}
	}
	return columns[0]
}

// below checks an index into a list of n.
func (d *decoder) below(of string, v int64, n int) uint32 {
	if v < 0 || v >= int64(n) {
		d.fail("index of %s out of bounds", of)
		return 0
	}
	return uint32(v)
}

// optional checks an index that may be -1.
func (d *decoder) optional(of string, v int64, n int) uint32 {
	if v == -1 {
		return trace.None
	}
	return d.below(of, v, n)
}

// number checks that a value is an int that is not absurd.
func (d *decoder) number(of string, v, least int64) int {
	if v < least || v > math.MaxInt32 {
		d.fail("%s out of bounds", of)
		return 0
	}
	return int(v)
}

func (d *decoder) geometry(of string, g *geometry, n int) {
	for _, c := range g.columns() {
		if d.rows(of, n, len(*c)); d.err != nil {
			return
		}
		for _, v := range *c {
			d.number("geometry of "+of, v, math.MinInt32)
		}
	}
}

func (d *decoder) lanes() {
	c := &d.p.Lanes
	n := d.rows("lanes", len(c.PID), len(c.GlobalPID), len(c.Device), len(c.Context), len(c.Stream))
	for i := range n {
		d.t.Lanes = append(d.t.Lanes, trace.Lane{
			GlobalPID: uint64(c.GlobalPID[i]), PID: int(c.PID[i]), Device: int(c.Device[i]), Context: int(c.Context[i]), Stream: int(c.Stream[i]),
		})
	}
}

func (d *decoder) readConfigs() {
	c := &d.p.Configs
	n := d.rows("configs", len(c.Name), len(c.Short), len(c.Lane), len(c.SMem), len(c.Regs))
	d.geometry("configs", &c.geometry, n)
	for i := 0; i < n && d.err == nil; i++ {
		grid, block := c.at(i)
		d.configs = append(d.configs, trace.Config{
			Name: d.below("strings", c.Name[i], len(d.t.Strings)), Short: d.below("strings", c.Short[i], len(d.t.Strings)),
			Lane: d.below("lanes", c.Lane[i], len(d.t.Lanes)), Grid: grid, Block: block, Mangled: trace.None, Node: trace.None,
			SMem: int32(d.number("shared memory", c.SMem[i], math.MinInt32)), Regs: int32(d.number("registers", c.Regs[i], math.MinInt32)),
		})
	}
}

func (d *decoder) ranges() {
	c := &d.p.Ranges
	n := d.rows("ranges", len(c.Start), len(c.End), len(c.Name), len(c.Parent), len(c.Thread))
	for i := 0; i < n && d.err == nil; i++ {
		d.t.Ranges = append(d.t.Ranges, trace.Range{
			Start: c.Start[i], End: c.End[i], Thread: uint64(c.Thread[i]),
			Name: d.below("strings", c.Name[i], len(d.t.Strings)),
			// The range around one comes before it: none is around itself.
			Parent: d.optional("ranges", c.Parent[i], i),
		})
	}
}

func (d *decoder) graphs() {
	c := &d.p.Nodes
	n := d.rows("nodes", len(c.ID), len(c.Order), len(c.Range))
	for i := 0; i < n && d.err == nil; i++ {
		d.t.Nodes = append(d.t.Nodes, trace.Node{
			ID: uint64(c.ID[i]), Order: d.below("node order", c.Order[i], math.MaxUint32), Range: d.optional("ranges", c.Range[i], len(d.t.Ranges)),
		})
	}
	r := &d.p.Replays
	n = d.rows("replays", len(r.Correlation), len(r.Range))
	for i := 0; i < n && d.err == nil; i++ {
		d.t.Replays = append(d.t.Replays, trace.Replay{
			Correlation: d.below("correlation", r.Correlation[i], math.MaxUint32), Range: d.optional("ranges", r.Range[i], len(d.t.Ranges)),
		})
	}
}

// A nodeConfig is an index into decoder.configs and the graph node that the
// configuration is launched from, or None.
type nodeConfig struct{ config, node uint32 }

// patterns checks the patterns and returns the configuration of each launch in
// each of them. It makes the trace's configurations, in order of those of the
// line and then of their nodes.
func (d *decoder) patterns() [][]uint32 {
	of := make([][]nodeConfig, len(d.p.Patterns))
	index := map[nodeConfig]uint32{}
	for k := range d.p.Patterns {
		p := &d.p.Patterns[k]
		n := d.rows("patterns", len(p.Config), len(p.Node), len(p.Origin))
		if n == 0 {
			d.fail("empty pattern")
		}
		for i := 0; i < n && d.err == nil; i++ {
			c := nodeConfig{d.below("configs", p.Config[i], len(d.configs)), d.optional("nodes", p.Node[i], len(d.t.Nodes))}
			if c.node != trace.None {
				d.optional("replays", p.Origin[i], len(d.t.Replays))
			} else {
				d.optional("ranges", p.Origin[i], len(d.t.Ranges))
			}
			of[k] = append(of[k], c)
			index[c] = 0
		}
	}
	if d.err != nil {
		return nil
	}
	compare := func(a, b nodeConfig) int { return cmp.Or(cmp.Compare(a.config, b.config), cmp.Compare(a.node, b.node)) }
	for i, c := range slices.SortedFunc(maps.Keys(index), compare) {
		index[c] = uint32(i)
		config := d.configs[c.config]
		config.Node = c.node
		d.t.Configs = append(d.t.Configs, config)
	}
	configs := make([][]uint32, len(of))
	for k := range of {
		for _, c := range of[k] {
			configs[k] = append(configs[k], index[c])
		}
	}
	return configs
}

func (d *decoder) launches() {
	configs := d.patterns()
	if d.err != nil {
		return
	}
	last := make([][]int64, len(configs))
	for k := range last {
		last[k] = make([]int64, len(configs[k]))
	}
	b := &d.p.Blocks
	n := d.rows("blocks", len(b.Start), len(b.Duration))
	d.t.Launches.Resize(n)
	at := 0
	var before int64
	for _, id := range b.Pattern {
		k := d.below("patterns", id, len(d.p.Patterns))
		if d.err != nil {
			return
		}
		p := &d.p.Patterns[k]
		if len(p.Config) > n-at {
			d.fail("fewer launches than blocks have")
			return
		}
		since := before
		for i := range p.Config {
			start := since + b.Start[at]
			last[k][i] += b.Duration[at]
			if i == 0 {
				before = start
			}
			d.t.Launches.Set(at, start, last[k][i], configs[k][i], unindex(p.Origin[i]))
			since = start + last[k][i]
			at++
		}
	}
	if at != n {
		d.fail("more launches than blocks have")
	}
}

// unindex is the inverse of index, for an index that was checked.
func unindex(v int64) uint32 {
	if v == -1 {
		return trace.None
	}
	return uint32(v)
}

func (d *decoder) tracks() {
	c := &d.p.Tracks
	n := d.rows("tracks", len(c.GlobalPID), len(c.PID), len(c.Device), len(c.N), len(c.Before))
	first := 0
	for i := 0; i < n && d.err == nil; i++ {
		tr := trace.Track{GlobalPID: uint64(c.GlobalPID[i]), PID: int(c.PID[i]), Device: int(c.Device[i]), First: first, N: d.number("launches of a track", c.N[i], 0)}
		first += tr.N
		if c.Before[i] < 0 {
			d.fail("launches of a track out of bounds")
		}
		d.t.Tracks = append(d.t.Tracks, tr)
		d.t.Reduced.TrackLaunches = append(d.t.Reduced.TrackLaunches, c.Before[i])
	}
	if first != d.t.Launches.Len() {
		d.fail("tracks do not have all launches")
	}
}

func (d *decoder) ways() {
	if len(d.p.Ways) == 0 || d.p.Ways[0].Further {
		d.fail("no steps")
	}
	for i := range d.p.Ways {
		c := &d.p.Ways[i]
		w := trace.Way{By: string(c.By), Further: c.Further, LeftOut: stringsOf(c.LeftOut)}
		n := d.rows("steps", len(c.First), len(c.N), len(c.Range), len(c.Index), len(c.Weight))
		track := 0
		for k := 0; k < n && d.err == nil; k++ {
			s := trace.Step{
				First: d.number("first launch of a step", c.First[k], 0), N: d.number("launches of a step", c.N[k], 1),
				Range: d.optional("ranges", c.Range[k], len(d.t.Ranges)),
				Index: d.number("index of a step", c.Index[k], 0), Weight: d.number("weight of a step", c.Weight[k], 1),
			}
			for track < len(d.t.Tracks) && !inTrack(&d.t.Tracks[track], s) {
				track++
			}
			if track == len(d.t.Tracks) {
				d.fail("a step is in no track")
			}
			w.Steps = append(w.Steps, s)
		}
		if n == 0 && d.t.Launches.Len() > 0 {
			d.fail("a way without steps")
		}
		d.t.Reduced.Ways = append(d.t.Reduced.Ways, w)
	}
}

func inTrack(t *trace.Track, s trace.Step) bool {
	return t.First <= s.First && s.First+s.N <= t.First+t.N
}

func (d *decoder) totals() {
	c := &d.p.Totals
	n := d.rows("totals", len(c.Name), len(c.Short), len(c.Sum))
	d.geometry("totals", &c.geometry, n)
	ds := d.distributions(&c.distributions, n)
	for i := 0; i < n && d.err == nil; i++ {
		grid, block := c.at(i)
		d.t.Reduced.Totals = append(d.t.Reduced.Totals, trace.Total{
			Name: d.below("strings", c.Name[i], len(d.t.Strings)), Short: d.below("strings", c.Short[i], len(d.t.Strings)),
			Grid: grid, Block: block, Distribution: ds[i],
		})
	}
	m := &d.p.MemOps
	n = d.rows("memory operations", len(m.Name), len(m.Sum))
	ds = d.distributions(&m.distributions, n)
	for i := 0; i < n && d.err == nil; i++ {
		d.t.Reduced.MemOps = append(d.t.Reduced.MemOps, trace.MemTotal{Name: d.below("strings", m.Name[i], len(d.t.Strings)), Distribution: ds[i]})
	}
}

func (d *decoder) distributions(c *distributions, n int) []trace.Distribution {
	if d.rows("distributions", n, len(c.Sum), len(c.Min), len(c.Max), len(c.SquareHi), len(c.SquareLo), len(c.Buckets)); d.err != nil {
		return nil
	}
	d.rows("buckets", len(c.Bucket), len(c.N))
	out := make([]trace.Distribution, n)
	at := 0
	for i := 0; i < n && d.err == nil; i++ {
		x := &out[i]
		*x = trace.Distribution{Sum: c.Sum[i], Min: c.Min[i], Max: c.Max[i], SquareHi: uint64(c.SquareHi[i]), SquareLo: uint64(c.SquareLo[i])}
		buckets := c.Buckets[i]
		if buckets < 0 || buckets > int64(len(c.Bucket)-at) {
			d.fail("buckets out of bounds")
			return nil
		}
		for range buckets {
			if c.Bucket[at] < 0 || c.Bucket[at] >= trace.NumBuckets || c.N[at] <= 0 || c.N[at] > math.MaxInt64-x.N {
				d.fail("bucket out of bounds")
				return nil
			}
			x.Buckets = append(x.Buckets, trace.Bucket{Index: int(c.Bucket[at]), N: c.N[at]})
			x.N += c.N[at]
			at++
		}
		if !x.Valid() {
			d.fail("figures of a distribution contradict each other")
		}
	}
	if at != len(c.Bucket) {
		d.fail("buckets of no distribution")
	}
	return out
}
