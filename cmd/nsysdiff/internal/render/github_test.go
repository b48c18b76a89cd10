package render

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

func TestGitHubGolden(t *testing.T) {
	golden(t, "compare.github", render(t, "github", load(t, "compare"), Options{Fails: failing("missing", "extra", "latency", "head-mismatch")}))
	golden(t, "report.github", render(t, "github", load(t, "report"), Options{}))
}

// A workflowCommand is a command as the runner understands it.
type workflowCommand struct{ command, title, text string }

// parseCommand reads a line as the runner does (actions/runner,
// src/Runner.Common/ActionCommand.cs): the properties end at the next "::",
// are divided by commas and unescaped.
func parseCommand(line string) (workflowCommand, error) {
	m := regexp.MustCompile(`^::([a-z]+) ([^\n]*?)::(.*)$`).FindStringSubmatch(line)
	if m == nil {
		return workflowCommand{}, fmt.Errorf("not a command: %q", line)
	}
	c := workflowCommand{command: m[1]}
	unescape := func(s string, also bool) string {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "%0D", "\r"), "%0A", "\n")
		if also {
			s = strings.ReplaceAll(strings.ReplaceAll(s, "%3A", ":"), "%2C", ",")
		}
		return strings.ReplaceAll(s, "%25", "%")
	}
	for property := range strings.SplitSeq(m[2], ",") {
		name, value, ok := strings.Cut(property, "=")
		if !ok || name != "title" {
			return workflowCommand{}, fmt.Errorf("property %q in %q", property, line)
		}
		c.title = unescape(value, true)
	}
	c.text = unescape(m[3], false)
	return c, nil
}

func TestGitHubPairName(t *testing.T) {
	var b bytes.Buffer
	pairs := []Pair{{Name: "100%0A::error::x", Result: load(t, "report")}}
	if err := Pairs(&b, Format{Name: "github", Write: GitHub}, pairs, Options{}); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := strings.Cut(b.String(), "\n"); got != "::group::100%250A::error::x" {
		t.Errorf("%q", got)
	}
}

func TestGitHubEscaping(t *testing.T) {
	r := notComparable()
	r.Findings = []align.Finding{
		{Code: "a:b,c::d=%", Severity: align.SeverityInfo, Message: "50 % of\n::error title=x::y", Hint: "kernel<int, 4>::operator()(a, b)"},
		{Code: align.CodeNotComparable, Severity: align.SeverityError, Message: "%0A stays, \x1b[31m shows"},
	}
	var got []workflowCommand
	text := render(t, "github", r, Options{})
	for line := range strings.Lines(text) {
		c, err := parseCommand(strings.TrimSuffix(line, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
	}
	want := []workflowCommand{
		{"error", "nsysdiff: not-comparable", "mock.sqlite against e2e.sqlite"},
		{"error", "nsysdiff: not-comparable", `%0A stays, \x1b[31m shows`},
		{"notice", "nsysdiff: a:b,c::d=%", `50 % of\n::error title=x::y` + "\nhint: kernel<int, 4>::operator()(a, b)"},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(workflowCommand{})); d != "" {
		t.Errorf("(-want +got):\n%s\n%s", d, text)
	}
}

// TestGitHubLevels holds errors to what makes the run fail.
func TestGitHubLevels(t *testing.T) {
	for _, tt := range []struct {
		fails  func(*align.Finding) bool
		errors int
		reason string
	}{
		{nil, 0, "--fail-on none"},
		{failing("variant"), 2, "the finding and the verdict"},
		{failing("missing", "latency"), 3, "a missing kernel, a slow one, and the verdict"},
		{failing("step-time"), 0, "there is no such finding"},
	} {
		text := render(t, "github", load(t, "compare"), Options{Fails: tt.fails})
		if got := strings.Count(text, "::error "); got != tt.errors {
			t.Errorf("%d errors, want %d: %s\n%s", got, tt.errors, tt.reason, text)
		}
	}
}

func TestStepSummary(t *testing.T) {
	r := load(t, "compare")
	var whole bytes.Buffer
	if err := StepSummary(&whole, r, Options{}, StepSummaryLimit); err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.summary", whole.String())

	for _, limit := range []int{whole.Len(), whole.Len() - 1} {
		var b bytes.Buffer
		if err := StepSummary(&b, r, Options{}, limit); err != nil {
			t.Fatal(err)
		}
		if b.Len() > limit || b.Len() == 0 || (b.Len() == whole.Len()) != (limit == whole.Len()) {
			t.Errorf("%d of %d bytes, limit %d", b.Len(), whole.Len(), limit)
		}
	}

	// A large result stays within the limit and keeps what does not match.
	for range 9 {
		r.Sites = append(r.Sites, r.Sites...)
	}
	for i := range r.Sites {
		r.Sites[i].Index = i
		r.Sites[i].Verdict = align.Match
	}
	r.Sites[len(r.Sites)-1].Verdict = align.Slower
	r.Sites[len(r.Sites)-1].Reason = "the only one that differs"
	for _, limit := range []int{StepSummaryLimit, 100_000, 20_000} {
		var b bytes.Buffer
		if err := StepSummary(&b, r, Options{}, limit); err != nil {
			t.Fatal(err)
		}
		if b.Len() > limit {
			t.Errorf("%d bytes, limit %d", b.Len(), limit)
		}
		for _, want := range []string{"nsysdiff: misaligned", "the only one that differs", "Left out"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("limit %d: no %q", limit, want)
			}
		}
	}
	var none bytes.Buffer
	if err := StepSummary(&none, r, Options{}, 10); err != nil || none.Len() > 0 {
		t.Errorf("with 10 bytes left: %q, %v", none.String(), err)
	}
}
