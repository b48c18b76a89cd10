package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fileProblem returns what is wrong with a file without saying its path, or
// that of a temporary one, twice.
func fileProblem(flag, path string, err error) *problem {
	cause := err
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		cause = p.Err
	case errors.As(err, &l):
		cause = l.Err
	}
	if flag != "" {
		path = flag + " " + path
	}
	return &problem{msg: fmt.Sprintf("%s: %v", path, cause), err: err}
}

// readProblem returns what is wrong with a file that was to be read. otherwise is
// the hint where it is not there, and none of a similar name is.
func readProblem(flag, path string, err error, otherwise string) error {
	p := fileProblem(flag, path, err)
	if errors.Is(err, fs.ErrNotExist) {
		p.hint = missingHint(path, otherwise)
	}
	return p
}

// writeProblem returns what is wrong with a file that was to be written.
func writeProblem(path string, err error) error {
	p := fileProblem("", path, err)
	dir := filepath.Dir(path)
	_, none := os.Stat(dir)
	switch {
	case errors.Is(none, fs.ErrNotExist):
		p.hint = "make its folder first: mkdir -p " + dir
	case errors.Is(err, fs.ErrPermission):
		p.hint = "name a file in a folder that you may write to"
	}
	return p
}

// stem returns a file's name without what tells its kind.
func stem(name string) string {
	name = strings.TrimSuffix(name, ".gz")
	return strings.TrimSuffix(name, filepath.Ext(name))
}

// missingHint says what was probably meant by a file that is not there.
func missingHint(path, otherwise string) string {
	entries, err := os.ReadDir(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no folder " + filepath.Dir(path)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	base := filepath.Base(path)
	// Equal endings do not make two names alike.
	if near := nearest(base, names); near != "" && nearest(stem(base), []string{stem(near)}) != "" {
		return fmt.Sprintf("did you mean %s?", filepath.Join(filepath.Dir(path), near))
	}
	return otherwise
}
