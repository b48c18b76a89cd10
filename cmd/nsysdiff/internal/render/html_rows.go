package render

import "strconv"

// append appends the row of a site, as the template testdata/sites.tmpl has it. A
// result may have tens of thousands of sites, and html/template takes some
// microseconds for each value.
func (x *htmlSite) append(b []byte, e2e string) []byte {
	h := &htmlText{b}
	h.raw(`<tr role="row" id="s`).int(x.Index).raw(`" data-v="`).text(x.ID).raw(`">`)
	h.raw(`<td role="cell" class="num">`).int(x.Index).raw(`</td><td role="cell" class="name">`).name(&x.Name)
	if x.Other != nil {
		h.raw(`<small>`).text(e2e).raw(`: `).name(x.Other).raw(`</small>`)
	}
	if x.Module != "" {
		h.raw(`<small><bdi>`).text(x.Module).raw(`</bdi></small>`)
	}
	if x.Kind != "" {
		h.raw(`<small>in <bdi>`).text(x.Kind).raw(`</bdi></small>`)
	}
	h.raw(`</td><td role="cell" class="num" data-k="`).float(x.MockNS).raw(`">`).text(x.Mock)
	h.raw(`</td><td role="cell" class="num" data-k="`).float(x.E2ENS).raw(`">`).text(x.E2E)
	h.raw(`</td><td role="cell" class="num ratio" data-k="`).float(x.RatioKey).raw(`">`).text(x.Ratio)
	h.raw(`</td><td role="cell" class="wide interval">`)
	if x.HasRatio {
		h.raw(`<span class="rbar `).text(x.Verdict.Class).raw(`" style="--lo:`).float(x.Lo).raw(`;--mid:`).float(x.Mid).raw(`;--hi:`).float(x.Hi)
		h.raw(`"></span><span>`).text(x.Interval).raw(`</span>`)
	}
	h.raw(`</td><td role="cell" class="num wide" data-k="`).float(x.ShareKey).raw(`">`).text(x.Share)
	h.raw(`</td><td role="cell" class="v"><span class="badge `).text(x.Verdict.Class).raw(`"><span aria-hidden="true">`).text(x.Verdict.Sign)
	h.raw(`</span> <span class="word">`).text(x.Verdict.Word).raw(`</span></span>`)
	if x.Reason != "" {
		h.raw(`<small><bdi>`).text(x.Reason).raw(`</bdi></small>`)
	}
	if x.Present != "" {
		h.raw(`<small>`).text(x.Present).raw(`</small>`)
	}
	h.raw("</td></tr>\n")
	return h.b
}

// An htmlText appends to b: markup as it is, and what is not markup so that it has
// a meaning neither as text nor in the quotes of an attribute.
type htmlText struct{ b []byte }

// markup is written by us: no string of a result becomes one unasked.
type markup string

func (h *htmlText) raw(s markup) *htmlText {
	h.b = append(h.b, s...)
	return h
}

func (h *htmlText) text(s string) *htmlText {
	from := 0
	for i := range len(s) {
		escape := ""
		switch s[i] {
		case 0:
			escape = "\ufffd"
		case '"':
			escape = "&#34;"
		case '&':
			escape = "&amp;"
		case '\'':
			escape = "&#39;"
		case '+':
			escape = "&#43;"
		case '<':
			escape = "&lt;"
		case '>':
			escape = "&gt;"
		default:
			continue
		}
		h.b = append(append(h.b, s[from:i]...), escape...)
		from = i + 1
	}
	h.b = append(h.b, s[from:]...)
	return h
}

func (h *htmlText) int(n int) *htmlText {
	h.b = strconv.AppendInt(h.b, int64(n), 10)
	return h
}

func (h *htmlText) float(x float64) *htmlText { return h.text(strconv.FormatFloat(x, 'g', -1, 64)) }

// name appends what the template "name" of the page makes.
func (h *htmlText) name(n *htmlName) *htmlText {
	h.raw(`<a href="#n`).int(n.Full).raw(`"`)
	if n.Title != "" {
		h.raw(` title="`).text(n.Title).raw(`"`)
	}
	return h.raw(`><bdi>`).text(n.Short).raw(`</bdi></a>`)
}
