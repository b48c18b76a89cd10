package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

// TestExplained has two causes of one code: each explains the findings that are
// about its sites alone.
func TestExplained(t *testing.T) {
	r := &align.Result{
		Causes: []align.Cause{
			{Code: align.CauseModuleNotCalled, Sites: []int{1, 2}},
			{Code: align.CauseDtype, Sites: []int{5}},
			{Code: align.CauseModuleNotCalled, Sites: []int{2, 7, 8}},
		},
		Findings: []align.Finding{
			{Message: "first", Cause: align.CauseModuleNotCalled, Sites: []int{1, 2}},
			{Message: "no cause", Sites: []int{1}},
			{Message: "second", Cause: align.CauseModuleNotCalled, Sites: []int{2, 7}},
			{Message: "both, the first", Cause: align.CauseModuleNotCalled, Sites: []int{2}},
			{Message: "a cause that is not there", Cause: align.CauseClock, Sites: []int{1}},
			{Message: "no sites", Cause: align.CauseDtype},
			{Message: "the first of the code, for want of a better", Cause: align.CauseModuleNotCalled, Sites: []int{1, 7}},
		},
	}
	messages := func(findings []*align.Finding) (out []string) {
		for _, f := range findings {
			out = append(out, f.Message)
		}
		return out
	}
	byCause, rest := explained(r)
	var got [][]string
	for _, findings := range byCause {
		got = append(got, messages(findings))
	}
	want := [][]string{
		{"first", "both, the first", "the first of the code, for want of a better"},
		{"no sites"},
		{"second"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("by cause (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"no cause", "a cause that is not there"}, messages(rest)); diff != "" {
		t.Errorf("rest (-want +got):\n%s", diff)
	}
}
