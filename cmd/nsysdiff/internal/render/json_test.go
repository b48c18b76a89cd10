package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/nsysdiff/nsysdiff/align"
)

// plainJSON is what JSON must write, made the plain way: all of it by
// encoding/json, indented and then escaped.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	return escapeJSON(b.Bytes()), nil
}

// escapeJSON replaces, in JSON text, the characters that do not print by \u
// escapes.
func escapeJSON(text []byte) []byte {
	var out []byte
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == '\n' || strconv.IsPrint(r):
			out = append(out, text[i:i+n]...)
		case r > 0xffff:
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

// sameJSON holds JSON to what encoding/json writes, and to its error.
func sameJSON(t *testing.T, r *align.Result) {
	t.Helper()
	var got bytes.Buffer
	err := JSON(&got, r, Options{})
	want, wantErr := plainJSON(r)
	checkSame(t, got.Bytes(), want, err, wantErr)
}

func checkSame(t *testing.T, got, want []byte, err, wantErr error) {
	t.Helper()
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Fatalf("error %v, want %v", err, wantErr)
	}
	if err == nil && !bytes.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		from := max(at-80, 0)
		t.Fatalf("differs at byte %d: got\n%s\nwant\n%s", at, got[from:min(at+80, len(got))], want[from:min(at+80, len(want))])
	}
}

func TestJSONOfStored(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatal("no stored results")
	}
	paths = append(paths, "testdata/compare.json", "testdata/regression.json", "testdata/report.json")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r := new(align.Result)
		if json.Unmarshal(data, r) != nil || r.Schema != align.Schema {
			continue
		}
		t.Run(path, func(t *testing.T) { sameJSON(t, r) })
	}
}

// oddStrings are what encoding/json or a terminal treats in its own way.
func oddStrings() []string {
	return []string{
		"", "plain", `quo"te\`, `\u0041\`, `"sites": []`, "\n  \"sites\": []", "{[,:]}", "\x00\x01\b\f\n\r\t\x1f", "\x7f\u0080\u009b",
		"<script>&'</script>", "\u2028\u2029", "\u202e\u200b\ufeff\u00ad\u00a0", "bad\xff\xc3", "\xed\xa0\x80", "\ufffd", "名前 é ×…", "🙂\U000e0001\U0010ffff",
	}
}

func oddFloats() []float64 {
	return []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1e-6, 9.9e-7, 1e20, 1e21, 123456789.125, math.Pi,
		9.99e-10, 1e-9, -1.5e-9, 9.5e-7, 1<<53 - 1, 1<<53 + 2, -1 << 60, 999999999999999999999, -1e-6, math.MaxFloat64, math.SmallestNonzeroFloat64, math.MaxInt64, 1 << 53, 1e-300}
}

// fill sets a value and all that belongs to it at random. Lists have most
// elements at most, and are absent or empty as well.
func fill(v reflect.Value, rng *rand.Rand, most int) {
	switch v.Kind() {
	case reflect.Pointer:
		if rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), rng, most)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), rng, most)
		}
	case reflect.Slice:
		if rng.IntN(4) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), rng.IntN(most+1), most))
		}
		for i := range v.Len() {
			fill(v.Index(i), rng, most)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), rng, most)
		}
	case reflect.String:
		v.SetString(oddStrings()[rng.IntN(len(oddStrings()))])
	case reflect.Float64:
		v.SetFloat(oddFloats()[rng.IntN(len(oddFloats()))])
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(int32(rng.Uint64())) >> rng.IntN(32))
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	default:
		panic("a result holds a " + v.Kind().String())
	}
}

func random(seed uint64, sites int) *align.Result {
	rng := rand.New(rand.NewPCG(seed, 0))
	r := new(align.Result)
	fill(reflect.ValueOf(r).Elem(), rng, 3)
	if sites > 0 {
		r.Sites = make([]align.Site, sites)
		for i := range r.Sites {
			fill(reflect.ValueOf(&r.Sites[i]).Elem(), rng, 2)
		}
	}
	return r
}

func TestJSONOfRandom(t *testing.T) {
	for seed := range uint64(200) {
		sameJSON(t, random(seed, 0))
	}
	for _, n := range []int{1, inOnePiece - 1, inOnePiece, inOnePiece + 1, 40 * inOnePiece} {
		sameJSON(t, random(uint64(n), n))
	}
}

func TestJSONOfOdd(t *testing.T) {
	for _, s := range oddStrings() {
		r := load(t, "compare")
		r.Mock.Path, r.Sites[1].MockName, r.Sites[2].NVTX, r.Causes[0].Message = s, s, []string{s, s}, s
		sameJSON(t, r)
	}
	for _, x := range append(oddFloats(), math.NaN(), math.Inf(1), math.Inf(-1)) {
		r := load(t, "compare")
		r.Sites[1].MockShare = x
		sameJSON(t, r)
		r = load(t, "compare")
		r.Limits.MaxRatio = x
		sameJSON(t, r)
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range oddStrings() {
		f.Add(s, 1.5)
	}
	f.Fuzz(func(t *testing.T, s string, x float64) {
		sameJSON(t, &align.Result{
			Verdict: align.Verdict(s), Mock: &align.Side{Path: s}, Causes: []align.Cause{{Message: s, Sites: []int{}}},
			Sites: []align.Site{{MockName: s, NVTX: []string{s, ""}, Ratio: &x}},
		})
	})
}

// TestJSONOfPairs: each result's sites stand in it, also beside results that
// have none.
func TestJSONOfPairs(t *testing.T) {
	empty, none := load(t, "report"), load(t, "report")
	empty.Sites, none.Sites = []align.Site{}, nil
	pairs := []Pair{
		{Name: "trouble", Status: 2, Trouble: []Trouble{{"message", "hint"}}},
		{Name: "none", Result: none}, {Name: "empty", Result: empty}, {Name: "compare", Status: 1, Result: load(t, "compare")},
		{Name: "empty", Result: empty}, {Name: "large", Result: random(1, 3*inOnePiece)}, {Name: "\"sites\": []", Result: random(2, 1)},
	}
	var got bytes.Buffer
	err := Pairs(&got, Format{Name: "json"}, pairs, Options{})
	want, wantErr := plainJSON(struct {
		Schema string `json:"schema"`
		Status int    `json:"status"`
		Pairs  []Pair `json:"pairs"`
	}{PairsSchema, 2, pairs})
	checkSame(t, got.Bytes(), want, err, wantErr)
	if len(pairs[3].Result.Sites) == 0 {
		t.Error("the sites were taken from the caller's result")
	}
}

// TestJSONWriteError: the first error of the writer is returned, and nothing is
// written after it.
func TestJSONWriteError(t *testing.T) {
	r := random(3, 20*inOnePiece)
	var whole bytes.Buffer
	if err := JSON(&whole, r, Options{}); err != nil {
		t.Fatal(err)
	}
	for room := 0; room < whole.Len(); room += whole.Len()/50 + 1 {
		w := &fullWriter{room: room}
		if err := JSON(w, r, Options{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("room for %d bytes: error %v", room, err)
		}
		if w.after > 0 {
			t.Errorf("room for %d bytes: %d writes after the error", room, w.after)
		}
	}
}

// A fullWriter has room for some bytes.
type fullWriter struct {
	room, after int
	full        bool
}

func (w *fullWriter) Write(b []byte) (int, error) {
	if w.full {
		w.after++
	}
	if len(b) > w.room {
		w.full = true
		return 0, io.ErrShortWrite
	}
	w.room -= len(b)
	return len(b), nil
}
