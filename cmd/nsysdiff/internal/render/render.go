package render

import (
	"io"

	"github.com/nsysdiff/nsysdiff/align"
)

// DefaultWidth is the width of text that does not go to a terminal, in
// columns: what fits a code review and an e-mail.
const DefaultWidth = 100

// Options say how a result is shown. The zero value is the documented default.
type Options struct {
	// Width is the number of columns that text may take: DefaultWidth if 0.
	// Below MinWidth it counts as MinWidth.
	Width int
	// Color lets text use the terminal's colours.
	Color bool
	// Top is how many rows the tables by name have: all if 0.
	Top int
	// Version is the program's, for formats that name their maker.
	Version string
	// Command is the command line that made the result, for formats that say
	// how to make it again.
	Command []string
	// Fails reports whether a finding makes the exit status 1, for formats
	// that other programs judge a run by: none does if nil.
	Fails func(*align.Finding) bool
}

func (o Options) fails(f *align.Finding) bool { return o.Fails != nil && o.Fails(f) }

// MinWidth is the least number of columns that text is laid out for.
const MinWidth = 40

// A Format is one way to write a result.
type Format struct {
	Name  string
	About string // half a line for the manual
	Write func(io.Writer, *align.Result, Options) error
}

// Formats returns all formats, in the order in which help lists them.
func Formats() []Format {
	return []Format{
		{"text", "for a terminal", Text},
		{"markdown", "for a pull request", Markdown},
		{"json", "everything, for programs", JSON},
		{"csv", "one table, for a spreadsheet", CSV},
		{"junit", "test cases, for CI", JUnit},
		{"github", "annotations of a GitHub Actions run", GitHub},
		{"html", "a page to look at", HTML},
	}
}

// Lookup returns the format of a name.
func Lookup(name string) (Format, bool) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// A printer collects output and remembers the first error, so that a renderer
// reads as the page that it writes.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) print(parts ...string) {
	for _, s := range parts {
		if p.err != nil {
			return
		}
		_, p.err = io.WriteString(p.w, s)
	}
}

func (p *printer) write(b []byte) {
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
}
