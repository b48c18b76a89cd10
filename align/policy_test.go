package align

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/trace"
)

func pattern(t *testing.T, s string) trace.Pattern {
	t.Helper()
	p, err := trace.ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicyPatterns(t *testing.T) {
	const name = "void sm90::sparse_attn_fwd_kernel<(int)576, (bool)1>(float *, int)"
	for _, tt := range []struct {
		pattern, name string
		want          bool
		reason        string
	}{
		{name, name, true, "the demangled name, exactly"},
		{"sparse_attn_fwd_kernel", name, true, "the short name, exactly"},
		{"sparse_attn", name, false, "part of a name"},
		{"sparse_*", name, true, "a glob of the short name"},
		{"void sm90::*", name, true, "a glob of the demangled name"},
		{"/attn/", name, true, "an expression, not anchored"},
		{"*", "", false, "a side that the site lacks"},
	} {
		if got := matches(pattern(t, tt.pattern), tt.name); got != tt.want {
			t.Errorf("%s: %q matches %q: %v", tt.reason, tt.pattern, tt.name, got)
		}
	}
}

func TestKernelLimits(t *testing.T) {
	o := Options{MaxRatio: 2, MinTime: 3 * time.Microsecond, Kernels: []KernelLimit{
		{Pattern: pattern(t, "a*"), MaxRatio: 3},
		{Pattern: pattern(t, "ab"), MaxRatio: 4},
		{Pattern: pattern(t, "b"), MinTime: -1},
		{Pattern: pattern(t, "c"), MinTime: time.Second},
	}}
	for _, tt := range []struct {
		mock, e2e string
		ratio     float64
		least     time.Duration
		reason    string
	}{
		{"x", "x", 2, 3 * time.Microsecond, "no pattern of its own"},
		{"ab", "ab", 3, 3 * time.Microsecond, "the first that matches, and the rest as for all"},
		{"x", "ab", 3, 3 * time.Microsecond, "by the E2E's name too"},
		{"b", "b", 2, 0, "no floor"},
		{"c", "c", 2, time.Second, "another floor"},
	} {
		if got := o.rule(siteNames{tt.mock, tt.e2e}); got.maxRatio != tt.ratio || got.minTime != tt.least || got.ignored {
			t.Errorf("%s: %+v, want %v and %v", tt.reason, got, tt.ratio, tt.least)
		}
	}
}

func TestAccept(t *testing.T) {
	sites := func() []Site {
		return []Site{
			{Index: 0, MockName: "norm", E2EName: "norm", Verdict: Match},
			{Index: 1, MockName: "gemm", E2EName: "gemm", Verdict: Slower, Reason: "more than 2× as long"},
			{Index: 2, MockName: "debug", Verdict: Extra},
			{Index: 3, E2EName: "gemm", Verdict: Missing},
			{
				Index: 4, MockName: "rope", E2EName: "rope", Verdict: Match,
				MockLaunch: &Geometry{Grid: [3]int32{1, 1, 1}}, E2ELaunch: &Geometry{Grid: [3]int32{2, 1, 1}},
			},
		}
	}
	for _, tt := range []struct {
		reason   string
		accept   Acceptance
		accepted []int
		codes    []string
		message  string
	}{
		{"slower", Acceptance{Pattern: pattern(t, "gemm"), Codes: []string{CodeLatency}, Reason: "R"}, []int{1}, []string{CodeAccepted}, "accepted, since R: gemm slower"},
		{"several codes", Acceptance{Pattern: pattern(t, "gemm"), Codes: []string{CodeLatency, CodeMissing}, Reason: "R"}, []int{1, 3}, []string{CodeAccepted}, "accepted, since R: gemm slower, gemm missing"},
		{"extra", Acceptance{Pattern: pattern(t, "*"), Codes: []string{CodeExtra}, Reason: "R"}, []int{2}, []string{CodeAccepted}, "accepted, since R: debug extra"},
		{"another geometry", Acceptance{Pattern: pattern(t, "rope"), Codes: []string{CodeShapes}, Reason: "R"}, []int{4}, []string{CodeAccepted}, "accepted, since R: rope launched with another geometry"},
		{"what matches is not accepted but fine", Acceptance{Pattern: pattern(t, "norm"), Codes: AcceptableCodes(), Reason: "R"}, nil, nil, ""},
		{"nothing of that name", Acceptance{Pattern: pattern(t, "x"), Codes: AcceptableCodes(), Reason: "R"}, nil, nil, ""},
		{
			"expired", Acceptance{Pattern: pattern(t, "gemm"), Codes: []string{CodeLatency}, Reason: "R", Expired: "2020-01-31"}, nil, []string{CodeExpired},
			"what was accepted of gemm (latency) is judged again, since that expired on 2020-01-31: R",
		},
	} {
		r := &Result{Sites: sites()}
		accept(r, []Acceptance{tt.accept}, ShortName)
		var accepted []int
		for i, s := range r.Sites {
			if s.Verdict == Accepted {
				accepted = append(accepted, i)
				if !strings.HasSuffix(s.Reason, ", accepted: R") {
					t.Errorf("%s: site %d: reason %q", tt.reason, i, s.Reason)
				}
			}
		}
		var codes []string
		message := ""
		for _, f := range r.Findings {
			codes, message = append(codes, f.Code), f.Message
			if f.Code == CodeAccepted && cmp.Diff(f.Sites, tt.accepted) != "" {
				t.Errorf("%s: a finding about sites %v, want %v", tt.reason, f.Sites, tt.accepted)
			}
		}
		if d := cmp.Diff(tt.accepted, accepted); d != "" {
			t.Errorf("%s: sites (-want +got):\n%s", tt.reason, d)
		}
		if d := cmp.Diff(tt.codes, codes); d != "" {
			t.Errorf("%s: findings (-want +got):\n%s", tt.reason, d)
		}
		if message != tt.message {
			t.Errorf("%s: %q, want %q", tt.reason, message, tt.message)
		}
	}
}

func TestShareOutside(t *testing.T) {
	for _, tt := range []struct {
		share, lo, hi float64
		want          string
	}{
		{0.5, 0.6, 0.65, "50.0"},
		{0.00002, 0, 0.00001, "0.002"},
		{0.65004, 0.6, 0.65, "65.004"},
		{0.06996, 0.07, 0.08, "6.996"},
		{0.07 + 1e-15, 0.06, 0.07, "7.000000000"}, // without end, no more
	} {
		if got := shareOutside(tt.share, Expectation{ShareLo: tt.lo, ShareHi: tt.hi}); got != tt.want {
			t.Errorf("%v, not %v to %v: %s, want %s", tt.share, tt.lo, tt.hi, got, tt.want)
		}
	}
}

func TestExpect(t *testing.T) {
	compare := func() *Result {
		return &Result{
			Mode: ModeCompare, Verdict: Aligned,
			Sites: []Site{
				{Index: 0, MockName: "gemm", E2EName: "gemm", Mock: &Sample{MedianNS: 10_000}, E2E: &Sample{MedianNS: 11_000}, MockShare: 0.25, E2EShare: 0.1},
				{Index: 1, MockName: "attn", E2EName: "attn", Mock: &Sample{MedianNS: 20_000}, E2E: &Sample{MedianNS: 21_000}, MockShare: 0.5, E2EShare: 0.8},
				{Index: 2, MockName: "gemm", E2EName: "gemm2", Mock: &Sample{MedianNS: 5_000}, E2E: &Sample{MedianNS: 6_000}, MockShare: 0.25, E2EShare: 0.1},
			},
			Findings: []Finding{{Code: CodeVariant, Severity: SeverityInfo}},
		}
	}
	us := time.Microsecond
	for _, tt := range []struct {
		reason string
		expect Expectation
		want   string // the finding; "" for none
	}{
		{"there", Expectation{Pattern: pattern(t, "gemm")}, ""},
		{"the shares of its sites together", Expectation{Pattern: pattern(t, "gemm"), ShareLo: 0.5, ShareHi: 0.5}, ""},
		{"their times together", Expectation{Pattern: pattern(t, "gemm"), TimeLo: 15 * us, TimeHi: 15 * us}, ""},
		{"too little", Expectation{Pattern: pattern(t, "attn"), ShareLo: 0.6, ShareHi: 0.65}, "expected kernel attn: in the mock it takes 50.0% of the kernel time, not 60% to 65%"},
		{"too long", Expectation{Pattern: pattern(t, "attn"), TimeHi: 19 * us}, "expected kernel attn: in the mock it takes 20 µs a step, not 0 µs to 19 µs"},
		{"the E2E's share", Expectation{Pattern: pattern(t, "attn"), E2E: true, ShareLo: 0.75, ShareHi: 0.85}, ""},
		{"by the E2E's name", Expectation{Pattern: pattern(t, "gemm2"), E2E: true}, ""},
		{"not by the mock's", Expectation{Pattern: pattern(t, "gemm2")}, "expected kernel gemm2: in the mock it is not there"},
		{"absent", Expectation{Pattern: pattern(t, "x"), E2E: true}, "expected kernel x: in the E2E it is not there"},
		{"absent, which is fine", Expectation{Pattern: pattern(t, "x"), Optional: true, ShareLo: 0.1, ShareHi: 0.2}, ""},
		{"optional, and out of bounds", Expectation{Pattern: pattern(t, "attn"), Optional: true, ShareLo: 0.1, ShareHi: 0.2}, "expected kernel attn: in the mock it takes 50.0% of the kernel time, not 10% to 20%"},
	} {
		r := compare()
		Expect(r, []Expectation{tt.expect})
		got := ""
		if len(r.Findings) > 1 {
			got = r.Findings[0].Message // before what is only worth knowing
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.reason, got, tt.want)
		}
		verdict := Aligned
		if tt.want != "" {
			verdict = Misaligned
		}
		if r.Verdict != verdict {
			t.Errorf("%s: verdict %s, want %s", tt.reason, r.Verdict, verdict)
		}
	}

	r := &Result{Mode: ModeReport, Kernels: []KernelRow{{Name: "gemm", Mock: &Sample{}, MockShare: 0.3}}}
	Expect(r, []Expectation{
		{Pattern: pattern(t, "gemm"), ShareLo: 0.2, ShareHi: 0.4, TimeLo: 1, TimeHi: 2},
		{Pattern: pattern(t, "attn")},
	})
	if len(r.Findings) != 1 || r.Findings[0].Message != "expected kernel attn: in the report it is not there" {
		t.Errorf("one report: %+v", r.Findings)
	}
	if r.Verdict != "" {
		t.Errorf("one report by itself has verdict %q", r.Verdict)
	}
}

func TestRatioBeyond(t *testing.T) {
	for _, tt := range []struct {
		ratio, bound float64
		want         string
	}{
		{7.5401, 2, "7.54"},
		{1.0503, 1.05, "1.0503"},
		{0.95201, 1.05, "0.952"}, // 1/0.952 is 1.0504
		{0.49995, 2, "0.49995"},
		{1.0002, 1, "1.0002"},
		{1.012, 1.05, "1.01"}, // within
		{1 + 1e-12, 1, "1"},   // without end, no more
	} {
		if got := ratioBeyond(tt.ratio, tt.bound); got != tt.want {
			t.Errorf("%v beyond %v: %s, want %s", tt.ratio, tt.bound, got, tt.want)
		}
	}
}
