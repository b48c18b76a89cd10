package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// A problem is an error with advice: what is wrong and what to do about it.
type problem struct {
	msg  string
	hint string // "" if there is nothing to do
	err  error  // the cause, if there is one
}

func (p *problem) Error() string { return p.msg }

func (p *problem) Unwrap() error { return p.err }

// usage returns the problem of a command line that makes no sense.
func usage(hint, format string, args ...any) error {
	return &problem{msg: fmt.Sprintf(format, args...), hint: hint}
}

const helpHint = "nsysdiff --help shows how to use it"

// complain writes an error, each of several joined ones, as a line that
// begins with the program's name, and a line with its hint.
func complain(w io.Writer, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			complain(w, e)
		}
		return
	}
	msg, hint := err.Error(), ""
	var p *problem
	var e *nsysdb.Error
	var s *trace.EmptyScopeError
	switch {
	case errors.Is(err, context.Canceled):
		msg = "interrupted"
	case errors.As(err, &p):
		hint = p.hint
	case errors.As(err, &e):
		hint = e.Hint
	case errors.As(err, &s):
		hint = s.Hint()
	}
	// Paths and names in messages are as foreign as those in a report.
	fmt.Fprintf(w, "nsysdiff: %s\n", render.Clean(msg))
	if hint != "" {
		fmt.Fprintf(w, "hint: %s\n", render.Clean(hint))
	}
}
