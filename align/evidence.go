package align

import "fmt"

// maxEvidence is the number of lines that sites give as evidence of a cause.
const maxEvidence = 12

// evidence is what sites say for a cause, a line each. The zero value is ready.
type evidence struct {
	lines []string
	n     int
}

// add adds a line, which is only put into words where it is shown.
func (e *evidence) add(line func() string) {
	if e.n++; e.n <= maxEvidence {
		e.lines = append(e.lines, line())
	}
}

// shown returns the lines, and counts those beyond maxEvidence in the last.
func (e *evidence) shown() []string {
	if e.n <= maxEvidence {
		return e.lines
	}
	rest := e.n - (maxEvidence - 1)
	return append(e.lines[:maxEvidence-1:maxEvidence-1], fmt.Sprintf("and %s more", count(rest, "line")))
}
