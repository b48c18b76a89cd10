package summary_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/summary"
)

func TestFingerprint(t *testing.T) {
	dir := t.TempDir()
	fingerprint := func(size int64, at ...int64) string {
		t.Helper()
		path := filepath.Join(dir, "file")
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.Truncate(size); err != nil { // a hole takes no space
			t.Fatal(err)
		}
		for _, at := range at {
			if _, err := f.WriteAt([]byte{1}, at); err != nil {
				t.Fatal(err)
			}
		}
		got, err := summary.Fingerprint(path)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const large = 64<<20 + 1<<20
	seen := map[string]string{}
	for _, test := range []struct {
		reason string
		size   int64
		at     []int64
	}{
		{"an empty file", 0, nil},
		{"a small file", 1000, nil},
		{"its size", 1001, nil},
		{"any byte of it", 1000, []int64{517}},
		{"another", 1000, []int64{518}},
		{"a large file", large, nil},
		{"its size", large + 1, nil},
		{"its first page", large, []int64{24}},
		{"its last byte", large, []int64{large - 1}},
		{"in between", large, []int64{(large - 256<<10) * 100 / 255}},
	} {
		got := fingerprint(test.size, test.at...)
		if other, ok := seen[got]; ok {
			t.Errorf("%s: as %s", test.reason, other)
		}
		seen[got] = test.reason
		if again := fingerprint(test.size, test.at...); again != got {
			t.Errorf("%s: %s, then %s", test.reason, got, again)
		}
	}
	_, err := summary.Fingerprint(filepath.Join(dir, "none"))
	if e := (*summary.Error)(nil); !errors.As(err, &e) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestOrigin has a report under two paths and of two origins: it is one report,
// whose origin stays with it, in any order.
func TestOrigin(t *testing.T) {
	ctx := context.Background()
	var all []*summary.Summary
	for _, r := range []summary.Report{
		{Path: "a/rank0.sqlite", Origin: summary.Origin{Source: "1", Options: `--nvtx="layer 1"`}},
		{Path: "a/rank0.sqlite", Origin: summary.Origin{Source: "2"}},
		{Path: "b/rank0.sqlite"},
	} {
		tr := *recording(t, "llama_tp_mock")
		tr.Capture.Path = r.Path
		s, err := summary.OfOrigin(ctx, &tr, r.Origin, align.ReduceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.StartUTC = tr.Capture.Host, tr.Capture.StartUTC
		if d := cmp.Diff([]summary.Report{r}, s.Reports()); d != "" {
			t.Errorf("made (-want +got)\n%s", d)
		}
		all = append(all, s)
	}
	one, duplicates := summary.Merge(all...)
	if d := cmp.Diff([]string{"a/rank0.sqlite", "b/rank0.sqlite"}, duplicates); d != "" {
		t.Errorf("duplicates (-want +got)\n%s", d)
	}
	other, _ := summary.Merge(all[2], all[0])
	other, _ = summary.Merge(other, all[1])
	if d := cmp.Diff(file(t, one), file(t, other)); d != "" {
		t.Error("the order of merging matters")
	}
	path := filepath.Join(t.TempDir(), "one.json.gz")
	if err := os.WriteFile(path, file(t, one), 0o666); err != nil {
		t.Fatal(err)
	}
	read, err := summary.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(one.Reports(), read.Reports()); d != "" {
		t.Errorf("read (-written +read)\n%s", d)
	}
	if n := len(one.Reports()); n != 1 || one.Reports()[0].Source != "1" {
		t.Errorf("%d reports, %+v", n, one.Reports())
	}
	old, err := summary.ReadFile(filepath.Join("testdata", "v1.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range old.Reports() {
		if r.Origin != (summary.Origin{}) {
			t.Errorf("%s: an origin, %+v", r.Path, r.Origin)
		}
	}
}
