package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/summary"
	"github.com/nsysdiff/nsysdiff/trace"
)

// inSummary returns the error for a scope that would leave out some of what a
// summary holds: it does not hold enough to do that. The scope that the summary
// was made with leaves out nothing more.
func inSummary(ctx context.Context, path string, sum *summary.Summary, s *trace.Scope) error {
	if len(s.NVTX)+len(s.Devices)+len(s.PIDs)+len(s.Streams) == 0 && s.Kernel == nil && s.Exclude == nil && s.From == nil && s.To == nil {
		return nil
	}
	flag := outsideWindow(s, sum.Reports())
	if flag == "" {
		t, err := sum.Trace(ctx)
		if err != nil {
			return err
		}
		flag = leavesOut(s, t)
	}
	if flag == "" {
		return nil
	}
	return &problem{
		msg:  fmt.Sprintf("%s: is a summary, and does not hold what %s needs to leave out some of it", path, flag),
		hint: fmt.Sprintf("summarise the report again, with %s: nsysdiff summarize %s ... REPORT -o FILE", flag, flag),
	}
}

// outsideWindow returns the flag of a scope's window of time that one of the
// reports was not summarised with, "" if there is none: whether a window leaves
// out some of a summary cannot be told from what it holds.
func outsideWindow(s *trace.Scope, reports []summary.Report) string {
	for _, r := range reports {
		// Quoted patterns stand first, and may hold anything.
		made := strings.Fields(r.Options[strings.LastIndexByte(r.Options, '"')+1:])
		for _, flag := range windowFlags(s) {
			if !slices.Contains(made, flag) {
				name, _, _ := strings.Cut(flag, "=")
				return name
			}
		}
	}
	return ""
}

// leavesOut returns the flag whose part of a scope leaves out some of a reduced
// trace, "" if none does. Its window of time is for outsideWindow.
func leavesOut(s *trace.Scope, t *trace.Trace) string {
	flags := map[trace.Condition]string{
		trace.ByPID: "--process", trace.ByDevice: "--device", trace.ByStream: "--stream",
		trace.ByKernel: "--kernel", trace.ByExclude: "--exclude",
	}
	anyStream := *s
	anyStream.Streams = nil
	for _, tr := range t.Tracks {
		if c := anyStream.Lane(tr.PID, tr.Device, 0); c != trace.Satisfied {
			return flags[c]
		}
	}
	for i := range t.Configs {
		l := &t.Lanes[t.Configs[i].Lane]
		if c := s.Lane(l.PID, l.Device, l.Stream); c != trace.Satisfied {
			return flags[c]
		}
	}
	for i := range t.Reduced.Totals {
		if c := s.Name(t.Strings[t.Reduced.Totals[i].Name]); c != trace.Satisfied {
			return flags[c]
		}
	}
	if len(s.NVTX) == 0 {
		return ""
	}
	in := func(r uint32) bool {
		for x := range t.Enclosing(r) {
			if slices.ContainsFunc(s.NVTX, func(p trace.Pattern) bool { return p.Match(t.Strings[t.Ranges[x].Name]) }) {
				return true
			}
		}
		return false
	}
	for i := range t.Launches.Len() {
		if !in(t.IssueRange(i)) && !in(t.CaptureRange(i)) {
			return "--nvtx"
		}
	}
	return ""
}
