package render

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/align"
)

// GitHub writes workflow commands, which GitHub Actions shows as annotations
// of the run: what makes the exit status other than 0 as errors, first, then
// what else may matter as warnings, and the rest as notices. GitHub shows ten
// of a kind and keeps the others in the log.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func GitHub(w io.Writer, r *align.Result, o Options) error {
	p := printer{w: w}
	level := "notice"
	for i := range r.Findings {
		if githubLevel(&r.Findings[i], o) == "error" {
			level = "error"
		}
	}
	if r.Mode != align.ModeReport {
		p.print(githubCommand(level, "nsysdiff: "+string(r.Verdict), githubVerdict(r)))
	}
	for _, level := range []string{"error", "warning", "notice"} {
		for i := range r.Findings {
			f := &r.Findings[i]
			if githubLevel(f, o) != level {
				continue
			}
			text := Clean(f.Message)
			if f.Hint != "" {
				text += "\nhint: " + Clean(f.Hint)
			}
			p.print(githubCommand(level, "nsysdiff: "+f.Code, text))
		}
	}
	return p.err
}

// githubVerdict says in some lines what was compared, and why the sides
// differ where that is known.
func githubVerdict(r *align.Result) string {
	lines := []string{Clean(r.Mock.Path) + " against " + Clean(r.E2E.Path)}
	if s := siteCounts(r); s != "" {
		lines[0] += ": " + s
	}
	for i := range r.Causes {
		c := &r.Causes[i]
		lines = append(lines, Clean(causeTitle(c)+": "+c.Message))
		if c.Fix != "" {
			lines = append(lines, "fix: "+Clean(c.Fix))
		}
	}
	return strings.Join(lines, "\n")
}

func githubLevel(f *align.Finding, o Options) string {
	switch {
	case f.Code == align.CodeNotComparable || o.fails(f):
		return "error"
	case f.Severity == align.SeverityInfo:
		return "notice"
	}
	return "warning"
}

// githubCommand returns a workflow command, escaped as the runner reads it:
// data and properties in their own way (actions/toolkit,
// packages/core/src/command.ts).
func githubCommand(command, title, text string) string {
	return "::" + command + " title=" + githubProperty.Replace(Clean(title)) + "::" + githubData.Replace(text) + "\n"
}

var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// StepSummaryLimit is how many bytes the summary of a step may have, or GitHub
// drops it whole.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits
const StepSummaryLimit = 1 << 20

// StepSummary writes a result as the Markdown that GitHub Actions shows below
// a run, for the file that GITHUB_STEP_SUMMARY names. It takes at most limit
// bytes: of a larger result the sites and findings that matter least are left
// out, which it says.
func StepSummary(w io.Writer, r *align.Result, o Options, limit int) error {
	for most := max(len(r.Sites), len(r.Findings), len(r.Kernels), 1); ; most /= 2 {
		b := bounded{room: limit}
		switch err := stepSummary(&b, r, o, most); {
		case err == nil:
			_, err := w.Write(b.text)
			return err
		case !errors.Is(err, errNoRoom):
			return err
		case most == 0:
			return nil // not even the title fits beside what else the step wrote
		}
	}
}

// A bounded text fails when there is no room for what is written: who writes it
// need not make what would be thrown away.
type bounded struct {
	text []byte
	room int
}

var errNoRoom = errors.New("no room")

func (b *bounded) Write(p []byte) (int, error) { return hold(b, p) }

func (b *bounded) WriteString(s string) (int, error) { return hold(b, s) }

func hold[T string | []byte](b *bounded, s T) (int, error) {
	if b.room -= len(s); b.room < 0 {
		return 0, errNoRoom
	}
	b.text = append(b.text, s...)
	return len(s), nil
}

func stepSummary(w io.Writer, r *align.Result, o Options, most int) error {
	short := *r
	var left []string
	if n := len(r.Sites) - most; n > 0 {
		short.Sites = mostImportant(r, most)
		left = append(left, count(n, "site", "sites"))
	}
	if n := len(r.Findings) - most; n > 0 {
		short.Findings = r.Findings[:most] // the most severe come first
		left = append(left, count(n, "finding", "findings"))
	}
	if o.Top == 0 || o.Top > most {
		o.Top = most
	}
	if most == 0 {
		short.Kernels, short.MemOps, short.Causes = nil, nil, nil
	}
	title := string(r.Verdict)
	if r.Mode == align.ModeReport {
		title = r.Mock.Path
	}
	if _, err := fmt.Fprintf(w, "## nsysdiff: %s\n\n", mdText(title)); err != nil {
		return err
	}
	if err := Markdown(w, &short, o); err != nil {
		return err
	}
	if len(left) > 0 {
		_, err := fmt.Fprintf(w, "\nLeft out, since a summary may have 1 MiB: %s.\n", strings.Join(left, ", "))
		return err
	}
	return nil
}

// mostImportant returns n sites in their order: those that do not match
// first, and of the rest those that take most of the time.
func mostImportant(r *align.Result, n int) []align.Site {
	order := make([]int, len(r.Sites))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &r.Sites[a], &r.Sites[b]
		return cmp.Or(
			cmp.Compare(boolRank(x.Verdict == align.Match), boolRank(y.Verdict == align.Match)),
			cmp.Compare(max(y.MockShare, y.E2EShare), max(x.MockShare, x.E2EShare)))
	})
	order = order[:n]
	slices.Sort(order)
	sites := make([]align.Site, n)
	for i, k := range order {
		sites[i] = r.Sites[k]
	}
	return sites
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}
