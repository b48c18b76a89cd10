package summary_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/summary"
)

// FuzzLine reads any line as that of a report. What is read without an error
// can be compared, scoped and written again.
func FuzzLine(f *testing.F) {
	for _, name := range []string{"llama_tp_mock", "dsa_mock_gen_graph"} {
		f.Add([]byte(lines(f, file(f, of(f, recording(f, name))))[1]))
	}
	f.Add([]byte(lines(f, file(f, of(f, repeated(3, 2))))[1]))
	f.Add([]byte(`{"digest":"","capture":{},"strings":[""],"ways":[{"by":"x"}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) > 64<<10 {
			t.Skip("long enough")
		}
		var b bytes.Buffer
		for _, l := range [][]byte{[]byte(`{"schema":"nsysdiff-summary/1","reports":1}` + "\n"), line} {
			w := gzip.NewWriter(&b)
			w.Write(l)
			w.Close()
		}
		readAny(t, b.Bytes())
	})
}

// FuzzFile reads any bytes as a file.
func FuzzFile(f *testing.F) {
	one := of(f, recording(f, "llama_tp_mock"))
	two, _ := summary.Merge(one, of(f, recording(f, "llama_mock_attn")))
	f.Add(file(f, one))
	f.Add(file(f, two))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) { readAny(t, data) })
}

func readAny(t *testing.T, data []byte) {
	ctx := context.Background()
	s, err := summary.Read(bytes.NewReader(data))
	if err != nil {
		checkError(t, err)
		return
	}
	if !summary.Is(data) {
		t.Error("it was read and is no summary")
	}
	tr, err := s.Trace(ctx)
	if err != nil {
		checkError(t, err)
		return
	}
	if err := s.Write(io.Discard); err != nil {
		t.Error(err)
	}
	if tr.Launches.Len() > 4096 {
		return // comparing takes too long for a fuzz test
	}
	if _, err := align.Report(ctx, tr, align.Options{MemOps: true}); err != nil {
		t.Fatal(err)
	}
	for _, o := range []align.Options{{}, {NoNVTX: true, SkipWarmup: 1}, {Regression: true}} {
		if _, err := align.Compare(ctx, tr, tr, o); err != nil {
			t.Error(err)
		}
	}
	if len(s.Reports()) == 1 {
		again, err := summary.Of(ctx, tr, align.ReduceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.Trace(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if d := diffTraces(tr, got); d != "" {
			t.Errorf("written and read again:\n%s", d)
		}
	}
}

func checkError(t *testing.T, err error) {
	if e := (*summary.Error)(nil); !errors.As(err, &e) || e.Problem == "" {
		t.Errorf("%v, which is no *summary.Error", err)
	}
}
