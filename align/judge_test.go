package align_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

// steady makes a program of n steps of the attention operation in which launch
// at takes ns(step), without noise.
func steady(n, at int, ns func(step int) int64) *script {
	op := fullShape.attentionOp()
	s := &script{stepName: numbered("forward")}
	for i := range n {
		step := slices.Clone(op)
		step[at].ns = ns(i)
		s.steps = append(s.steps, step)
	}
	return s
}

func always(ns int64) func(int) int64 { return func(int) int64 { return ns } }

// TestJudge compares two steady programs that differ at one launch.
func TestJudge(t *testing.T) {
	const at = 8 // a launch that says nothing of heads or tokens
	for _, x := range []struct {
		reason    string
		mock, e2e func(step int) int64
		steps     int
		options   align.Options
		want      align.SiteVerdict
		verdict   align.Verdict
	}{
		{"equal", always(20_000), always(20_000), 8, align.Options{}, align.Match, align.Aligned},
		{"exactly the bound is within", always(40_000), always(20_000), 8, align.Options{}, align.Match, align.Aligned},
		{"just beyond", always(40_100), always(20_000), 8, align.Options{}, align.Slower, align.Misaligned},
		{"exactly the bound, the other way", always(20_000), always(40_000), 8, align.Options{}, align.Match, align.Aligned},
		{"just beyond, the other way", always(20_000), always(40_100), 8, align.Options{}, align.Faster, align.Misaligned},
		{"far apart below the floor of 3 µs", always(3_900), always(1_000), 8, align.Options{}, align.Match, align.Aligned},
		{"above the floor", always(4_100), always(1_000), 8, align.Options{}, align.Slower, align.Misaligned},
		{"a floor of one's own", always(40_000), always(10_000), 8, align.Options{MinTime: 31 * time.Microsecond}, align.Match, align.Aligned},
		{"no floor", always(300), always(100), 8, align.Options{MinTime: -1}, align.Slower, align.Misaligned},
		{"a bound of one's own, beyond", always(24_500), always(20_000), 8, align.Options{MaxRatio: 1.2}, align.Slower, align.Misaligned},
		{"a bound of one's own, within", always(24_000), always(20_000), 8, align.Options{MaxRatio: 1.2}, align.Match, align.Aligned},
		{"fewer launches than 3", always(60_000), always(20_000), 2, align.Options{}, align.SiteUndecided, align.Undecided},
		{"no fewer than asked for", always(60_000), always(20_000), 2, align.Options{MinSamples: 2}, align.Slower, align.Misaligned},
		{"fewer than asked for", always(20_000), always(20_000), 8, align.Options{MinSamples: 9}, align.SiteUndecided, align.Undecided},
		{"the interval spans the bound", func(i int) int64 { return 20_000 + int64(i%2)*44_000 }, always(20_000), 8, align.Options{}, align.SiteUndecided, align.Undecided},
		{"the interval is within the bound", func(i int) int64 { return 20_000 + int64(i%2)*18_000 }, always(20_000), 8, align.Options{}, align.Match, align.Aligned},
		{"one outlier moves no median", func(i int) int64 { return 20_000 + int64(i/7)*900_000 }, always(20_000), 8, align.Options{}, align.Match, align.Aligned},

		{"regression: 5 % is within", always(21_000), always(20_000), 8, align.Options{Regression: true}, align.Match, align.Aligned},
		{"regression: one of few steps of the base is far off", func(i int) int64 { return 20_000 + int64(i/4)*100_000 }, always(40_000), 5, align.Options{Regression: true}, align.SiteUndecided, align.Undecided},
		{"regression: most of the run is slower", always(20_000), func(i int) int64 { return 20_000 + int64(min(i/24, 1))*20_000 }, 60, align.Options{Regression: true}, align.SiteUndecided, align.Undecided},
		{"regression: slower is new over base", always(20_000), always(21_500), 8, align.Options{Regression: true}, align.Slower, align.Misaligned},
		{"regression: faster does not fail", always(21_500), always(20_000), 8, align.Options{Regression: true}, align.Faster, align.Aligned},
		{"regression: below the floor of 500 ns", always(2_000), always(2_490), 8, align.Options{Regression: true}, align.Match, align.Aligned},
		{"regression: above it", always(2_000), always(2_510), 8, align.Options{Regression: true}, align.Slower, align.Misaligned},
		{"regression: within the noise of each half", func(i int) int64 { return 20_000 + int64(i%2)*4_000 }, func(i int) int64 { return 21_500 + int64(i%2)*4_000 }, 8, align.Options{Regression: true}, align.Match, align.Aligned},
		{"regression: a bound of one's own", always(20_000), always(25_000), 8, align.Options{Regression: true, MaxRatio: 1.3}, align.Match, align.Aligned},
	} {
		for _, bare := range []bool{false, true} {
			name := strings.ReplaceAll(x.reason, " ", "-") + "/nvtx"
			if bare {
				name = strings.TrimSuffix(name, "nvtx") + "no-nvtx"
			}
			t.Run(name, func(t *testing.T) {
				if bare && x.steps < 3 {
					t.Skip("no period to be told from two steps")
				}
				c := check(t)
				mock, _ := steady(x.steps, at, x.mock).trace("mock")
				e2e, _ := steady(x.steps, at, x.e2e).trace("e2e")
				o := x.options
				o.NoNVTX = bare
				r := compare(t, mock, e2e, o)
				if len(r.Sites) != 9 {
					c.Errorf("%d sites, want 9", len(r.Sites))
					return
				}
				for i, s := range r.Sites {
					// Without ranges a step may begin anywhere.
					want := align.Match
					if s.MockName == "residual_add_kernel" {
						want = x.want
					} else if x.want == align.SiteUndecided && min(x.steps, r.Mock.Steps) < r.Limits.MinSamples {
						want = align.SiteUndecided
					}
					if s.Verdict != want {
						c.Errorf("site %d, %s: %s (%s), ratio %v to %v, want %s", i, s.MockName, s.Verdict, s.Reason, deref(s.RatioLo), deref(s.RatioHi), want)
					}
					if s.Verdict == align.Match != (s.Reason == "") {
						c.Errorf("site %d: %s, reason %q", i, s.Verdict, s.Reason)
					}
					if s.P != nil && (*s.P < 0 || *s.P > 1) {
						c.Errorf("site %d: p %g", i, *s.P)
					}
				}
				if r.Verdict != x.verdict {
					c.Errorf("verdict %s, want %s", r.Verdict, x.verdict)
				}
			})
		}
	}
}

// verdictsByName returns the verdict of each site by the mock's name, or the
// E2E's where there is none.
func verdictsByName(r *align.Result) map[string]align.SiteVerdict {
	m := map[string]align.SiteVerdict{}
	for _, s := range r.Sites {
		name := s.MockName
		if name == "" {
			name = s.E2EName
		}
		m[name] = s.Verdict
	}
	return m
}

func TestIgnore(t *testing.T) {
	mock, _ := steady(8, 8, always(90_000)).trace("mock")
	e2e, _ := steady(8, 8, always(11_000)).trace("e2e")
	r := compare(t, mock, e2e, align.Options{Ignore: regexp.MustCompile("^residual")})
	if got := verdictsByName(r)["residual_add_kernel"]; got != align.Ignored || r.Verdict != align.Aligned {
		t.Errorf("%s, verdict %s; want ignored, aligned", got, r.Verdict)
	}
	// What is missing can be ignored as well.
	step := fullShape.attentionOp()
	lacking, _ := program(1, 8, slices.Delete(slices.Clone(step), 4, 5)).trace("mock")
	whole, _ := program(2, 8, step).trace("e2e")
	r = compare(t, lacking, whole, align.Options{Ignore: regexp.MustCompile("^topK")})
	if got := verdictsByName(r)["topKPerRowPrefill"]; got != align.Ignored || r.Verdict != align.Aligned {
		t.Errorf("%s, verdict %s; want ignored, aligned", got, r.Verdict)
	}
}

// TestAliases gives two kernels of different names the same identity.
func TestAliases(t *testing.T) {
	step := fullShape.attentionOp()
	renamed := slices.Clone(step)
	renamed[6].name = "our_own_attention"
	mock, _ := program(1, 8, renamed).trace("mock")
	e2e, _ := program(2, 8, step).trace("e2e")
	r := compare(t, mock, e2e, align.Options{})
	if diff := cmp.Diff([]string{"extra error", "missing error"}, findingCodes(r)); diff != "" {
		t.Errorf("without alias (-want +got):\n%s", diff)
	}
	alias := align.Alias{Mock: regexp.MustCompile("^our_own"), E2E: regexp.MustCompile("^flash_fwd")}
	c := check(t)
	r = compare(t, mock, e2e, align.Options{Aliases: []align.Alias{alias}})
	expectNothing(c, r)
	if s := r.Sites[6]; s.MockName != "our_own_attention" || s.E2EName != "flash_fwd_kernel" {
		c.Errorf("site 6 is %s and %s", s.MockName, s.E2EName)
	}
}

// TestCommunication looks at a collective whose time is waiting.
func TestCommunication(t *testing.T) {
	const name = "ncclDevKernel_AllReduce_Sum_bf16_RING_LL"
	with := func(us int64) []kernel {
		return append(fullShape.attentionOp(), kernel{name: name, ns: us * 1000, grid: [3]int32{16, 1, 1}, block: [3]int32{512, 1, 1}})
	}
	mock, _ := program(1, 8, with(40)).trace("mock")
	e2e, _ := program(2, 8, with(400)).trace("e2e")
	r := compare(t, mock, e2e, align.Options{})
	if got := verdictsByName(r)[name]; got != align.Communication || r.Verdict != align.Aligned {
		t.Errorf("%s, verdict %s; want communication, aligned", got, r.Verdict)
	}
	if diff := cmp.Diff([]string{"communication info"}, findingCodes(r)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	r = compare(t, mock, e2e, align.Options{JudgeCommunication: true})
	if got := verdictsByName(r)[name]; got != align.Faster || r.Verdict != align.Misaligned {
		t.Errorf("judged: %s, verdict %s; want faster, misaligned", got, r.Verdict)
	}
}
