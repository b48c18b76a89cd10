// Package sqlite reads tables through SQLite itself. It is the reference that
// package pages is held to, and the only package of the module that speaks
// SQL.
//
// SQLite comes with [github.com/mattn/go-sqlite3], which needs cgo. A build
// without cgo compiles, and its [Open] returns [ErrNoSQLite].
//
// The package opens files read-only and leaves no trace beside them: it never
// creates, changes or deletes a file there.
package sqlite

import (
	"errors"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
)

// Errors that callers tell apart; they are wrapped with SQLite's own message.
var (
	// ErrNoSQLite means that this program was built without cgo.
	ErrNoSQLite = errors.New("this build has no SQLite (CGO_ENABLED=0)")
	// ErrNotDatabase means that the file is not an SQLite database.
	ErrNotDatabase = errors.New("not an SQLite database")
	// ErrCorrupt means that a page of the file is damaged.
	ErrCorrupt = errors.New("the database is damaged")
	// ErrBusy means that another program is writing the file.
	ErrBusy = table.ErrBusy
	// ErrNoCopy means that there is no making a copy, which a file with a
	// write-ahead log is read from.
	ErrNoCopy = errors.New("copying it with its write-ahead log to a temporary directory")
	// ErrPathTooLong means that SQLite takes no path as long as the file's.
	ErrPathTooLong = errors.New("its path is longer than the 504 bytes that SQLite takes")
	// ErrHotJournal means that a program died while it wrote the file, and
	// its journal must be rolled back before the file can be read.
	ErrHotJournal = errors.New("a write was interrupted and its journal not rolled back")
)
