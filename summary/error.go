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

func foreign(err error) *Error {
	return &Error{Problem: "not a summary of nsysdiff", Hint: "make one with `nsysdiff summarize REPORT.sqlite -o FILE`", Err: err}
}

func damaged(err error) *Error {
	return &Error{Problem: "the summary is damaged or cut short", Hint: "copy the file again, or make it again with nsysdiff summarize", Err: err}
}
