//go:build linux

package table_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// TestLocks opens a file that is locked as SQLite locks it, and one that is
// locked later.
func TestLocks(t *testing.T) {
	const pending, shared = 0x40000000, 0x40000002
	for _, c := range []struct {
		reason   string
		typ      int16
		first, n int64
		busy     bool
	}{
		{"a writer", syscall.F_WRLCK, shared, 510, true},
		{"a writer that waits for readers", syscall.F_WRLCK, pending, 1, true},
		{"a writer that has not begun to write to the file", syscall.F_WRLCK, pending + 1, 1, false},
		{"a reader", syscall.F_RDLCK, shared, 510, false},
		{"a reader of old, with one byte", syscall.F_RDLCK, shared + 7, 1, false},
		{"a lock that is not SQLite's", syscall.F_WRLCK, 0, 100, false},
	} {
		path := filepath.Join(t.TempDir(), "db")
		write(t, path, make([]byte, table.HeaderSize), time.Now())
		other, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		lock := func(typ int16) {
			const set = 37 // F_OFD_SETLK: as of another process
			l := syscall.Flock_t{Type: typ, Whence: io.SeekStart, Start: c.first, Len: c.n}
			if err := syscall.FcntlFlock(other.Fd(), set, &l); err != nil {
				t.Skip(err)
			}
		}
		at := func(when string, busy bool, err error) {
			t.Helper()
			if busy != c.busy || err != nil {
				t.Errorf("%s, %s: busy: %v, %v, want %v", c.reason, when, busy, err, c.busy)
			}
		}

		f, err := table.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lock(c.typ)
		changed, err := f.Changed()
		at("once it is open", changed, err)

		g, err := table.OpenFile(path)
		if err == nil {
			g.Close()
		}
		busy := errors.Is(err, table.ErrBusy)
		if busy {
			err = nil
		}
		at("before it is opened", busy, err)

		lock(syscall.F_UNLCK)
		if changed, err := f.Changed(); changed || err != nil {
			t.Errorf("%s, gone: changed: %v, %v", c.reason, changed, err)
		}
	}
}
