package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nsysdiff/nsysdiff/trace"
)

// A side is one side of a comparison: one report, or those of the ranks of one
// run, and which of their launches take part.
type side struct {
	args    []string // as given: files, globs, folders
	reports []string // the files that they stand for, once expanded
	scope   trace.Scope
}

// expand finds the files of a side, in the order of their names whatever the
// order of the arguments, so that equal reports give equal results. A file that
// was named twice counts once.
func (s *side) expand() error {
	s.reports = nil
	var seen []os.FileInfo
	for _, arg := range s.args {
		paths, err := expandArg(arg)
		if err != nil {
			return err
		}
		for _, p := range paths {
			info, err := os.Stat(p)
			if err == nil {
				if slices.ContainsFunc(seen, func(x os.FileInfo) bool { return os.SameFile(x, info) }) {
					continue
				}
				seen = append(seen, info)
			}
			s.reports = append(s.reports, p)
		}
	}
	slices.SortStableFunc(s.reports, naturally)
	return nil
}

// shared returns the reports of a side that are the other's too, under whatever
// names.
func (s *side) shared(other *side) []string {
	var infos []os.FileInfo
	for _, p := range other.reports {
		if info, err := os.Stat(p); err == nil {
			infos = append(infos, info)
		}
	}
	var list []string
	for _, p := range s.reports {
		info, err := os.Stat(p)
		if err == nil && slices.ContainsFunc(infos, func(x os.FileInfo) bool { return os.SameFile(x, info) }) {
			list = append(list, p)
		}
	}
	return list
}

// expandArg returns the files that an argument stands for: itself if there is
// one of that name, those of a folder, or those that a glob matches.
func expandArg(arg string) ([]string, error) {
	if arg == "" {
		return nil, usage("name a report: a variable of a script may be unset", "the name of a report is empty")
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return reportsIn(arg)
	case err == nil || !strings.ContainsAny(arg, "*?["):
		return []string{arg}, nil // reading it will say what is wrong
	}
	paths, err := filepath.Glob(arg)
	if err != nil {
		return nil, usage("a [ needs its ]", "%s: not a pattern of file names: %v", arg, err)
	}
	if !strings.HasPrefix(filepath.Base(arg), ".") {
		paths = slices.DeleteFunc(paths, func(p string) bool { return strings.HasPrefix(filepath.Base(p), ".") }) // as shells do
	}
	if len(paths) == 0 {
		return nil, usage("see what is there: ls "+filepath.Dir(arg), "%s: no file has such a name", arg)
	}
	return paths, nil
}

// suffixes are those of reports and summaries, the best first where a folder
// has several of one stem: what nsys exported, what is to be exported still.
var suffixes = []string{".sqlite", ".nsys-rep", ".json.gz"}

// reportsIn returns the reports and summaries in a folder.
func reportsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fileProblem("", dir, err)
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || strings.HasPrefix(name, ".") {
			continue
		}
		if slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) }) {
			names = append(names, name)
		}
	}
	// nsys profile leaves x.nsys-rep beside x.sqlite: that is one report.
	all := slices.Clone(names)
	names = slices.DeleteFunc(names, func(name string) bool {
		stem, ok := strings.CutSuffix(name, ".nsys-rep")
		return ok && slices.Contains(all, stem+".sqlite")
	})
	if len(names) == 0 {
		return nil, usage("name the reports themselves", "%s: is a directory without reports (*%s)", dir, strings.Join(suffixes, ", *"))
	}
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = filepath.Join(dir, name)
	}
	return paths, nil
}

// naturally compares names as people do, numbers by their value: rank2 before
// rank10.
func naturally(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		dx, dy := digits(x), digits(y)
		if dx > 0 && dy > 0 {
			nx, ny := strings.TrimLeft(x[:dx], "0"), strings.TrimLeft(y[:dy], "0")
			if len(nx) != len(ny) {
				return len(nx) - len(ny)
			}
			if c := strings.Compare(nx, ny); c != 0 {
				return c
			}
			x, y = x[dx:], y[dy:]
			continue
		}
		if x[0] != y[0] {
			return int(x[0]) - int(y[0])
		}
		x, y = x[1:], y[1:]
	}
	if c := len(x) - len(y); c != 0 {
		return c
	}
	return strings.Compare(a, b) // 01 and 1 are equal numbers, not equal names
}

// digits returns how many digits s begins with.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}
