package main

import (
	"slices"

	"github.com/nsysdiff/nsysdiff/align"
)

// The exit statuses.
const (
	exitNothing   = 0 // nothing that --fail-on names
	exitSomething = 1 // something that --fail-on names
	exitTrouble   = 2 // usage, unreadable, not comparable, write failed
)

// A failCode is a code of findings that --fail-on can name.
type failCode struct {
	code  string
	about string
}

// failCodes returns the codes that --fail-on takes, in the order of the
// manual.
func failCodes() []failCode {
	return []failCode{
		{align.CodeMissing, "a kernel of the model that the mock lacks"},
		{align.CodeExtra, "a kernel of the mock that the model lacks"},
		{align.CodeLatency, "a kernel beyond --max-ratio"},
		{align.CodeHeadMismatch, "per-head work that differs by the number of heads"},
		{align.CodeExpected, "an expected kernel that is absent or out of its bounds"},
		{align.CodeVariant, "another kernel of the same family"},
		{align.CodeUndecided, "a kernel of which too little is known"},
		{align.CodeShapes, "launch geometry or sizes that differ"},
		{align.CodeOpaqueGraphs, "CUDA graphs that were not traced by node"},
		{align.CodeSporadic, "a launch in only some steps or layers"},
		{align.CodeCommunication, "collectives that were not judged"},
		{align.CodeCapture, "warnings about the captures"},
		{align.CodeEdge, "launches of the operation's NVTX range beside its occurrences"},
		{align.CodeOccurrences, "places in a step that launch part of what the mock does"},
		{align.CodeGraph, "one side replays CUDA graphs, the other launches eagerly"},
		{align.CodeStraggler, "a rank slower than the others, on most kernels or in all"},
		{align.CodeRankGroups, "ranks that launch different things"},
		{align.CodeUnattributed, "launches that could not be attributed"},
		{align.CodeExpired, "an accepted difference whose date has passed"},
		{align.CodeStepTime, "with --regression, a step more than 1.2 times as long"},
		{align.CodeRanks, "with --regression, runs of other numbers of ranks"},
		{align.CodeStepKind, "with --regression, kinds of steps that only one run has"},
	}
}

// defaultFailOn returns what --fail-on is by default.
func defaultFailOn(regression bool) []string {
	codes := []string{align.CodeMissing, align.CodeExtra, align.CodeLatency, align.CodeHeadMismatch, align.CodeExpected}
	if regression {
		codes = append(codes, align.CodeStepTime)
	}
	return codes
}

// exitStatus returns the exit status for a result. Whatever the format, it
// depends on nothing else.
func exitStatus(r *align.Result, failOn []string) int {
	if r.Verdict == align.NotComparable {
		return exitTrouble
	}
	for i := range r.Findings {
		if fails(&r.Findings[i], failOn) {
			return exitSomething
		}
	}
	return exitNothing
}

// fails reports whether a finding makes the exit status 1.
func fails(f *align.Finding, failOn []string) bool {
	if f.Code == align.CodeStepTime && f.Severity != align.SeverityError {
		return false // within what two runs of one program may differ by
	}
	if f.Code == align.CodeLatency && f.Severity == align.SeverityInfo {
		return false // a gain of a regression check: reported, never a failure
	}
	return slices.Contains(failOn, f.Code)
}
