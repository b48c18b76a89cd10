package nsysdb

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table"
	"github.com/nsysdiff/nsysdiff/nsysdb/internal/table/sqlite"
	"github.com/nsysdiff/nsysdiff/trace"
)

// An Error says why a report cannot be used.
type Error struct {
	Path    string // the file, as given to Open
	Kind    Kind
	Problem string // what is wrong, one line without a full stop
	Hint    string // what to do about it, one line, with the command that does it; "" if there is nothing
	Err     error  // the cause, if there is one
}

func (e *Error) Error() string { return e.Path + ": " + e.Problem }

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// A Kind is a reason why a report cannot be used.
type Kind string

// The kinds, in the order in which they are looked for.
const (
	NotFound   Kind = "not-found"
	Directory  Kind = "directory"
	NotRegular Kind = "not-regular" // a pipe, a device
	Permission Kind = "permission"
	Empty      Kind = "empty"      // 0 bytes
	NsysRep    Kind = "nsys-rep"   // a report that was not exported
	LFSPointer Kind = "git-lfs"    // a pointer to the file in Git LFS
	NotSQLite  Kind = "not-sqlite" // another format
	Truncated  Kind = "truncated"
	Busy       Kind = "busy"       // another program is writing the file
	Corrupt    Kind = "corrupt"    // a damaged page
	NoSQLite   Kind = "no-sqlite"  // this build cannot read the file
	NotExport  Kind = "not-nsys"   // SQLite, but not an export of Nsight Systems
	Partial    Kind = "partial"    // an export that was interrupted
	NoCUDA     Kind = "no-cuda"    // CUDA was not traced
	NoKernels  Kind = "no-kernels" // CUDA API calls, but no kernels
	Malformed  Kind = "malformed"  // a table or value that no known export has
	Unreadable Kind = "unreadable" // the operating system cannot read it
)

// recordHint says how to record a report that nsysdb can use.
const recordHint = "record it with `nsys profile -t cuda,nvtx --cuda-graph-trace=node -o NAME COMMAND`, then `nsys export --type sqlite NAME.nsys-rep`"

func (db *DB) fail(kind Kind, problem, hint string) *Error {
	return &Error{Path: db.path, Kind: kind, Problem: problem, Hint: hint}
}

// explain turns an error of a table.Source into an *Error. Cancellation and
// errors that are one already pass.
func explain(path string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return err
	}
	if e := (*trace.EmptyScopeError)(nil); errors.As(err, &e) {
		return err
	}
	e := &Error{Path: path, Err: err}
	var p *fs.PathError
	switch {
	case errors.Is(err, sqlite.ErrNoSQLite):
		e.Kind, e.Problem = NoSQLite, "this build cannot read the file: "+bareMessage(path, err)
		e.Hint = "build with CGO_ENABLED=1 and a C compiler, or export the report again with `nsys export --type sqlite`"
	case errors.Is(err, sqlite.ErrPathTooLong):
		e.Kind, e.Problem = Unreadable, oneLine(sqlite.ErrPathTooLong)
		e.Hint = "copy it to a directory with a shorter path"
	case errors.Is(err, sqlite.ErrNoPath):
		e.Kind, e.Problem = Unreadable, bareMessage(path, err)
		e.Hint = "copy it to a directory of your own"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		e.Kind, e.Problem = Unreadable, "too many files are open"
		e.Hint = "let more be: `ulimit -n 4096`"
	case errors.Is(err, table.ErrUnsupported):
		e.Kind, e.Problem = NoSQLite, "this build, which has no SQLite, cannot read the file: "+bareMessage(path, err)
		e.Hint = "build with CGO_ENABLED=1 and a C compiler"
	case errors.Is(err, sqlite.ErrNoCopy):
		e.Kind, e.Problem = Unreadable, bareMessage(path, err)
		e.Hint = "set TMPDIR to a directory that you may write to and that has room for the report"
	case errors.Is(err, fs.ErrPermission) && errors.As(err, &p):
		e.Kind, e.Problem = Permission, "no permission to read "+filepath.Base(p.Path)
		e.Hint = "a part of the report may be in it: ask its owner to let you read it"
	case errors.Is(err, table.ErrChanged):
		e.Kind, e.Problem = Busy, "another program changed the file while it was read"
		e.Hint = "wait until the export is done"
	case errors.Is(err, sqlite.ErrBusy):
		e.Kind, e.Problem = Busy, "another program is writing the file"
		e.Hint = "wait until the export is done"
	case errors.Is(err, sqlite.ErrHotJournal):
		e.Kind, e.Problem = Busy, "a program was interrupted while it wrote the file"
		e.Hint = "export again: `nsys export --type sqlite --force-overwrite true NAME.nsys-rep`"
	case errors.Is(err, sqlite.ErrNotDatabase):
		e.Kind, e.Problem = NotSQLite, "not an SQLite database, or an encrypted one"
		e.Hint = exportHint("NAME.nsys-rep")
	case errors.Is(err, sqlite.ErrCorrupt):
		e.Kind, e.Problem = Corrupt, "the file is damaged: "+strings.ReplaceAll(bareMessage(path, err), sqlite.ErrCorrupt.Error()+": ", "")
		e.Hint = "copy the file again, or " + exportHint("NAME.nsys-rep")
	case errors.Is(err, table.ErrNotInteger):
		e.Kind, e.Problem = Malformed, bareMessage(path, err)
		e.Hint = "if a program rewrote the report, " + exportHint("NAME.nsys-rep")
	default:
		e.Kind, e.Problem = Unreadable, bareMessage(path, err)
	}
	return e
}

func exportHint(rep string) string {
	return "export the report with `nsys export --type sqlite " + rep + "`"
}

// maxMessage is the length of a message from which on it is cut, in bytes: SQLite
// quotes definitions, and one without its closing quote has the rest for a word.
const maxMessage = 400

// bareMessage returns an error's message on one line, without the path.
func bareMessage(path string, err error) string {
	if p, ok := err.(*fs.PathError); ok && p.Path == path {
		err = p.Err
	}
	s := strings.ReplaceAll(oneLine(err), path+": ", "")
	if len(s) > maxMessage {
		s = strings.ToValidUTF8(s[:maxMessage], "") + "..."
	}
	return s
}

// oneLine returns an error's message on one line.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

// shellQuote quotes a path for a shell, if it must be.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./+=:,@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
