package align

// distinct is texts, each once, in the order in which they were first added. The
// zero value is ready.
type distinct struct {
	texts []string
	seen  map[string]bool
}

func (d *distinct) add(text string) {
	if d.seen[text] {
		return
	}
	if d.seen == nil {
		d.seen = map[string]bool{}
	}
	d.seen[text] = true
	d.texts = append(d.texts, text)
}
