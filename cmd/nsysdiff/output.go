package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
)

// An output is one place that a result is written to, and how.
type output struct {
	format render.Format
	path   string // "" for standard output
}

// parseOutputs returns the outputs that --format, -o and --out ask for.
func parseOutputs(format, path string, outs []string) ([]output, error) {
	main, _ := render.Lookup(format)
	if path == "-" {
		path = ""
	}
	list := []output{{main, path}}
	for _, s := range outs {
		name, path, ok := strings.Cut(s, "=")
		if !ok || path == "" {
			return nil, usage("for example --out json=result.json", "--out %s: not FORMAT=FILE", s)
		}
		f, ok := render.Lookup(name)
		if !ok {
			return nil, usage("for example --out json=result.json", "--out %s: format %q: %v", s, name, notOneOf(name, formatNames()))
		}
		if path == "-" {
			path = ""
		}
		list = append(list, output{f, path})
	}
	seen := map[string]bool{}
	for _, o := range list {
		key := o.path
		if key != "" {
			key = filepath.Clean(key) // of standard output that is "."
		}
		if seen[key] {
			if o.path == "" {
				return nil, usage("write one of them to a file with -o or --out", "two formats for standard output")
			}
			return nil, usage("name a file for each", "two formats for %s", o.path)
		}
		seen[key] = true
	}
	return list, nil
}

// formatOf returns the format that the ending of a file's name says, "" if it says none.
func formatOf(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".html", ".htm":
		return "html"
	case ".json":
		return "json"
	case ".csv":
		return "csv"
	case ".md":
		return "markdown"
	case ".xml":
		return "junit"
	}
	return ""
}

// emptyOutput returns the problem of a -o that names nothing: an unset variable of a
// script, for the most part.
func emptyOutput() error {
	return usage("name a file, or - for standard output", "-o: the name of the file is empty")
}

// checkOutputs refuses to write over a report.
func checkOutputs(outputs []output, reports []string) error {
	for _, o := range outputs {
		if o.path == "" {
			continue
		}
		out, err := os.Stat(o.path)
		if err != nil {
			continue // it does not exist, or writing it will say why not
		}
		if out.IsDir() {
			return usage("name a file in it", "%s: is a directory", o.path)
		}
		for _, r := range reports {
			if in, err := os.Stat(r); err == nil && os.SameFile(in, out) {
				return usage("choose another name for the output", "%s: is one of the reports, it would be overwritten", o.path)
			}
		}
	}
	return nil
}

// write renders a document for all outputs and, once all of them are whole,
// writes the files, then standard output.
func write(outputs []output, d document, how rendering, env environment, watch *stopwatch) error {
	contents := make([]pages, len(outputs))
	for i, o := range outputs {
		options := how.file
		if o.path == "" {
			options = how.screen
		}
		if err := d.render(&contents[i], o.format, options); err != nil {
			return fmt.Errorf("%s: %w", o.format.Name, err)
		}
	}
	watch.lap("render")
	for i, o := range outputs {
		if o.path == "" {
			continue
		}
		err := writeFileFrom(o.path, func(w io.Writer) error {
			_, err := contents[i].WriteTo(w)
			return err
		})
		if err != nil {
			return writeProblem(o.path, err)
		}
	}
	if err := stepSummary(outputs, d, how.file, env); err != nil {
		return err
	}
	for i, o := range outputs {
		if o.path != "" {
			continue
		}
		if _, err := contents[i].WriteTo(env.stdout); err != nil {
			return fileProblem("", "standard output", err)
		}
	}
	watch.lap("write")
	return nil
}

// stepSummary adds Markdown to the summary of a step of GitHub Actions, where
// there is one and annotations were asked for. See
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
func stepSummary(outputs []output, d document, options render.Options, env environment) error {
	path := env.getenv("GITHUB_STEP_SUMMARY")
	if path == "" || !slices.ContainsFunc(outputs, func(o output) bool { return o.format.Name == "github" }) {
		return nil
	}
	limit := render.StepSummaryLimit
	if info, err := os.Stat(path); err == nil {
		limit = max(limit-int(info.Size()), 0) // what the step wrote before counts too
	}
	var b bytes.Buffer
	if err := d.stepSummary(&b, options, limit); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err == nil {
		_, err = f.Write(b.Bytes())
		if e := f.Close(); err == nil {
			err = e
		}
	}
	if err != nil {
		return fileProblem("GITHUB_STEP_SUMMARY", path, err)
	}
	return nil
}

// writeFile writes a file whole or not at all, as writeFileFrom does.
func writeFile(path string, data []byte) error {
	return writeFileFrom(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// writeFileFrom writes a file whole or not at all: beside it first, then
// renamed. An existing file keeps its mode, a link its place, and what is no
// regular file, such as /dev/null, is written to as it is.
func writeFileFrom(path string, write func(io.Writer) error) (err error) {
	target, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		target = path
	case err != nil:
		return err
	}
	mode := fs.FileMode(0o666) // less what the umask takes
	name, flag := target, os.O_WRONLY|os.O_CREATE|os.O_EXCL
	old, err := os.Stat(target)
	special := err == nil && !old.Mode().IsRegular()
	switch {
	case special:
		flag = os.O_WRONLY
	default:
		if err == nil {
			mode = old.Mode().Perm()
		}
		name = filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+"."+rand.Text()[:8]+".tmp")
	}
	f, err := os.OpenFile(name, flag, mode)
	if err != nil {
		return err
	}
	if !special {
		defer func() {
			if err != nil {
				os.Remove(name)
			}
		}()
	}
	if err = write(f); err == nil && old != nil && !special {
		err = f.Chmod(mode)
	}
	if err == nil && !special {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil || special {
		return err
	}
	return os.Rename(name, target)
}
