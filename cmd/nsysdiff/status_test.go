package main

import (
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
)

func TestExitStatus(t *testing.T) {
	all := []string{}
	for _, c := range failCodes() {
		all = append(all, c.code)
	}
	finding := func(code string, s align.Severity) []align.Finding {
		return []align.Finding{{Code: code, Severity: s}}
	}
	for _, tt := range []struct {
		reason string
		result align.Result
		failOn []string
		want   int
	}{
		{"nothing found", align.Result{Verdict: align.Aligned}, all, 0},
		{"named", align.Result{Verdict: align.Misaligned, Findings: finding("missing", align.SeverityError)}, defaultFailOn(false), 1},
		{"not named", align.Result{Verdict: align.Misaligned, Findings: finding("missing", align.SeverityError)}, []string{"extra"}, 0},
		{"none", align.Result{Verdict: align.Misaligned, Findings: finding("missing", align.SeverityError)}, nil, 0},
		{"not comparable is trouble, whatever --fail-on says", align.Result{Verdict: align.NotComparable}, nil, 2},
		{"undecided passes by default", align.Result{Verdict: align.Undecided, Findings: finding("undecided", align.SeverityWarning)}, defaultFailOn(false), 0},
		{"undecided fails if named", align.Result{Verdict: align.Undecided, Findings: finding("undecided", align.SeverityWarning)}, []string{"undecided"}, 1},
		{"a variant fails if named, although it is only worth knowing", align.Result{Verdict: align.Aligned, Findings: finding("variant", align.SeverityInfo)}, []string{"variant"}, 1},
		{"faster in a regression check", align.Result{Mode: align.ModeRegression, Findings: finding("latency", align.SeverityInfo)}, all, 0},
		{"slower in a regression check", align.Result{Mode: align.ModeRegression, Findings: finding("latency", align.SeverityError)}, defaultFailOn(true), 1},
		{"one report", align.Result{Mode: align.ModeReport}, all, 0},
	} {
		if got := exitStatus(&tt.result, tt.failOn); got != tt.want {
			t.Errorf("%s: exit status %d, want %d", tt.reason, got, tt.want)
		}
	}
}
