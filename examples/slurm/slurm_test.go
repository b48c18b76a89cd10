// Package slurm_test checks what submit.sh asks of Slurm. That Slurm does it,
// .ci/slurm tests on a cluster of one node.
package slurm_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sbatch is a stand-in that notes its arguments and makes up ids.
const sbatch = `#!/bin/sh
echo "$@" >>"$CALLS"
echo "$((100 + $(wc -l <"$CALLS")));cluster"
`

// A place is where submit.sh runs: a folder of reports with sbatch on the PATH.
type place struct {
	dir string
	env []string
}

func newPlace(t *testing.T, reports ...string) place {
	t.Helper()
	p := place{dir: t.TempDir()}
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("sbatch", sbatch, 0o777)
	for _, r := range append(reports, "mock.sqlite") {
		write(r, "", 0o666)
	}
	p.env = append(os.Environ(), "PATH="+p.dir+":"+os.Getenv("PATH"), "CALLS="+filepath.Join(p.dir, "calls"))
	return p
}

// submit runs submit.sh and returns its exit status and what it prints.
func (p place) submit(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	script, err := filepath.Abs("submit.sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), script, args...)
	var out, errs strings.Builder
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, &out, &errs
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// read returns a file of the place, its folder written as DIR and the
// example's as HERE, "" if there is none.
func (p place) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(p.dir, "DIR", here, "HERE").Replace(string(text))
}

func TestSubmit(t *testing.T) {
	for _, test := range []struct {
		reason string
		args   []string
		stdout string
		tasks  string
		calls  string
		flags  string
	}{
		{
			"a task for each report",
			[]string{"out", "mock.sqlite", "a.sqlite", "b c.sqlite"},
			"summarize: 101\nmerge: 102\n",
			"0\t-\tDIR/a.sqlite\n1\t-\tDIR/b c.sqlite\n",
			"--parsable --array=0,1 --output=DIR/out/log/summarize-%a.txt HERE/summarize.sbatch DIR/out\n" +
				"--parsable --dependency=afterok:101 --output=DIR/out/log/merge.txt HERE/merge.sbatch DIR/out DIR/mock.sqlite\n",
			"",
		},
		{
			"flags of summarize, of the comparison none",
			[]string{"-s", "--nvtx=*gen reqs", "-n", "2", "-s--no-nvtx", "out", "mock.sqlite", "a.sqlite", "b c.sqlite"},
			"summarize: 101\nmerge: 102\n",
			"0\t-\tDIR/a.sqlite\n0\t-\tDIR/b c.sqlite\n",
			"--parsable --array=0 --output=DIR/out/log/summarize-%a.txt HERE/summarize.sbatch DIR/out\n" +
				"--parsable --dependency=afterok:101 --output=DIR/out/log/merge.txt HERE/merge.sbatch DIR/out DIR/mock.sqlite\n",
			"--nvtx=*gen reqs\n--no-nvtx\n",
		},
		{
			"several reports in a task, and flags",
			[]string{"-n", "2", "out", "mock.sqlite", "a.sqlite", "b c.sqlite", "d:e.sqlite", "--", "--tp", "8"},
			"summarize: 101\nmerge: 102\n",
			"0\t-\tDIR/a.sqlite\n0\t-\tDIR/b c.sqlite\n1\t-\tDIR/d:e.sqlite\n", // d is no node: there is such a file
			"--parsable --array=0,1 --output=DIR/out/log/summarize-%a.txt HERE/summarize.sbatch DIR/out\n" +
				"--parsable --dependency=afterok:101 --output=DIR/out/log/merge.txt HERE/merge.sbatch DIR/out DIR/mock.sqlite --tp 8\n",
			"",
		},
		{
			"reports on the disks of nodes, in turn and with one on shared storage",
			[]string{"-n", "2", "out", "mock.sqlite", "n1:/s/0.sqlite", "n2:/s/0.sqlite", "n1:/s/1.sqlite", "a.sqlite", "n1:/s/2.sqlite"},
			"summarize: 101 102 103\nmerge: 104\n",
			"0\tn1\t/s/0.sqlite\n1\tn2\t/s/0.sqlite\n0\tn1\t/s/1.sqlite\n2\t-\tDIR/a.sqlite\n3\tn1\t/s/2.sqlite\n",
			"--parsable --array=0,3 --nodelist=n1 --output=DIR/out/log/summarize-%a.txt HERE/summarize.sbatch DIR/out\n" +
				"--parsable --array=1 --nodelist=n2 --output=DIR/out/log/summarize-%a.txt HERE/summarize.sbatch DIR/out\n" +
				"--parsable --array=2 --output=DIR/out/log/summarize-%a.txt HERE/summarize.sbatch DIR/out\n" +
				"--parsable --dependency=afterok:101:102:103 --output=DIR/out/log/merge.txt HERE/merge.sbatch DIR/out DIR/mock.sqlite\n",
			"",
		},
	} {
		t.Run(test.reason, func(t *testing.T) {
			p := newPlace(t, "a.sqlite", "b c.sqlite", "d:e.sqlite")
			status, stdout, stderr := p.submit(t, test.args...)
			if status != 0 {
				t.Fatalf("exit status %d\n%s", status, stderr)
			}
			for _, c := range []struct{ what, want, got string }{
				{"standard output", test.stdout, stdout},
				{"tasks", test.tasks, p.read(t, "out/tasks.tsv")},
				{"calls of sbatch", test.calls, p.read(t, "calls")},
				{"flags of summarize", test.flags, p.read(t, "out/flags.txt")},
			} {
				if d := cmp.Diff(c.want, c.got); d != "" {
					t.Errorf("%s (-want +got)\n%s", c.what, d)
				}
			}
		})
	}
}

func TestSubmitRefuses(t *testing.T) {
	for _, test := range []struct {
		reason string
		args   []string
		stderr string
	}{
		{"nothing", nil, "usage: submit.sh"},
		{"no report", []string{"out", "mock.sqlite"}, "usage: submit.sh"},
		{"flags only", []string{"out", "mock.sqlite", "--", "--tp", "8"}, "no reports"},
		{"a number that is none", []string{"-n", "x", "out", "mock.sqlite", "a.sqlite"}, "-n x: not a number"},
		{"a scope that is no flag", []string{"-s", "nvtx", "out", "mock.sqlite", "a.sqlite"}, "-s nvtx: not a flag"},
		{"an unknown option", []string{"-x", "out", "mock.sqlite", "a.sqlite"}, "usage: submit.sh"},
		{"a missing report", []string{"out", "mock.sqlite", "nosuch.sqlite"}, "nosuch.sqlite: No such file"},
		{"a missing mock", []string{"out", "nosuch.sqlite", "a.sqlite"}, "nosuch.sqlite: No such file"},
		{"a path on a node that is not whole", []string{"out", "mock.sqlite", "n1:x.sqlite"}, "n1:x.sqlite: not a whole path"},
		{"a tab in a name", []string{"out", "mock.sqlite", "a\tb.sqlite"}, "a tab or a line break"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			p := newPlace(t, "a.sqlite", "a\tb.sqlite")
			status, stdout, stderr := p.submit(t, test.args...)
			if status == 0 || stdout != "" || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit status %d, printed %q and %q, want %q", status, stdout, stderr, test.stderr)
			}
			if calls := p.read(t, "calls"); calls != "" {
				t.Errorf("submitted %s", calls)
			}
		})
	}
}

// TestSummarize runs a task, with a stand-in for nsysdiff.
func TestSummarize(t *testing.T) {
	for _, test := range []struct {
		reason string
		flags  []string
		want   string
	}{
		{"without flags", nil, "summarize\n--strict\nDIR/b c.sqlite\n-o\nDIR/out/summaries/1.json.gz\n"},
		{
			"with flags, a value of two words among them", []string{"-s", "--nvtx=*gen reqs", "-s", "--no-nvtx"},
			"summarize\n--strict\n--nvtx=*gen reqs\n--no-nvtx\nDIR/b c.sqlite\n-o\nDIR/out/summaries/1.json.gz\n",
		},
	} {
		t.Run(test.reason, func(t *testing.T) {
			p := newPlace(t, "a.sqlite", "b c.sqlite")
			if status, _, stderr := p.submit(t, append(test.flags, "out", "mock.sqlite", "a.sqlite", "b c.sqlite")...); status != 0 {
				t.Fatalf("exit status %d\n%s", status, stderr)
			}
			standIn := "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"
			if err := os.WriteFile(filepath.Join(p.dir, "nsysdiff"), []byte(standIn), 0o777); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "bash", "summarize.sbatch", filepath.Join(p.dir, "out"))
			cmd.Env = append(p.env, "SLURM_ARRAY_TASK_ID=1")
			got, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, strings.ReplaceAll(string(got), p.dir, "DIR")); d != "" {
				t.Errorf("nsysdiff was run with (-want +got)\n%s", d)
			}
		})
	}
}

// TestSubmitAgain submits into a folder that holds summaries.
func TestSubmitAgain(t *testing.T) {
	p := newPlace(t, "a.sqlite", "b.sqlite")
	for range 2 {
		if status, _, stderr := p.submit(t, "out", "mock.sqlite", "a.sqlite", "b.sqlite"); status != 0 {
			t.Fatalf("exit status %d\n%s", status, stderr)
		}
	}
	calls := p.read(t, "calls")
	// Task 0 would be another report, whose summary is there already.
	status, _, stderr := p.submit(t, "out", "mock.sqlite", "b.sqlite")
	if status != 2 || !strings.Contains(stderr, "holds the summaries of other reports") {
		t.Errorf("exit status %d: %s", status, stderr)
	}
	if d := cmp.Diff(calls, p.read(t, "calls")); d != "" {
		t.Errorf("submitted (-before +after)\n%s", d)
	}
	if d := cmp.Diff("0\t-\tDIR/a.sqlite\n1\t-\tDIR/b.sqlite\n", p.read(t, "out/tasks.tsv")); d != "" {
		t.Errorf("tasks (-want +got)\n%s", d)
	}
}
