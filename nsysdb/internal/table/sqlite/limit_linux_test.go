//go:build cgo

package sqlite_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/sqlite"
)

// TestTooManyFiles: the limit of open files is said to be that, whoever comes upon it.
func TestTooManyFiles(t *testing.T) {
	_, path := made(t, "CREATE TABLE t(a INTEGER)")
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)
	for more := range uint64(4) {
		next, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		limit := syscall.Rlimit{Cur: uint64(next.Fd()) + more, Max: was.Max}
		next.Close()
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), path)
		if err == nil {
			s.Close()
		}
		if more < 2 && !errors.Is(err, syscall.EMFILE) || errors.Is(err, sqlite.ErrNoPath) || err != nil && !errors.Is(err, syscall.EMFILE) {
			t.Errorf("%d more files may be open: %v", more, err)
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
	}
}
