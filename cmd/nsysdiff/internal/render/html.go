package render

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"reflect"

	"github.com/nsysdiff/nsysdiff/align"
)

//go:embed html/page.tmpl
var pageTemplate string

//go:embed html/page.css
var pageStyle string

//go:embed html/page.js
var pageScript string

// HTML writes a result as one page that needs nothing else: no network, and
// no JavaScript for what stands in its tables. The drawings are made in the
// browser from data in the page; those of a typical step and of distributions
// need a result with [align.Options.Plots].
//
// Whatever a result holds is text in it: html/template escapes, and so do the
// rows of sites, Clean shows what does not print, and a policy lets the browser
// run no other script.
func HTML(w io.Writer, r *align.Result, o Options) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, &htmlWriter{newHTMLPage(r, o), template.CSS(pageStyle), template.JS(pageScript), contentPolicy(), w})
}

// An htmlWriter is what the template of the page is given. Templates write as
// they go, so that what is large can be written past this one, by all processors,
// when it comes to it.
type htmlWriter struct {
	*htmlPage
	Style  template.CSS
	Script template.JS
	Policy string

	w io.Writer
}

// Rows writes the rows of the table of sites.
func (x *htmlWriter) Rows() (string, error) {
	return "", inPieces(x.w, len(x.Sites), func(b []byte, from, to int) ([]byte, error) {
		for i := from; i < to; i++ {
			row := x.siteRow(i)
			b = row.append(b, x.E2E)
		}
		return b, nil
	})
}

// Data writes what the script draws. It is JSON as html/template would write it:
// as encoding/json does, with the characters escaped that HTML gives a meaning.
func (x *htmlWriter) Data() (template.JS, error) {
	rest, err := json.Marshal(x.data)
	if err != nil {
		return "", err
	}
	head, rest, _ := bytes.Cut(rest, []byte(`"sites":[]`)) // a string would hold \" for a quote
	p := &printer{w: x.w}
	p.write(head)
	p.print(`"sites":[`)
	if p.err == nil {
		site := planJSON(reflect.TypeFor[dataSite]())
		p.err = inPieces(x.w, len(x.data.ids), func(b []byte, from, to int) ([]byte, error) {
			list := reflect.ValueOf(x.data.sites(from, to))
			for i := range list.Len() {
				if from+i > 0 {
					b = append(b, ',')
				}
				var err error
				if b, err = site(b, list.Index(i), inPage); err != nil {
					return nil, err
				}
			}
			return b, nil
		})
	}
	p.print("]")
	p.write(rest)
	return "", p.err
}

// contentPolicy allows the page's own script and style, and nothing from
// elsewhere.
func contentPolicy() string {
	sum := sha256.Sum256([]byte(pageScript))
	return "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
