package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
)

// TestStepSummaryBesideOther: what the step wrote before counts towards what GitHub
// takes of its summary.
func TestStepSummaryBesideOther(t *testing.T) {
	inReports(t)
	for _, before := range []int{0, render.StepSummaryLimit - 20_000, render.StepSummaryLimit - 10, render.StepSummaryLimit + 10} {
		path := filepath.Join(t.TempDir(), "summary.md")
		if err := os.WriteFile(path, bytes.Repeat([]byte("x"), before), 0o666); err != nil {
			t.Fatal(err)
		}
		getenv := func(name string) string {
			if name == "GITHUB_STEP_SUMMARY" {
				return path
			}
			return ""
		}
		var out, errs bytes.Buffer
		args := []string{"--format", "github", "--regression", "llama_tp_e2e.sqlite", "llama_tp_e2e_regressed.sqlite"}
		if status := run(context.Background(), args, environment{&out, &errs, getenv, today}); status != 1 {
			t.Errorf("exit status %d, want 1: %s", status, errs.String())
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n, room := len(text)-before, render.StepSummaryLimit-before; n > max(room, 0) || n == 0 && room > 10_000 {
			t.Errorf("%d bytes added to %d, of %d", n, before, render.StepSummaryLimit)
		}
	}
}
