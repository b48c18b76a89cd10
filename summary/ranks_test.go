package summary_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/summary"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestRanks compares ranks of one run, merged as traces, and merged as
// summaries: of ranks that do alike, of which one is slow, and of the stages of
// a pipeline.
func TestRanks(t *testing.T) {
	slowed := func(t *trace.Trace) *trace.Trace {
		l := &t.Launches
		for i := range l.Len() {
			l.Set(i, l.Start[i], l.Duration(i)*3/2, l.Config[i], l.Origin[i])
		}
		return t
	}
	alike := func(name string, n int) []*trace.Trace {
		var out []*trace.Trace
		for i := range n {
			out = append(out, perturbed(recording(t, name), i))
		}
		return out
	}
	withSlow := alike("llama_tp_e2e_tp4", 4)
	slowed(withSlow[2])
	stages := append(alike("llama_tp_e2e_tp4", 2), alike("serve_e2e_mixed", 2)...)
	for i, s := range stages {
		s.Capture.Path, s.Capture.Host = fmt.Sprintf("rank%d", i), "node0"
	}
	for _, tt := range []struct {
		name       string
		mock       string
		ranks      []*trace.Trace
		regression bool
		code       string // of a finding that must be there
	}{
		{"alike", "llama_tp_mock_tp4", alike("llama_tp_e2e_tp4", 4), false, ""},
		{"one is slow", "llama_tp_mock_tp4", withSlow, false, align.CodeStraggler},
		{"CUDA graphs", "sparse_mock", alike("sparse_e2e_2streams_graph", 3), false, ""},
		{"regression", "llama_tp_e2e_tp4", withSlow, true, ""},
		{"two stages", "llama_tp_mock_tp4", stages, false, ""},
	} {
		for _, noNVTX := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/noNVTX=%v", tt.name, noNVTX), func(t *testing.T) {
				o := align.Options{Regression: tt.regression, NoNVTX: noNVTX}
				mock := recording(t, tt.mock)
				want := compare(t, mock, trace.Merge(tt.ranks...), o)
				var all []*summary.Summary
				for _, r := range tt.ranks {
					s, err := summary.Of(context.Background(), r, align.ReduceOptions{NoNVTX: noNVTX})
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, s)
				}
				merged, _ := summary.Merge(all...)
				tr, err := merged.Trace(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				got := compare(t, mock, tr, o)
				a, b := outcomeOf(want), outcomeOf(got)
				// Without ranges traces that are merged have the steps of
				// one of them, where each summary has those of its own.
				ownSteps := noNVTX && tt.name == "two stages"
				if ownSteps {
					a.Sides, b.Sides = nil, nil
				}
				if d := cmp.Diff(a, b); d != "" {
					t.Errorf("(-reports +summaries):\n%s", d)
				}
				if d := cmp.Diff(want.E2E.Tracks, got.E2E.Tracks); d != "" && !ownSteps {
					t.Errorf("tracks (-reports +summaries):\n%s", d)
				}
				checkTables(t, want.Kernels, got.Kernels)
				if tt.code != "" {
					found := false
					for _, f := range got.Findings {
						found = found || f.Code == tt.code
					}
					if !found {
						t.Errorf("no finding %s", tt.code)
					}
				}
			})
		}
	}
}
