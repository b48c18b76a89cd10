package align_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestCaptureFindings looks at what captures themselves lack.
func TestCaptureFindings(t *testing.T) {
	for _, x := range []struct {
		reason   string
		change   func(c *trace.Capture)
		findings []string
		verdict  align.Verdict
	}{
		{"nothing", func(*trace.Capture) {}, nil, align.Aligned},
		{"some GPU time in opaque graphs", func(c *trace.Capture) { c.OpaqueGraphs, c.OpaqueNS = 3, 1000 }, []string{"opaque-graphs warning"}, align.Aligned},
		{"most GPU time in opaque graphs", func(c *trace.Capture) { c.OpaqueGraphs, c.OpaqueNS = 30, 1e12 }, []string{"not-comparable error", "opaque-graphs error"}, align.NotComparable},
		{"launches without API call", func(c *trace.Capture) { c.Unattributed = 7 }, []string{"unattributed info"}, align.Aligned},
		{"launches without name", func(c *trace.Capture) { c.Unresolved = 2 }, []string{"capture warning"}, align.Aligned},
	} {
		for _, side := range []string{"mock", "e2e"} {
			mock, _ := program(1, 10, fullShape.attentionOp()).trace("mock")
			e2e, _ := program(2, 8, fullShape.model(3)).trace("e2e")
			if side == "mock" {
				x.change(&mock.Capture)
			} else {
				x.change(&e2e.Capture)
			}
			r := compare(t, mock, e2e, align.Options{})
			if r.Verdict != x.verdict {
				t.Errorf("%s, %s: verdict %s, want %s", x.reason, side, r.Verdict, x.verdict)
			}
			if diff := cmp.Diff(x.findings, findingCodes(r), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s, %s: findings (-want +got):\n%s", x.reason, side, diff)
			}
			for _, f := range r.Findings {
				if f.Hint == "" {
					t.Errorf("%s: finding %s has no hint", x.reason, f.Code)
				}
			}
		}
	}
}

// TestSide looks at what a result says of a capture.
func TestSide(t *testing.T) {
	mock, _ := program(1, 10, fullShape.attentionOp()).trace("mock")
	e2e, _ := traceOf("e2e", rankPrograms(2, func(int) []kernel { return fullShape.model(3) }, nil)...)
	e2e.Capture.Tool, e2e.Capture.Schema, e2e.Capture.Driver = "2025.3.2.0", "3.20.3", "580.159.04"
	e2e.Capture.GPUs = []trace.GPU{{ID: 0, Name: "NVIDIA H200"}, {ID: 1, Name: "NVIDIA H200"}, {ID: 2, Name: "NVIDIA L4"}}
	e2e.Capture.Warnings = []string{"something is odd"}
	e2e.Capture.Diagnostics = []trace.Diagnostic{{Severity: "error", Text: "buffers were lost"}}
	e2e.LeftOut = []string{"3 launches of processes other than 7"}
	got := compare(t, mock, e2e, align.Options{}).E2E
	want := &align.Side{
		Path: "e2e", Tool: "2025.3.2.0", Schema: "3.20.3", Driver: "580.159.04", GPUs: []string{"NVIDIA H200", "NVIDIA L4"},
		Launches: 2 * 8 * 43, InScope: 2 * 8 * 43, Processes: 2, Devices: 2, Streams: 2,
		Steps: 16, LaunchesPerStep: 43, StepKind: "forward #", StepsBy: "nvtx", Occurrences: 3,
		LeftOut:     []string{"3 launches of processes other than 7"},
		Diagnostics: []string{"error: buffers were lost"},
		Warnings:    []string{"something is odd"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(align.Side{}, "GPUTimeNS", "Tracks", "StepNS")); diff != "" {
		t.Errorf("side (-want +got):\n%s", diff)
	}
	if got.GPUTimeNS <= 0 || got.StepNS.N != 16 || float64(got.GPUTimeNS) < 15*got.StepNS.MedianNS {
		t.Errorf("GPU time %d, step %+v", got.GPUTimeNS, got.StepNS)
	}
}
