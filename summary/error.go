package summary

// An Error says why a file cannot be read as a summary.
type Error struct {
	Path    string // the file; "" where it is read from elsewhere
	Problem string // what is wrong, one line without a full stop
	Hint    string // what to do about it, one line; "" if there is nothing
	Err     error  // the cause, if there is one
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Problem
	}
	return e.Path + ": " + e.Problem
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// foreign returns the error for data that is no summary.
func foreign(data []byte, err error) *Error {
	problem := "not a summary of nsysdiff"
	if len(data) == 0 {
		problem = "is empty (0 bytes)"
	}
	return &Error{Problem: problem, Hint: "make one with `nsysdiff summarize REPORT.sqlite -o FILE`", Err: err}
}

func damaged(err error) *Error {
	return &Error{Problem: "the summary is damaged or cut short", Hint: "copy the file again, or make it again with nsysdiff summarize", Err: err}
}

// rewritten returns the error for a summary that another program decompressed,
// and maybe compressed again: its reports are no longer members of their own.
func rewritten(how string) *Error {
	return &Error{Problem: "the summary was " + how + " by another program", Hint: "copy the file as nsysdiff wrote it, or make it again with nsysdiff summarize"}
}
