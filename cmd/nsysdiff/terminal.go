package main

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"

	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
)

// isTerminal reports whether w writes to a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns returns the width of text written to w: $COLUMNS if the environment
// sets it, else the terminal's, else render.DefaultWidth.
func columns(w io.Writer, getenv func(string) string) int {
	if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return render.DefaultWidth
}

// useColor says whether text on standard output has colours: when is the
// value of --color. See https://no-color.org.
func useColor(when string, stdout io.Writer, getenv func(string) string) bool {
	switch when {
	case "always":
		return true
	case "never":
		return false
	}
	return isTerminal(stdout) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}
