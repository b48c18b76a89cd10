package align_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// rankPrograms makes a program for each rank, on a GPU of its own; slow is by
// how many per cent longer the kernels of a rank take.
func rankPrograms(n int, step func(rank int) []kernel, slow map[int]int64) []*script {
	var ps []*script
	for r := range n {
		s := step(r)
		for i := range s {
			s[i].ns = s[i].ns * (100 + slow[r]) / 100
		}
		p := program(uint64(10+r), 8, s)
		p.device = r
		ps = append(ps, p)
	}
	return ps
}

var oneRank = shape{heads: 8, tokens: 2048, gpu: 100, dtype: "tst"}

// both runs a test with NVTX ranges and without.
func both(t *testing.T, fn func(t *testing.T, o align.Options)) {
	for _, bare := range []bool{false, true} {
		name := "nvtx"
		if bare {
			name = "no-nvtx"
		}
		t.Run(name, func(t *testing.T) { fn(t, align.Options{NoNVTX: bare}) })
	}
}

func TestRanks(t *testing.T) {
	both(t, func(t *testing.T, o align.Options) {
		c := check(t)
		mock, _ := program(1, 10, oneRank.attentionOp()).trace("mock")
		e2e, _ := traceOf("e2e", rankPrograms(4, func(int) []kernel { return oneRank.model(3) }, nil)...)
		r := compare(t, mock, e2e, o)
		expectNothing(c, r)
		if r.E2E.Processes != 4 || r.E2E.Devices != 4 || len(r.E2E.Tracks) != 4 || r.E2E.Steps != 32 || r.E2E.Occurrences != 3 {
			c.Errorf("%d processes, %d devices, %d tracks, %d steps, %d occurrences; want 4, 4, 4, 32, 3",
				r.E2E.Processes, r.E2E.Devices, len(r.E2E.Tracks), r.E2E.Steps, r.E2E.Occurrences)
		}
		for _, tr := range r.E2E.Tracks {
			if tr.Steps != 8 || tr.Occurrences != 3 || tr.Pace < 0.97 || tr.Pace > 1.03 {
				c.Errorf("track %+v, want 8 steps, 3 occurrences, pace 1", tr)
			}
		}
		for _, s := range r.Sites {
			if s.Ranks == nil || s.Ranks.N != 4 || s.Ranks.MinNS > s.Ranks.MedianNS || s.Ranks.MedianNS > s.Ranks.MaxNS {
				c.Errorf("site %d: spread %+v", s.Index, s.Ranks)
			}
			if s.E2E.N != 4*8*3 {
				c.Errorf("site %d: %d launches, want %d", s.Index, s.E2E.N, 4*8*3)
			}
		}
	})
}

// TestRanksAgreeWithTP looks at what the number of ranks says of a head count.
func TestRanksAgreeWithTP(t *testing.T) {
	for _, x := range []struct {
		ranks int
		says  string
	}{{4, "agrees with TP=4"}, {8, "not the factor 4"}} {
		mock, _ := program(1, 10, fullShape.attentionOp()).trace("mock")
		e2e, _ := traceOf("e2e", rankPrograms(x.ranks, func(int) []kernel { return oneRank.model(2) }, nil)...)
		r := compare(t, mock, e2e, align.Options{})
		if len(r.Causes) != 1 || r.Causes[0].Code != align.CauseHeadCount || r.Causes[0].Factor != 4 {
			t.Errorf("%d ranks: causes %+v, want a head count of 4", x.ranks, r.Causes)
		} else if got := strings.Join(r.Causes[0].Evidence, "; "); !strings.Contains(got, x.says) {
			t.Errorf("%d ranks: evidence %q, want %q in it", x.ranks, got, x.says)
		}
	}
}

func TestStraggler(t *testing.T) {
	for _, x := range []struct {
		reason string
		slow   map[int]int64
		want   []string
	}{
		{"all alike", nil, nil},
		{"one 30 % slower", map[int]int64{2: 30}, []string{"straggler warning"}},
		{"one 4 % slower is within what ranks differ by", map[int]int64{2: 4}, nil},
		{"one faster is no straggler", map[int]int64{1: -25}, nil},
	} {
		both(t, func(t *testing.T, o align.Options) {
			c := check(t)
			mock, _ := program(1, 10, oneRank.attentionOp()).trace("mock")
			e2e, _ := traceOf("e2e", rankPrograms(4, func(int) []kernel { return oneRank.model(3) }, x.slow)...)
			r := compare(t, mock, e2e, o)
			if r.Verdict != align.Aligned {
				c.Errorf("%s: verdict %s, want aligned", x.reason, r.Verdict)
			}
			got := findingCodes(r)
			if diff := cmp.Diff(strings.Join(x.want, ";"), strings.Join(got, ";")); diff != "" {
				c.Errorf("%s: findings (-want +got):\n%s", x.reason, diff)
			}
			for _, f := range r.Findings {
				if f.Code == align.CodeStraggler && !strings.Contains(f.Message, "device 2") {
					c.Errorf("%s: %q, want device 2", x.reason, f.Message)
				}
			}
			for rank, percent := range x.slow {
				want := 1 + float64(percent)/100
				if got := r.E2E.Tracks[rank].Pace; got < want-0.03 || got > want+0.03 {
					c.Errorf("%s: pace %.3f of rank %d, want %.2f", x.reason, got, rank, want)
				}
			}
			if len(x.slow) > 0 && r.Sites[0].Ranks != nil && percentOf(x.slow, 2) > 10 {
				if s := r.Sites[0].Ranks; !strings.Contains(s.Slowest, "device 2") {
					c.Errorf("%s: slowest %s", x.reason, s.Slowest)
				}
			}
		})
	}
}

// TestStragglerInAll looks at a rank that is as fast as the others on most sites and
// takes longer for one.
func TestStragglerInAll(t *testing.T) {
	const attention = "flash_fwd_kernel"
	// ranks returns four ranks, one kernel of which takes factor times as long on rank 2.
	ranks := func(name string, factor float64) *trace.Trace {
		tr, _ := traceOf(name, rankPrograms(4, func(rank int) []kernel {
			ks := oneRank.model(3)
			for i := range ks {
				if rank == 2 && strings.Contains(ks[i].name, attention) {
					ks[i].ns = int64(float64(ks[i].ns) * factor)
				}
			}
			return ks
		}, nil)...)
		return tr
	}
	for _, x := range []struct {
		reason     string
		base, next float64 // how slow the kernel is; no base is a comparison with a mock
		want       string
	}{
		{"three times as long", 0, 3, "straggler warning"},
		{"within what ranks differ by", 0, 1.02, ""},
		{"faster", 0, 0.3, ""},
		{"in the new run only", 1, 3, "straggler warning"},
		{"in both", 3, 3, "straggler info"},
		{"in the base only", 3, 1, ""},
	} {
		both(t, func(t *testing.T, o align.Options) {
			c := check(t)
			first, _ := program(1, 10, oneRank.attentionOp()).trace("mock")
			if o.Regression = x.base > 0; o.Regression {
				first = ranks("base", x.base)
			}
			r := compare(t, first, ranks("e2e", x.next), o)
			got := ""
			for _, f := range r.Findings {
				if f.Code != align.CodeStraggler {
					continue
				}
				got += f.Code + " " + string(f.Severity)
				for _, want := range []string{"device 2 takes ", "times as long as the median rank for ", "most of it for " + attention} {
					if !strings.Contains(f.Message, want) {
						c.Errorf("%s: %q, want %q in it", x.reason, f.Message, want)
					}
				}
				if says := strings.Contains(f.Message, "in the base pid"); says != (x.base > 1) {
					c.Errorf("%s: %q", x.reason, f.Message)
				}
			}
			if got != x.want {
				c.Errorf("%s: %q, want %q; %v", x.reason, got, x.want, findingCodes(r))
			}
			if pace := r.E2E.Tracks[2].Pace; pace < 0.97 || pace > 1.03 {
				c.Errorf("%s: pace %.3f, want that of most sites", x.reason, pace)
			}
		})
	}
}

// TestStragglerOfBoth looks at a rank that is slow in both runs, which is no
// news, or slower still in the new one.
func TestStragglerOfBoth(t *testing.T) {
	for _, x := range []struct {
		reason     string
		base, next map[int]int64
		want       string
	}{
		{"in the new run only", nil, map[int]int64{2: 30}, "straggler warning"},
		{"in both", map[int]int64{1: 30}, map[int]int64{2: 30}, "straggler info"},
		{"in both, slower in the new run", map[int]int64{2: 15}, map[int]int64{2: 60}, "straggler warning"},
		{"in the base only", map[int]int64{2: 30}, nil, ""},
	} {
		both(t, func(t *testing.T, o align.Options) {
			c := check(t)
			o.Regression = true
			run := func(name string, slow map[int]int64) *trace.Trace {
				tr, _ := traceOf(name, rankPrograms(4, func(int) []kernel { return oneRank.model(3) }, slow)...)
				return tr
			}
			r := compare(t, run("base", x.base), run("new", x.next), o)
			got := ""
			for _, f := range r.Findings {
				if f.Code == align.CodeStraggler {
					got = f.Code + " " + string(f.Severity)
					if says := strings.Contains(f.Message, "in the base pid"); says != (x.base != nil) {
						c.Errorf("%s: %q", x.reason, f.Message)
					}
				}
			}
			if got != x.want {
				c.Errorf("%s: %q, want %q; %v", x.reason, got, x.want, findingCodes(r))
			}
			for rank, percent := range x.base {
				want := 1 + float64(percent)/100
				if got := r.Mock.Tracks[rank].Pace; got < want-0.03 || got > want+0.03 {
					c.Errorf("%s: pace %.3f of the base's rank %d, want %.2f", x.reason, got, rank, want)
				}
			}
		})
	}
}

func percentOf(m map[int]int64, k int) int64 { return m[k] }

// TestCollective looks at where the time of a collective goes: the rank that
// comes last, rank 3, waits for nobody and takes 50 µs for the transfer.
func TestCollective(t *testing.T) {
	const name = "ncclDevKernel_AllReduce_Sum_bf16_RING_LL"
	both(t, func(t *testing.T, o align.Options) {
		c := check(t)
		step := func(rank int) []kernel {
			ks := oneRank.model(2)
			var out []kernel
			for _, k := range ks {
				out = append(out, k)
				if k.name == "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNN" {
					wait := int64(100_000)
					if rank == 3 {
						wait = 0
					}
					out = append(out, kernel{name: name, ns: 50_000 + wait, grid: [3]int32{16, 1, 1}, path: k.path})
				}
			}
			return out
		}
		op := oneRank.attentionOp()
		op = slices.Insert(op, 8, kernel{name: name, ns: 50_000, grid: [3]int32{16, 1, 1}, path: []string{"self_attn"}})
		mock, _ := program(1, 10, op).trace("mock")
		e2e, _ := traceOf("e2e", rankPrograms(4, step, nil)...)
		r := compare(t, mock, e2e, o)
		if r.Verdict != align.Aligned {
			c.Errorf("verdict %s, want aligned", r.Verdict)
		}
		if diff := cmp.Diff([]string{"communication info"}, findingCodes(r)); diff != "" {
			c.Errorf("findings (-want +got):\n%s", diff)
		}
		for _, s := range r.Sites {
			if s.MockName != name {
				if s.Collective != nil {
					c.Errorf("site %d, %s: collective %+v", s.Index, s.MockName, s.Collective)
				}
				continue
			}
			x := s.Collective
			if s.Verdict != align.Communication || x == nil {
				c.Errorf("site %d: %s, collective %+v", s.Index, s.Verdict, x)
				continue
			}
			if x.Calls != 16 || x.TransferNS < 46_000 || x.TransferNS > 54_000 || x.WaitNS < 90_000 || x.WaitNS > 110_000 || !strings.Contains(x.Last, "device 3") {
				c.Errorf("collective %+v, want 16 calls, 50 µs of transfer, 100 µs of waiting, device 3 last", *x)
			}
		}
	})
}

// TestPipelineStages looks at ranks that launch different things: the mock is
// found in those that hold it, and the others are no difference.
func TestPipelineStages(t *testing.T) {
	both(t, func(t *testing.T, o align.Options) {
		c := check(t)
		step := func(rank int) []kernel {
			if rank < 2 {
				return oneRank.model(3)
			}
			var ks []kernel
			for l := range 3 {
				for i, n := range []string{"expert_routing_kernel", "grouped_gemm_kernel", "expert_silu_kernel", "grouped_gemm_kernel_2", "finalize_experts_kernel"} {
					ks = append(ks, kernel{name: n, ns: int64(20_000 * (i + 1)), grid: [3]int32{64, 1, 1}, path: []string{fmt.Sprintf("layer %d", l), "moe"}})
				}
			}
			return append(ks, kernel{name: "sampling_kernel", ns: 20_000})
		}
		mock, _ := program(1, 10, oneRank.attentionOp()).trace("mock")
		e2e, _ := traceOf("e2e", rankPrograms(4, step, nil)...)
		r := compare(t, mock, e2e, o)
		groups := slices.DeleteFunc(slices.Clone(r.Findings), func(f align.Finding) bool { return f.Code != align.CodeRankGroups })
		if len(groups) != 1 || groups[0].Severity != align.SeverityInfo || !strings.Contains(groups[0].Message, "without the mock") {
			c.Errorf("groups of ranks: %+v", groups)
		}
		r.Findings = slices.DeleteFunc(r.Findings, func(f align.Finding) bool { return f.Code == align.CodeRankGroups })
		expectNothing(c, r)
		for i, tr := range r.E2E.Tracks {
			if want := i/2 + 1; tr.Group != want {
				c.Errorf("track %d is of group %d, want %d", i, tr.Group, want)
			}
		}
		if r.E2E.Steps != 16 || r.E2E.Occurrences != 3 {
			c.Errorf("%d steps, %d occurrences, want 16 and 3", r.E2E.Steps, r.E2E.Occurrences)
		}
		for i, tr := range r.E2E.Tracks {
			if want := 8 * (1 - i/2); tr.Steps != want {
				c.Errorf("track of device %d: %d steps, want %d", tr.Device, tr.Steps, want)
			}
		}
	})
}

// TestMergedReports compares a mock with the reports of several ranks, each a
// file of its own, whose ids and clocks have nothing to do with one another.
func TestMergedReports(t *testing.T) {
	both(t, func(t *testing.T, o align.Options) {
		c := check(t)
		mock, _ := program(1, 10, oneRank.attentionOp()).trace("mock")
		var ranks []*trace.Trace
		for r := range 3 {
			tr, _ := program(uint64(50+r), 8, oneRank.model(3)).trace(fmt.Sprintf("rank%d.sqlite", r))
			ranks = append(ranks, tr)
		}
		r := compare(t, mock, trace.Merge(ranks...), o)
		expectNothing(c, r)
		if len(r.E2E.Tracks) != 3 || r.E2E.Steps != 24 || r.E2E.Processes != 3 {
			c.Errorf("%d tracks, %d steps, %d processes, want 3, 24, 3", len(r.E2E.Tracks), r.E2E.Steps, r.E2E.Processes)
		}
		for i, tr := range r.E2E.Tracks {
			if want := fmt.Sprintf("rank%d.sqlite", i); tr.Report != want {
				c.Errorf("track %d is of report %q, want %q", i, tr.Report, want)
			}
		}
	})
}

// TestStagesOfUnequalLength finds the mock in pipeline stages whose steps are
// so different that they are kinds of their own.
func TestStagesOfUnequalLength(t *testing.T) {
	both(t, func(t *testing.T, o align.Options) {
		c := check(t)
		step := func(rank int) []kernel {
			if rank < 2 {
				return oneRank.model(1)
			}
			return oneRank.model(6)
		}
		mock, _ := program(1, 10, oneRank.attentionOp()).trace("mock")
		e2e, _ := traceOf("e2e", rankPrograms(4, step, nil)...)
		r := compare(t, mock, e2e, o)
		if r.Verdict != align.Aligned || len(r.E2E.Tracks) != 4 {
			c.Errorf("verdict %s of %d tracks", r.Verdict, len(r.E2E.Tracks))
		}
		for i, tr := range r.E2E.Tracks {
			if want := []int{1, 1, 6, 6}[i]; tr.Steps == 0 || tr.Occurrences != want || tr.Group != i/2+1 {
				c.Errorf("track %d: %d steps with %d occurrences in group %d, want %d", i, tr.Steps, tr.Occurrences, tr.Group, want)
			}
		}
	})
}

// TestRanksOfBoth: a rank that only one of two runs has is said, since what is compared
// are all of a run together.
func TestRanksOfBoth(t *testing.T) {
	for _, x := range []struct {
		base, next int
		want       string
	}{
		{4, 4, ""},
		{1, 1, ""},
		{4, 3, "4 ranks of the base and 3 of the new run launch what is compared"},
		{1, 2, "1 rank of the base and 2 of the new run launch what is compared"},
	} {
		both(t, func(t *testing.T, o align.Options) {
			c := check(t)
			o.Regression = true
			run := func(name string, n int) *trace.Trace {
				tr, _ := traceOf(name, rankPrograms(n, func(int) []kernel { return oneRank.model(3) }, nil)...)
				return tr
			}
			r := compare(t, run("base", x.base), run("new", x.next), o)
			got := ""
			for _, f := range r.Findings {
				if f.Code == align.CodeRanks {
					got += f.Message
				}
			}
			if got != x.want || r.Verdict != align.Aligned {
				c.Errorf("%d and %d ranks: %s, %q, want %q", x.base, x.next, r.Verdict, got, x.want)
			}
		})
	}
}
