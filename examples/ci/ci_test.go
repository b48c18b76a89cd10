// Package ci_test runs the shell steps of the examples for CI as the services
// run them, with a nsysdiff that is installed from this source.
package ci_test

import (
	"archive/zip"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// An action is action.yml, as far as the shell steps go.
// https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
type action struct {
	Inputs  map[string]struct{ Default string }
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []step
	}
}

type step struct {
	ID    string
	Name  string
	Uses  string
	Run   string
	Shell string
	Env   map[string]string
	With  map[string]any
	If    string
}

// A gitlabJob is a job of .gitlab-ci.yml. https://docs.gitlab.com/ci/yaml/
type gitlabJob struct {
	Variables map[string]string
	Script    []string
	Artifacts struct {
		When    string
		Paths   []string
		Reports struct{ JUnit string }
	}
}

func load[T any](t *testing.T, path string) T {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// pairs are recorded reports of which testdata/README.md says what a comparison
// must say.
var pairs = []struct {
	reason    string
	mock, e2e string
	pairs     string
	args      string
	status    int
}{
	{reason: "equal", mock: "dsa_mock_ctx", e2e: "dsa_e2e_ctx_tp1", status: 0},
	{reason: "the mock lacks the indexer", mock: "dsa_mock_ctx_noindexer", e2e: "dsa_e2e_ctx_tp1", status: 1},
	{reason: "the same, and nobody minds", mock: "dsa_mock_ctx_noindexer", e2e: "dsa_e2e_ctx_tp1",
		args: "--fail-on=none\n\n--e2e-nvtx=layer 3\n", status: 0},
	{reason: "no GPU data", mock: "dsa_mock_ctx", e2e: "dsa_nvtx_only", status: 2},
	{reason: "several pairs, one of which lacks the indexer", pairs: "testdata/pairs.toml", status: 1},
	{reason: "no reports", status: 2},
	{reason: "an input that an earlier step never set", mock: "dsa_mock_ctx", status: 2},
}

// TestSteps runs what the services run, with the same proxy for both.
func TestSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and runs it as other processes")
	}
	proxy := goproxy(t)
	t.Run("action", func(t *testing.T) { testAction(t, proxy) })
	t.Run("gitlab", func(t *testing.T) { testGitLab(t, proxy) })
}

func testAction(t *testing.T, proxy []string) {
	a := load[action](t, "action.yml")
	if a.Runs.Using != "composite" {
		t.Fatalf("using %q", a.Runs.Using)
	}
	temp := t.TempDir()

	for i, p := range pairs {
		t.Run(p.reason, func(t *testing.T) {
			outputs := filepath.Join(t.TempDir(), "output")
			summary := filepath.Join(t.TempDir(), "summary")
			inputs := map[string]string{
				"mock": report(t, p.mock), "e2e": report(t, p.e2e), "pairs": p.pairs, "args": p.args, "version": version, "artifact": "nsysdiff",
			}
			for name := range a.Inputs {
				if _, ok := inputs[name]; !ok {
					t.Errorf("input %s is not tested", name)
				}
			}
			var got result
			for _, s := range a.Runs.Steps {
				if s.Run == "" || s.Name == "Install nsysdiff" && i > 0 {
					continue
				}
				if s.Shell != "bash" {
					t.Fatalf("step %q runs in shell %q", s.Name, s.Shell)
				}
				env := append(os.Environ(), proxy...)
				env = append(env, "GITHUB_ACTIONS=true", "GITHUB_OUTPUT="+outputs, "GITHUB_STEP_SUMMARY="+summary)
				for name, value := range s.Env {
					env = append(env, name+"="+expand(t, value, inputs, temp))
				}
				// What GitHub runs for shell: bash.
				got = shell(t, ".", env, s.Run, "--noprofile", "--norc", "-eo", "pipefail")
				if s.ID != "compare" && got.status != 0 {
					t.Fatalf("step %q: exit status %d\n%s", s.Name, got.status, got.stderr)
				}
			}
			if got.status != p.status {
				t.Errorf("exit status %d, want %d\n%s", got.status, p.status, got.stderr)
			}
			text, err := os.ReadFile(outputs)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(fmt.Sprintf("status=%d\n", p.status), string(text)); d != "" {
				t.Errorf("outputs (-want +got)\n%s", d)
			}
			page := "nsysdiff.html"
			if p.pairs != "" {
				page = "nsysdiff.md"
			}
			checkFiles(t, filepath.Join(temp, "nsysdiff", "out"), page, p.status)
			if p.status == 1 && !strings.Contains(got.stdout, "::error") {
				t.Errorf("no annotation of an error in\n%s", got.stdout)
			}
			if info, err := os.Stat(summary); p.status < 2 && (err != nil || info.Size() == 0) {
				t.Errorf("no step summary: %v", err)
			}
		})
	}
}

// TestArtifact checks what the action keeps, and when.
func TestArtifact(t *testing.T) {
	a := load[action](t, "action.yml")
	last := a.Runs.Steps[len(a.Runs.Steps)-1]
	if !strings.HasPrefix(last.Uses, "actions/upload-artifact@") || last.If != "always()" || last.With["path"] != "${{ runner.temp }}/nsysdiff/out" {
		t.Errorf("the last step does not keep the files whatever the status: %+v", last)
	}
	if d := cmp.Diff("${{ steps.compare.outputs.status }}", a.Outputs["status"].Value); d != "" {
		t.Error(d)
	}
}

// TestWorkflow holds what the workflow gives the action against its inputs.
func TestWorkflow(t *testing.T) {
	a := load[action](t, "action.yml")
	w := load[struct {
		Jobs map[string]struct{ Steps []step }
	}](t, "workflow.yml")
	uses := 0
	for name, job := range w.Jobs {
		for _, s := range job.Steps {
			if s.Uses != "./.github/actions/nsysdiff" {
				continue
			}
			uses++
			for input := range s.With {
				if _, ok := a.Inputs[input]; !ok {
					t.Errorf("job %s: the action has no input %s", name, input)
				}
			}
		}
	}
	if uses != 2 {
		t.Errorf("%d steps use the action, want 2", uses)
	}
}

func testGitLab(t *testing.T, proxy []string) {
	job, ok := load[map[string]gitlabJob](t, "gitlab.yml")["nsysdiff"]
	if !ok {
		t.Fatal("no job nsysdiff")
	}
	gopath := t.TempDir()
	for _, p := range pairs {
		if p.args != "" || p.mock == "" {
			continue // the job has no such variables
		}
		t.Run(p.reason, func(t *testing.T) {
			dir := t.TempDir()
			env := append(os.Environ(), proxy...)
			for name, value := range job.Variables {
				env = append(env, name+"="+value)
			}
			env = append(env, "GOPATH="+gopath, "GOBIN=",
				"NSYSDIFF_VERSION="+version, "MOCK="+report(t, p.mock), "E2E="+report(t, p.e2e))
			// The runner joins the lines of a script and stops at the first that fails.
			got := shell(t, dir, env, strings.Join(job.Script, "\n"), "-eo", "pipefail")
			if got.status != p.status {
				t.Errorf("exit status %d, want %d\n%s", got.status, p.status, got.stderr)
			}
			checkFiles(t, dir, "nsysdiff.html", p.status)
			for _, path := range append(job.Artifacts.Paths, job.Artifacts.Reports.JUnit) {
				if _, err := os.Stat(filepath.Join(dir, path)); p.status < 2 && err != nil {
					t.Errorf("artifact: %v", err)
				}
			}
		})
	}
	if job.Artifacts.When != "always" {
		t.Errorf("artifacts are kept %q, they are needed where the job fails", job.Artifacts.When)
	}
}

// checkFiles checks the file to look at and the JUnit file of a comparison.
func checkFiles(t *testing.T, dir, name string, status int) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(dir, name))
	if status == 2 {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s although nothing was compared: %v", name, err)
		}
		return
	}
	if err != nil {
		t.Error(err)
	} else if end := map[string]string{".html": "</html>", ".md": "|"}[filepath.Ext(name)]; !strings.Contains(string(page), end) {
		t.Errorf("%s has no %s", name, end)
	}
	text, err := os.ReadFile(filepath.Join(dir, "nsysdiff.xml"))
	if err != nil {
		t.Error(err)
		return
	}
	var suites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Errorf("nsysdiff.xml: %v", err)
	}
	if suites.Tests == 0 || (suites.Failures > 0) != (status == 1) {
		t.Errorf("%d tests, %d failures with exit status %d", suites.Tests, suites.Failures, status)
	}
}

type result struct {
	status         int
	stdout, stderr string
}

// shell runs a script of bash in dir.
func shell(t *testing.T, dir string, env []string, script string, flags ...string) result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "step.sh")
	if err := os.WriteFile(path, []byte(script), 0o666); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), "bash", append(flags, path)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

var expression = regexp.MustCompile(`\$\{\{\s*([\w.]+)\s*\}\}`)

// expand replaces the expressions of GitHub Actions.
func expand(t *testing.T, s string, inputs map[string]string, temp string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(s, func(x string) string {
		name := expression.FindStringSubmatch(x)[1]
		if name == "runner.temp" {
			return temp
		}
		input, ok := strings.CutPrefix(name, "inputs.")
		value, known := inputs[input]
		if !ok || !known {
			t.Fatalf("unknown expression %s", x)
		}
		return value
	})
}

// report returns the path of a recorded report, "" for none.
func report(t *testing.T, name string) string {
	t.Helper()
	if name == "" {
		return ""
	}
	path, err := filepath.Abs(filepath.Join("../../testdata", name+".sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	module  = "github.com/nsysdiff/nsysdiff"
	version = "v0.0.1-test"
)

// goproxy makes a module proxy that serves this source as a version, and returns
// the environment for go install to use it. Other modules come from the
// cache of downloads. https://go.dev/ref/mod#goproxy-protocol
func goproxy(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	at := filepath.Join(dir, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(at, 0o777); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(at, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	gomod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	write("list", []byte(version+"\n"))
	write(version+".mod", gomod)
	info, err := json.Marshal(map[string]string{"Version": version, "Time": "2026-01-01T00:00:00Z"})
	if err != nil {
		t.Fatal(err)
	}
	write(version+".info", info)

	f, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	err = fs.WalkDir(os.DirFS("../.."), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || path == "bench"):
			return fs.SkipDir
		case !d.Type().IsRegular() || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		data, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(path)))
		if err != nil {
			return err
		}
		w, err := z.Create(module + "@" + version + "/" + path)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err := errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}

	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	downloads := filepath.Join(strings.TrimSpace(string(out)), "cache", "download")
	return []string{
		"GOPROXY=file://" + filepath.ToSlash(dir) + ",file://" + filepath.ToSlash(downloads),
		"GOSUMDB=off", "GOTOOLCHAIN=local", "GOWORK=off",
		// This version is another source each time: it must not stay in the
		// cache of modules. With -trimpath the cache of builds serves all the same.
		"GOMODCACHE=" + filepath.Join(t.TempDir(), "mod"), "GOFLAGS=-modcacherw -trimpath",
	}
}
