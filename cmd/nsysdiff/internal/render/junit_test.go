package render

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

// failing is a judge that --fail-on CODES would make.
func failing(codes ...string) func(*align.Finding) bool {
	return func(f *align.Finding) bool { return slices.Contains(codes, f.Code) }
}

// notComparable is a result of two sides that have nothing in common.
func notComparable() *align.Result {
	r := &align.Result{
		Schema: align.Schema, Mode: align.ModeCompare, Verdict: align.NotComparable,
		Mock: &align.Side{Path: "mock.sqlite"}, E2E: &align.Side{Path: "e2e.sqlite"},
		Findings: []align.Finding{{Code: align.CodeNotComparable, Severity: align.SeverityError, Message: "nothing alike", Hint: "look again"}},
	}
	for _, id := range []string{align.CheckNames, align.CheckLatency, align.CheckMissing, align.CheckExtra, align.CheckShapes} {
		r.Checklist = append(r.Checklist, align.Check{ID: id, Status: align.NotChecked, Detail: "the mock was not found in the E2E"})
	}
	return r
}

// A junitCount is how many cases ended how.
type junitCount struct{ Tests, Failures, Errors, Skipped int }

// checkJUnit holds text to junit-10.xsd of Jenkins' xUnit plugin, as far as it
// says something of what is written here: which elements stand in which, which
// attributes they must and may have, and what those hold. Counts are what they
// count, and no two cases have one name, which no schema says and viewers need.
func checkJUnit(t *testing.T, text string) junitCount {
	t.Helper()
	children := map[string][]string{
		"":           {"testsuites"},
		"testsuites": {"testsuite"},
		"testsuite":  {"properties", "testcase", "system-out", "system-err"},
		"properties": {"property"},
		"testcase":   {"skipped", "error", "failure", "system-out", "system-err"},
	}
	attributes := map[string]struct{ must, may []string }{
		"testsuites": {nil, []string{"name", "time", "tests", "failures", "errors", "disabled"}},
		"testsuite": {[]string{"name", "tests"}, []string{"failures", "errors", "time", "disabled", "skipped", "timestamp",
			"hostname", "id", "package", "file"}},
		"property": {[]string{"name", "value"}, nil},
		"testcase": {[]string{"name", "classname"}, []string{"time", "status"}},
		"skipped":  {nil, []string{"message", "type"}},
		"error":    {nil, []string{"message", "type"}},
		"failure":  {nil, []string{"message", "type"}},
	}
	seconds := regexp.MustCompile(`^[0-9]+(\.[0-9]{1,3})?$`)

	var stack []string
	var suite, all, saidSuite, saidAll junitCount
	outcomes := 0
	names := map[string]bool{}
	number := func(a map[string]string, name string) int {
		if a[name] == "" {
			return 0
		}
		n, err := strconv.Atoi(a[name])
		if err != nil {
			t.Errorf("%s=%q is not a number", name, a[name])
		}
		return n
	}
	said := func(a map[string]string) junitCount {
		return junitCount{number(a, "tests"), number(a, "failures"), number(a, "errors"), number(a, "skipped")}
	}
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, text)
		}
		switch x := token.(type) {
		case xml.StartElement:
			parent, name := "", x.Name.Local
			if len(stack) > 0 {
				parent = stack[len(stack)-1]
			}
			if !slices.Contains(children[parent], name) {
				t.Errorf("<%s> in <%s>", name, parent)
			}
			a := map[string]string{}
			for _, attr := range x.Attr {
				a[attr.Name.Local] = attr.Value
				if !slices.Contains(attributes[name].must, attr.Name.Local) && !slices.Contains(attributes[name].may, attr.Name.Local) {
					t.Errorf("<%s %s=...>", name, attr.Name.Local)
				}
			}
			for _, must := range attributes[name].must {
				if a[must] == "" {
					t.Errorf("<%s> without %s", name, must)
				}
			}
			if s, ok := a["time"]; ok && !seconds.MatchString(s) {
				t.Errorf("time %q", s)
			}
			switch name {
			case "testsuites":
				saidAll = said(a)
			case "testsuite":
				suite, saidSuite = junitCount{}, said(a)
			case "testcase":
				suite.Tests++
				outcomes = 0
				key := a["classname"] + " " + a["name"]
				if names[key] {
					t.Errorf("two cases %q", key)
				}
				names[key] = true
			case "failure":
				suite.Failures++
				outcomes++
			case "error":
				suite.Errors++
				outcomes++
			case "skipped":
				suite.Skipped++
				outcomes++
			}
			stack = append(stack, name)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
			switch x.Name.Local {
			case "testcase":
				if outcomes > 1 {
					t.Errorf("a case with %d outcomes", outcomes)
				}
			case "testsuite":
				if suite != saidSuite {
					t.Errorf("a suite of %+v says %+v", suite, saidSuite)
				}
				all.Tests += suite.Tests
				all.Failures += suite.Failures
				all.Errors += suite.Errors
				all.Skipped += suite.Skipped
			}
		case xml.CharData:
			if len(stack) > 0 && children[stack[len(stack)-1]] != nil && strings.TrimSpace(string(x)) != "" {
				t.Errorf("text in <%s>: %q", stack[len(stack)-1], x)
			}
		}
	}
	saidAll.Skipped = all.Skipped // not an attribute that the schema knows
	if all != saidAll {
		t.Errorf("suites of %+v say %+v", all, saidAll)
	}
	return all
}

func TestJUnit(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result *align.Result
		fails  func(*align.Finding) bool
		want   junitCount
		reason string
	}{
		{"default", load(t, "compare"), failing("missing", "extra", "latency", "head-mismatch"), junitCount{10, 7, 0, 1}, "latency, missing, extra and the four findings of them; shapes were not checked"},
		{"none", load(t, "compare"), nil, junitCount{10, 0, 0, 4}, "--fail-on none fails nothing, checks that do not pass are skipped"},
		{"one", load(t, "compare"), failing("variant"), junitCount{10, 1, 0, 4}, "the finding, while the check of names passes"},
		{"regression", load(t, "regression"), failing("latency", "step-time"), junitCount{7, 3, 0, 3}, "the check and both findings"},
		{"report", load(t, "report"), failing("missing"), junitCount{1, 0, 0, 0}, "there is no checklist"},
		{"not comparable", notComparable(), failing("missing"), junitCount{6, 0, 1, 5}, "trouble is an error, not a failure"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := render(t, "junit", tt.result, Options{Version: "v1.2.3", Fails: tt.fails})
			if d := cmp.Diff(tt.want, checkJUnit(t, text)); d != "" {
				t.Errorf("%s (-want +got):\n%s\n%s", tt.reason, d, text)
			}
		})
	}
}

func TestJUnitGolden(t *testing.T) {
	o := Options{Version: "v1.2.3", Fails: failing("missing", "extra", "latency", "head-mismatch")}
	golden(t, "compare.junit", render(t, "junit", load(t, "compare"), o))
}

// TestJUnitIllegal puts in what XML 1.0 cannot hold in any form.
func TestJUnitIllegal(t *testing.T) {
	r := load(t, "compare")
	const hostile = "]]><failure/>\x00\x0b\x1b\ufffe\xff&\"'"
	for i := range r.Findings {
		r.Findings[i].Message, r.Findings[i].Hint, r.Findings[i].Code = hostile, hostile, hostile
	}
	for i := range r.Checklist {
		r.Checklist[i].Detail = hostile
	}
	r.Mock.Path = hostile
	text := render(t, "junit", r, Options{Version: hostile, Fails: func(*align.Finding) bool { return true }})
	checkJUnit(t, text)
	if !strings.Contains(text, `\x1b`) {
		t.Errorf("nothing shows for what XML cannot hold:\n%s", text)
	}
}

func FuzzJUnit(f *testing.F) {
	f.Add("]]>", "a\x00b")
	f.Add("&amp;<", "\ufffe\U000e0001")
	f.Fuzz(func(t *testing.T, a, b string) {
		r := notComparable()
		r.Mock.Path = a
		r.Findings[0].Message, r.Findings[0].Hint = a, b
		r.Checklist[0].Detail = b
		var out bytes.Buffer
		if err := JUnit(&out, r, Options{}); err != nil {
			t.Fatal(err)
		}
		checkJUnit(t, out.String())
	})
}
