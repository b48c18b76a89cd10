package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzAppendIndented holds it to json.Indent.
func FuzzAppendIndented(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `[[],{}]`, `{"a":{},"b":[]}`, `[1,-2.5e-7,true,false,null,""]`, `"\\\"]}"`, `"a\\"`, `-0`,
		strings.Repeat("[", 40) + `{"a":1,"b":[2]}` + strings.Repeat("]", 40),
	} {
		f.Add(s, 0)
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, depth int) {
		var compact, want bytes.Buffer
		if json.Compact(&compact, []byte(s)) != nil {
			t.Skip()
		}
		depth = min(max(depth, 0), 50)
		if err := json.Indent(&want, compact.Bytes(), strings.Repeat("  ", depth), "  "); err != nil {
			t.Fatal(err)
		}
		if got := appendIndented(nil, compact.Bytes(), depth); !bytes.Equal(got, escapeJSON(want.Bytes())) {
			t.Errorf("%s at depth %d: got\n%s\nwant\n%s", compact.Bytes(), depth, got, want.Bytes())
		}
	})
}
