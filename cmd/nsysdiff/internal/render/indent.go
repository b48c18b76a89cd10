package render

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// appendIndented appends JSON text without white space as [json.Indent] would
// indent it, by two spaces and as if it stood at depth. In strings the characters
// that do not print become \u escapes: elsewhere JSON has only ASCII. The text
// must be sound, as that of encoding/json is.
func appendIndented(b, text []byte, depth int) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		switch c {
		case '"':
			n := stringLen(text[i:])
			b = appendPrintable(b, text[i:i+n])
			i += n
			continue
		case '{', '[':
			b = append(b, c)
			if end := text[i+1]; end == c+2 { // '}' and ']'
				b = append(b, end)
				i += 2
				continue
			}
			depth++
			b = appendLine(b, depth)
		case '}', ']':
			depth--
			b = append(appendLine(b, depth), c)
		case ',':
			b = appendLine(append(b, c), depth)
		case ':':
			b = append(b, ": "...)
		default:
			n := literalLen(text[i:])
			b = append(b, text[i:i+n]...)
			i += n
			continue
		}
		i++
	}
	return b
}

// appendLine begins a line at depth, if there are lines.
func appendLine(b []byte, depth int) []byte {
	if depth < 0 {
		return b // in a page
	}
	const line = "\n                                "
	if n := 1 + 2*depth; n <= len(line) {
		return append(b, line[:n]...)
	}
	b = append(b, '\n')
	for range depth {
		b = append(b, "  "...)
	}
	return b
}

// literalLen returns the length of the number or word that text begins with.
func literalLen(text []byte) int {
	for i, c := range text {
		if c == ',' || c == ']' || c == '}' {
			return i
		}
	}
	return len(text)
}

// stringLen returns the length of the string that text begins with.
func stringLen(text []byte) int {
	i := 1
	for text[i] != '"' {
		if text[i] == '\\' {
			i++
		}
		i++
	}
	return i + 1
}

// appendPrintable appends a string of JSON with its characters that do not
// print as \u escapes.
func appendPrintable(b, text []byte) []byte {
	from := 0
	for i := 0; i < len(text); {
		if c := text[i]; c >= ' ' && c <= '~' {
			i++ // as nearly all, and to ask of each takes long
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if !strconv.IsPrint(r) {
			b = append(b, text[from:i]...)
			if r > 0xffff {
				r -= 0x10000
				b = fmt.Appendf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			} else {
				b = fmt.Appendf(b, `\u%04x`, r)
			}
			from = i + n
		}
		i += n
	}
	return append(b, text[from:]...)
}
