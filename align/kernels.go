package align

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/nsysdiff/nsysdiff/trace"
)

// Report returns the table of kernels of one report: all launches in scope,
// with the figures of cuda_gpu_kern_sum of nsys stats. The error is that of the
// context, or says which option is out of range.
func Report(ctx context.Context, t *trace.Trace, o Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &comparer{o: o.withDefaults()}
	var families map[string]string
	if !c.o.NoFamilies || c.o.By == ByFamily {
		families = familiesOf(t)
	}
	c.family = func(name string) string { return families[name] }
	r := emptyResult(c.o)
	r.Mode = ModeReport
	r.Mock = describe(t)
	r.Kernels = c.kernelTable(ctx, t, nil)
	if c.o.MemOps {
		r.MemOps = memoryTable(t, nil)
	}
	c.captureFindings(r, t, r.Mock)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r, nil
}

// familiesOf returns the family of each kernel name of a trace.
func familiesOf(t *trace.Trace) map[string]string {
	names := kernelNames(t)
	families := make(map[string]string, len(names))
	found := make([]string, len(names))
	eachName(len(names), func(p *parser, i int) { found[i] = p.family(names[i]) })
	for i, name := range names {
		families[name] = found[i]
	}
	return families
}

// kernelNames returns the names of all kernels of a trace, each once. A reduced trace
// has totals of kernels that none of its steps launches.
func kernelNames(t *trace.Trace) []string {
	seen := make(map[uint32]bool, len(t.Configs))
	var names []string
	add := func(id uint32) {
		if !seen[id] {
			seen[id] = true
			names = append(names, t.Strings[id])
		}
	}
	for i := range t.Configs {
		add(t.Configs[i].Name)
	}
	if t.Reduced != nil {
		for i := range t.Reduced.Totals {
			add(t.Reduced.Totals[i].Name)
		}
	}
	return names
}

// kernelTable has a row for each group of launches, that with the most time
// first. e2e may be nil.
//
// The figures are those of cuda_gpu_kern_sum: the median of an even number of
// values is the mean of the middle two, the standard deviation has n-1 and is
// 0 for one launch.
func (c *comparer) kernelTable(ctx context.Context, mock, e2e *trace.Trace) []KernelRow {
	rows := map[string]*KernelRow{}
	c.addSide(ctx, rows, mock, sideMock)
	if e2e != nil {
		c.addSide(ctx, rows, e2e, sideE2E)
	}
	return sortRows(rows)
}

func (c *comparer) addSide(ctx context.Context, rows map[string]*KernelRow, t *trace.Trace, sd side) {
	if t.Reduced != nil {
		c.addTotals(rows, t, sd)
		return
	}
	groups := make([]uint32, len(t.Configs))
	var keys, families []string
	ids := map[string]uint32{}
	for i := range t.Configs {
		key := c.groupKey(t, &t.Configs[i])
		id, ok := ids[key]
		if !ok {
			id = uint32(len(keys))
			ids[key] = id
			keys = append(keys, key)
			families = append(families, c.family(t.Strings[t.Configs[i].Name]))
		}
		groups[i] = id
	}
	samples := samplesOf(ctx, t, groups, len(keys))
	for g := range samples {
		if s := &samples[g]; s.N > 0 {
			addRow(rows, keys[g], families[g], s, sd)
		}
	}
}

// addTotals is addSide for a reduced trace, whose launches are few of those
// that there were.
func (c *comparer) addTotals(rows map[string]*KernelRow, t *trace.Trace, sd side) {
	var keys []string
	ids := map[string]int{}
	var sums []trace.Distribution
	var families []string
	for i := range t.Reduced.Totals {
		tot := &t.Reduced.Totals[i]
		key := c.groupKey(t, &trace.Config{Name: tot.Name, Short: tot.Short, Grid: tot.Grid, Block: tot.Block})
		id, ok := ids[key]
		if !ok {
			id = len(keys)
			ids[key] = id
			keys = append(keys, key)
			sums = append(sums, trace.Distribution{})
			families = append(families, c.family(t.Strings[tot.Name]))
		}
		sums[id].Merge(&tot.Distribution)
	}
	for id, key := range keys {
		addRow(rows, key, families[id], sampleOf(&sums[id]), sd)
	}
}

// sampleOf summarises durations of which the distribution is known. Its
// quantiles are within [trace.MaxQuantileError].
func sampleOf(d *trace.Distribution) *Sample {
	s := &Sample{
		N: int(d.N), TotalNS: d.Sum, MinNS: d.Min, MaxNS: d.Max,
		MedianNS: d.Quantile(0.5), MeanNS: d.Mean(), StddevNS: d.Stddev(),
		P5NS: d.Quantile(0.05), P95NS: d.Quantile(0.95),
	}
	if lo := medianRank(s.N); lo >= 0 {
		s.LoNS, s.HiNS = d.Rank(int64(lo)), d.Rank(int64(s.N-1-lo))
	}
	return s
}

func addRow(rows map[string]*KernelRow, name, family string, s *Sample, sd side) {
	row := rows[name]
	if row == nil {
		row = &KernelRow{Name: name, Family: family}
		rows[name] = row
	}
	if sd == sideMock {
		row.Mock = s
	} else {
		row.E2E = s
	}
}

func (c *comparer) groupKey(t *trace.Trace, cfg *trace.Config) string {
	name := t.Strings[cfg.Name]
	switch c.o.By {
	case ByFamily:
		return c.family(name)
	case ByShort:
		return t.Strings[cfg.Short]
	case ByGrid:
		return fmt.Sprintf("%s grid %d×%d×%d block %d×%d×%d", name,
			cfg.Grid[0], cfg.Grid[1], cfg.Grid[2], cfg.Block[0], cfg.Block[1], cfg.Block[2])
	default:
		return name
	}
}

// memoryTable has a row for each kind of memory operation.
func memoryTable(mock, e2e *trace.Trace) []KernelRow {
	rows := map[string]*KernelRow{}
	add := func(t *trace.Trace, sd side) {
		byName := map[uint32][]int64{}
		var order []uint32
		for i := range t.MemOps {
			n := t.MemOps[i].Name
			if byName[n] == nil {
				order = append(order, n)
			}
			byName[n] = append(byName[n], t.MemOps[i].Duration)
		}
		for _, n := range order {
			addRow(rows, t.Strings[n], "", newSample(byName[n], nil), sd)
		}
		if t.Reduced != nil {
			for i := range t.Reduced.MemOps {
				m := &t.Reduced.MemOps[i]
				addRow(rows, t.Strings[m.Name], "", sampleOf(&m.Distribution), sd)
			}
		}
	}
	add(mock, sideMock)
	if e2e != nil {
		add(e2e, sideE2E)
	}
	return sortRows(rows)
}

// sortRows orders rows by time, then name, and fills in shares and ratios.
func sortRows(rows map[string]*KernelRow) []KernelRow {
	out := make([]KernelRow, 0, len(rows))
	var mock, e2e int64
	for _, r := range rows {
		out = append(out, *r)
		mock += total(r.Mock)
		e2e += total(r.E2E)
	}
	slices.SortFunc(out, func(a, b KernelRow) int {
		return cmp.Or(
			cmp.Compare(max(total(b.Mock), total(b.E2E)), max(total(a.Mock), total(a.E2E))),
			cmp.Compare(a.Name, b.Name))
	})
	for i := range out {
		r := &out[i]
		if mock > 0 {
			r.MockShare = float64(total(r.Mock)) / float64(mock)
		}
		if e2e > 0 {
			r.E2EShare = float64(total(r.E2E)) / float64(e2e)
		}
		if r.Mock != nil && r.E2E != nil {
			ratio := ratioOf(r.Mock.MedianNS, r.E2E.MedianNS)
			r.Ratio = &ratio
		}
	}
	return out
}

func total(s *Sample) int64 {
	if s == nil {
		return 0
	}
	return s.TotalNS
}
