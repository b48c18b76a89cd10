package render

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

type upper string

func (u upper) MarshalText() ([]byte, error) { return []byte("text " + u), nil }

type pointed struct{ N int }

func (p *pointed) MarshalJSON() ([]byte, error) { return []byte(`{"pointed":[1,2]}`), nil }

type embedded struct{ A, B int }

type Embedded struct{ A, B int }

// TestPlanJSON: also what results do not hold is written as encoding/json does,
// and as deep.
func TestPlanJSON(t *testing.T) {
	one := 1
	for _, v := range []any{
		struct{}{},
		struct {
			A int `json:"a,omitempty"`
		}{},
		struct {
			hidden int
			A      int `json:"-"`
			B      int `json:",omitempty"`
			C      int
		}{hidden: 1, A: 1, C: 2},
		struct {
			A [0]int         `json:"a,omitempty"`
			B [2]int         `json:"b,omitempty"`
			C *int           `json:"c,omitempty"`
			D map[string]int `json:"d,omitempty"`
			E struct{}       `json:"e,omitempty"`
			F []int          `json:"f,omitempty"`
			G bool           `json:"g,omitempty"`
			H string         `json:"h,omitempty"`
			I float64        `json:"i,omitempty"`
			J any            `json:"j,omitempty"`
		}{D: map[string]int{}, F: []int{}},
		struct {
			A time.Time `json:"a,omitzero"`
		}{},
		struct {
			A int `json:"a,string"`
		}{3},
		struct {
			A int `json:"ö"`
		}{3},
		tagged(`json:"-,"`), tagged(`json:"a'b"`), tagged(`json:"a\"b"`),
		struct {
			embedded
			A string `json:"b"`
		}{embedded{1, 2}, "x"},
		struct {
			Embedded `json:"e"`
			A        string `json:"b"`
		}{Embedded{1, 2}, "x"},
		struct {
			A upper            `json:"a"`
			B pointed          `json:"b"`
			C *pointed         `json:"c"`
			D json.RawMessage  `json:"d"`
			E []byte           `json:"e"`
			F [2]byte          `json:"f"`
			G uint16           `json:"g"`
			H float32          `json:"h"`
			I any              `json:"i"`
			J map[string][]int `json:"j"`
			K **int            `json:"k"`
			L [][]string       `json:"l"`
			M []upper          `json:"m"`
			N []*embedded      `json:"n"`
			O int8             `json:"o"`
			P json.Number      `json:"p"`
		}{"a", pointed{1}, &pointed{2}, json.RawMessage(`{"x":[]}`), []byte("abc"), [2]byte{1, 2}, 7, 0.1, []any{1.0, "x"},
			map[string][]int{"b": {1}, "a": nil}, new(&one), [][]string{nil, {}, {"x", "y"}}, []upper{"b", ""}, []*embedded{nil, {1, 2}}, -8, "1.50"},
	} {
		list := reflect.MakeSlice(reflect.SliceOf(reflect.TypeOf(v)), 2, 2)
		for i := range list.Len() {
			list.Index(i).Set(reflect.ValueOf(v))
		}
		got, err := planJSON(list.Type())(nil, list, 0)
		want, wantErr := plainJSON(list.Interface())
		checkSame(t, append(got, '\n'), want, err, wantErr)
		got, err = planJSON(list.Type())(nil, list, inPage)
		want, wantErr = json.Marshal(list.Interface())
		checkSame(t, got, want, err, wantErr)
	}
}

// TestPlanJSONOfPage: strings and numbers of all kinds, as a page has them.
func TestPlanJSONOfPage(t *testing.T) {
	for seed := range uint64(20) {
		v := reflect.ValueOf(random(seed, 3))
		got, err := planJSON(v.Type())(nil, v, inPage)
		want, wantErr := json.Marshal(v.Interface())
		checkSame(t, got, want, err, wantErr)
	}
}

// tagged returns a struct whose field has a tag that one would not write.
func tagged(tag reflect.StructTag) any {
	return reflect.New(reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[int](), Tag: tag}})).Elem().Interface()
}

// TestPlanJSONFloats: numbers of all sizes.
func TestPlanJSONFloats(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	list := oddFloats()
	for exponent := -330.0; exponent < 310; exponent += 0.25 {
		x := math.Pow(10, exponent)
		list = append(list, x, -x, x*rng.Float64(), float64(int64(x)))
	}
	got, err := planJSON(reflect.TypeOf(list))(nil, reflect.ValueOf(list), 0)
	want, wantErr := plainJSON(list)
	checkSame(t, append(got, '\n'), want, err, wantErr)
}
