//go:build unix

package summary_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/nsysdiff/nsysdiff/summary"
)

// TestPipe is not to wait for somebody to write into a pipe.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.json.gz")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if is, err := summary.IsFile(path); is || err != nil {
		t.Errorf("IsFile: %v, %v", is, err)
	}
}
