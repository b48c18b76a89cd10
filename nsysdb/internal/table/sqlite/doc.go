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
	"fmt"

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
	// ErrNoPath means that there is no path by which SQLite, which takes no
	// descriptor, opens the file: it was removed, or its directory is closed to us.
	ErrNoPath = errors.New("SQLite cannot open it by its path")
	// ErrPathTooLong is the ErrNoPath of a file whose path is too long.
	ErrPathTooLong = fmt.Errorf("%w, which is longer than 504 bytes", ErrNoPath)
	// ErrHotJournal means that a program died while it wrote the file, and
	// its journal must be rolled back before the file can be read.
	ErrHotJournal = errors.New("a write was interrupted and its journal not rolled back")
)
