package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// A Source reads one file.
type Source struct {
	path   string
	logs   []string // names of the journals and logs that it may have
	file   *os.File
	layout layout
	tables map[string]*definition
	idle   idle

	// What the file was like when it was opened.
	header [headerSize]byte
	size   int64
	mtime  time.Time
}

var _ table.Source = (*Source)(nil)

// refuse returns the error that leaves the file, or the table, to SQLite.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", table.ErrUnsupported, fmt.Sprintf(format, args...))
}

// Open opens a file and reads its schema. It returns an error that wraps
// [table.ErrUnsupported] if the file is not one that this package reads.
//
// The file stays open until Close, since to close any descriptor of a file
// drops the locks that SQLite holds on it in the same process: close a Source
// after the SQLite connections to its file.
func Open(ctx context.Context, path string) (table.Source, error) {
	// Opening a pipe would wait for a writer.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, refuse("not a regular file"))
	}
	s := &Source{path: path}
	if s.logs, err = logs(path); err != nil {
		return nil, s.wrap(err)
	}
	// Before the file is opened, as SQLite may hold locks on one with a
	// journal, which to close it would drop.
	if name, err := s.journal(); err != nil {
		return nil, s.wrap(err)
	} else if name != "" {
		return nil, s.wrap(refuse("%s beside it may hold changes", filepath.Base(name)))
	}
	if s.file, err = os.Open(path); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return s, nil
}

func (s *Source) open(ctx context.Context) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.size, s.mtime = info.Size(), info.ModTime()
	_, err = s.file.ReadAt(s.header[:], 0)
	if err == nil || err == io.EOF {
		s.layout, err = parseHeader(s.header[:], s.size)
	}
	if err != nil {
		return s.wrap(err)
	}
	return s.finish(s.readSchema(ctx))
}

// logs returns the names that a rollback journal or write-ahead log of a file
// may have. SQLite looks for them beside the file that a symbolic link leads to.
func logs(path string) ([]string, error) {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, os.ErrNotExist) {
		real, err = path, nil // removed since
	}
	names := []string{path + "-journal", path + "-wal"}
	if real != path {
		names = append(names, real+"-journal", real+"-wal")
	}
	return names, err
}

// journal returns the name of a rollback journal or write-ahead log of the file
// that is not empty, "" if there is none.
func (s *Source) journal() (string, error) {
	for _, name := range s.logs {
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if info.Size() > 0 {
			return name, nil
		}
	}
	return "", nil
}

// Changed implements [table.Source]. It goes by the file's size, time and
// header, which holds a counter of changes, by whether someone is writing, and
// by whether another file took its name.
func (s *Source) Changed() (bool, error) {
	info, err := s.file.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() != s.size || !info.ModTime().Equal(s.mtime) {
		return true, nil
	}
	var h [headerSize]byte
	if _, err := s.file.ReadAt(h[:], 0); err == io.EOF || err == nil && !bytes.Equal(h[:], s.header[:]) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	named, err := os.Stat(s.path)
	if err == nil && !os.SameFile(named, info) {
		return true, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	name, err := s.journal()
	return name != "", err
}

// finish returns the error of a scan that ended with err. What a file that
// changed meanwhile held is worth nothing, nor is the error it led to.
func (s *Source) finish(err error) error {
	if err != nil && !errors.Is(err, table.ErrUnsupported) {
		return err
	}
	changed, err2 := s.Changed()
	switch {
	case err2 != nil:
		return s.wrap(err2)
	case changed:
		return s.wrap(table.ErrChanged)
	case err != nil:
		return s.wrap(err)
	}
	return nil
}

// wrap puts the path in front of an error that lacks it.
func (s *Source) wrap(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return err
	}
	return fmt.Errorf("%s: %w", s.path, err)
}

// read fills buf with the file's contents from an offset on.
func (s *Source) read(buf []byte, offset int64) error {
	n, err := s.file.ReadAt(buf, offset)
	if n == len(buf) {
		return nil
	}
	if err == io.EOF {
		return refuse("file cut short at byte %d", offset+int64(n))
	}
	return err
}

// Close implements [table.Source].
func (s *Source) Close() error { return s.file.Close() }

// guard turns a panic of the decoder into a refusal. Every input is checked
// before it is used; this is for the check that was forgotten.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = refuse("decoding: %v", r)
	}
}
