package render

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// width returns how many columns s takes on a terminal. Characters of
// ambiguous width count as one, whatever the locale, so that equal results
// give equal bytes.
func width(s string) int {
	return (&runewidth.Condition{}).StringWidth(s)
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
	cond := &runewidth.Condition{}
	var b strings.Builder
	b.WriteString(cond.Truncate(s, head, ""))
	b.WriteString("…")
	b.WriteString(cond.TruncateLeft(s, width(s)-tail, ""))
	return b.String()
}

// fitName shortens a kernel's name to at most n columns: first by leaving out
// return type, parameters and template arguments, then namespaces, then by
// cutting.
func fitName(name string, n int) string {
	if width(name) <= n {
		return name
	}
	name = shortName(name)
	if width(name) <= n {
		return name
	}
	if i := strings.LastIndex(name, "::"); i >= 0 && i+len("::") < len(name) {
		name = name[i+len("::"):]
	}
	return cutMiddle(name, n)
}

// shortName returns a demangled name without its return type, its parameters
// and the contents of its template arguments, for display only:
// "void at::native::gemv<float, 4>(float*)" becomes "at::native::gemv<…>".
// A name of another shape is returned as it is.
func shortName(name string) string {
	const anonymous = "(anonymous namespace)"
	var b strings.Builder
	angle, paren := 0, 0
	for i := 0; i < len(name); i++ {
		if angle == 0 && paren == 0 && strings.HasPrefix(name[i:], anonymous) {
			b.WriteString(anonymous)
			i += len(anonymous) - 1
			continue
		}
		switch c := name[i]; {
		case c == '(':
			paren++
		case c == ')':
			paren--
			if paren < 0 {
				return name
			}
		case paren > 0:
		case c == '<':
			if angle == 0 {
				b.WriteString("<…>")
			}
			angle++
		case c == '>':
			angle--
			if angle < 0 {
				return name
			}
		case angle > 0:
		case c == ' ':
			// What stands before a space outside of arguments is the
			// return type.
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	if angle != 0 || paren != 0 || b.Len() == 0 {
		return name
	}
	return b.String()
}
