//go:build cgo

package sqlite

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// TestExplain tells what errors of SQLite mean.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want error // nil if it is one of no meaning of its own
	}{
		{sqlite3.Error{Code: sqlite3.ErrNotADB}, ErrNotDatabase},
		{sqlite3.Error{Code: sqlite3.ErrCorrupt}, ErrCorrupt},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrShortRead}, ErrCorrupt},
		{sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrRead}, nil},
		{sqlite3.Error{Code: sqlite3.ErrBusy}, ErrBusy},
		{sqlite3.Error{Code: sqlite3.ErrLocked}, ErrBusy},
		{sqlite3.Error{Code: sqlite3.ErrReadonly}, ErrHotJournal},
		{sqlite3.Error{Code: sqlite3.ErrError}, nil},
		{fs.ErrClosed, nil},
	} {
		got := explain(c.err)
		if !errors.Is(got, c.err) || c.want != nil && !errors.Is(got, c.want) || c.want == nil && got != c.err {
			t.Errorf("%#v is %v, want %v", c.err, got, c.want)
		}
	}
}
