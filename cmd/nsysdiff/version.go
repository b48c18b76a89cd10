package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version returns the program's version, from what the go command built into
// it: a module version after go install, the revision in a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" {
		v = "(devel)"
	}
	var revision, modified string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = " " + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+changes"
		}
	}
	return v + revision + modified
}

func printVersion(w io.Writer) error {
	_, err := fmt.Fprintf(w, "nsysdiff %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
