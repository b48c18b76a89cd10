package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/summary"
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

// print writes a problem as a line that begins with the program's name, and a
// line with its hint.
func (p *problem) print(w io.Writer) {
	// Paths and names in messages are as foreign as those in a report.
	fmt.Fprintf(w, "nsysdiff: %s\n", render.Clean(p.msg))
	if p.hint != "" {
		fmt.Fprintf(w, "hint: %s\n", render.Clean(p.hint))
	}
}

// usage returns the problem of a command line, or of a file that stands for
// one, that makes no sense.
func usage(hint, format string, args ...any) error {
	return &problem{msg: fmt.Sprintf(format, args...), hint: hint}
}

const (
	helpHint     = "nsysdiff --help shows how to use it"
	allFlagsHint = "nsysdiff --help-all lists all flags"
)

// complain writes an error, or each of several joined ones.
func complain(w io.Writer, err error) {
	for _, p := range wrongs(err) {
		p.print(w)
	}
}

// wrongs returns what is wrong according to an error: several things if it
// joins several.
func wrongs(err error) []*problem {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var list []*problem
		for _, e := range joined.Unwrap() {
			list = append(list, wrongs(e)...)
		}
		return list
	}
	w := &problem{msg: err.Error(), err: err}
	var p *problem
	var e *nsysdb.Error
	var s *trace.EmptyScopeError
	var m *summary.Error
	var r *align.IrreducibleError
	switch {
	case errors.Is(err, context.Canceled):
		w.msg = "interrupted"
	case errors.As(err, &p):
		w.hint = p.hint
	case errors.As(err, &e):
		w.hint = e.Hint
		if e.Kind == nsysdb.NotFound && w.hint == "" {
			w.hint = missingHint(e.Path, "check the path; of a recording, nsys export --type sqlite NAME.nsys-rep makes a report")
		}
	case errors.As(err, &s):
		w.hint = shortHint(s)
	case errors.As(err, &m):
		w.hint = m.Hint
	case errors.As(err, &r):
		w.hint = r.Hint()
	}
	return []*problem{w}
}

// shortHint returns what there is to choose from, kernels by their short names.
func shortHint(e *trace.EmptyScopeError) string {
	short := *e
	c := &short.Choices
	c.Kernels = nil
	for _, k := range e.Choices.Kernels {
		k.Name = align.ShortName(k.Name)
		if at := slices.IndexFunc(c.Kernels, func(x trace.Choice) bool { return x.Name == k.Name }); at >= 0 {
			c.Kernels[at].N += k.N
			c.KernelNames--
			continue
		}
		c.Kernels = append(c.Kernels, k)
	}
	return short.Hint()
}
