package render

// A color is an ANSI attribute, empty for none. See ECMA-48, 8.3.117 SGR.
type color string

const (
	plain  color = ""
	bold   color = "1"
	dim    color = "2"
	red    color = "31"
	green  color = "32"
	yellow color = "33"
	cyan   color = "36"
)

// paint colours s if colour is on. s must be clean: what it adds is the only
// escape sequence that text contains.
func (t *textPrinter) paint(c color, s string) string {
	if !t.options.Color || c == plain || s == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}
