package align

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/trace"
)

// emptyResult has what every result has.
func emptyResult(o Options) *Result {
	return &Result{
		Schema:    Schema,
		Checklist: []Check{},
		Sites:     []Site{},
		Kernels:   []KernelRow{},
		Findings:  []Finding{},
		Causes:    []Cause{},
		Limits: Limits{
			MaxRatio:   o.MaxRatio,
			MinTimeNS:  int64(o.MinTime),
			MinSamples: o.MinSamples,
			TP:         o.TP,
			ScaleTP:    o.ScaleTP,
		},
	}
}

// newResult has what is known before anything is aligned.
func (c *comparer) newResult() *Result {
	r := emptyResult(c.o)
	r.Mode = ModeCompare
	if c.o.Regression {
		r.Mode = ModeRegression
	}
	r.Mock, r.E2E = describe(c.mock.t), describe(c.e2e.t)
	c.captureFindings(r, c.mock.t, r.Mock)
	c.captureFindings(r, c.e2e.t, r.E2E)
	return r
}

// tables fills in the tables by name.
func (c *comparer) tables(ctx context.Context, r *Result) {
	r.Kernels = c.kernelTable(ctx, c.mock.t, c.e2e.t)
	if c.o.Regression {
		for i := range r.Kernels {
			if k := &r.Kernels[i]; k.Ratio != nil {
				*k.Ratio = ratioOf(k.E2E.MedianNS, k.Mock.MedianNS)
			}
		}
	}
	if c.o.MemOps {
		r.MemOps = memoryTable(c.mock.t, c.e2e.t)
	}
}

// describe says what a trace is.
func describe(t *trace.Trace) *Side {
	capture := &t.Capture
	s := &Side{
		Path:          capture.Path,
		Tool:          capture.Tool,
		Schema:        capture.Schema,
		Driver:        capture.Driver,
		Launches:      max(capture.Launches, int64(t.Launches.Len())),
		InScope:       int64(t.Launches.Len()),
		GraphLaunches: capture.GraphLaunches,
		OpaqueGraphs:  capture.OpaqueGraphs,
		OpaqueNS:      capture.OpaqueNS,
		Unattributed:  capture.Unattributed,
		Unresolved:    capture.Unresolved,
		Warnings:      append([]string{}, capture.Warnings...),
		LeftOut:       slices.Clone(t.LeftOut),
	}
	for _, g := range capture.GPUs {
		if !slices.Contains(s.GPUs, g.Name) {
			s.GPUs = append(s.GPUs, g.Name)
		}
	}
	for _, d := range capture.Diagnostics {
		s.Diagnostics = append(s.Diagnostics, d.Severity+": "+d.Text)
	}
	// Ids repeat between the reports of several hosts.
	pids, devices := map[[2]uint64]bool{}, map[[2]int]bool{}
	for _, tr := range t.Tracks {
		pids[[2]uint64{uint64(tr.Report), tr.GlobalPID}], devices[[2]int{tr.Report, tr.Device}] = true, true
		track := Track{PID: tr.PID, Device: tr.Device, Launches: tr.N}
		if len(t.Reports) > 1 {
			track.Report, track.Host = t.Reports[tr.Report].Path, t.Reports[tr.Report].Host
		}
		s.Tracks = append(s.Tracks, track)
	}
	s.Processes, s.Devices = len(pids), len(devices)
	s.GPUTimeNS, s.Streams = inUse(t)
	if r := t.Reduced; r != nil {
		s.Launches = max(capture.Launches, r.Launches)
		s.InScope, s.GPUTimeNS, s.Streams = r.Launches, r.GPUTimeNS(), r.Streams
		for i, n := range r.TrackLaunches {
			s.Tracks[i].Launches = int(n)
		}
	}
	return s
}

// inUse returns the time that launches take in all, and how many lanes they ran
// in.
func inUse(t *trace.Trace) (ns int64, lanes int) {
	parts := launchParts(0, t.Launches.Len())
	times, launched := make([]int64, len(parts)), make([][]bool, len(parts))
	parallel(context.Background(), len(parts), func(p int) {
		own, sum := make([]bool, len(t.Configs)), int64(0)
		for i := parts[p].start; i < parts[p].end; i++ {
			own[t.Launches.Config[i]] = true
			sum += t.Launches.Duration(i)
		}
		times[p], launched[p] = sum, own
	})
	seen := map[uint32]bool{}
	for p := range parts {
		ns += times[p]
		for cfg, is := range launched[p] {
			if is {
				seen[t.Configs[cfg].Lane] = true
			}
		}
	}
	return ns, len(seen)
}

// maxOpaque is the part of a side's GPU time inside opaque graph launches from
// which on what is left, warm-up for the most part, is not worth comparing.
const maxOpaque = 0.5

func (s *Side) opaqueShare() float64 {
	return float64(s.OpaqueNS) / float64(max(s.OpaqueNS+s.GPUTimeNS, 1))
}

// opaque gives up where a capture hides most of its kernels in graph launches.
func (c *comparer) opaque(r *Result) bool {
	for i, s := range []*Side{r.Mock, r.E2E} {
		if s.opaqueShare() <= maxOpaque {
			continue
		}
		what := c.words("the mock", "the base")
		if i == 1 {
			what = c.words("the E2E", "the new run")
		}
		c.giveUp(r, Finding{
			Code: CodeNotComparable, Severity: SeverityError,
			Message: fmt.Sprintf("%s replays CUDA graphs whose kernels its report does not hold; only the %s outside of them could be compared", what, count(int(s.InScope), "launch")),
			Hint:    "record again with nsys profile --cuda-graph-trace=node",
		}, "most of a side's GPU time is in opaque graph launches")
		return true
	}
	return false
}

// captureFindings says what about a capture itself bears on the result.
func (c *comparer) captureFindings(r *Result, t *trace.Trace, s *Side) {
	if s.OpaqueGraphs > 0 {
		severity := SeverityWarning
		if s.opaqueShare() > maxOpaque {
			severity = SeverityError
		}
		r.Findings = append(r.Findings, Finding{
			Code:     CodeOpaqueGraphs,
			Severity: severity,
			Message: fmt.Sprintf("%s: %s, %.1f ms, %.0f %% of GPU time, opaque: recorded as a whole, their kernels are not in the report",
				s.Path, count(int(s.OpaqueGraphs), "CUDA graph launch"), float64(s.OpaqueNS)/1e6, 100*s.opaqueShare()),
			Hint: "record again with nsys profile --cuda-graph-trace=node",
		})
	}
	if s.Unattributed > 0 && len(t.Ranges) > 0 {
		r.Findings = append(r.Findings, Finding{
			Code:     CodeUnattributed,
			Severity: SeverityInfo,
			Message: fmt.Sprintf("%s: %s cannot be given an NVTX range, since the report lacks the API call or graph node",
				s.Path, count(int(s.Unattributed), "launch")),
			Hint: "start the capture before the process launches its first kernel, or before graphs are captured",
		})
	}
	if s.Unresolved > 0 {
		r.Findings = append(r.Findings, Finding{
			Code:     CodeCapture,
			Severity: SeverityWarning,
			Message:  fmt.Sprintf("%s: %s without a name in the report", s.Path, count(int(s.Unresolved), "launch")),
			Hint:     "export the report again with nsys export --type sqlite",
		})
	}
}

// describeSteps says how the sides were seen as steps.
func (c *comparer) describeSteps(r *Result, f *fit) {
	set := func(s *Side, seq *sequence, seg segmentation, k *kind) {
		s.StepsBy = seg.by
		s.Steps = k.steps
		s.LaunchesPerStep = k.rep().n
		s.StepKind = seq.kindName(seg.steps, k)
		s.LeftOut = append(s.LeftOut, seg.leftOut...)
	}
	set(r.Mock, c.mock, f.mockSeg, f.mockKind)
	set(r.E2E, c.e2e, f.e2eSeg, f.placing.kind)
	for _, cl := range f.mockKind.classes {
		for _, i := range cl.steps {
			tr := &r.Mock.Tracks[f.mockSeg.steps[i].track]
			tr.Steps++
			tr.LaunchesPerStep = f.mockKind.rep().n
		}
	}
	c.describeTracks(r, f)
	if c.o.Regression {
		c.compareRanks(r)
	}
	r.E2E.LeftOut = append(r.E2E.LeftOut, c.e2e.leftOutKinds(f.e2eSeg.steps, f.otherKinds)...)
	if n := len(c.rare); n > 0 {
		r.Mock.LeftOut = append(r.Mock.LeftOut, count(n, "kind")+" of steps of which a run has too few to compare")
	}
	if !c.o.Regression {
		r.E2E.Occurrences = f.placing.perStep
		if n := f.placing.partial; n > 0 && f.placing.perStep > 0 {
			r.E2E.LeftOut = append(r.E2E.LeftOut,
				fmt.Sprintf("%s in each step that match less of the mock than the best", count(n, "place")))
		}
	}
}

// emptySide fills in a result where a side has no launches.
func (c *comparer) emptySide(r *Result) {
	for _, s := range []*Side{r.Mock, r.E2E} {
		if s.InScope == 0 {
			c.giveUp(r, Finding{
				Code:     CodeNotComparable,
				Severity: SeverityError,
				Message:  s.Path + ": no kernel launch to compare",
				Hint:     "record with nsys profile -t cuda,nvtx, or widen the scope",
			}, "a side has no kernel launch")
			return
		}
	}
}

// noSteps fills in a result where no step is left.
func (c *comparer) noSteps(r *Result) {
	c.giveUp(r, Finding{
		Code: CodeNotComparable, Severity: SeverityError,
		Message: fmt.Sprintf("no step is left after %d of each process were skipped as warm-up", c.o.SkipWarmup),
		Hint:    "skip fewer with --skip-warmup, or record more steps",
	}, "a side has no step left")
}

// notComparable fills in a result where the mock was not found.
func (c *comparer) notComparable(r *Result, f *fit) {
	what := fmt.Sprintf("no place in the E2E's steps holds half of the %s of the mock's step", count(len(f.mock), "launch"))
	if n := f.placing.matched; n > 0 {
		what += fmt.Sprintf(", the nearest has %d", n)
		if path, _ := c.e2e.path(f.placing.nearest); path != nil {
			what += fmt.Sprintf(" and begins in NVTX range %q", strings.Join(path, "/"))
		}
	}
	hint := "compare the table of kernels below; choose the operation with --e2e-nvtx or --mock-nvtx, or check that both captures run the same operation"
	if c.o.Regression {
		what = "the two runs do not launch the same sequence"
		hint = "leave out --regression to look for the first inside the second"
	}
	c.giveUp(r, Finding{Code: CodeNotComparable, Severity: SeverityError, Message: what + "; " + c.nearest(f), Hint: hint},
		c.words("the mock was not found in the E2E", "the runs do not launch the same"))
}

// nearest says what the E2E has of the mock.
func (c *comparer) nearest(f *fit) string {
	inE2E := map[int32]bool{}
	for i := range c.e2e.t.Launches.Config {
		inE2E[c.e2e.syms[c.e2e.t.Launches.Config[i]].name] = true
	}
	seen := map[int32]bool{}
	var shared []string
	for _, e := range f.mock {
		if inE2E[e.name] && !seen[e.name] {
			shared = append(shared, c.short(c.alphabet.info[e.name].name))
		}
		seen[e.name] = true
	}
	if len(shared) == 0 {
		return fmt.Sprintf("none of %s %s is launched %s at all", c.words("the mock's", "the base's"), count(len(seen), "kernel"), c.words("there", "in the new run"))
	}
	const most = 5
	list := shared
	if len(list) > most {
		list = list[:most]
	}
	s := fmt.Sprintf("%d of %s %s are launched somewhere%s: ", len(shared), c.words("the mock's", "the base's"), count(len(seen), "kernel"), c.words("", " in the new run"))
	for i, n := range list {
		if i > 0 {
			s += ", "
		}
		s += n
	}
	if len(shared) > most {
		s += fmt.Sprintf(" and %d more", len(shared)-most)
	}
	return s
}

// giveUp makes the verdict not-comparable.
func (c *comparer) giveUp(r *Result, f Finding, why string) {
	r.Verdict = NotComparable
	r.Findings = append(r.Findings, f)
	for _, id := range checks {
		r.Checklist = append(r.Checklist, Check{ID: id, Status: NotChecked, Detail: why})
	}
}
