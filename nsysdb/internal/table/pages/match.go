package pages

// matchEach is match without the instructions of one kind of processor. It goes
// over the records several times, each time doing little enough to stay in
// registers, while the page is in the fastest cache.
func (w *worker) matchEach(page *window, row, j int) int {
	first := j
	records, keys := w.records, w.keys[row:][:len(w.records)]
	history, guess, all := w.history, &w.guess, w.all
	for ; j < len(records); j++ {
		r := &records[j]
		number := guess[history%(1<<historyBits)]
		t := &all[number]
		if !t.matches(r, page) {
			break
		}
		keys[j], r.loads = t.key, t.loads
		history = remember(history, number)
	}
	w.history = history
	if j == first {
		return j // there may be no loads yet
	}
	for l, column := range w.columns {
		fillColumn(column[row+first:row+j], records[first:j], w.loads[l:], page)
	}
	return j
}

// fillColumn reads a column of the records. Among the variables of its caller,
// its own would not stay in registers.
//
//go:noinline
func fillColumn(column []int64, records []record, loads []load, page *window) {
	column = column[:len(records)]
	for j := range records {
		r := &records[j]
		column[j] = loads[r.loads].value(page, r.at)
	}
}
