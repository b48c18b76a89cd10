package render

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
)

// BenchmarkRender writes regression checks of a thousand and of 30,000 sites in
// each format: one in which nothing differs, and one in which each tenth site
// does.
func BenchmarkRender(b *testing.B) {
	for _, f := range Formats() {
		for _, n := range []int{1000, 30_000} {
			for _, kind := range []string{"equal", "slower"} {
				b.Run(fmt.Sprintf("%s/%d/%s", f.Name, n, kind), func(b *testing.B) {
					r := large(n, kind == "slower")
					var size byteCount
					if err := f.Write(&size, r, Options{}); err != nil {
						b.Fatal(err)
					}
					b.SetBytes(int64(size))
					b.ReportAllocs()
					for b.Loop() {
						if err := f.Write(io.Discard, r, Options{}); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// A byteCount counts what is written to it.
type byteCount int64

func (n *byteCount) Write(b []byte) (int, error) {
	*n += byteCount(len(b))
	return len(b), nil
}

// large returns a regression check of n sites, which launch the kernels of a
// stored one in turn. Where some differ, each tenth site is slower and has a
// finding of its own.
func large(n int, differ bool) *align.Result {
	rng := rand.New(rand.NewPCG(1, 2))
	names := make([]string, 60)
	for i := range names {
		names[i] = fmt.Sprintf("void cutlass::device_kernel<at::cuda::detail::gemm<float, (int)%d>, std::array<char *, 3>>(T1::Params, int)", i)
		if i%2 == 0 {
			names[i] = fmt.Sprintf("nvjet_sm90_tst_%dx128_64x5_1x2_h_bz_TNN", 8*(i+1))
		}
	}
	sample := func(ns float64) *align.Sample {
		s := &align.Sample{N: 21, Steps: make([]float64, 21)}
		for i := range s.Steps {
			s.Steps[i] = float64(int(ns * (1 + rng.Float64()/50)))
		}
		s.MedianNS, s.MeanNS, s.StddevNS = s.Steps[0], ns*1.01+rng.Float64(), ns*rng.Float64()/100
		s.TotalNS, s.MinNS, s.MaxNS = int64(21*ns), int64(ns), int64(ns*1.02)
		s.P5NS, s.P95NS, s.LoNS, s.HiNS = s.Steps[1], s.Steps[2], s.Steps[3], s.Steps[4]
		return s
	}
	number := func() *float64 {
		x := 1 + rng.Float64()/100
		return &x
	}
	launch := &align.Geometry{Grid: [3]int32{2, 66, 1}, Block: [3]int32{384, 1, 1}, SMem: 211164, Regs: 168}
	r := &align.Result{
		Schema: align.Schema, Mode: align.ModeRegression, Verdict: align.Aligned,
		Mock:  &align.Side{Path: "base.sqlite", Launches: int64(21 * n), InScope: int64(21 * n), Steps: 21, LaunchesPerStep: n},
		E2E:   &align.Side{Path: "new.sqlite", Launches: int64(21 * n), InScope: int64(21 * n), Steps: 21, LaunchesPerStep: n},
		Sites: make([]align.Site, n), Limits: align.Limits{MaxRatio: 1.1, MinTimeNS: 1000, MinSamples: 5},
		Findings: []align.Finding{}, Causes: []align.Cause{}, Checklist: []align.Check{},
	}
	for i := range r.Sites {
		ns := 1000 + 200_000*rng.Float64()
		s := &r.Sites[i]
		*s = align.Site{
			Index: i, MockName: names[i%len(names)], E2EName: names[i%len(names)], Family: align.Family(names[i%len(names)]),
			Verdict: align.Match, Ratio: number(), RatioLo: number(), RatioHi: number(), Noise: number(),
			Mock: sample(ns), E2E: sample(ns), MockShare: rng.Float64() / float64(n), E2EShare: rng.Float64() / float64(n),
			MockLaunch: launch, E2ELaunch: launch, Present: 1,
		}
		if differ && i%10 == 0 {
			*s.Ratio += 0.5
			s.Verdict, s.Reason = align.Slower, fmt.Sprintf("ratio %.2f is above 1.1", *s.Ratio)
			r.Findings = append(r.Findings, align.Finding{
				Code: align.CodeLatency, Severity: align.SeverityError, Message: s.MockName + ": " + s.Reason,
				Hint: "compare the two builds' launches of it", Sites: []int{i},
			})
			r.Verdict = align.Misaligned
		}
	}
	for _, name := range names {
		r.Kernels = append(r.Kernels, align.KernelRow{Name: name, Mock: sample(50_000), E2E: sample(50_000), Ratio: number(),
			MockShare: 1 / float64(len(names)), E2EShare: 1 / float64(len(names))})
	}
	return r
}
