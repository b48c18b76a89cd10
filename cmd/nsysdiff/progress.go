package main

import (
	"io"
	"sync"
	"time"

	"github.com/cheggaaa/pb/v3"
)

// A progress shows how much of the reports is read, on a terminal, once that
// takes more than a second.
type progress struct {
	bar   *pb.ProgressBar // nil where nothing is shown
	start time.Time

	mu        sync.Mutex
	rows, all []int64 // by report
	drawn     time.Time
}

const (
	progressDelay = time.Second            // how long reading takes before it is worth a bar
	progressRate  = 100 * time.Millisecond // how often it is drawn
)

// newProgress returns the progress of reading n reports. It shows nothing
// where w is no terminal.
func newProgress(w io.Writer, n int) *progress {
	p := &progress{start: time.Now(), rows: make([]int64, n), all: make([]int64, n)}
	if isTerminal(w) {
		p.bar = newBar(w)
	}
	return p
}

func newBar(w io.Writer) *pb.ProgressBar {
	return pb.ProgressBarTemplate(`reading {{bar . }} {{percent . "%.0f%%"}}`).New(0).
		SetWriter(w).
		SetMaxWidth(60).
		Set(pb.Static, true). // drawn from report, not by a goroutine
		Set(pb.Terminal, true).
		Set(pb.CleanOnFinish, true)
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
		now := time.Now()
		if now.Sub(p.start) < progressDelay || now.Sub(p.drawn) < progressRate {
			return
		}
		if p.drawn.IsZero() {
			p.bar.Start()
		}
		p.drawn = now
		var d, a int64
		for j := range p.rows {
			d += p.rows[j]
			a += p.all[j]
		}
		p.bar.SetTotal(a).SetCurrent(d).Write()
	}
}

// done takes the bar off the screen.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.drawn.IsZero() {
		p.bar.Finish()
	}
}
