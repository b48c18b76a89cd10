package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"github.com/nsysdiff/nsysdiff/align"
)

// JSON writes the whole result, indented, in the order of its fields.
// Characters that do not print are written as \u escapes, so that the text is
// safe to show and parses to the same names.
func JSON(w io.Writer, r *align.Result, _ Options) error {
	r, sites := withoutSites(r)
	return writeJSON(w, r, 1, [][]align.Site{sites})
}

// withoutSites returns a copy of r without its sites, for [writeJSON], and the
// sites.
func withoutSites(r *align.Result) (*align.Result, []align.Site) {
	rest := *r
	rest.Sites = rest.Sites[:0:0]
	return &rest, r.Sites
}

// writeJSON writes v as JSON. Nearly all of a large result is its sites, so they
// are written apart, by all processors: the lists belong where v, in order, has
// an empty one of them, in objects at depth.
func writeJSON(w io.Writer, v any, depth int, lists [][]align.Site) error {
	e := newJSONEncoder(nil, 0)
	if err := e.append(v); err != nil {
		return err
	}
	rest := e.b
	p := &printer{w: w}
	// No string holds a line feed, and no other object at this depth has sites.
	empty := append(appendLine(nil, depth), `"sites": []`...)
	for _, sites := range lists {
		if sites == nil {
			continue // null in v too
		}
		at := bytes.Index(rest, empty) + len(empty) - len("]")
		p.write(rest[:at])
		rest = rest[at:]
		if len(sites) > 0 && p.err == nil {
			p.err = writeSites(w, sites, depth+1)
			p.write(appendLine(nil, depth))
		}
	}
	p.write(rest)
	p.print("\n")
	return p.err
}

// writeSites writes the elements of a list of sites.
func writeSites(w io.Writer, sites []align.Site, depth int) error {
	site := planJSON(reflect.TypeFor[align.Site]())
	list := reflect.ValueOf(sites)
	return inPieces(w, len(sites), func(b []byte, from, to int) (_ []byte, err error) {
		for i := from; i < to; i++ {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = site(appendLine(b, depth), list.Index(i), depth); err != nil {
				return nil, err
			}
		}
		return b, nil
	})
}

// A jsonEncoder appends values to b, indented as if they stood at depth.
type jsonEncoder struct {
	b     []byte
	depth int
	plain *json.Encoder // writes to the jsonEncoder
}

func newJSONEncoder(b []byte, depth int) *jsonEncoder {
	e := &jsonEncoder{b: b, depth: depth}
	e.plain = json.NewEncoder((*indenter)(e))
	e.plain.SetEscapeHTML(false)
	return e
}

func (e *jsonEncoder) append(v any) error {
	if err := e.plain.Encode(v); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	return nil
}

// An indenter takes what a [json.Encoder] writes, which is a whole value and a
// line feed at a time.
type indenter jsonEncoder

func (w *indenter) Write(text []byte) (int, error) {
	w.b = appendIndented(w.b, bytes.TrimSuffix(text, []byte("\n")), w.depth)
	return len(text), nil
}
