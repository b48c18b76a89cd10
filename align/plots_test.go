package align_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

func plotted(t *testing.T, mock, e2e string, o align.Options) *align.Result {
	t.Helper()
	read := func(name string) *trace.Trace {
		db, err := nsysdb.Open(context.Background(), filepath.Join("..", "testdata", name+".sqlite"), nsysdb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		tr, err := db.Read(context.Background(), nsysdb.Query{NVTX: true})
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	r, err := align.Compare(context.Background(), read(mock), read(e2e), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPlots holds what a page draws to what the sites say.
func TestPlots(t *testing.T) {
	for _, tt := range []struct {
		mock, e2e   string
		regression  bool
		occurrences int
		reason      string
	}{
		{"dsa_mock_ctx", "dsa_e2e_ctx_tp8", false, 4, "one occurrence a layer"},
		{"dsa_mock_ctx_noindexer", "dsa_e2e_ctx_tp1", false, 4, "missing sites stand in the E2E only"},
		{"dsa_mock_ctx_extra", "dsa_e2e_ctx_tp1", false, 4, "extra sites stand in the mock only"},
		{"llama_tp_mock_fp16", "llama_tp_e2e", false, 4, "a pair of other data types is two sites"},
		{"sparse_mock", "sparse_e2e_2streams_graph", false, 6, "launches are not in order of start"},
		{"llama_tp_e2e", "llama_tp_e2e_regressed", true, 1, "the whole step is one occurrence"},
	} {
		t.Run(tt.mock+" "+tt.e2e, func(t *testing.T) {
			o := align.Options{Regression: tt.regression, Plots: true}
			r := plotted(t, tt.mock, tt.e2e, o)
			for _, x := range []struct {
				side        *align.Side
				occurrences int
				sample      func(*align.Site) *align.Sample
				name        func(*align.Site) string
			}{
				{r.Mock, 1, func(s *align.Site) *align.Sample { return s.Mock }, func(s *align.Site) string { return s.MockName }},
				{r.E2E, tt.occurrences, func(s *align.Site) *align.Sample { return s.E2E }, func(s *align.Site) string { return s.E2EName }},
			} {
				line := x.side.Timeline
				if line == nil {
					t.Fatalf("%s: no timeline", x.side.Path)
				}
				if line.Occurrences != x.occurrences || len(line.Launches) != x.side.LaunchesPerStep {
					t.Errorf("%s: %d occurrences and %d launches, want %d and %d (%s)",
						x.side.Path, line.Occurrences, len(line.Launches), x.occurrences, x.side.LaunchesPerStep, tt.reason)
				}
				seen := map[[2]int]bool{}
				for i, l := range line.Launches {
					if i > 0 && l.StartNS < line.Launches[i-1].StartNS || l.StartNS < 0 || l.StartNS+l.DurationNS > line.SpanNS {
						t.Fatalf("%s: launch %d out of order or bounds: %+v", x.side.Path, i, l)
					}
					if l.Site < 0 {
						if l.Name == "" {
							t.Errorf("%s: launch %d has neither site nor name", x.side.Path, i)
						}
						continue
					}
					s := &r.Sites[l.Site]
					if sample := x.sample(s); sample == nil || l.DurationNS < sample.MinNS || l.DurationNS > sample.MaxNS {
						t.Errorf("%s: launch %d is not of site %d's sample: %+v", x.side.Path, i, l.Site, l)
					}
					if seen[[2]int{l.Occurrence, l.Site}] || l.Occurrence < 0 {
						t.Errorf("%s: site %d twice in occurrence %d", x.side.Path, l.Site, l.Occurrence)
					}
					seen[[2]int{l.Occurrence, l.Site}] = true
				}
				for i := range r.Sites {
					s := &r.Sites[i]
					sample := x.sample(s)
					if sample == nil {
						continue
					}
					if s.StepKind == "" && !seen[[2]int{0, i}] && s.Present > 0.99 {
						t.Errorf("%s: site %d, %s, is not in the timeline", x.side.Path, i, x.name(s))
					}
					v := sample.Values
					if len(v) != min(sample.N, 128) || v[0] != sample.MinNS || v[len(v)-1] != sample.MaxNS || !slices.IsSorted(v) {
						t.Errorf("%s: site %d: %d values of %d, from %d to %d", x.side.Path, i, len(v), sample.N, v[0], v[len(v)-1])
					}
				}
			}
			stored, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			back := new(align.Result)
			if err := json.Unmarshal(stored, back); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(r, back); d != "" {
				t.Errorf("stored and read back (-want +got):\n%s", d)
			}
			// Plots only add.
			for i := range r.Sites {
				for _, s := range []*align.Sample{r.Sites[i].Mock, r.Sites[i].E2E} {
					if s != nil {
						s.Values = nil
					}
				}
			}
			r.Mock.Timeline, r.E2E.Timeline = nil, nil
			o.Plots = false
			if d := cmp.Diff(plotted(t, tt.mock, tt.e2e, o), r); d != "" {
				t.Errorf("without plots, with plots (-want +got):\n%s", d)
			}
		})
	}
}
