package align_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestStepTimes checks where the time of a step went: launches of one stream,
// one after the other, with gaps between them.
func TestStepTimes(t *testing.T) {
	op := fullShape.attentionOp()
	us := func(ns float64) float64 { return math.Round(ns / 1000) }
	steps := func(ks []kernel) *script {
		s := &script{stepName: numbered("forward")}
		for range 8 {
			s.steps = append(s.steps, ks)
		}
		return s
	}
	next := slices.Clone(op)
	next[0].ns += 6_000                                                    // changed
	next = slices.Delete(next, 3, 4)                                       // removed: 60 µs
	next = append(next, kernel{name: "added_kernel", ns: 25_000}, next[0]) // added: 25 µs and another norm
	a, _ := steps(op).trace("base")
	b, _ := steps(next).trace("new")
	both(t, func(t *testing.T, o align.Options) {
		c := check(t)
		o.Regression = true
		s := compare(t, a, b, o).Regression
		if s == nil {
			c.Errorf("no step times")
			return
		}
		var base, new int64
		for _, k := range op {
			base += k.ns
		}
		for _, k := range next {
			new += k.ns
		}
		got := []float64{us(s.BaseKernelNS), us(s.NewKernelNS), us(s.AddedNS), us(s.RemovedNS), us(s.ChangedNS)}
		want := []float64{us(float64(base)), us(float64(new)), 25 + 18, 60, 6}
		if diff := cmp.Diff(want, got); diff != "" {
			c.Errorf("kernel time of base and new, added, removed, changed, µs (-want +got):\n%s", diff)
		}
		// From the first launch to the last there is a gap of 1 µs after each.
		if g := us(s.BaseGapNS); g != float64(len(op)-1) {
			c.Errorf("gaps of %g µs, want %d", g, len(op)-1)
		}
		if r := s.NewStepNS / s.BaseStepNS; math.Abs(r-s.Ratio) > 1e-9 {
			c.Errorf("ratio %g, want %g", s.Ratio, r)
		}
	})
}

// TestTimesOf holds the gaps of a step whose launches overlap, and are in no order,
// against looking at each nanosecond.
func TestTimesOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(64, 65))
	for run := range 2000 {
		n := 1 + rng.IntN(12)
		tr := &trace.Trace{}
		tr.Launches.Resize(n)
		var runs [100]bool
		first, end := len(runs), 0
		index := make([]uint32, n)
		for i, p := range rng.Perm(n) {
			index[i] = uint32(p)
			from, length := 5*p+rng.IntN(40)*(run%2), rng.IntN(9) // in the order of p, or not
			tr.Launches.Set(p, int64(from), int64(length), 0, 0)
			first, end = min(first, from), max(end, from+length)
			for k := from; k < from+length; k++ {
				runs[k] = true
			}
		}
		if run%3 == 0 {
			slices.Sort(index)
		}
		gap := 0
		for _, busy := range runs[first:end] {
			if !busy {
				gap++
			}
		}
		if s, g := align.TimesOf(tr, index); s != int64(end-first) || g != int64(gap) {
			t.Fatalf("run %d: %d ns and gaps of %d ns, want %d and %d", run, s, g, end-first, gap)
		}
	}
}

// TestStepTimesOfRecorded checks that what was added, removed and changed makes
// up the change of kernel time.
func TestStepTimesOfRecorded(t *testing.T) {
	s := compare(t, recording(t, "llama_tp_e2e"), recording(t, "llama_tp_e2e_regressed"), align.Options{Regression: true}).Regression
	change, parts := s.NewKernelNS-s.BaseKernelNS, s.AddedNS-s.RemovedNS+s.ChangedNS
	if math.Abs(change-parts) > 0.1*math.Abs(change) {
		t.Errorf("kernel time changed by %g, the parts add up to %g", change, parts)
	}
	if s.AddedNS < 4*20_000 || s.AddedNS > 4*23_000 || s.RemovedNS != 0 {
		t.Errorf("added %g, removed %g, want 4 launches of 21 µs and none", s.AddedNS, s.RemovedNS)
	}
}

// TestGapsNotKernels has the host issue later: the step takes longer and no
// kernel does.
func TestGapsNotKernels(t *testing.T) {
	base, next := program(1, 10, fullShape.model(3)), program(2, 10, fullShape.model(3))
	a, _ := base.trace("base")
	b, _ := next.trace("new")
	for i := range b.Launches.Start {
		b.Launches.Start[i] *= 2
	}
	for i := range b.Ranges {
		b.Ranges[i].Start, b.Ranges[i].End = b.Ranges[i].Start*2, b.Ranges[i].End*2
	}
	r := compare(t, a, b, align.Options{Regression: true})
	if diff := cmp.Diff([]string{"step-time error"}, findingCodes(r)); diff != "" || r.Verdict != align.Misaligned {
		t.Errorf("verdict %s, findings (-want +got):\n%s", r.Verdict, diff)
	}
	if s := r.Regression; s.Ratio < 1.8 || math.Abs(s.NewKernelNS/s.BaseKernelNS-1) > 0.02 || s.NewGapNS < 10*s.BaseGapNS {
		t.Errorf("step times %+v", *s)
	}
}

// servedSteps returns the launches of a prefill and of a decode step of one model.
func servedSteps() (prefill, decode []kernel) {
	decode = shape{heads: 32, tokens: 256, gpu: 100, dtype: "tst"}.model(2)
	for i := range decode {
		if decode[i].name == "flash_fwd_kernel" {
			decode[i].name = "paged_decode_attention_kernel"
		}
	}
	return fullShape.model(2), decode
}

// serving returns a capture whose steps are prefill, p in the schedule, and decode.
func serving(seed uint64, schedule string, prefill, decode []kernel) *script {
	s := &script{stepName: func(i int) string {
		if schedule[i] == 'p' {
			return fmt.Sprintf("step %d: 1 ctx reqs, 0 gen reqs", i)
		}
		return fmt.Sprintf("step %d: 0 ctx reqs, 8 gen reqs", i)
	}}
	for i, k := range schedule {
		step := decode
		if k == 'p' {
			step = prefill
		}
		s.steps = append(s.steps, program(seed+uint64(i), 1, step).steps...)
	}
	return s
}

// TestKindsInRegression compares serving captures of several kinds of steps:
// each is compared with its like, and a kind that one run lacks is said.
func TestKindsInRegression(t *testing.T) {
	prefill, decode := servedSteps()
	slow := slices.Clone(decode)
	for i := range slow {
		if slow[i].name == "silu_mul_kernel" {
			slow[i].ns = slow[i].ns * 3 / 2
		}
	}
	for _, x := range []struct {
		reason   string
		base     string
		next     string
		decode   []kernel // of the new run
		verdict  align.Verdict
		findings []string
	}{
		{"both kinds in both", "pddpdddpddpdpddd", "ppdddpddpdddpddd", decode, align.Aligned, nil},
		{"one kernel of one kind is slower", "pddpdddpddpdpddd", "ppdddpddpdddpddd", slow, align.Misaligned, []string{"latency error"}},
		{"the new run has no prefill", "pddpdddpddpdpddd", "dddddddddd", decode, align.Aligned, []string{"step-kind warning"}},
		{"the base has no prefill", "dddddddddd", "pddpdddpddpdpddd", decode, align.Aligned, []string{"step-kind warning"}},
	} {
		t.Run(strings.ReplaceAll(x.reason, " ", "-"), func(t *testing.T) {
			c := check(t)
			a, _ := serving(100, x.base, prefill, decode).trace("base")
			b, _ := serving(200, x.next, prefill, x.decode).trace("new")
			r := compare(t, a, b, align.Options{Regression: true})
			if r.Verdict != x.verdict {
				c.Errorf("verdict %s, want %s", r.Verdict, x.verdict)
			}
			if diff := cmp.Diff(x.findings, findingCodes(r), cmpopts.EquateEmpty()); diff != "" {
				c.Errorf("findings (-want +got):\n%s", diff)
			}
			for _, s := range r.Sites {
				if s.Verdict == align.Slower != (s.MockName == "silu_mul_kernel" && s.MockLaunch.Grid[0] == 256 && x.verdict == align.Misaligned) {
					c.Errorf("site %d, %s of %q: %s", s.Index, s.MockName, s.StepKind, s.Verdict)
				}
			}
			if both := strings.Contains(x.base, "p") && strings.Contains(x.next, "p"); both && len(r.Sites) != len(prefill)+len(decode) {
				c.Errorf("%d sites, want %d of both kinds", len(r.Sites), len(prefill)+len(decode))
			}
		})
	}
}

// TestRangesOfOneRun compares serving captures of which one was recorded without NVTX
// ranges: what repeats there, a prefill and some decodes, is not the step.
func TestRangesOfOneRun(t *testing.T) {
	prefill, decode := servedSteps()
	for _, x := range []struct{ ranges, bare string }{
		{"pdpdppddpppp", "pppddpppddpp"},
		{"dpddddppppdp", "ppdppddpdppd"},
		{"ddppdppddppp", "dppdpdpdpdpp"},
		{"pppppppppppp", "ppdppdpppdpp"},
	} {
		a, _ := serving(100, x.ranges, prefill, decode).trace("ranges")
		s := serving(200, x.bare, prefill, decode)
		s.stepName = nil
		s.edit(func(k kernel) []kernel { k.path = nil; return []kernel{k} })
		b, _ := s.trace("bare")
		for i, r := range []*align.Result{
			compare(t, a, b, align.Options{Regression: true}),
			compare(t, b, a, align.Options{Regression: true}),
		} {
			if r.Verdict != align.Aligned {
				t.Errorf("%s with ranges, %s without, base is %d: verdict %s, findings %v", x.ranges, x.bare, i, r.Verdict, findingCodes(r))
			}
		}
	}
}

// TestLaunchesAnywhere compares two runs without NVTX ranges of which each step launches
// some copies at any place: where a step begins does not depend on how many there were
// before, and what is added besides is seen.
func TestLaunchesAnywhere(t *testing.T) {
	model := fullShape.model(3)
	run := func(seed uint64, step []kernel) *trace.Trace {
		rng := rand.New(rand.NewPCG(seed, 7))
		s := program(seed, 14, step)
		for i := range s.steps {
			for range rng.IntN(4) {
				s.steps[i] = slices.Insert(s.steps[i], rng.IntN(len(s.steps[i])), kernel{name: "copy_block_kernel", ns: 4_000, grid: [3]int32{8, 1, 1}, block: [3]int32{128, 1, 1}})
			}
		}
		tr, _ := s.trace("run")
		return tr
	}
	more := slices.Insert(slices.Clone(model), 20, kernel{name: "added_kernel", ns: 20_000})
	for seed := range uint64(20) {
		base := run(2*seed, model)
		for _, x := range []struct {
			step     []kernel
			verdict  align.Verdict
			findings []string
		}{
			{model, align.Aligned, nil},
			{more, align.Misaligned, []string{"missing error"}},
		} {
			r := compare(t, base, run(2*seed+1, x.step), align.Options{Regression: true, NoNVTX: true})
			findings := slices.DeleteFunc(findingCodes(r), func(code string) bool { return code == "sporadic info" })
			if diff := cmp.Diff(x.findings, findings, cmpopts.EquateEmpty()); diff != "" || r.Verdict != x.verdict {
				t.Errorf("seed %d, %d launches a step: verdict %s, findings (-want +got):\n%s", seed, len(x.step), r.Verdict, diff)
			}
		}
	}
}

// TestMixedSteps compares captures of a server that prefills in steps that decode, too,
// one run more often than the other: a decode step is not taken for the part of such a
// step that equals it.
func TestMixedSteps(t *testing.T) {
	const mixed = 'm'
	prefill, decode := servedSteps()
	served := func(seed uint64, schedule string) *trace.Trace {
		s := &script{stepName: func(i int) string {
			if schedule[i] == mixed {
				return fmt.Sprintf("step %d: 1 ctx reqs, 8 gen reqs", i)
			}
			return fmt.Sprintf("step %d: 0 ctx reqs, 8 gen reqs", i)
		}}
		for i, k := range schedule {
			step := decode
			if k == mixed {
				step = slices.Concat(prefill, decode)
			}
			s.steps = append(s.steps, program(seed+uint64(i), 1, step).steps...)
		}
		tr, _ := s.trace("served")
		return tr
	}
	for _, x := range []struct{ reason, base, next string }{
		{"a decode step lies in the kind that takes most of the time", strings.Repeat("ddddddddddddm", 3), "dmdmdmdmdmdmdmdm"},
		{"the new run decodes for less than a twentieth of its time", "dddmddddmddddmdd", "mmmdmmmmdmmmmdmm"},
		{"the base does", "mmmdmmmmdmmmmdmm", "dddmddddmddddmdd"},
	} {
		t.Run(strings.ReplaceAll(x.reason, " ", "-"), func(t *testing.T) {
			r := compare(t, served(100, x.base), served(200, x.next), align.Options{Regression: true})
			if diff := cmp.Diff([]string{}, findingCodes(r), cmpopts.EquateEmpty()); diff != "" || r.Verdict != align.Aligned {
				t.Errorf("verdict %s, findings (-want +got):\n%s", r.Verdict, diff)
			}
			kinds := map[string]int{}
			for _, s := range r.Sites {
				kinds[s.StepKind]++
			}
			if n := len(prefill) + 2*len(decode); len(r.Sites) != n || len(kinds) != 2 {
				t.Errorf("%d sites of %d kinds of steps, want %d of 2", len(r.Sites), len(kinds), n)
			}
		})
	}
}

// TestGapsOfOneKind has the host issue the kernels of prefills later: those steps take
// longer, whichever kind takes most of the time.
func TestGapsOfOneKind(t *testing.T) {
	const (
		schedule = "pddpdddpddpdpddd"
		late     = 100_000
	)
	prefill, decode := servedSteps()
	a, _ := serving(100, schedule, prefill, decode).trace("base")
	b, _ := serving(100, schedule, prefill, decode).trace("new")
	var issued []int64 // when those of prefills begin
	for i := range b.Launches.Start {
		if r := b.Path(b.IssueRange(i)); strings.HasSuffix(r[0], "1 ctx reqs, 0 gen reqs") {
			issued = append(issued, b.Launches.Start[i])
		}
	}
	delayed := func(at int64) int64 {
		before, _ := slices.BinarySearch(issued, at)
		return at + int64(before)*late
	}
	for i := range b.Launches.Start {
		b.Launches.Start[i] = delayed(b.Launches.Start[i])
	}
	for i := range b.Ranges {
		b.Ranges[i].Start, b.Ranges[i].End = delayed(b.Ranges[i].Start), delayed(b.Ranges[i].End)
	}
	for _, o := range []align.Options{{Regression: true}, {Regression: true, NoNVTX: true}} {
		r := compare(t, a, b, o)
		if diff := cmp.Diff([]string{"step-time error"}, findingCodes(r)); diff != "" || r.Verdict != align.Misaligned {
			t.Errorf("verdict %s, findings (-want +got):\n%s", r.Verdict, diff)
		}
		if r.Regression == nil || len(r.OtherSteps) != 1 {
			t.Fatalf("step times %v and %v, want two kinds", r.Regression, r.OtherSteps)
		}
		for _, s := range []align.StepTimes{*r.Regression, r.OtherSteps[0]} {
			want, gaps := 11, 0.0
			if s.BaseSteps == 5 {
				want, gaps = 5, float64(len(prefill)-1)*late
			}
			if s.BaseSteps != want || s.NewSteps != want || math.Abs(s.NewGapNS-s.BaseGapNS-gaps) > 100 || s.NewKernelNS != s.BaseKernelNS {
				t.Errorf("%+v, want %d steps and gaps longer by %g", s, want, gaps)
			}
			if s.Kind == "" {
				t.Errorf("one kind of two has no name: %+v", s)
			}
		}
	}
}

// TestSomeLayers has a kernel take longer in some of the layers that run it,
// and shorter in others: how sites of one kernel differ is noise only as far as
// they differ within each run.
func TestSomeLayers(t *testing.T) {
	for _, x := range []struct {
		reason  string
		percent func(layer int) int64
	}{
		{"every second layer", func(l int) int64 { return 100 + int64(l%2)*50 }},
		{"one of four", func(l int) int64 { return 100 + int64(l%4/3)*50 }},
		{"three of four", func(l int) int64 { return 150 - int64(l%4/3)*50 }},
		{"some longer, some shorter", func(l int) int64 { return []int64{160, 60, 100, 100}[l%4] }},
		{"all of them", func(int) int64 { return 150 }},
	} {
		for _, layers := range []int{4, 24} {
			t.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(x.reason, " ", "-"), layers), func(t *testing.T) {
				c := check(t)
				changed := fullShape.model(layers)
				want := map[int]align.SiteVerdict{}
				layer := 0
				for i := range changed {
					if changed[i].name != "silu_mul_kernel" {
						continue
					}
					p := x.percent(layer)
					changed[i].ns = changed[i].ns * p / 100
					if p > 100 {
						want[i] = align.Slower
					} else if p < 100 {
						want[i] = align.Faster
					}
					layer++
				}
				a, _ := program(1, 6, fullShape.model(layers)).trace("base")
				b, _ := program(2, 6, changed).trace("new")
				r := compare(t, a, b, align.Options{Regression: true})
				got := map[int]align.SiteVerdict{}
				for _, s := range r.Sites {
					if s.Verdict != align.Match {
						got[s.Index] = s.Verdict
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					c.Errorf("sites (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestSomeOfUnlikeLayers has attention take longer in every second layer, which works
// more than the others in both runs: how layers differ by their work is no noise.
func TestSomeOfUnlikeLayers(t *testing.T) {
	const layers = 24
	for _, more := range []int64{100, 130, 300} { // per cent, in every second layer of both
		model := func(percent int64) []kernel {
			step := fullShape.model(layers)
			layer := 0
			for i := range step {
				if step[i].name == "flash_fwd_kernel" {
					if layer%2 == 1 {
						step[i].ns = step[i].ns * more / 100 * percent / 100
					}
					layer++
				}
			}
			return step
		}
		a, _ := program(1, 20, model(100)).trace("base")
		b, _ := program(2, 20, model(110)).trace("new")
		r := compare(t, a, b, align.Options{Regression: true})
		slower := 0
		for _, s := range r.Sites {
			if s.Verdict == align.Slower {
				slower++
			}
		}
		if r.Verdict != align.Misaligned || slower != layers/2 {
			t.Errorf("%d %%: verdict %s, %d sites slower, want %d", more, r.Verdict, slower, layers/2)
		}
	}
}

// TestUnlikeSteps compares runs of which no two steps are alike with themselves:
// some launches are in most steps, and not in the one that stands for all.
func TestUnlikeSteps(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		s := &script{stepName: numbered("forward")}
		for range 40 {
			var step []kernel
			for k := range 30 {
				if rng.IntN(10) > 0 { // nine of ten steps have it
					step = append(step, kernel{name: fmt.Sprintf("kernel_%c", 'a'+k%7), ns: 10_000 + int64(k)*1000 + rng.Int64N(100), grid: [3]int32{int32(k), 1, 1}, block: [3]int32{128, 1, 1}})
				}
			}
			s.steps = append(s.steps, step)
		}
		base, _ := s.trace("base")
		for _, o := range []align.Options{{Regression: true}, {Regression: true, NoNVTX: true}} {
			r := compare(t, base, base, o)
			if o.NoNVTX && r.Verdict == align.NotComparable {
				continue // nothing repeats well enough
			}
			for _, site := range r.Sites {
				if site.Verdict == align.Missing || site.Verdict == align.Extra {
					t.Errorf("seed %d, %v: %s at site %d of a run against itself: %s%s", seed, o.NoNVTX, site.Verdict, site.Index, site.MockName, site.E2EName)
				}
			}
		}
	}
}

// TestWordsOfRegression: base and new run are called by these names.
func TestWordsOfRegression(t *testing.T) {
	op := fullShape.attentionOp()
	// sometimes returns steps of which only the first have one kernel more.
	sometimes := func(name string) *trace.Trace {
		s := &script{stepName: numbered("forward")}
		for i := range 12 {
			ks := slices.Clone(op)
			if i < 2 {
				ks = slices.Insert(ks, 4, kernel{name: "copy_kernel", ns: 20_000})
			}
			s.steps = append(s.steps, ks)
		}
		tr, _ := s.trace(name)
		return tr
	}
	plain := func(name string, ks []kernel) *trace.Trace {
		tr, _ := program(1, 10, ks).trace(name)
		return tr
	}
	half := slices.Clone(op)
	half[0].name = "void rms_norm<__half>(float *)"
	bfloat := slices.Clone(op)
	bfloat[0].name = "void rms_norm<__nv_bfloat16>(float *)"
	other := []kernel{{name: "a", ns: 9000}, {name: "b", ns: 9000}, {name: "c", ns: 9000}, {name: "d", ns: 9000}, {name: "e", ns: 9000}}
	some := append(slices.Clone(other), op[:2]...)
	for _, x := range []struct {
		reason    string
		base, new *trace.Trace
		want      []string
	}{
		{"in some steps of both", sometimes("base"), sometimes("new"), []string{"fewer than half of the base's steps", "fewer than half of the new run's steps"}},
		{"other kernels", plain("base", op), plain("new", other), []string{"none of the base's 9 kernels is launched in the new run at all"}},
		{"mostly other kernels", plain("base", op), plain("new", some), []string{"2 of the base's 9 kernels are launched somewhere in the new run"}},
		{"another data type", plain("base", half), plain("new", bfloat), []string{"than the new run's rms_norm", "than the base's rms_norm"}},
	} {
		r := compare(t, x.base, x.new, align.Options{Regression: true})
		var said []string
		for _, f := range r.Findings {
			said = append(said, f.Message, f.Hint)
		}
		for _, c := range r.Causes {
			said = append(append(said, c.Message, c.Fix), c.Evidence...)
		}
		for _, s := range r.Sites {
			said = append(said, s.Reason)
		}
		text := strings.Join(said, "\n")
		for _, want := range x.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: want %q in\n%s", x.reason, want, text)
			}
		}
		for _, word := range []string{"mock", "E2E"} {
			if strings.Contains(text, word) {
				t.Errorf("%s: speaks of %q:\n%s", x.reason, word, text)
			}
		}
	}
}
