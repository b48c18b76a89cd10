// Package kubernetes_test runs what the pods of the example run, on reports of
// made-up ranks.
package kubernetes_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/internal/ranktest"
)

// A job is a Job of batch/v1, as far as the example uses it.
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
type job struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		CompletionMode       string `yaml:"completionMode"`
		Completions          int
		Parallelism          int
		BackoffLimit         int `yaml:"backoffLimit"`
		BackoffLimitPerIndex int `yaml:"backoffLimitPerIndex"`
		PodFailurePolicy     struct {
			Rules []struct {
				Action      string
				OnExitCodes *struct {
					ContainerName string `yaml:"containerName"`
					Operator      string
					Values        []int
				} `yaml:"onExitCodes"`
				OnPodConditions []struct{ Type string } `yaml:"onPodConditions"`
			}
		} `yaml:"podFailurePolicy"`
		Template struct {
			Spec struct {
				RestartPolicy  string      `yaml:"restartPolicy"`
				InitContainers []container `yaml:"initContainers"`
				Containers     []container
				Volumes        []struct {
					Name                  string
					PersistentVolumeClaim struct {
						ClaimName string `yaml:"claimName"`
						ReadOnly  bool   `yaml:"readOnly"`
					} `yaml:"persistentVolumeClaim"`
				}
			}
		}
	}
}

type container struct {
	Name         string
	Image        string
	Args         []string
	Resources    struct{ Requests, Limits map[string]string }
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		SubPath   string `yaml:"subPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

// load reads a Job; a field that job does not have is an error.
func load(t *testing.T, path string) job {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var j job
	if err := yaml.UnmarshalWithOptions(text, &j, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if j.APIVersion != "batch/v1" || j.Kind != "Job" {
		t.Fatalf("%s: %s %s", path, j.APIVersion, j.Kind)
	}
	return j
}

// args returns a container's arguments as Kubernetes gives them to the program,
// with folders in place of the volumes.
func (c container) args(index int, volumes map[string]string) []string {
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		// $(NAME) is a variable of the container's environment.
		a = strings.ReplaceAll(a, "$(JOB_COMPLETION_INDEX)", fmt.Sprint(index))
		for _, m := range c.VolumeMounts {
			a = strings.ReplaceAll(a, m.MountPath+"/", filepath.Join(volumes[m.Name], m.SubPath)+"/")
		}
		args[i] = a
	}
	return args
}

func TestExample(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program and runs it as other processes")
	}
	summarize, merge := load(t, "summarize.yaml"), load(t, "merge.yaml")
	ranks := summarize.Spec.Completions
	if summarize.Spec.CompletionMode != "Indexed" || ranks < 2 {
		t.Fatalf("%d completions in mode %q", ranks, summarize.Spec.CompletionMode)
	}

	volumes := map[string]string{"reports": t.TempDir(), "results": t.TempDir()}
	made := ranktest.Job(ranks, 4)
	made[3].Slow = 1.3
	paths, err := ranktest.WriteJob(t.Context(), "../../testdata/llama_tp_e2e_tp4.sqlite", volumes["reports"], made)
	if err != nil {
		t.Fatal(err)
	}
	mock, err := os.ReadFile("../../testdata/llama_tp_mock_tp4.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(volumes["reports"], "mock.sqlite"), mock, 0o444); err != nil {
		t.Fatal(err)
	}
	// The kubelet makes the folder of a subPath.
	if err := os.Mkdir(filepath.Join(volumes["results"], "summaries"), 0o777); err != nil {
		t.Fatal(err)
	}

	program := filepath.Join(t.TempDir(), "nsysdiff")
	build := exec.Command("go", "build", "-o", program, "../../cmd/nsysdiff")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(c container, index, want int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, c.args(index, volumes)...)
		cmd.Env = append(os.Environ(), fmt.Sprintf("JOB_COMPLETION_INDEX=%d", index))
		out, err := cmd.CombinedOutput()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Fatalf("%q: exit status %d, want %d\n%s", cmd.Args, got, want, out)
		}
	}

	pod := summarize.Spec.Template.Spec
	for i := range ranks {
		run(pod.Containers[0], i, 0)
	}
	// There is no such report: the code by which the index fails for good.
	run(pod.Containers[0], ranks, summarize.Spec.PodFailurePolicy.Rules[1].OnExitCodes.Values[0])

	pod = merge.Spec.Template.Spec
	for range 2 { // a pod that starts again finds what the first left
		run(pod.InitContainers[0], 0, 0)
		run(pod.Containers[0], 0, 0)
	}
	result := read(t, filepath.Join(volumes["results"], "result.json"))
	if !strings.Contains(result, "straggler") {
		t.Errorf("rank 3 is not found slower in\n%s", result)
	}

	// The same summary as of one process.
	one := filepath.Join(t.TempDir(), "one.json.gz")
	if out, err := exec.Command(program, append(append([]string{"summarize"}, paths...), "-o", one)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if read(t, one) != read(t, filepath.Join(volumes["results"], "merged.json.gz")) {
		t.Error("merged.json.gz is not what one process makes of all reports")
	}
}

// TestVolumes checks that the jobs agree on what they mount, and write to no report.
func TestVolumes(t *testing.T) {
	a, b := load(t, "summarize.yaml"), load(t, "merge.yaml")
	if d := cmp.Diff(a.Spec.Template.Spec.Volumes, b.Spec.Template.Spec.Volumes); d != "" {
		t.Errorf("volumes of summarize.yaml and merge.yaml (-summarize +merge)\n%s", d)
	}
	for _, j := range []job{a, b} {
		for _, c := range append(j.Spec.Template.Spec.Containers, j.Spec.Template.Spec.InitContainers...) {
			for _, m := range c.VolumeMounts {
				if m.Name == "reports" && !m.ReadOnly {
					t.Errorf("%s: container %s could write to the reports", j.Metadata.Name, c.Name)
				}
			}
		}
		if j.Spec.Template.Spec.RestartPolicy != "Never" {
			t.Errorf("%s: restart policy %q; a failure policy needs Never", j.Metadata.Name, j.Spec.Template.Spec.RestartPolicy)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
