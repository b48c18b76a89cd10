//go:build cgo

package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// Available reports whether this build has SQLite.
const Available = true

// busyTimeout is how long SQLite waits for a writer that holds a lock, in
// milliseconds. A report is written once, in one go, so waiting longer would
// only delay the message.
const busyTimeout = 200

// Open opens the database at path. Errors carry no path.
//
// A database beside which no journal lies is opened as immutable: SQLite then
// takes no lock and looks for no other file. A database with a write-ahead log
// is copied, with its log, to a temporary directory that Close removes, since
// SQLite would create a shared-memory file beside it to read it.
func Open(ctx context.Context, path string) (_ table.Source, err error) {
	s := &source{path: path}
	if s.file, err = openFile(path); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	dbPath, immutable := s.file.Real, true
	switch s.file.Log {
	case s.file.Real + "-wal":
		if s.tmp, err = copyWithLog(ctx, s.file); err != nil {
			return nil, err
		}
		// The copy is private: SQLite may create what it likes beside it.
		dbPath, immutable = filepath.Join(s.tmp, copyName), false
	case s.file.Real + "-journal":
		// SQLite cannot tell whether one that it may not read is to be rolled back,
		// and does not say so.
		if err = readable(s.file.Log); err != nil {
			return nil, err
		}
		immutable = false
	}
	if s.dsn, err = dsn(dbPath, immutable); err != nil {
		return nil, err
	}
	c, err := s.conn(ctx)
	if err != nil {
		return nil, s.finish(s.unopened(dbPath, err))
	}
	s.put(c)
	if s.tmp == "" && !s.file.Is(dbPath) {
		return nil, cmp.Or(s.finish(nil), fmt.Errorf("%w: that leads to another file, or to none", ErrNoPath))
	}
	return s, nil
}

// unopened adds to an error of opening the database at a path which of this
// package's errors that is.
func (s *source) unopened(path string, err error) error {
	var e sqlite3.Error
	kind := ErrNoPath
	switch {
	case !errors.As(err, &e) || e.Code != sqlite3.ErrCantOpen:
		return err
	case s.tmp != "":
		kind = ErrNoCopy
	case len(followed(path)) > maxPath:
		kind = ErrPathTooLong
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// followed returns the path as SQLite has it: absolute, its links followed.
func followed(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path
}

// maxPath is the length in bytes of the longest path that SQLite opens, a link
// followed: MAX_PATHNAME of os_unix.c in its source, less "-journal".
const maxPath = 512 - 8

// readable returns the error of opening a file, if it is there.
func readable(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// clockStep is more than the clock that the times of files are taken from stands
// still.
const clockStep = 20 * time.Millisecond

// openFile opens the file such that a change of it will show. The header of a
// file in WAL mode does not count transactions (file format, §1.3.6), so that
// what was written just before must have another time than what will be.
func openFile(path string) (*table.File, error) {
	for try := 1; ; try++ {
		f, err := table.OpenFile(path)
		if err != nil {
			return nil, err
		}
		const wal = 2 // file format version (§1.3.3)
		age := time.Since(f.ModTime)
		if f.Log != "" || len(f.Header) < table.HeaderSize || f.Header[18] != wal || age < 0 || age > clockStep {
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		if try == 2 {
			return nil, fmt.Errorf("%w: it changed just now", ErrBusy)
		}
		time.Sleep(clockStep)
	}
}

// dsn returns the URI that opens path read-only.
func dsn(path string, immutable bool) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	abs = filepath.ToSlash(abs)
	if abs[0] != '/' { // a Windows path: C:/report.sqlite
		abs = "/" + abs
	}
	q := url.Values{}
	q.Set("mode", "ro")
	if immutable {
		q.Set("immutable", "1")
	}
	q.Set("_mutex", "no") // each connection is used by one goroutine at a time
	q.Set("_busy_timeout", strconv.Itoa(busyTimeout))
	u := url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}
	return u.String(), nil
}

const copyName = "report.sqlite"

// copyWithLog copies a database and its write-ahead log to a new directory. The
// error is ErrNoCopy where the directory is at fault, and not what is copied.
func copyWithLog(ctx context.Context, db *table.File) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "nsysdb-"); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoCopy, err)
	}
	if err = copyTo(ctx, filepath.Join(dir, copyName), db); err != nil {
		if p := (*fs.PathError)(nil); errors.As(err, &p) && filepath.Dir(p.Path) == dir {
			err = fmt.Errorf("%w: %w", ErrNoCopy, err)
		}
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// copyTo copies a database and its write-ahead log.
//
// A writer may be at work. What it commits goes to the log, and a checkpoint
// copies pages from there to the database, whole or in part when these are
// copied; who reads takes them from the log nevertheless. So the copy is of
// one moment if the log of after the copy is that of before
// (https://www.sqlite.org/wal.html).
func copyTo(ctx context.Context, to string, db *table.File) error {
	log, err := os.Open(db.Log)
	if errors.Is(err, fs.ErrNotExist) {
		return errLogChanged
	}
	if err != nil {
		return err
	}
	defer log.Close()
	if err := copyFile(ctx, to+"-wal", log); err != nil {
		return err
	}
	if err := copyFile(ctx, to, db.File); err != nil {
		return err
	}
	same, err := sameFile(ctx, to+"-wal", db.Log)
	if err == nil && !same {
		err = errLogChanged
	}
	return err
}

var errLogChanged = fmt.Errorf("%w: it changed while it was copied", ErrBusy)

// How many bytes are copied, and compared, between looks at a context.
const (
	copyStep    = 64 << 20
	compareStep = 1 << 20
)

// copyFile makes a file of all that from holds.
func copyFile(ctx context.Context, to string, from io.Reader) error {
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	for {
		if err = ctx.Err(); err != nil {
			break
		}
		if _, err = io.CopyN(dst, from, copyStep); err != nil {
			break
		}
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, dst.Close())
}

// sameFile reports whether two files hold the same. One that is not there holds
// something else.
func sameFile(ctx context.Context, path1, path2 string) (bool, error) {
	f1, err := os.Open(path1)
	if err != nil {
		return false, err
	}
	defer f1.Close()
	f2, err := os.Open(path2)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f2.Close()
	b1, b2 := make([]byte, compareStep), make([]byte, compareStep)
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n1, err1 := io.ReadFull(f1, b1)
		n2, err2 := io.ReadFull(f2, b2)
		if !bytes.Equal(b1[:n1], b2[:n2]) {
			return false, nil
		}
		if err1 != nil || err2 != nil {
			return true, errors.Join(atEnd(err1), atEnd(err2))
		}
	}
}

// atEnd returns an error of io.ReadFull, nil if it is that the file has ended.
func atEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}

// A source is one open database. Connections are not for concurrent use, so
// each call takes one from the pool or opens another.
type source struct {
	path string
	file *table.File
	dsn  string
	tmp  string // directory of the private copy, if there is one

	mu     sync.Mutex
	known  map[string]table.Table // what Tables returned last
	free   []*sqlite3.SQLiteConn
	closed bool
}

func (s *source) conn(ctx context.Context) (*sqlite3.SQLiteConn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, fs.ErrClosed
	}
	if n := len(s.free); n > 0 {
		c := s.free[n-1]
		s.free = s.free[:n-1]
		s.mu.Unlock()
		return c, nil
	}
	s.mu.Unlock()
	c, err := (&sqlite3.SQLiteDriver{}).Open(s.dsn)
	if err != nil {
		return nil, explain(err)
	}
	return c.(*sqlite3.SQLiteConn), nil
}

func (s *source) put(c *sqlite3.SQLiteConn) {
	s.mu.Lock()
	if !s.closed {
		s.free = append(s.free, c)
		c = nil
	}
	s.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

func (s *source) Close() error {
	s.mu.Lock()
	free := s.free
	s.free, s.closed = nil, true
	s.mu.Unlock()
	var errs []error
	for _, c := range free {
		errs = append(errs, c.Close())
	}
	errs = append(errs, s.file.Close())
	if s.tmp != "" {
		errs = append(errs, os.RemoveAll(s.tmp))
	}
	return errors.Join(errs...)
}

// Changed implements [table.Source]. A private copy does not change, but what
// it was made of is worth little once it did.
func (s *source) Changed() (bool, error) { return s.file.Changed() }

// finish returns the error of a read that ended with err. What a file that
// changed meanwhile held is worth nothing, nor is what SQLite found wrong
// with it.
func (s *source) finish(err error) error {
	var e sqlite3.Error
	if err != nil && !errors.As(err, &e) {
		return err
	}
	changed, err2 := s.Changed()
	switch {
	case err2 != nil:
		return err2
	case changed:
		return fmt.Errorf("%s: %w", s.path, table.ErrChanged)
	}
	return err
}

// explain adds to an error of SQLite which of this package's errors it is. That no
// more files can be open is the system's error, not SQLite's of the path.
func explain(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	kind := error(nil)
	switch {
	case e.Code == sqlite3.ErrCantOpen && (e.SystemErrno == syscall.EMFILE || e.SystemErrno == syscall.ENFILE):
		return e.SystemErrno
	case e.Code == sqlite3.ErrNotADB:
		kind = ErrNotDatabase
	case e.Code == sqlite3.ErrCorrupt, e.ExtendedCode == sqlite3.ErrIoErrShortRead,
		e.Code == sqlite3.ErrError && e.Error() == "unsupported file format": // a schema format that no SQLite writes
		kind = ErrCorrupt
	case e.Code == sqlite3.ErrBusy, e.Code == sqlite3.ErrLocked:
		kind = ErrBusy
	case e.Code == sqlite3.ErrReadonly:
		kind = ErrHotJournal
	default:
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}
