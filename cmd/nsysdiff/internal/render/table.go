package render

import (
	"slices"
	"strings"
)

// A column is one column of a text table.
type column struct {
	title string
	side  string // whose it is, where two columns have one title
	left  bool   // left-aligned; numbers are not
	// drop orders the columns that go when the table is too wide: the
	// highest first. 0 stays.
	drop int
	// name marks the column of names, which takes what the others leave.
	name bool
	// shrink keeps the column when its turn to go has come, with the short
	// form of its cells.
	shrink bool
}

// A cell is the text of a cell and its colour.
type cell struct {
	text  string
	short string // for a column that shrinks
	color color
}

// A row is one line of a table and what stands below it, if anything.
type row struct {
	cells []cell
	notes []string
	// span, if set, is the whole line, in place of cells.
	span string
}

const (
	gap      = 2  // columns of the terminal between two of the table
	wideName = 24 // width that names get before other columns stay
	thinName = 12 // width below which names have lines of their own
)

// A layout is which columns of a table are shown and how wide.
type layout struct {
	columns []column
	widths  []int
	shown   []bool
	shrunk  []bool
	name    int  // the column of names
	stacked bool // names have lines of their own
	indent  int  // where the column of names begins
	dropped []string
}

// lay lays a table out in w columns of the terminal. Columns that do not fit
// go as a whole: a number is never cut.
func lay(columns []column, rows []row, w int) *layout {
	l := &layout{
		columns: columns,
		widths:  make([]int, len(columns)),
		shown:   make([]bool, len(columns)),
		shrunk:  make([]bool, len(columns)),
		name:    slices.IndexFunc(columns, func(c column) bool { return c.name }),
	}
	for c := range columns {
		l.shown[c] = true
		l.measure(c, rows)
	}
	room := l.room(w)
	for room < min(wideName, l.widths[l.name]) {
		next := l.nextToDrop()
		if next < 0 {
			break
		}
		if columns[next].shrink {
			l.shrunk[next] = true
			l.measure(next, rows)
		} else {
			l.shown[next] = false
			l.dropped = append(l.dropped, strings.TrimSpace(columns[next].side+" "+columns[next].title))
		}
		room = l.room(w)
	}
	for c := range l.name {
		if l.shown[c] {
			l.indent += l.widths[c] + gap
		}
	}
	if room < min(thinName, l.widths[l.name]) {
		l.stacked = true
		room = w - l.indent
	}
	l.widths[l.name] = min(l.widths[l.name], room)
	return l
}

// measure sets the width of column c to that of its widest cell.
func (l *layout) measure(c int, rows []row) {
	l.widths[c] = width(l.text(c, cell{text: l.columns[c].title}))
	for _, r := range rows {
		if r.span == "" {
			l.widths[c] = max(l.widths[c], width(l.text(c, r.cells[c])))
		}
	}
}

// text returns what a cell of column c shows.
func (l *layout) text(c int, x cell) string {
	if l.shrunk[c] {
		return Clean(x.short)
	}
	return Clean(x.text)
}

// room returns how many of w columns are left for names.
func (l *layout) room(w int) int {
	for c := range l.columns {
		if l.shown[c] && c != l.name {
			w -= l.widths[c] + gap
		}
	}
	return w
}

func (l *layout) nextToDrop() int {
	next := -1
	for c := range l.columns {
		if l.shown[c] && !l.shrunk[c] && l.columns[c].drop > 0 && (next < 0 || l.columns[c].drop > l.columns[next].drop) {
			next = c
		}
	}
	return next
}

// table writes rows in w columns of the terminal. It returns the titles of
// the columns that did not fit.
func (t *textPrinter) table(columns []column, rows []row, w int) (dropped []string) {
	l := lay(columns, rows, w)
	var titles []cell
	for _, c := range columns {
		titles = append(titles, cell{text: c.title, color: bold})
	}
	names := []string{columns[l.name].title}
	for _, r := range rows {
		if r.span == "" {
			names = append(names, Clean(r.cells[l.name].text))
		}
	}
	names = fitNames(names, l.widths[l.name])
	if len(names) > 1 {
		t.line(l, titles, names[0])
	}
	next := 1
	for _, r := range rows {
		if r.span != "" {
			t.print(t.paint(dim, cutMiddle(Clean(r.span), w)), "\n")
			continue
		}
		t.line(l, r.cells, names[next])
		next++
		for _, n := range r.notes {
			t.print(strings.Repeat(" ", l.indent), t.paint(dim, cutMiddle(Clean(n), w-l.indent)), "\n")
		}
	}
	return l.dropped
}

// line writes the cells of one row, with its name as it fits.
func (t *textPrinter) line(l *layout, cells []cell, name string) {
	var b strings.Builder
	for c, x := range cells {
		if !l.shown[c] {
			continue
		}
		text := l.text(c, x)
		if c == l.name {
			text = name
		}
		pad := strings.Repeat(" ", max(l.widths[c]-width(text), 0))
		if l.columns[c].left {
			b.WriteString(t.paint(x.color, text) + pad)
		} else {
			b.WriteString(pad + t.paint(x.color, text))
		}
		if c == l.name && l.stacked {
			t.print(strings.TrimRight(b.String(), " "), "\n")
			b.Reset()
			b.WriteString(strings.Repeat(" ", l.indent))
			continue
		}
		b.WriteString(strings.Repeat(" ", gap))
	}
	t.print(strings.TrimRight(b.String(), " "), "\n")
}

// Wrap breaks s at spaces into lines of at most w columns, but not a number from
// its unit, nor a launch geometry. A word that is longer than a line is broken
// where it must.
func Wrap(s string, w int) []string {
	w = max(w, 8)
	var lines []string
	line := ""
	for _, word := range words(s) {
		for {
			switch {
			case line == "" && width(word) <= w:
				line = word
			case line != "" && width(line)+1+width(word) <= w:
				line += " " + word
			case line != "":
				lines = append(lines, line)
				line = ""
				continue
			default:
				head, tail := splitAt(word, w)
				lines = append(lines, head)
				word = tail
				continue
			}
			break
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// words returns what Wrap does not break.
func words(s string) []string {
	var list []string
	for w := range strings.FieldsSeq(s) {
		if n := len(list); n > 0 && together(list[n-1], w) {
			list[n-1] += " " + w
		} else {
			list = append(list, w)
		}
	}
	return list
}

// together reports whether a word ends a quantity, "3 µs", or goes on a geometry,
// "[2048 1 1]", that the one before began.
func together(before, word string) bool {
	const digits = "0123456789"
	switch strings.TrimRight(word, ",;:.)") {
	case "ns", "µs", "ms", "s", "%":
		return strings.ContainsRune(digits, rune(before[len(before)-1]))
	}
	inside, open := strings.CutPrefix(before, "[")
	more := strings.TrimLeft(word, digits)
	return open && strings.Trim(inside, digits+" ") == "" && more != word && (more == "" || more[0] == ']')
}

// splitAt splits s after as many characters as fit into w columns, at least
// one.
func splitAt(s string, w int) (head, tail string) {
	n := 0
	for i, r := range s {
		n += width(string(r))
		if n > w && i > 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}
