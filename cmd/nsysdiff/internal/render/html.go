package render

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"

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
// Whatever a result holds is text in it: html/template escapes, Clean shows
// what does not print, and a policy lets the browser run no other script.
func HTML(w io.Writer, r *align.Result, o Options) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		*htmlPage
		Style  template.CSS
		Script template.JS
		Policy string
	}{newHTMLPage(r, o), template.CSS(pageStyle), template.JS(pageScript), contentPolicy()})
}

// contentPolicy allows the page's own script and style, and nothing from
// elsewhere.
func contentPolicy() string {
	sum := sha256.Sum256([]byte(pageScript))
	return "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
