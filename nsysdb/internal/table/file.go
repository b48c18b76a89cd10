package table

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// HeaderSize is the size of the header of an SQLite database, in bytes
// (https://www.sqlite.org/fileformat2.html §1.3).
const HeaderSize = 100

// ErrNotRegular is what OpenFile returns for what is not a file: to open a pipe
// would wait for a writer.
var ErrNotRegular = errors.New("not a regular file")

// ErrBusy means that another program is writing the file.
var ErrBusy = errors.New("another program is writing the file")

// A File is an open database file, and what it was like when it was opened.
//
// To close any descriptor of a file drops the locks that SQLite holds on it in
// the same process: close a File after the SQLite connections to it.
type File struct {
	*os.File
	// Real is the path of the file that the path led to.
	Real string
	// Log is the path of a write-ahead log or rollback journal of the file
	// that was not empty, "" if there was none: the file was at rest.
	Log     string
	Size    int64
	ModTime time.Time
	Header  []byte // shorter than HeaderSize if the file is

	path string
	logs []string // where a log would be
	info os.FileInfo
}

// OpenFile opens a file. It returns ErrBusy for one that has no log and that a
// program has locked to write to it: it may keep its journal in memory, or none,
// and the file then holds a part of a transaction. On Linux locks are looked at,
// never taken.
func OpenFile(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	f := &File{path: path}
	f.Real, err = filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) { // as of a descriptor's link in /proc to a removed file
		f.Real, err = path, nil
	}
	if err != nil {
		return nil, err
	}
	// SQLite looks for a log beside the file that a link leads to; one beside
	// the link may be of a version that did not.
	f.logs = []string{f.Real + "-wal", f.Real + "-journal"}
	if path != f.Real {
		f.logs = append(f.logs, path+"-wal", path+"-journal")
	}
	if f.File, err = os.Open(path); err != nil {
		return nil, err
	}
	if err := f.remember(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// remember notes what the file is like. It looks for a log and for locks last: a
// transaction that the header does not show is then under way, so that one of
// them is there, or yet to begin, and Changed finds it.
func (f *File) remember() (err error) {
	if f.info, err = f.Stat(); err != nil {
		return err
	}
	f.Size, f.ModTime = f.info.Size(), f.info.ModTime()
	if f.Header, err = f.header(); err != nil {
		return err
	}
	if f.Log, err = f.log(); err == nil && f.Log == "" && writeLocked(f.File) {
		err = ErrBusy
	}
	return err
}

// Is reports whether a path leads to the file.
func (f *File) Is(path string) bool {
	info, err := os.Stat(path)
	return err == nil && os.SameFile(info, f.info)
}

func (f *File) header() ([]byte, error) {
	h := make([]byte, HeaderSize)
	n, err := f.ReadAt(h, 0)
	if err == io.EOF {
		err = nil
	}
	return h[:n], err
}

// log returns what Log is now.
func (f *File) log() (string, error) {
	for _, name := range f.logs {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) {
			continue // it is not there, or cannot be
		}
		if err != nil {
			return "", err
		}
		if info.Mode().IsRegular() && info.Size() > 0 {
			return name, nil
		}
	}
	return "", nil
}

// Changed reports whether the file was changed since it was opened: by its
// size, its time, its header, which holds a counter of transactions, by whether
// a file at rest has a log now or is locked by a writer, and by whether another
// file took its name.
//
// It looks for a log and for locks first: a transaction that has begun to write is
// then under way, so that one of them is there, or done, so that the header shows
// it. The time alone would not do, as the clock that it is taken from may be coarse.
func (f *File) Changed() (bool, error) {
	if f.Log == "" {
		if log, err := f.log(); err != nil || log != "" {
			return err == nil, err
		}
		if writeLocked(f.File) {
			return true, nil
		}
	}
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() != f.Size || !info.ModTime().Equal(f.ModTime) {
		return true, nil
	}
	if h, err := f.header(); err != nil || !bytes.Equal(h, f.Header) {
		return err == nil, err
	}
	named, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // removed: what is open stays as it was
	}
	return err == nil && !os.SameFile(named, f.info), err
}
