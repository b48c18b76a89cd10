package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A progress shows how much of the reports is read, on a terminal, once that
// takes more than a second.
type progress struct {
	bar   *progressbar.ProgressBar
	start time.Time

	mu        sync.Mutex
	rows, all []int64 // by report
}

// progressDelay is how long reading takes before it is worth a bar.
const progressDelay = time.Second

// newProgress returns the progress of reading n reports. It shows nothing
// where w is no terminal.
func newProgress(w io.Writer, n int) *progress {
	p := &progress{start: time.Now(), rows: make([]int64, n), all: make([]int64, n)}
	if isTerminal(w) {
		p.bar = newBar(w)
	}
	return p
}

func newBar(w io.Writer) *progressbar.ProgressBar {
	return progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("reading"),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(30))
}

// report returns the function that report i is to call as it is read, nil if
// nothing is shown.
func (p *progress) report(i int) func(done, total int64) {
	if p.bar == nil {
		return nil
	}
	return func(done, total int64) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.rows[i], p.all[i] = done, max(done, total)
		if time.Since(p.start) < progressDelay {
			return
		}
		var d, a int64
		for j := range p.rows {
			d += p.rows[j]
			a += p.all[j]
		}
		if a > 0 {
			p.bar.ChangeMax64(a)
			// A bar that cannot be drawn is no reason to stop.
			_ = p.bar.Set64(min(d, a-1))
		}
	}
}

// done takes the bar off the screen.
func (p *progress) done() {
	if p.bar != nil && time.Since(p.start) >= progressDelay {
		_ = p.bar.Clear()
	}
}
