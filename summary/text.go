package summary

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// A text is a string that need not be UTF-8, which JSON's strings are: any
// other stands as {"base64":"…"}.
type text string

type bytesText struct {
	Bytes []byte `json:"base64"`
}

func (t text) MarshalJSON() ([]byte, error) {
	if !utf8.ValidString(string(t)) {
		return json.Marshal(bytesText{[]byte(t)})
	}
	return plainJSON(string(t))
}

func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var raw bytesText
		err := json.Unmarshal(b, &raw)
		*t = text(raw.Bytes)
		return err
	}
	var s string
	err := json.Unmarshal(b, &s)
	*t = text(s)
	return err
}

// plainJSON returns v as JSON with "<" as it is: templates are full of it.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func texts(list []string) []text {
	out := make([]text, len(list))
	for i, s := range list {
		out[i] = text(s)
	}
	return out
}

// stringsOf returns nil for none.
func stringsOf(list []text) []string {
	var out []string
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}
