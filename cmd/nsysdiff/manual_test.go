package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestManual runs every example of the manual, in the folder of the recorded
// reports, and holds what it prints to what the manual shows. With -update the
// manual shows what it prints.
func TestManual(t *testing.T) {
	data, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	path, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	inReports(t)
	const prompt = "//\t$ nsysdiff "
	lines := strings.Split(string(data), "\n")
	var fresh []string
	examples := 0
	for i := 0; i < len(lines); i++ {
		fresh = append(fresh, lines[i])
		command, ok := strings.CutPrefix(lines[i], prompt)
		if !ok {
			continue
		}
		examples++
		// The output goes on to the next example or the next text.
		var shown []string
		for i+1 < len(lines) && !strings.HasPrefix(lines[i+1], prompt) &&
			(strings.HasPrefix(lines[i+1], "//\t") || lines[i+1] == "//" && strings.HasPrefix(lines[i+2], "//\t")) {
			i++
			shown = append(shown, lines[i])
		}
		_, stdout, stderr := invoke(strings.Fields(command)...)
		var printed []string
		for line := range strings.Lines(stdout + stderr) {
			line = strings.TrimRight(line, "\r\n")
			if line == "" {
				printed = append(printed, "//")
			} else {
				printed = append(printed, "//\t"+line)
			}
		}
		fresh = append(fresh, printed...)
		if d := cmp.Diff(printed, shown); d != "" && !*update {
			t.Errorf("%s (-printed +manual):\n%s", command, d)
		}
	}
	if examples < 5 {
		t.Errorf("only %d examples found", examples)
	}
	if *update {
		if err := os.WriteFile(path+"/doc.go", []byte(strings.Join(fresh, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
