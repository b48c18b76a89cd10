package ranktest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/internal/ranktest"
)

const mock = "../../testdata/llama_tp_mock_tp4.sqlite"

// knownWrong lists the tests that the program is known to fail, by full name,
// and why. Such a test fails when it begins to pass, so that it is taken off
// here.
var knownWrong = map[string]string{}

// A job is a run of the command on a mock and the reports of ranks.
type job struct {
	*align.Result
	status int
	stderr string
}

// findings returns the findings of a code.
func (j *job) findings(code string) []align.Finding {
	return slices.DeleteFunc(slices.Clone(j.Findings), func(f align.Finding) bool { return f.Code != code })
}

// TestJob compares a mock with the ranks of made-up jobs, through the command
// as a user runs it.
func TestJob(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and runs it as other processes")
	}
	program := build(t)
	type check struct {
		name string
		f    func(*job) error
	}
	aligned := check{"aligned", func(j *job) error {
		if j.status != 0 || j.Verdict != align.Aligned {
			return fmt.Errorf("exit status %d, verdict %s, findings %+v", j.status, j.Verdict, j.Findings)
		}
		for _, s := range j.Sites {
			if s.Verdict != align.Match {
				return fmt.Errorf("site %d %s is %s: %s", s.Index, s.E2EName, s.Verdict, s.Reason)
			}
		}
		if len(j.Sites) != 8 {
			return fmt.Errorf("%d sites, the mock runs 8 launches", len(j.Sites))
		}
		return nil
	}}
	tracks := func(n, occurrences int) check {
		return check{"tracks", func(j *job) error {
			if len(j.E2E.Tracks) != n {
				return fmt.Errorf("%d tracks of %d ranks", len(j.E2E.Tracks), n)
			}
			for _, tr := range j.E2E.Tracks {
				if tr.Steps != 8 || tr.Occurrences != occurrences {
					return fmt.Errorf("%s: %d steps with %d occurrences, want 8 with %d", tr.Report, tr.Steps, tr.Occurrences, occurrences)
				}
			}
			return nil
		}}
	}
	alike := check{"alike", func(j *job) error {
		if f := j.findings(align.CodeStraggler); len(f) > 0 {
			return fmt.Errorf("a straggler among alike ranks: %+v", f)
		}
		return nil
	}}

	for _, test := range []struct {
		name   string
		write  func(*testing.T, string) []string
		args   []string
		checks []check
	}{
		{"alike", func(t *testing.T, dir string) []string {
			return writeJob(t, dir, ranktest.Job(8, 4))
		}, nil, []check{aligned, tracks(8, 4), alike}},

		{"straggler", func(t *testing.T, dir string) []string {
			ranks := ranktest.Job(8, 4)
			ranks[3].Slow = 1.3
			return writeJob(t, dir, ranks)
		}, nil, []check{aligned, tracks(8, 4),
			{"one", func(j *job) error {
				f := j.findings(align.CodeStraggler)
				if len(f) != 1 || f[0].Severity != align.SeverityWarning {
					return fmt.Errorf("stragglers: %+v, want a warning of rank 3", f)
				}
				return nil
			}},
			{"named", func(j *job) error {
				// The recording's process is 1403.
				for _, word := range []string{"rank3.sqlite", "node0", "1703", "device 3"} {
					if f := j.findings(align.CodeStraggler); len(f) != 1 || !strings.Contains(f[0].Message, word) {
						return fmt.Errorf("no %s in %+v", word, f)
					}
				}
				return nil
			}},
			{"spread", func(j *job) error {
				for _, s := range j.Sites {
					r := s.Ranks
					if r == nil || r.N != 8 || r.MaxNS < 1.25*r.MedianNS || r.MaxNS > 1.35*r.MedianNS || r.MinNS > r.MedianNS ||
						!strings.Contains(r.Slowest, "rank3.sqlite") {
						return fmt.Errorf("site %d: %+v, want a slowest rank 3 at 1.3 of the median", s.Index, r)
					}
				}
				return nil
			}},
		}},

		{"stages", func(t *testing.T, dir string) []string {
			ranks := ranktest.Job(4, 2)
			for i := range ranks {
				ranks[i].FirstLayer, ranks[i].EndLayer = i/2*2, i/2*2+2
			}
			return writeJob(t, dir, ranks)
		}, nil, []check{aligned, tracks(4, 2), alike,
			{"launches", func(j *job) error {
				// Of the 64 launches of a step a layer has 15, what comes
				// before them 1 and after them 3.
				for i, want := range []int{31, 31, 33, 33} {
					if got := j.E2E.Tracks[i].LaunchesPerStep; got != want {
						return fmt.Errorf("rank %d: %d launches a step, want %d", i, got, want)
					}
				}
				return nil
			}},
			{"groups", func(j *job) error {
				f := j.findings("rank-groups")
				if len(f) != 1 || f[0].Severity != align.SeverityInfo || !strings.Contains(f[0].Message, "2 groups") {
					return fmt.Errorf("%+v, want a finding that there are 2 groups of ranks", f)
				}
				return nil
			}},
		}},

		{"disaggregated", func(t *testing.T, dir string) []string {
			ranks := ranktest.Job(4, 2)
			paths := writeJob(t, dir, ranks[:2])
			for i, r := range ranks[2:] {
				path := filepath.Join(dir, fmt.Sprintf("other%d.sqlite", i))
				if err := ranktest.Write(t.Context(), "../../testdata/compiled_e2e_whole.sqlite", path, r); err != nil {
					t.Fatal(err)
				}
				paths = append(paths, path)
			}
			return paths
		}, nil, []check{aligned,
			{"said", func(j *job) error {
				f := j.findings("rank-groups")
				if len(f) != 1 || f[0].Severity != align.SeverityInfo || !strings.Contains(f[0].Message, "other0.sqlite") {
					return fmt.Errorf("%+v, want a finding that the mock does not run on other0.sqlite and other1.sqlite", f)
				}
				return nil
			}},
		}},

		{"truncated", func(t *testing.T, dir string) []string {
			return writeJob(t, dir, truncated())
		}, nil, []check{aligned, tracks(3, 4),
			{"warning", func(j *job) error {
				if !slices.ContainsFunc(j.Findings, func(f align.Finding) bool {
					return f.Code == align.CodeCapture && strings.Contains(f.Message, "rank2.sqlite: is cut off")
				}) {
					return fmt.Errorf("findings %+v do not name rank2.sqlite", j.Findings)
				}
				return nil
			}},
			{"stderr", func(j *job) error {
				if !strings.Contains(j.stderr, "rank2.sqlite: is cut off") {
					return fmt.Errorf("stderr does not name rank2.sqlite:\n%s", j.stderr)
				}
				return nil
			}},
		}},

		{"strict", func(t *testing.T, dir string) []string {
			return writeJob(t, dir, truncated())
		}, []string{"--strict"}, []check{
			{"trouble", func(j *job) error {
				if j.status != 2 || j.Verdict != "" || !strings.Contains(j.stderr, "rank2.sqlite: is cut off") {
					return fmt.Errorf("exit status %d, verdict %q, stderr:\n%s", j.status, j.Verdict, j.stderr)
				}
				return nil
			}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			j := compare(t, program, append(test.args, append([]string{mock}, test.write(t, t.TempDir())...)...))
			for _, c := range test.checks {
				t.Run(c.name, func(t *testing.T) {
					err := c.f(j)
					reason, known := knownWrong[t.Name()]
					switch {
					case known && err == nil:
						t.Errorf("this passes now: take it off knownWrong, where it says: %s", reason)
					case known:
						t.Logf("known to be wrong: %s: %v", reason, err)
					case err != nil:
						t.Error(err)
					}
				})
			}
		})
	}
}

func truncated() []ranktest.Rank {
	ranks := ranktest.Job(4, 2)
	ranks[2].Keep = 0.6
	return ranks
}

func writeJob(t *testing.T, dir string, ranks []ranktest.Rank) []string {
	t.Helper()
	paths, err := ranktest.WriteJob(t.Context(), recording, dir, ranks)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// compare runs the program, whose result is empty if it has trouble.
func compare(t *testing.T, program string, args []string) *job {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, append([]string{"--format", "json"}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	j := &job{Result: &align.Result{}, status: cmd.ProcessState.ExitCode(), stderr: stderr.String()}
	if j.status != 2 {
		if err := json.Unmarshal(stdout.Bytes(), j.Result); err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
	}
	return j
}

// build builds the program and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nsysdiff")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/nsysdiff").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}
