package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/cmd/nsysdiff/internal/render"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// nothing is an empty environment.
func nothing(string) string { return "" }

// inReports makes the folder of the recorded reports the current one, and
// returns that of the goldens.
func inReports(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata", "golden"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join("..", "..", "testdata"))
	return dir
}

// today is when the program runs in tests: what it prints has dates.
func today() time.Time { return time.Date(2026, time.November, 24, 12, 0, 0, 0, time.UTC) }

// invoke runs the program in this process.
func invoke(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(context.Background(), args, environment{&out, &errs, nothing, today})
	return status, out.String(), errs.String()
}

// goldens are the recorded pairs and what a comparison must say of them, in
// one exit status.
func goldens() []struct {
	name    string
	args    string
	status  int
	formats string
} {
	return []struct {
		name    string
		args    string
		status  int
		formats string
	}{
		{"ctx_tp1", "dsa_mock_ctx.sqlite dsa_e2e_ctx_tp1.sqlite", 0, "text markdown json csv"},
		{"ctx_tp8", "dsa_mock_ctx.sqlite dsa_e2e_ctx_tp8.sqlite", 1, "text markdown json csv"},
		{"ctx_tp8_scaled", "--tp 8 --scale-tp dsa_mock_ctx.sqlite dsa_e2e_ctx_tp8.sqlite", 0, "text"},
		{"ctx_noindexer", "dsa_mock_ctx_noindexer.sqlite dsa_e2e_ctx_tp1.sqlite", 1, "text markdown"},
		{"ctx_extra", "dsa_mock_ctx_extra.sqlite dsa_e2e_ctx_tp1.sqlite", 1, "text markdown"},
		{"gen_graph", "dsa_mock_gen_graph.sqlite dsa_e2e_gen_graph_node.sqlite", 0, "text"},
		{"gen_opaque", "dsa_mock_gen_graph.sqlite dsa_e2e_gen_graph_graph.sqlite", 2, "text markdown"},
		{"llama", "llama_mock_attn.sqlite llama_e2e_prefill.sqlite", 0, "text"},
		{"llama_no_nvtx", "--no-nvtx llama_mock_attn.sqlite llama_e2e_prefill.sqlite", 0, "text"},
		{"llama_again", "--regression llama_e2e_prefill.sqlite llama_e2e_prefill_again.sqlite", 0, "text"},
		{"regression_tp8", "--regression dsa_e2e_ctx_tp8.sqlite dsa_e2e_ctx_tp1.sqlite", 1, "text markdown csv"},
		{"regression_kinds", "--regression serve_e2e_mixed.sqlite serve_e2e_mixed.sqlite", 0, "text markdown"},
		{"report", "--memops llama_mock_attn.sqlite", 0, "text markdown json csv"},
		{"report_family", "--by family --top 5 dsa_e2e_ctx_tp1.sqlite", 0, "text"},
	}
}

func TestGolden(t *testing.T) {
	dir := inReports(t)
	for _, tt := range goldens() {
		for format := range strings.FieldsSeq(tt.formats) {
			t.Run(tt.name+"/"+format, func(t *testing.T) {
				status, got, stderr := invoke(append([]string{"--format", format}, strings.Fields(tt.args)...)...)
				if status != tt.status {
					t.Errorf("exit status %d, want %d", status, tt.status)
				}
				if stderr != "" {
					t.Errorf("standard error: %s", stderr)
				}
				path := filepath.Join(dir, tt.name+"."+format)
				if *update {
					if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(string(want), got); d != "" {
					t.Errorf("%s (-want +got):\n%s", path, d)
				}
			})
		}
	}
}

// TestStoredResult renders from JSON what the command rendered from reports.
func TestStoredResult(t *testing.T) {
	inReports(t)
	for _, tt := range goldens() {
		t.Run(tt.name, func(t *testing.T) {
			args := strings.Fields(tt.args)
			// Drawings are in the result only where a page was asked for.
			page := filepath.Join(t.TempDir(), "page.html")
			command := append([]string{"--format", "json", "--out", "html=" + page}, args...)
			_, stored, _ := invoke(command...)
			r := new(align.Result)
			d := json.NewDecoder(strings.NewReader(stored))
			d.DisallowUnknownFields()
			if err := d.Decode(r); err != nil {
				t.Fatal(err)
			}
			if r.Schema != align.Schema {
				t.Errorf("schema %q, want %q", r.Schema, align.Schema)
			}
			c, err := parse(args)
			if err != nil {
				t.Fatal(err)
			}
			if got := exitStatus(r, c.failOn); got != tt.status {
				t.Errorf("exit status %d of the stored result, want %d", got, tt.status)
			}
			for _, f := range render.Formats() {
				var want string
				switch f.Name {
				case "html":
					data, err := os.ReadFile(page)
					if err != nil {
						t.Fatal(err)
					}
					want = string(data)
				case "json":
					want = stored
				default:
					_, want, _ = invoke(append([]string{"--format", f.Name}, args...)...)
				}
				var got bytes.Buffer
				o := render.Options{Top: c.top, Version: version(), Command: append([]string{"nsysdiff"}, command...), Fails: c.fails}
				if err := f.Write(&got, r, o); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, got.String()); d != "" {
					t.Errorf("%s (-direct +stored):\n%s", f.Name, d)
				}
			}
		})
	}
}

// TestStatusIsTheSame holds the exit status to not depending on the format.
func TestStatusIsTheSame(t *testing.T) {
	inReports(t)
	for _, failOn := range []string{"none", "all", "missing", "head-mismatch"} {
		want := -1
		for _, f := range render.Formats() {
			got, _, _ := invoke("--fail-on", failOn, "--format", f.Name, "dsa_mock_ctx.sqlite", "dsa_e2e_ctx_tp8.sqlite")
			if want >= 0 && got != want {
				t.Errorf("--fail-on %s: exit status %d as %s, %d before", failOn, got, f.Name, want)
			}
			want = got
		}
	}
}
