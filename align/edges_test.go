package align_test

import (
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/trace"
)

// TestScopeOfSteps narrows the model to some of its steps, which hold other
// operations besides the mock's, and to the operation: only then does what lies
// outside the occurrences belong to it.
func TestScopeOfSteps(t *testing.T) {
	for _, test := range []struct {
		reason, pattern string
		verdict         align.Verdict
		missing         int
	}{
		{"steps hold other operations", "*32 gen reqs", align.Aligned, 0},
		{"the layer is compared whole", "layer ?", align.Misaligned, 8},
	} {
		t.Run(test.reason, func(t *testing.T) {
			p, err := trace.ParsePattern(test.pattern)
			if err != nil {
				t.Fatal(err)
			}
			e2e := scoped(t, "serve_e2e_batches", trace.Scope{NVTX: []trace.Pattern{p}})
			r := compare(t, recording(t, "serve_mock_decode"), e2e, align.Options{ScopedE2E: true})
			missing := 0
			for i := range r.Sites {
				if r.Sites[i].Verdict == align.Missing {
					missing++
				}
			}
			if r.Verdict != test.verdict || missing != test.missing {
				t.Errorf("%s with %d missing, want %s with %d", r.Verdict, missing, test.verdict, test.missing)
			}
		})
	}
}
