package render

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "kernel<4>(int)", "\x1b[31m", "\u202e", "bad\xff", "名前", "\ufffd", "\U000e0001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := Clean(s)
		if !utf8.ValidString(c) {
			t.Errorf("Clean(%q) = %q is not UTF-8", s, c)
		}
		for _, r := range c {
			if !strconv.IsPrint(r) {
				t.Errorf("Clean(%q) holds %q", s, r)
			}
		}
		if again := Clean(c); again != c {
			t.Errorf("Clean is not idempotent: %q, then %q", c, again)
		}
		if s != "" && c == "" {
			t.Errorf("Clean(%q) is empty", s)
		}
		for _, n := range []int{1, 4, 17, 80} {
			if w := width(fitName(c, n)); w > n {
				t.Errorf("fitName(%q, %d) takes %d columns", c, n, w)
			}
		}
	})
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"", "=1", "\t=1", "a,b", `"`, "a\nb", "\ufeff=1", "＝1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.Write([]string{csvText(s), "x"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		records, err := csv.NewReader(&b).ReadAll()
		if err != nil || len(records) != 1 || len(records[0]) != 2 {
			t.Fatalf("csvText(%q) reads back as %q, %v", s, records, err)
		}
		if cell := records[0][0]; cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
			t.Errorf("csvText(%q) begins with %q", s, cell[0])
		}
	})
}
