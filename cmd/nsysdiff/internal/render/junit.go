package render

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/nsysdiff/nsysdiff/align"
)

// JUnit writes a result as JUnit XML, which GitLab, Jenkins and GitHub's
// viewers read: a case for each check and each finding. What makes the exit
// status 1 is a failure, what makes it 2 an error, and nothing else is either.
// It follows the schema of Jenkins' xUnit plugin, junit-10.xsd.
func JUnit(w io.Writer, r *align.Result, o Options) error {
	suites := junit.Testsuites{Name: "nsysdiff"}
	checks := junitSuite(r, o, "checklist")
	for i := range r.Checklist {
		checks.AddTestcase(checkCase(r, &r.Checklist[i], o))
	}
	suites.AddSuite(checks)
	findings := junitSuite(r, o, "findings")
	seen := map[string]int{}
	for i := range r.Findings {
		c := findingCase(r, &r.Findings[i], o)
		// Viewers take cases of one name for one case.
		seen[c.Name]++
		if n := seen[c.Name]; n > 1 {
			c.Name += fmt.Sprintf(" (%d)", n)
		}
		findings.AddTestcase(c)
	}
	suites.AddSuite(findings)
	for i := range suites.Suites {
		suites.Suites[i].ID = i
	}
	suites.Skipped = 0 // not in the schema
	p := printer{w: w}
	p.print(xml.Header)
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if p.err == nil {
		p.err = e.Encode(suites)
	}
	p.print("\n")
	return p.err
}

// junitTime is the duration of a suite and a case: what is reported is no run
// of a test.
const junitTime = "0.000"

func junitSuite(r *align.Result, o Options, name string) junit.Testsuite {
	s := junit.Testsuite{Name: "nsysdiff " + name, Time: junitTime}
	property := func(name, value string) {
		if value != "" {
			s.AddProperty(name, Clean(value))
		}
	}
	property("version", o.Version)
	property("verdict", string(r.Verdict))
	mock, e2e := sideNames(r)
	property(mock, r.Mock.Path)
	if r.E2E != nil {
		property(e2e, r.E2E.Path)
	}
	return s
}

func checkCase(r *align.Result, c *align.Check, o Options) junit.Testcase {
	t := junit.Testcase{Name: checkTitle(r, c.ID), Classname: "nsysdiff.checklist", Time: junitTime}
	detail := Clean(c.Detail)
	switch c.Status {
	case align.Pass:
		t.SystemOut = &junit.Output{Data: detail}
	case align.Fail:
		var why []string
		for i := range r.Findings {
			if f := &r.Findings[i]; concerns(f.Code, c.ID) && o.fails(f) {
				why = append(why, junitFinding(f))
			}
		}
		if why == nil {
			t.Skipped = &junit.Result{Message: "fails, and --fail-on does not name it: " + detail}
			break
		}
		t.Failure = &junit.Result{Message: detail, Type: Clean(c.ID), Data: strings.Join(why, "\n")}
	default:
		t.Skipped = &junit.Result{Message: Clean(string(c.Status)) + ": " + detail}
	}
	return t
}

// concerns reports whether findings of a code are why a check fails.
func concerns(code, check string) bool {
	switch check {
	case align.CheckNames:
		return code == align.CodeVariant || code == align.CodeMissing || code == align.CodeExtra
	case align.CheckLatency:
		return code == align.CodeLatency || code == align.CodeHeadMismatch
	}
	return code == check // missing, extra and shapes
}

func findingCase(r *align.Result, f *align.Finding, o Options) junit.Testcase {
	t := junit.Testcase{Name: Clean(f.Code), Classname: "nsysdiff.findings", Time: junitTime}
	if len(f.Sites) > 0 {
		t.Name += ": " + junitSites(r, f)
	}
	result := junit.Result{Message: Clean(f.Message), Type: Clean(f.Code), Data: junitFinding(f)}
	switch {
	case f.Code == align.CodeNotComparable:
		t.Error = &result
	case o.fails(f):
		t.Failure = &result
	default:
		t.SystemOut = &junit.Output{Data: junitFinding(f)}
	}
	return t
}

// junitSites names what a finding is about, so that one run's case is the
// next run's too: sites are numbered anew by each.
func junitSites(r *align.Result, f *align.Finding) string {
	const most = 3
	var names []string
	for _, i := range f.Sites {
		if len(names) == most {
			names = append(names, fmt.Sprintf("and %d more", len(f.Sites)-most))
			break
		}
		if i >= 0 && i < len(r.Sites) {
			names = append(names, Clean(align.ShortName(siteName(&r.Sites[i]))))
		}
	}
	return strings.Join(names, ", ")
}

// junitFinding returns a finding as lines of text.
func junitFinding(f *align.Finding) string {
	text := Clean(findingLine(f))
	if f.Hint != "" {
		text += "\nhint: " + Clean(f.Hint)
	}
	return cmp.Or(text, " ")
}
