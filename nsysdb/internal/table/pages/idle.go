package pages

import "sync"

// idle keeps the workers that no scan uses, for their memory: buffers, columns
// and tables that the next scan would else touch for the first time again.
type idle struct {
	mu      sync.Mutex
	workers []*worker
}

// take returns a worker, which has to be given back.
func (i *idle) take() *worker {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := len(i.workers)
	if n == 0 {
		return &worker{}
	}
	w := i.workers[n-1]
	i.workers = i.workers[:n-1]
	return w
}

// give puts a worker back.
func (i *idle) give(w *worker) {
	// The leaves of a big table are worth megabytes.
	w.reader.scan, w.templates.scan, w.templates.opts = nil, nil, nil
	i.mu.Lock()
	defer i.mu.Unlock()
	i.workers = append(i.workers, w)
}
