package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/nsysdiff/nsysdiff/align"
)

// readAliases reads a file of kernels to treat as equal. A line is
//
//	MOCK = E2E
//
// with spaces around the sign; each side is a name or, between slashes, a
// regular expression. Empty lines and those that begin with # say nothing.
func readAliases(path string) ([]align.Alias, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, readProblem("--alias", path, err, "a line of it is \"mock kernel = e2e kernel\"")
	}
	defer f.Close()
	var aliases []align.Alias
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20) // names of kernels reach many kB
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		mock, e2e, ok := strings.Cut(line, " = ")
		if !ok {
			return nil, usage(`a line is "mock kernel = e2e kernel", with spaces around the sign`, "%s:%d: no \" = \" in it", path, n)
		}
		var a align.Alias
		if a.Mock, err = aliasPattern(mock); err == nil {
			a.E2E, err = aliasPattern(e2e)
		}
		if err != nil {
			return nil, usage(`a line is "mock kernel = e2e kernel", of names or /regexp/`, "%s:%d: %v", path, n, err)
		}
		aliases = append(aliases, a)
	}
	if err := lines.Err(); err != nil {
		return nil, fileProblem("--alias", path, err)
	}
	return aliases, nil
}

func aliasPattern(s string) (*regexp.Regexp, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return nil, fmt.Errorf("a name is missing")
	case len(s) > 2 && s[0] == '/' && s[len(s)-1] == '/':
		return regexp.Compile(s[1 : len(s)-1])
	}
	return regexp.Compile(`\A` + regexp.QuoteMeta(s) + `\z`)
}
