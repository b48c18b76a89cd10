package render

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/nsysdiff/nsysdiff/align"
)

// width returns how many columns s takes on a terminal. Characters of
// ambiguous width count as one, whatever the locale, so that equal results
// give equal bytes.
func width(s string) int {
	switch {
	case isPrintableASCII(s):
		return len(s)
	case oneEach(s):
		return utf8.RuneCountInString(s)
	}
	return (&runewidth.Condition{}).StringWidth(s)
}

// oneEach reports whether each character of s takes one column, as nearly all do
// that reports hold and that are printed with them. The library would say the
// same, and build a table of 2 MB for it, which takes as long as reading a
// small report.
func oneEach(s string) bool {
	for _, r := range s {
		switch {
		case r >= ' ' && r <= '~':
		case r >= 0xA1 && r <= 0x17F && r != 0xAD: // Latin letters, ×, µ; no soft hyphen
		case strings.ContainsRune("…–—→", r):
		case r == '✓' || r == '✗':
		default:
			return false
		}
	}
	return true
}

// cutMiddle shortens s to at most n columns by taking out of its middle: the
// end of a kernel's name tells as much as its beginning.
func cutMiddle(s string, n int) string {
	if width(s) <= n {
		return s
	}
	if n <= 1 {
		return strings.Repeat("…", max(n, 0))
	}
	head := n / 2
	tail := n - 1 - head
	if oneEach(s) {
		from, to := 0, len(s)
		for range head {
			_, size := utf8.DecodeRuneInString(s[from:])
			from += size
		}
		for range tail {
			_, size := utf8.DecodeLastRuneInString(s[:to])
			to -= size
		}
		return s[:from] + "…" + s[to:]
	}
	cond := &runewidth.Condition{}
	return cond.Truncate(s, head, "") + "…" + cond.TruncateLeft(s, width(s)-tail, "")
}

// fitName shortens a kernel's name to at most n columns: first by leaving out
// return type, parameters and namespaces, then to what a person calls it, then
// by cutting.
func fitName(name string, n int) string { return fitEach([]string{name}, n, shortener{})[0] }

// A shortener remembers short names: to tell them takes most of the time of
// rendering a small table.
type shortener map[string]string

// of returns align.ShortNames of the names.
func (s shortener) of(names []string) []string {
	var unknown []string
	for _, name := range names {
		if _, known := s[name]; !known {
			unknown = append(unknown, name)
		}
	}
	for i, short := range align.ShortNames(unknown) {
		s[unknown[i]] = short
	}
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = s[name]
	}
	return short
}

// fitEach is fitName for each of several names.
func fitEach(names []string, n int, s shortener) []string {
	fit := slices.Clone(names)
	var long []string // those for which only a short name is short enough
	var at []int      // their places
	for i, name := range names {
		if width(name) <= n {
			continue
		}
		if fit[i] = bareName(name); width(fit[i]) > n {
			long, at = append(long, name), append(at, i)
		}
	}
	for k, short := range s.of(long) {
		fit[at[k]] = cutMiddle(Clean(short), n)
	}
	return fit
}

// fitNames shortens the names of a column to at most n columns. Names that
// differ and would look alike show behind that what tells them apart.
func fitNames(names []string, n int) []string {
	shown := map[string]string{} // by name: many sites share one
	var distinct []string
	for _, name := range names {
		if _, known := shown[name]; !known {
			shown[name] = ""
			distinct = append(distinct, name)
		}
	}
	s := shortener{}
	short := fitEach(distinct, n, s)
	tellApart(distinct, short, n, s)
	for i, name := range distinct {
		shown[name] = short[i]
	}
	fit := make([]string, len(names))
	for i, name := range names {
		fit[i] = shown[name]
	}
	return fit
}

// shortNames returns the short names of different kernels in at most n columns,
// those that would look alike with what tells them apart.
func shortNames(names []string, n int) []string {
	s := shortener{}
	short := s.of(names)
	for i := range short {
		short[i] = cutMiddle(Clean(short[i]), n)
	}
	tellApart(names, short, n, s)
	return short
}

// tellApart changes what different names are shown as, in at most n columns, where
// that is alike.
func tellApart(names, shown []string, n int, s shortener) {
	alike := map[string][]int{}
	for i, text := range shown {
		alike[text] = append(alike[text], i)
	}
	for _, group := range alike {
		if len(group) < 2 {
			continue
		}
		list := make([]string, len(group))
		for k, i := range group {
			list[k] = names[i]
		}
		for k, text := range fitApart(list, n, s) {
			shown[group[k]] = text
		}
	}
}

// leastName is how much of a name stands before what tells it apart, in columns.
const leastName = 8

// fitApart shortens names that are alike but for what is left out to at most n
// columns, so that no two are shown alike: where what tells them apart does not
// fit, by their number.
func fitApart(names []string, n int, s shortener) []string {
	fit, times := align.TellApart(names), map[string]int{}
	for i := range fit {
		fit[i] = cutMiddle(Clean(fit[i]), max(n-leastName-1, 0))
		times[fit[i]]++
	}
	for i, short := range s.of(names) {
		if times[fit[i]] > 1 {
			fit[i] = fmt.Sprintf("#%d", i+1)
		}
		if fit[i] != "" {
			fit[i] = " " + fit[i]
		}
		fit[i] = cutMiddle(Clean(short), n-width(fit[i])) + fit[i]
	}
	return fit
}

// kernelNames returns the names of all kernels that a result speaks of, each once.
func kernelNames(r *align.Result) []string {
	var names []string
	known := map[string]bool{"": true}
	add := func(name string) {
		if !known[name] {
			known[name] = true
			names = append(names, name)
		}
	}
	for i := range r.Sites {
		add(r.Sites[i].MockName)
		add(r.Sites[i].E2EName)
	}
	for _, list := range [][]align.Neighbour{r.Before, r.After} {
		for i := range list {
			add(list[i].Name)
		}
	}
	for _, rows := range [][]align.KernelRow{r.Kernels, r.MemOps} {
		for i := range rows {
			add(rows[i].Name)
		}
	}
	return names
}

// bareName returns a demangled name without its return type, its parameters
// and its namespaces, for display only: "void a::gemv<float, 4>(float*)"
// becomes "gemv<float, 4>". A name of another shape is returned as it is.
func bareName(name string) string {
	const anonymous = "(anonymous namespace)"
	from, to := 0, len(name)
	angle, paren := 0, 0
	for i := 0; i < to; i++ {
		if name[i] == '(' && strings.HasPrefix(name[i:], anonymous) {
			i += len(anonymous) - 1
			continue
		}
		top := angle == 0 && paren == 0
		switch name[i] {
		case '<':
			if paren == 0 {
				angle++
			}
		case '>':
			if paren == 0 {
				angle--
			}
		case '(':
			if top {
				to = i // what follows is the parameters
				continue
			}
			paren++
		case ')':
			paren--
		case ' ', ':':
			if top {
				from = i + 1
			}
		}
		if angle < 0 || paren < 0 {
			return name
		}
	}
	if angle != 0 || paren != 0 || from >= to {
		return name
	}
	return name[from:to]
}
