package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHints: whoever mistypes something is told what to do.
func TestHints(t *testing.T) {
	inReports(t)
	const both = " llama_tp_mock.sqlite llama_tp_e2e.sqlite"
	for args, want := range map[string]string{
		"nosuch.sqlite":                      "check the path; of a recording, nsys export ",
		"llama_tp_mok.sqlite":                "did you mean llama_tp_mock.sqlite?",
		"-":                                  "check the path; ",
		"-format json" + both:                "did you mean --format?",
		"-out=x" + both:                      "did you mean --out?", // not -o ut=x
		"--json" + both:                      "did you mean --format json?",
		"-json" + both:                       "did you mean --format json?",
		"summarize -output=x" + both:         "did you mean --output?",
		"nosuch/llama_tp_mock.sqlite":        "there is no folder nosuch",
		"nosuch*.sqlite":                     "see what is there: ls .",
		"[ a.sqlite":                         "a [ needs its ]",
		"--device a" + both:                  "--device N[,N]: only these devices",
		"--tp 0" + both:                      "--tp N: tensor parallelism of the model",
		"--fail-on bogus" + both:             "--fail-on CODES: findings that make ",
		"--fail-on mising" + both:            "--fail-on CODES: ",
		"--min-time 3" + both:                "--min-time TIME: ",
		"--kernel (" + both:                  "--kernel REGEXP: ",
		"--from 2s --to 1s" + both:           "both are times after the start ",
		"--config typo.toml" + both:          "docs/config.md ",
		"--config a --no-config" + both:      "leave one of them out",
		"--pairs nosuch.toml":                "docs/config.md ",
		"--alias nosuch.txt" + both:          "a line of it is ",
		"-o nosuch/x" + both:                 "make its folder first: mkdir -p nosuch",
		"--out json=nosuch/x" + both:         "make its folder first: mkdir -p nosuch",
		"--out jsn=x" + both:                 "for example --out json=",
		"--out csv=." + both:                 "name a file in it",
		"--regression=maybe" + both:          "--regression: compare two runs",
		"-o x --out csv=x" + both:            "name a file for each",
		"--json-launches" + both:             "ask for JSON: --format json, or --out json=FILE",
		"--json-launches --out csv=x" + both: "ask for JSON: ",
		"--e2e-nvtx x llama_tp_mock.sqlite":  "give the mock and the E2E",
		"summarize nosuch.sqlite -o x.gz":    "check the path; ",
		"init --device a" + both:             "--device N[,N]: ",
	} {
		status, stdout, stderr := invoke(strings.Fields(args)...)
		if status != exitTrouble || stdout != "" {
			t.Errorf("%s: exit status %d, printed %q", args, status, stdout)
		}
		if lines := strings.Split(stderr, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], "nsysdiff: ") || !strings.HasPrefix(lines[1], "hint: "+want) {
			t.Errorf("%s: want a line and the hint %q:\n%s", args, want, stderr)
		}
	}
}

// TestMissingHint: names are not alike by their endings.
func TestMissingHint(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mock.sqlite", "rank0.json.gz", "ab"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"mok.sqlite": "mock.sqlite", "mock.sqlit": "mock.sqlite", "rank.json.gz": "rank0.json.gz",
		"e2e.sqlite": "", "rank0.sqlite": "", "-": "",
	} {
		if want != "" {
			want = "did you mean " + filepath.Join(dir, want) + "?"
		}
		if got := missingHint(filepath.Join(dir, name), ""); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
