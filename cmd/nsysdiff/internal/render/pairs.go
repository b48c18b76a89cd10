package render

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/nsysdiff/nsysdiff/align"
)

// PairsSchema names the JSON shape of several results.
const PairsSchema = "nsysdiff-pairs/1"

// A Pair is one of several comparisons that were made in one run.
type Pair struct {
	Name    string        `json:"name"`
	Status  int           `json:"status"` // the exit status that it would have alone
	Result  *align.Result `json:"result,omitempty"`
	Trouble []Trouble     `json:"trouble,omitempty"` // why there is no result

	// Fails reports whether a finding makes the pair's exit status 1.
	Fails func(*align.Finding) bool `json:"-"`
}

// A Trouble is what kept a comparison from being made.
type Trouble struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// TakesPairs reports whether [Pairs] can write a format.
func TakesPairs(name string) bool {
	return slices.Contains([]string{"text", "markdown", "json", "csv", "junit", "github"}, name)
}

// Pairs writes several results as one document, and an overview of them where
// the format is one that people read.
func Pairs(w io.Writer, f Format, pairs []Pair, o Options) error {
	p := &printer{w: w}
	switch f.Name {
	case "text":
		return textPairs(p, f, pairs, o)
	case "markdown":
		return markdownPairs(p, f, pairs, o)
	case "json":
		return jsonPairs(w, pairs)
	case "csv":
		return csvPairs(w, f, pairs, o)
	case "junit":
		return junitPairs(w, f, pairs, o)
	case "github":
		return githubPairs(p, f, pairs, o)
	}
	return fmt.Errorf("%s cannot hold several comparisons", f.Name)
}

// one renders the result of one pair.
func (x *Pair) one(f Format, o Options) (string, error) {
	var b bytes.Buffer
	o.Fails = x.Fails
	err := f.Write(&b, x.Result, o)
	return b.String(), err
}

// verdict is the answer for a pair in a word.
func (x *Pair) verdict() string {
	if x.Result == nil {
		return "trouble"
	}
	return string(x.Result.Verdict)
}

// outcome says what a pair came to, in half a line.
func (x *Pair) outcome() string {
	switch r := x.Result; {
	case r == nil:
		return Clean(x.Trouble[0].Message)
	case r.Verdict == align.NotComparable && len(r.Findings) > 0:
		first := max(0, slices.IndexFunc(r.Findings, func(f align.Finding) bool { return f.Code == align.CodeNotComparable }))
		return Clean(r.Findings[first].Message)
	default:
		return siteCounts(r)
	}
}

// mark is the mark of a pair's verdict; what fails without one, or in spite of it, is bad.
func (x *Pair) mark() mark {
	if x.Status != 0 {
		return bad
	}
	return verdictMark(x.Result.Verdict)
}

func textPairs(p *printer, f Format, pairs []Pair, o Options) error {
	names, verdicts := len("pair"), len("verdict")
	for i := range pairs {
		names = max(names, width(Clean(pairs[i].Name)))
		verdicts = max(verdicts, 2+len(pairs[i].verdict()))
	}
	for i := range pairs {
		x := &pairs[i]
		p.print("== ", Clean(x.Name), " ==\n")
		if x.Result == nil {
			for _, t := range x.Trouble {
				p.print("trouble: ", Clean(t.Message), "\n")
				if t.Hint != "" {
					p.print("hint: ", Clean(t.Hint), "\n")
				}
			}
			p.print("\n")
			continue
		}
		text, err := x.one(f, o)
		if err != nil {
			return err
		}
		p.print(text, "\n")
	}
	p.print("== all pairs ==\n")
	row := func(a, b, c string) {
		p.print(strings.TrimRight(pad(a, names)+"  "+pad(b, verdicts)+"  "+c, " "), "\n")
	}
	row("pair", "verdict", "")
	for i := range pairs {
		x := &pairs[i]
		row(Clean(x.Name), x.mark().text()+" "+x.verdict(), x.outcome())
	}
	return p.err
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-width(s))) }

func markdownPairs(p *printer, f Format, pairs []Pair, o Options) error {
	overview(p, pairs)
	for i := range pairs {
		x := &pairs[i]
		p.print("\n## ", mdText(x.Name), "\n\n")
		if x.Result == nil {
			for _, t := range x.Trouble {
				p.print("- ", mdText(t.Message), "\n")
				if t.Hint != "" {
					p.print("  - hint: ", mdText(t.Hint), "\n")
				}
			}
			continue
		}
		text, err := x.one(f, o)
		if err != nil {
			return err
		}
		p.print(text)
	}
	return p.err
}

// overview writes a row for each pair.
func overview(p *printer, pairs []Pair) {
	p.print("| Pair | Verdict | |\n| --- | --- | --- |\n")
	for i := range pairs {
		x := &pairs[i]
		p.print("| ", mdText(x.Name), " | ", x.mark().emoji(), " ", x.verdict(), " | ", mdText(x.outcome()), " |\n")
	}
}

func jsonPairs(w io.Writer, pairs []Pair) error {
	status := 0
	for i := range pairs {
		status = max(status, pairs[i].Status)
	}
	pairs = slices.Clone(pairs)
	var sites [][]align.Site
	for i := range pairs {
		if x := &pairs[i]; x.Result != nil {
			rest, list := withoutSites(x.Result)
			x.Result = rest
			sites = append(sites, list)
		}
	}
	const depth = 4 // of a result: pairs, pair, result
	return writeJSON(w, struct {
		Schema string `json:"schema"`
		Status int    `json:"status"`
		Pairs  []Pair `json:"pairs"`
	}{PairsSchema, status, pairs}, depth, sites)
}

// csvPairs writes one table with the pair's name in front. A pair without a
// result has no rows.
func csvPairs(w io.Writer, f Format, pairs []Pair, o Options) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	var header []string
	for i := range pairs {
		x := &pairs[i]
		if x.Result == nil {
			continue
		}
		text, err := x.one(f, o)
		if err != nil {
			return err
		}
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil {
			return err
		}
		// Checks against a model and regression checks name their sides
		// otherwise, in the same columns.
		if header == nil {
			header = append([]string{"pair"}, rows[0]...)
			_ = out.Write(header)
		}
		for _, row := range rows[1:] {
			_ = out.Write(append([]string{csvText(x.Name)}, row...))
		}
	}
	out.Flush()
	return out.Error()
}

// junitPairs writes the suites of each pair, under its name.
func junitPairs(w io.Writer, f Format, pairs []Pair, o Options) error {
	all := junit.Testsuites{Name: "nsysdiff"}
	for i := range pairs {
		x := &pairs[i]
		name := Clean(x.Name)
		if x.Result == nil {
			s := junit.Testsuite{Name: "nsysdiff " + name, Time: junitTime}
			for _, t := range x.Trouble {
				s.AddTestcase(junit.Testcase{Name: "comparison", Classname: "nsysdiff." + name, Time: junitTime,
					Error: &junit.Result{Message: Clean(t.Message), Data: Clean(cmp.Or(t.Hint, t.Message))}})
			}
			all.AddSuite(s)
			continue
		}
		text, err := x.one(f, o)
		if err != nil {
			return err
		}
		var one junit.Testsuites
		if err := xml.Unmarshal([]byte(text), &one); err != nil {
			return err
		}
		for _, s := range one.Suites {
			s.Name = "nsysdiff " + name + strings.TrimPrefix(s.Name, "nsysdiff")
			for k := range s.Testcases {
				s.Testcases[k].Classname = "nsysdiff." + name + strings.TrimPrefix(s.Testcases[k].Classname, "nsysdiff")
			}
			all.AddSuite(s)
		}
	}
	for i := range all.Suites {
		all.Suites[i].ID = i
	}
	all.Skipped = 0 // not in the schema
	p := printer{w: w}
	p.print(xml.Header)
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if p.err == nil {
		p.err = e.Encode(all)
	}
	p.print("\n")
	return p.err
}

func githubPairs(p *printer, f Format, pairs []Pair, o Options) error {
	for i := range pairs {
		x := &pairs[i]
		if x.Result == nil {
			for _, t := range x.Trouble {
				p.print(githubCommand("error", "nsysdiff: "+Clean(x.Name), Clean(t.Message)))
			}
			continue
		}
		text, err := x.one(f, o)
		if err != nil {
			return err
		}
		p.print("::group::", githubData.Replace(Clean(x.Name)), "\n", text, "::endgroup::\n")
	}
	return p.err
}

// PairsStepSummary writes the step summaries of several results, the overview
// first, in at most limit bytes: each has an equal part of them.
func PairsStepSummary(w io.Writer, pairs []Pair, o Options, limit int) error {
	var b bytes.Buffer
	p := &printer{w: &b}
	overview(p, pairs)
	share := (limit - b.Len()) / max(len(pairs), 1)
	for i := range pairs {
		x := &pairs[i]
		title := "\n# " + mdText(x.Name) + "\n\n"
		if x.Result == nil || len(title) > share {
			continue
		}
		p.print(title)
		o.Fails = x.Fails
		if err := StepSummary(&b, x.Result, o, share-len(title)); err != nil {
			return err
		}
	}
	if b.Len() > limit {
		return nil // not even the overview fits
	}
	_, err := w.Write(b.Bytes())
	return err
}
