package summary

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// An encoder makes the line of a reduced trace.
type encoder struct {
	t       *trace.Trace
	configs []int64 // by configuration, what the line has of it
}

// index returns an index as a column has it.
func index(i uint32) int64 {
	if i == trace.None {
		return -1
	}
	return int64(i)
}

func (e *encoder) part() *partJSON {
	t := e.t
	p := &partJSON{
		Capture:  encodeCapture(&t.Capture),
		Launches: t.Reduced.Launches,
		Streams:  t.Reduced.Streams,
		LeftOut:  texts(t.LeftOut),
		Strings:  texts(t.Strings),
	}
	for i, tr := range t.Tracks {
		c := &p.Tracks
		c.GlobalPID = append(c.GlobalPID, int64(tr.GlobalPID))
		c.PID = append(c.PID, int64(tr.PID))
		c.Device = append(c.Device, int64(tr.Device))
		c.N = append(c.N, int64(tr.N))
		c.Before = append(c.Before, t.Reduced.TrackLaunches[i])
	}
	for _, l := range t.Lanes {
		c := &p.Lanes
		c.GlobalPID = append(c.GlobalPID, int64(l.GlobalPID))
		c.PID = append(c.PID, int64(l.PID))
		c.Device = append(c.Device, int64(l.Device))
		c.Context = append(c.Context, int64(l.Context))
		c.Stream = append(c.Stream, int64(l.Stream))
	}
	e.configs = make([]int64, len(t.Configs))
	at := map[trace.Config]int64{}
	for i := range t.Configs {
		c, cfg := &p.Configs, t.Configs[i]
		cfg.Node = trace.None // which patterns have
		id, known := at[cfg]
		if known {
			e.configs[i] = id
			continue
		}
		e.configs[i] = int64(len(at))
		at[cfg] = e.configs[i]
		c.Name = append(c.Name, int64(cfg.Name))
		c.Short = append(c.Short, int64(cfg.Short))
		c.Lane = append(c.Lane, int64(cfg.Lane))
		c.add(cfg.Grid, cfg.Block)
		c.SMem = append(c.SMem, int64(cfg.SMem))
		c.Regs = append(c.Regs, int64(cfg.Regs))
	}
	for i := range t.Ranges {
		c, r := &p.Ranges, &t.Ranges[i]
		c.Start = append(c.Start, r.Start)
		c.End = append(c.End, r.End)
		c.Name = append(c.Name, int64(r.Name))
		c.Parent = append(c.Parent, index(r.Parent))
		c.Thread = append(c.Thread, int64(r.Thread))
	}
	for _, n := range t.Nodes {
		c := &p.Nodes
		c.ID = append(c.ID, int64(n.ID))
		c.Order = append(c.Order, int64(n.Order))
		c.Range = append(c.Range, index(n.Range))
	}
	for _, r := range t.Replays {
		c := &p.Replays
		c.Correlation = append(c.Correlation, int64(r.Correlation))
		c.Range = append(c.Range, index(r.Range))
	}
	e.launches(p)
	for i := range t.Reduced.Ways {
		w := &t.Reduced.Ways[i]
		c := way{By: text(w.By), Further: w.Further, LeftOut: texts(w.LeftOut)}
		for _, s := range w.Steps {
			c.First = append(c.First, int64(s.First))
			c.N = append(c.N, int64(s.N))
			c.Range = append(c.Range, index(s.Range))
			c.Index = append(c.Index, int64(s.Index))
			c.Weight = append(c.Weight, int64(s.Weight))
		}
		p.Ways = append(p.Ways, c)
	}
	for i := range t.Reduced.Totals {
		c, x := &p.Totals, &t.Reduced.Totals[i]
		c.Name = append(c.Name, int64(x.Name))
		c.Short = append(c.Short, int64(x.Short))
		c.geometry.add(x.Grid, x.Block)
		c.distributions.add(&x.Distribution)
	}
	for i := range t.Reduced.MemOps {
		c, x := &p.MemOps, &t.Reduced.MemOps[i]
		c.Name = append(c.Name, int64(x.Name))
		c.add(&x.Distribution)
	}
	return p
}

func (c *distributions) add(d *trace.Distribution) {
	c.Sum = append(c.Sum, d.Sum)
	c.Min = append(c.Min, d.Min)
	c.Max = append(c.Max, d.Max)
	c.SquareHi = append(c.SquareHi, int64(d.SquareHi))
	c.SquareLo = append(c.SquareLo, int64(d.SquareLo))
	c.Buckets = append(c.Buckets, int64(len(d.Buckets)))
	for _, b := range d.Buckets {
		c.Bucket = append(c.Bucket, int64(b.Index))
		c.N = append(c.N, b.N)
	}
}

// launches encodes the launches, step by step: steps launch alike, so that
// what each launch is stands once for many.
func (e *encoder) launches(p *partJSON) {
	l := &e.t.Launches
	ids := map[string]int{}
	var last [][]int64 // durations of the last block, by pattern
	var before int64   // start of the block before
	var key []byte
	for _, b := range e.blocks() {
		key = key[:0]
		for i := b.first; i < b.first+b.n; i++ {
			key = binary.LittleEndian.AppendUint32(key, l.Config[i])
			key = binary.LittleEndian.AppendUint32(key, l.Origin[i])
		}
		id, ok := ids[string(key)]
		if !ok {
			id = len(ids)
			ids[string(key)] = id
			var x launch
			for i := b.first; i < b.first+b.n; i++ {
				x.Config = append(x.Config, e.configs[l.Config[i]])
				x.Node = append(x.Node, index(e.t.LaunchNode(i)))
				x.Origin = append(x.Origin, index(l.Origin[i]))
			}
			p.Patterns = append(p.Patterns, x)
			last = append(last, make([]int64, b.n))
		}
		p.Blocks.Pattern = append(p.Blocks.Pattern, int64(id))
		since := before
		for k := range b.n {
			start, d := l.Start[b.first+k], l.Duration(b.first+k)
			p.Blocks.Start = append(p.Blocks.Start, start-since)
			p.Blocks.Duration = append(p.Blocks.Duration, d-last[id][k])
			last[id][k] = d
			since = start + d
		}
		before = l.Start[b.first]
	}
}

// A block is a run of launches.
type block struct{ first, n int }

// blocks cuts the launches into runs: the outermost steps of all ways, and
// what is in none.
func (e *encoder) blocks() []block {
	var steps []block
	for _, w := range e.t.Reduced.Ways {
		for _, s := range w.Steps {
			steps = append(steps, block{s.First, s.N})
		}
	}
	slices.SortFunc(steps, func(a, b block) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.n, a.n)) })
	var out []block
	at := 0
	for _, s := range steps {
		if s.first < at {
			continue
		}
		if s.first > at {
			out = append(out, block{at, s.first - at})
		}
		out = append(out, s)
		at = s.first + s.n
	}
	if n := e.t.Launches.Len(); at < n {
		out = append(out, block{at, n - at})
	}
	return out
}

func encodeCapture(c *trace.Capture) captureJSON {
	j := captureJSON{
		Path: text(c.Path), Tool: text(c.Tool), Schema: text(c.Schema), Host: text(c.Host), Driver: text(c.Driver),
		Command: text(c.Command), GraphMode: text(c.GraphMode),
		StartUTC: c.StartUTC, Start: c.Start, Stop: c.Stop,
		Launches: c.Launches, GraphLaunches: c.GraphLaunches, OpaqueGraphs: c.OpaqueGraphs, OpaqueNS: c.OpaqueNS,
		HasNVTX: c.HasNVTX, HasAPI: c.HasAPI, Unattributed: c.Unattributed, Unresolved: c.Unresolved,
		Warnings: texts(c.Warnings),
	}
	for _, g := range c.GPUs {
		j.GPUs = append(j.GPUs, gpuJSON{g.ID, text(g.Name), g.SMs, text(g.Compute), g.MemoryBytes, g.ClockRateKHz})
	}
	for _, p := range c.Processes {
		j.Processes = append(j.Processes, processJSON{p.GlobalPID, p.PID, text(p.Name)})
	}
	for _, d := range c.Diagnostics {
		j.Diagnostics = append(j.Diagnostics, diagnosticJSON{text(d.Severity), text(d.Text)})
	}
	return j
}

func decodeCapture(j *captureJSON) trace.Capture {
	c := trace.Capture{
		Path: string(j.Path), Tool: string(j.Tool), Schema: string(j.Schema), Host: string(j.Host), Driver: string(j.Driver),
		Command: string(j.Command), GraphMode: string(j.GraphMode),
		StartUTC: j.StartUTC, Start: j.Start, Stop: j.Stop,
		Launches: j.Launches, GraphLaunches: j.GraphLaunches, OpaqueGraphs: j.OpaqueGraphs, OpaqueNS: j.OpaqueNS,
		HasNVTX: j.HasNVTX, HasAPI: j.HasAPI, Unattributed: j.Unattributed, Unresolved: j.Unresolved,
		Warnings: stringsOf(j.Warnings),
	}
	for _, g := range j.GPUs {
		c.GPUs = append(c.GPUs, trace.GPU{ID: g.ID, Name: string(g.Name), SMs: g.SMs, Compute: string(g.Compute), MemoryBytes: g.MemoryBytes, ClockRateKHz: g.ClockRateKHz})
	}
	for _, p := range j.Processes {
		c.Processes = append(c.Processes, trace.Process{GlobalPID: p.GlobalPID, PID: p.PID, Name: string(p.Name)})
	}
	for _, d := range j.Diagnostics {
		c.Diagnostics = append(c.Diagnostics, trace.Diagnostic{Severity: string(d.Severity), Text: string(d.Text)})
	}
	return c
}
