//go:build !amd64 || purego

package pages

// match reads the records of the leaf at hand, from number j on, into the rows
// of the batch, which begin with number row, as long as each has the template
// that came next the last time. It returns the number of the first that has not.
func (w *worker) match(page *window, row, j int) int { return w.matchEach(page, row, j) }
