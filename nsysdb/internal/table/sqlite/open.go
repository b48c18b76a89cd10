//go:build cgo

package sqlite

import (
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

	"github.com/mattn/go-sqlite3"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

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
func Open(ctx context.Context, path string) (table.Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	// SQLite looks for a journal beside the file that a link leads to.
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	s := &source{path: path, info: info}
	dbPath, immutable := real, true
	switch {
	case notEmpty(real + "-wal"):
		if s.tmp, err = copyWithLog(ctx, real); err != nil {
			return nil, err
		}
		// The copy is private: SQLite may create what it likes beside it.
		dbPath, immutable = filepath.Join(s.tmp, copyName), false
	case notEmpty(real + "-journal"):
		immutable = false
	}
	if s.dsn, err = dsn(dbPath, immutable); err != nil {
		s.Close()
		return nil, err
	}
	c, err := s.conn(ctx)
	if err != nil {
		s.Close()
		return nil, err
	}
	s.put(c)
	return s, nil
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

func notEmpty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

const copyName = "report.sqlite"

// copyWithLog copies a database and its write-ahead log to a new directory.
func copyWithLog(ctx context.Context, path string) (dir string, err error) {
	dir, err = os.MkdirTemp("", "nsysdb-")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	files := []struct{ from, to string }{
		{path + "-wal", filepath.Join(dir, copyName+"-wal")},
		{path, filepath.Join(dir, copyName)},
	}
	before := make([]os.FileInfo, len(files))
	for i, f := range files {
		if before[i], err = os.Stat(f.from); err != nil {
			return "", err
		}
	}
	for _, f := range files {
		if err := copyFile(ctx, f.to, f.from); err != nil {
			return "", err
		}
	}
	for i, f := range files {
		after, err := os.Stat(f.from)
		if err != nil || after.Size() != before[i].Size() || !after.ModTime().Equal(before[i].ModTime()) {
			return "", fmt.Errorf("%w: it changed while it was copied", ErrBusy)
		}
	}
	return dir, nil
}

func copyFile(ctx context.Context, to, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	const step = 64 << 20 // between looks at ctx
	for {
		if err = ctx.Err(); err != nil {
			break
		}
		if _, err = io.CopyN(dst, src, step); err != nil {
			break
		}
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, dst.Close())
}

// A source is one open database. Connections are not for concurrent use, so
// each call takes one from the pool or opens another.
type source struct {
	path string
	dsn  string
	tmp  string      // directory of the private copy, if there is one
	info os.FileInfo // what the file was like when it was opened

	mu     sync.Mutex
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
	if s.tmp != "" {
		errs = append(errs, os.RemoveAll(s.tmp))
	}
	return errors.Join(errs...)
}

// Changed implements [table.Source]. It goes by the file's size and time, and
// by whether another file took its name, which connections opened since read.
func (s *source) Changed() (bool, error) {
	info, err := os.Stat(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // removed: what is open stays as it was
	}
	if err != nil {
		return false, err
	}
	return info.Size() != s.info.Size() || !info.ModTime().Equal(s.info.ModTime()) || !os.SameFile(info, s.info), nil
}

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

// explain adds to an error of SQLite which of this package's errors it is.
func explain(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	kind := error(nil)
	switch e.Code {
	case sqlite3.ErrNotADB:
		kind = ErrNotDatabase
	case sqlite3.ErrCorrupt:
		kind = ErrCorrupt
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		kind = ErrBusy
	case sqlite3.ErrReadonly:
		kind = ErrHotJournal
	default:
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}
