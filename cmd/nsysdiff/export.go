package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nsysdiff/nsysdiff/nsysdb"
)

// An exporter opens reports, those that Nsight Systems did not export yet by
// way of a temporary folder. It is safe for concurrent use.
type exporter struct {
	nsys string // the program

	mu  sync.Mutex
	dir string // of exported reports, "" if there are none
	n   int
}

// open opens a report that will be asked for q, after its export if it is an
// .nsys-rep and there is an nsys to do it.
func (x *exporter) open(ctx context.Context, path string, q nsysdb.Query) (*nsysdb.DB, error) {
	db, err := nsysdb.Open(ctx, path, nsysdb.Options{Ahead: &q})
	var e *nsysdb.Error
	if !errors.As(err, &e) || e.Kind != nsysdb.NsysRep {
		return db, err
	}
	nsys, lookErr := exec.LookPath(x.nsys)
	if lookErr != nil {
		return nil, &problem{
			msg:  fmt.Sprintf("%s, and there is no %s to export it with", e.Error(), x.nsys),
			hint: e.Hint + ", or name the program with --nsys",
			err:  err,
		}
	}
	exported, err := x.export(ctx, nsys, path)
	if err != nil {
		return nil, err
	}
	db, err = nsysdb.Open(ctx, exported, nsysdb.Options{Ahead: &q})
	return db, named(err, path)
}

// export runs nsys export and returns the file that it wrote. The options are
// those that all versions since 2020 have, in the form with an equals sign:
// https://docs.nvidia.com/nsight-systems/UserGuide/index.html, "CLI Export
// Command Switch Options".
func (x *exporter) export(ctx context.Context, nsys, path string) (string, error) {
	out, err := x.temporary()
	if err != nil {
		return "", err
	}
	abs, err := filepath.Abs(path) // a name may begin with a dash
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, nsys, "export", "--type=sqlite", "--force-overwrite=true", "--output="+out, abs)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 2 * time.Second
	log, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", &problem{
			msg:  fmt.Sprintf("%s: %s export failed: %v%s", path, nsys, err, lastLine(log)),
			hint: "use an nsys at least as new as the one that recorded the report (--nsys PROGRAM)",
			err:  err,
		}
	}
	if _, err := os.Stat(out); err != nil {
		return "", &problem{msg: fmt.Sprintf("%s: %s export wrote no file%s", path, nsys, lastLine(log)), err: err}
	}
	return out, nil
}

// temporary returns a name for an exported report.
func (x *exporter) temporary() (string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.dir == "" {
		dir, err := os.MkdirTemp("", "nsysdiff-")
		if err != nil {
			return "", err
		}
		x.dir = dir
	}
	x.n++
	return filepath.Join(x.dir, fmt.Sprintf("%d.sqlite", x.n)), nil
}

// clean removes what was exported.
func (x *exporter) clean() {
	if x.dir != "" {
		os.RemoveAll(x.dir)
	}
}

// lastLine returns the last line of a program's output that says something,
// behind a colon.
func lastLine(log []byte) string {
	lines := strings.FieldsFunc(string(log), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		if s := strings.TrimSpace(lines[i]); s != "" {
			return ": " + s
		}
	}
	return ""
}
