package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

// root is the folder of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func readText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestReadme runs the examples of the README in a folder in which testdata is
// the recorded reports, as TestDocs runs those of the documents.
func TestReadme(t *testing.T) {
	dir := root(t)
	path := filepath.Join(dir, "README.md")
	lines := strings.Split(readText(t, path), "\n")
	t.Chdir(t.TempDir())
	if err := os.Symlink(filepath.Join(dir, "testdata"), "testdata"); err != nil {
		t.Fatal(err)
	}
	fresh := runDocument(t, lines)
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(fresh, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// shellBlock is a block of commands of which the document shows no output.
var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// TestReadmeCommands holds what the README says without output to what the
// program takes: the main job is run, and each other command must be one.
func TestReadmeCommands(t *testing.T) {
	dir := root(t)
	text := readText(t, filepath.Join(dir, "README.md"))
	t.Chdir(dir)
	ran := 0
	for _, block := range shellBlock.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			args := words.FindAllString(line, -1)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "'", "")
			}
			switch {
			case strings.HasPrefix(line, "go run ./cmd/nsysdiff "):
				if status, stdout, stderr := invoke(args[3:]...); status != 0 {
					t.Errorf("%s: exit status %d\n%s%s", line, status, stdout, stderr)
				}
				ran++
			case strings.HasPrefix(line, "nsysdiff "):
				if _, ok := lookupSubcommand(args[1]); ok {
					t.Errorf("%s: show a subcommand in a console block, which is run", line)
				} else if _, err := parse(args[1:]); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		}
	}
	if ran == 0 {
		t.Error("the README does not say how to do the main job")
	}
}

// link is a Markdown link or image to a file, its anchor apart.
var link = regexp.MustCompile(`\]\(([^)#\s]*)(#[^)\s]*)?\)`)

// TestLinks holds links between the documents to files and headings that are
// there, and the README to all documents.
func TestLinks(t *testing.T) {
	dir := root(t)
	var documents []string
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/*.md", "testdata/*.md", "bench/*.md"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	linked := map[string]bool{} // by the README
	for _, document := range documents {
		for _, m := range link.FindAllStringSubmatch(readText(t, document), -1) {
			target, anchor := m[1], strings.TrimPrefix(m[2], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := document
			if target != "" {
				file = filepath.Join(filepath.Dir(document), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %v", document, err)
				continue
			}
			if document == filepath.Join(dir, "README.md") {
				linked[file] = true
			}
			if anchor != "" && !hasHeading(readText(t, file), anchor) {
				t.Errorf("%s: %s has no heading #%s", document, file, anchor)
			}
		}
	}
	for _, document := range documents {
		if filepath.Dir(document) == filepath.Join(dir, "docs") && !linked[document] {
			t.Errorf("the README does not link to %s", document)
		}
	}
}

// hasHeading reports whether a document has a heading with this anchor, which
// GitHub makes of its text: lower case, hyphens for spaces, and no punctuation.
func hasHeading(text, anchor string) bool {
	punctuation := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			title = punctuation.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			if strings.ReplaceAll(title, " ", "-") == anchor {
				return true
			}
		}
	}
	return false
}

// TestReadmeLibrary holds the Go code of the README to code of this file, which
// is compiled and which Example_library runs.
func TestReadmeLibrary(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(readText(t, filepath.Join(root(t), "README.md")), -1)
	if len(blocks) == 0 {
		t.Error("the README has no Go code")
	}
	source := readText(t, "readme_test.go")
	for _, block := range blocks {
		if !strings.Contains(source, "\n"+block[1]) {
			t.Errorf("not code of readme_test.go:\n%s", block[1])
		}
	}
}

// diffReports finds the mock in the model and says what differs.
func diffReports(ctx context.Context, mockPath, e2ePath string) error {
	mock, err := readReport(ctx, mockPath)
	if err != nil {
		return err
	}
	e2e, err := readReport(ctx, e2ePath)
	if err != nil {
		return err
	}
	r, err := align.Compare(ctx, mock, e2e, align.Options{})
	if err != nil {
		return err
	}
	fmt.Println(r.Verdict)
	for _, s := range r.Sites {
		if s.Verdict != align.Match {
			fmt.Println(s.Index, align.ShortName(cmp.Or(s.MockName, s.E2EName)), s.Verdict)
		}
	}
	for _, c := range r.Causes {
		fmt.Println(c.Code, c.Factor)
	}
	return nil
}

func readReport(ctx context.Context, path string) (*trace.Trace, error) {
	db, err := nsysdb.Open(ctx, path, nsysdb.Options{})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.Read(ctx, nsysdb.Query{NVTX: true})
}

func Example_library() {
	err := diffReports(context.Background(), "../../testdata/dsa_mock_ctx.sqlite", "../../testdata/dsa_e2e_ctx_tp8.sqlite")
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// misaligned
	// 2 nvjet_sm90_tst_320x128_64x3_1x2_h_bz_coopB_TNT head-mismatch
	// 8 applyMLARopeAppendPagedKVAssignQKernel head-mismatch
	// 9 sparse_attn_fwd_kernel head-mismatch
	// 10 nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT head-mismatch
	// head-count 8
}
