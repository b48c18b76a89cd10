package pages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// A Source reads one file.
type Source struct {
	path   string
	file   *table.File
	layout layout
	tables map[string]*definition
	idle   idle
}

var _ table.Source = (*Source)(nil)

// refuse returns the error that leaves the file, or the table, to SQLite.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", table.ErrUnsupported, fmt.Sprintf(format, args...))
}

// OpenFile opens a file for a Source. It returns an error that wraps
// [table.ErrUnsupported] for what is no file.
func OpenFile(path string) (*table.File, error) {
	file, err := table.OpenFile(path)
	if errors.Is(err, table.ErrNotRegular) {
		err = fmt.Errorf("%s: %w", path, refuse("not a regular file"))
	}
	return file, err
}

// New reads the schema of an open file. It returns an error that wraps
// [table.ErrUnsupported] if the file is not one that this package reads. The file is
// the Source's to close, unless there was an error.
//
// To close any descriptor of a file drops the locks that SQLite holds on it in the
// same process: close the file, or its Source, after the SQLite connections to it.
func New(ctx context.Context, path string, file *table.File) (table.Source, error) {
	s := &Source{path: path, file: file}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Source) open(ctx context.Context) (err error) {
	if s.file.Log != "" {
		return s.wrap(refuse("%s beside it may hold changes", filepath.Base(s.file.Log)))
	}
	if s.layout, err = parseHeader(s.file.Header, s.file.Size); err != nil {
		return s.wrap(err)
	}
	return s.finish(s.readSchema(ctx))
}

// Changed implements [table.Source].
func (s *Source) Changed() (bool, error) { return s.file.Changed() }

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
