package table

import (
	"io"
	"os"
	"syscall"
)

// The bytes of a database file that SQLite takes its locks on, as in os.h of its
// source (https://www.sqlite.org/src/file/src/os.h, PENDING_BYTE; described in
// https://www.sqlite.org/lockingv3.html). Who writes to the file holds a write
// lock on all of the shared bytes, whatever its journal mode; who reads, a read
// lock on one or all of them. The byte between, of a lock that is taken before the
// file itself is written to, does not matter.
const (
	pendingByte = 0x40000000
	sharedFirst = pendingByte + 2
	sharedSize  = 510
)

// ofdGetLock is F_OFD_GETLK of fcntl(2), since Linux 3.15. Unlike F_GETLK it tells
// of locks of this process too.
const ofdGetLock = 36

// writeLocked reports whether a program has a database file locked to write to it.
// It takes no lock and does not wait. Where the file system tells nothing of locks
// it reports false.
func writeLocked(f *os.File) bool {
	return hasWriteLock(f, pendingByte, 1) || hasWriteLock(f, sharedFirst, sharedSize)
}

// hasWriteLock reports whether some of the bytes are locked such that they could
// not be locked for reading.
func hasWriteLock(f *os.File, first, n int64) bool {
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	locked := false
	err = c.Control(func(fd uintptr) {
		for _, get := range []int{ofdGetLock, syscall.F_GETLK} {
			l := syscall.Flock_t{Type: syscall.F_RDLCK, Whence: io.SeekStart, Start: first, Len: n}
			if syscall.FcntlFlock(fd, get, &l) == nil {
				locked = l.Type == syscall.F_WRLCK
				return
			}
		}
	})
	return err == nil && locked
}
