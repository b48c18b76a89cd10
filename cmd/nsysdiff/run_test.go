package main

import (
	"bytes"
	"context"
	"errors"
	"syscall"
	"testing"
	"time"
)

// failing is a stream that cannot be written.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestRunTrouble(t *testing.T) {
	inReports(t)
	report := []string{"dsa_mock_ctx.sqlite"}
	extra := []string{"dsa_mock_ctx_extra.sqlite", "dsa_e2e_ctx_tp1.sqlite"}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tt := range []struct {
		reason string
		ctx    context.Context
		args   []string
		stdout failing
		status int
		stderr string
	}{
		{"interrupted", cancelled, report, failing{}, 2, "nsysdiff: interrupted\n"},
		{"interrupted, once for two reports", cancelled, extra, failing{}, 2, "nsysdiff: interrupted\n"},
		{"full disk", context.Background(), report, failing{syscall.ENOSPC}, 2, "nsysdiff: standard output: no space left on device\n"},
		{"the reader has seen enough", context.Background(), report, failing{syscall.EPIPE}, 0, ""},
		{"the reader has seen enough, the status stays", context.Background(), extra, failing{syscall.EPIPE}, 1, ""},
		{"help to a full disk", context.Background(), []string{"--help"}, failing{syscall.ENOSPC}, 2, "nsysdiff: no space left on device\n"},
	} {
		var stderr bytes.Buffer
		if got := run(tt.ctx, tt.args, environment{tt.stdout, &stderr, nothing, time.Now}); got != tt.status {
			t.Errorf("%s: exit status %d, want %d", tt.reason, got, tt.status)
		}
		if got := stderr.String(); got != tt.stderr {
			t.Errorf("%s: %q, want %q", tt.reason, got, tt.stderr)
		}
	}
}

func TestComplain(t *testing.T) {
	var b bytes.Buffer
	complain(&b, errors.Join(
		&problem{msg: "a\x1b[31mb", hint: "c\nd"},
		errors.New("e\nf"),
	))
	const want = `nsysdiff: a\x1b[31mb` + "\n" + `hint: c\nd` + "\n" + `nsysdiff: e\nf` + "\n"
	if got := b.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestProgress draws a bar by hand: a test has no terminal.
func TestProgress(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b, 2)
	if p.report(0) != nil {
		t.Error("progress is counted where nothing shows it")
	}
	p.done()
	if b.Len() > 0 {
		t.Errorf("written where there is no terminal: %q", b.String())
	}

	p.bar = newBar(&b)
	p.report(0)(1, 10)
	if b.Len() > 0 {
		t.Errorf("drawn before it took long: %q", b.String())
	}
	p.start = p.start.Add(-time.Minute)
	p.report(1)(5, 10)
	if !bytes.Contains(b.Bytes(), []byte("30%")) {
		t.Errorf("6 of 20 rows are not 30%%: %q", b.String())
	}
	p.report(1)(20, 10) // an estimate that was too low
	p.done()
}
