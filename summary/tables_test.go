package summary_test

import (
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// checkTables compares tables by name: counts, sums and extremes are exact,
// the standard deviation but for rounding, quantiles within the stated error.
func checkTables(tb testing.TB, want, got []align.KernelRow) {
	tb.Helper()
	byName := map[string]*align.KernelRow{}
	for i := range got {
		byName[got[i].Name] = &got[i]
	}
	if len(want) != len(got) {
		tb.Errorf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		w, g := &want[i], byName[want[i].Name]
		if g == nil {
			tb.Errorf("no row %s", w.Name)
			continue
		}
		if w.Family != g.Family || w.MockShare != g.MockShare || w.E2EShare != g.E2EShare {
			tb.Errorf("%s: family or share differ", w.Name)
		}
		checkSample(tb, w.Name, w.Mock, g.Mock)
		checkSample(tb, w.Name, w.E2E, g.E2E)
	}
}

func checkSample(tb testing.TB, name string, want, got *align.Sample) {
	tb.Helper()
	if want == nil || got == nil {
		if want != got {
			tb.Errorf("%s: on one side only", name)
		}
		return
	}
	if want.N != got.N || want.TotalNS != got.TotalNS || want.MinNS != got.MinNS || want.MaxNS != got.MaxNS || want.MeanNS != got.MeanNS {
		tb.Errorf("%s: %+v, want %+v", name, got, want)
	}
	near := func(what string, w, g, within float64) {
		if d := max(g-w, w-g); d > within*w {
			tb.Errorf("%s: %s is %v, want %v within %v", name, what, g, w, within)
		}
	}
	near("standard deviation", want.StddevNS, got.StddevNS, 1e-9)
	near("median", want.MedianNS, got.MedianNS, trace.MaxQuantileError)
	near("5 % quantile", want.P5NS, got.P5NS, trace.MaxQuantileError)
	near("95 % quantile", want.P95NS, got.P95NS, trace.MaxQuantileError)
	near("lower bound", want.LoNS, got.LoNS, trace.MaxQuantileError)
	near("upper bound", want.HiNS, got.HiNS, trace.MaxQuantileError)
}

// TestTables compares the table of each recorded report under every grouping.
func TestTables(t *testing.T) {
	for _, name := range names(t) {
		tr := recording(t, name)
		s := summarised(t, tr, align.ReduceOptions{Steps: 2})
		for _, by := range []align.Grouping{align.ByName, align.ByFamily, align.ByShort, align.ByGrid} {
			o := align.Options{By: by, MemOps: true}
			want, got := report(t, tr, o), report(t, s, o)
			checkTables(t, want.Kernels, got.Kernels)
			checkTables(t, want.MemOps, got.MemOps)
		}
	}
}
