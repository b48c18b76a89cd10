package render

import "github.com/nsysdiff/nsysdiff/align"

// A mark is the sign of an answer, before the words that say it: colour and
// sign are never all there is.
type mark int

const (
	good mark = iota
	bad
	unsure
	aside // shown, not judged
)

func (m mark) text() string {
	return [...]string{good: "✓", bad: "✗", unsure: "!", aside: "~"}[m]
}

func (m mark) emoji() string {
	return [...]string{good: "✅", bad: "❌", unsure: "⚠️", aside: "⚠️"}[m]
}

func (m mark) color() color {
	return [...]color{good: green, bad: red, unsure: yellow, aside: cyan}[m]
}

func siteMark(r *align.Result, v align.SiteVerdict) mark {
	switch v {
	case align.Match:
		return good
	case align.Faster:
		if r.Mode == align.ModeRegression {
			return good
		}
		return bad
	case align.Slower, align.Missing, align.Extra, align.HeadMismatch:
		return bad
	case align.Variant, align.Communication, align.Ignored, align.Accepted:
		return aside
	}
	return unsure
}

func statusMark(s align.Status) mark {
	switch s {
	case align.Pass:
		return good
	case align.Fail:
		return bad
	case align.NotChecked:
		return aside
	}
	return unsure
}

func severityMark(s align.Severity) mark {
	switch s {
	case align.SeverityError:
		return bad
	case align.SeverityInfo:
		return aside
	}
	return unsure
}

func verdictMark(v align.Verdict) mark {
	switch v {
	case align.Aligned:
		return good
	case align.Misaligned, align.NotComparable:
		return bad
	}
	return unsure
}

// checkTitle returns what a check of the checklist asks.
func checkTitle(r *align.Result, id string) string {
	if r.Mode == align.ModeRegression {
		switch id {
		case align.CheckNames:
			return "Kernel names are unchanged"
		case align.CheckLatency:
			return "No kernel is slower"
		case align.CheckMissing:
			return "No kernel was added"
		case align.CheckExtra:
			return "No kernel was removed"
		case align.CheckShapes:
			return "Launch shapes are unchanged"
		}
	}
	switch id {
	case align.CheckNames:
		return "Kernel names match"
	case align.CheckLatency:
		return "Latency of each kernel is within bounds"
	case align.CheckMissing:
		return "No kernel is missing from the mock"
	case align.CheckExtra:
		return "No kernel is extra in the mock"
	case align.CheckShapes:
		return "Data flow: launch shapes agree"
	}
	return id
}

// sideNames returns what the two sides are called.
func sideNames(r *align.Result) (mock, e2e string) {
	switch r.Mode {
	case align.ModeRegression:
		return "base", "new"
	case align.ModeReport:
		return "report", ""
	}
	return "mock", "e2e"
}

// verdictWord returns what a site's verdict is called. The words for what is
// missing and extra are from the mock's viewpoint, which a regression check
// does not have.
func verdictWord(r *align.Result, v align.SiteVerdict) string {
	if r.Mode == align.ModeRegression {
		switch v {
		case align.Missing:
			return "added"
		case align.Extra:
			return "removed"
		}
	}
	return string(v)
}
