package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocs runs the examples of the documents, each document in a folder of
// its own. In a block of console text each line "$ nsysdiff ..." is run, and
// "$ echo $?" prints the exit status of the one before; what follows is what
// they print, in which "..." stands for any number of lines. A block of TOML
// that names a file is that file. With -update the documents show what is
// printed, except where "..." stands for some of it.
func TestDocs(t *testing.T) {
	reports, err := filepath.Abs(filepath.Join("..", "..", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	docs, err := filepath.Abs(filepath.Join("..", "..", "docs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.md", "formats.md", "ranks.md"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for to, from := range map[string]string{
				"mock.sqlite":        "dsa_mock_ctx.sqlite",
				"mock_debug.sqlite":  "dsa_mock_ctx_extra.sqlite",
				"e2e.sqlite":         "dsa_e2e_ctx_tp1.sqlite",
				"e2e_tp8.sqlite":     "dsa_e2e_ctx_tp8.sqlite",
				"base.sqlite":        "llama_e2e_prefill.sqlite",
				"new.sqlite":         "llama_e2e_prefill_again.sqlite",
				"mock_tp4.sqlite":    "llama_tp_mock_tp4.sqlite",
				"run/rank0.sqlite":   "llama_tp_e2e_tp4.sqlite",
				"run/rank1.sqlite":   "llama_tp_e2e_tp4.sqlite",
				"run/rank2.sqlite":   "llama_tp_e2e_tp4.sqlite",
				"later/rank0.sqlite": "llama_tp_e2e_tp4.sqlite",
				"later/rank1.sqlite": "llama_tp_e2e_tp4.sqlite",
				"later/rank2.sqlite": "llama_tp_e2e_tp4.sqlite",
				"cut/rank0.sqlite":   "llama_tp_e2e_tp4.sqlite",
				"cut/rank1.sqlite":   "llama_tp_e2e_tp4.sqlite",
			} {
				copyFile(t, filepath.Join(reports, from), filepath.Join(dir, to))
			}
			if err := os.Truncate(filepath.Join(dir, "cut", "rank1.sqlite"), 100_000); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			path := filepath.Join(docs, name)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			fresh := runDocument(t, strings.Split(string(data), "\n"))
			if *update {
				if err := os.WriteFile(path, []byte(strings.Join(fresh, "\n")), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// copyFile copies a report. As rankN it is that of a host of its own, so that
// it is no second copy of one report.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if rank, ok := strings.CutPrefix(filepath.Base(to), "rank"); ok {
		data = bytes.ReplaceAll(data, []byte("gpu-host"), []byte("gpu-hos"+rank[:1]))
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// words of a command: in single quotes, or without spaces.
var words = regexp.MustCompile(`(?:'[^']*'|[^' ])+`)

// runDocument runs a document's examples and returns its lines as they should
// be.
func runDocument(t *testing.T, lines []string) (fresh []string) {
	t.Helper()
	const fence = "```"
	status, examples := 0, 0
	for i := 0; i < len(lines); i++ {
		fresh = append(fresh, lines[i])
		info, ok := strings.CutPrefix(lines[i], fence)
		if !ok {
			continue
		}
		n := slices.Index(lines[i+1:], fence)
		if n < 0 {
			t.Fatalf("line %d: a block without an end", i+1)
		}
		block := lines[i+1 : i+1+n]
		i += n
		switch kind, file, _ := strings.Cut(info, " "); {
		case kind == "toml" && file != "":
			if err := os.WriteFile(file, []byte(strings.Join(block, "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			fresh = append(fresh, block...)
		case kind == "console":
			for len(block) > 0 {
				command, ok := strings.CutPrefix(block[0], "$ ")
				if !ok {
					t.Fatalf("%q is no command", block[0])
				}
				end := slices.IndexFunc(block[1:], func(s string) bool { return strings.HasPrefix(s, "$ ") })
				if end < 0 {
					end = len(block) - 1
				}
				shown := block[1 : 1+end]
				var printed []string
				switch args := words.FindAllString(command, -1); {
				case command == "echo $?":
					printed = []string{fmt.Sprint(status)}
				case args[0] == "nsysdiff":
					for k := range args {
						args[k] = strings.ReplaceAll(args[k], "'", "")
					}
					var stdout, stderr string
					status, stdout, stderr = invoke(args[1:]...)
					if text := strings.TrimSuffix(strings.ReplaceAll(stdout, "\r\n", "\n")+stderr, "\n"); text != "" {
						for line := range strings.SplitSeq(text, "\n") {
							printed = append(printed, strings.TrimRight(line, " "))
						}
					}
					examples++
				default:
					t.Fatalf("%q is run by no test", command)
				}
				if slices.Contains(shown, "...") {
					if !elided(shown, printed) {
						t.Errorf("%s: lines shown are not printed in this order (-printed +shown):\n%s", command, cmp.Diff(printed, shown))
					}
					printed = shown
				} else if !slices.Equal(printed, shown) && !*update {
					t.Errorf("%s (-printed +shown):\n%s", command, cmp.Diff(printed, shown))
				}
				fresh = append(append(fresh, block[0]), printed...)
				block = block[1+end:]
			}
		default:
			fresh = append(fresh, block...)
		}
		fresh = append(fresh, fence)
		i++
	}
	if examples < 3 {
		t.Errorf("only %d examples found", examples)
	}
	return fresh
}

// elided reports whether shown is printed with some runs of lines as "...".
func elided(shown, printed []string) bool {
	for len(shown) > 0 && shown[0] != "..." {
		if len(printed) == 0 || printed[0] != shown[0] {
			return false
		}
		shown, printed = shown[1:], printed[1:]
	}
	if len(shown) == 0 {
		return len(printed) == 0
	}
	for at := 0; at <= len(printed); at++ {
		if elided(shown[1:], printed[at:]) {
			return true
		}
	}
	return false
}
