package render

import (
	"cmp"
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// A jsonAppender appends values of one type, indented as if they stood at depth,
// as a [jsonEncoder] does, or for a page if depth is that of inPage.
type jsonAppender func(b []byte, v reflect.Value, depth int) ([]byte, error)

// inPage is the depth of what stands in HTML: as [json.Marshal] writes it, without
// white space and with the characters escaped that HTML gives a meaning.
const inPage = math.MinInt32

// planJSON returns what appends values of a type. It looks at the type once, and
// writes itself what is nearly all of a large result: structs and lists of plain
// strings and numbers. The rest it leaves to encoding/json, which takes two passes
// and looks at each value for what its type may do. A type must not hold itself.
func planJSON(t reflect.Type) jsonAppender {
	for _, own := range []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()} {
		if t.Implements(own) || reflect.PointerTo(t).Implements(own) {
			return appendAny
		}
	}
	switch t.Kind() {
	case reflect.String:
		if t == reflect.TypeFor[json.Number]() {
			return appendAny
		}
		return appendString
	case reflect.Float64:
		return appendFloat
	case reflect.Int, reflect.Int32, reflect.Int64:
		return func(b []byte, v reflect.Value, _ int) ([]byte, error) { return strconv.AppendInt(b, v.Int(), 10), nil }
	case reflect.Bool:
		return func(b []byte, v reflect.Value, _ int) ([]byte, error) { return strconv.AppendBool(b, v.Bool()), nil }
	case reflect.Pointer:
		elem := planJSON(t.Elem())
		return func(b []byte, v reflect.Value, depth int) ([]byte, error) {
			if v.IsNil() {
				return append(b, "null"...), nil
			}
			return elem(b, v.Elem(), depth)
		}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return appendAny // base64
		}
		return planList(t)
	case reflect.Struct:
		return planStruct(t)
	}
	return appendAny
}

func planList(t reflect.Type) jsonAppender {
	elem := planJSON(t.Elem())
	return func(b []byte, v reflect.Value, depth int) ([]byte, error) {
		if v.Kind() == reflect.Slice && v.IsNil() {
			return append(b, "null"...), nil
		}
		n := v.Len()
		if n == 0 {
			return append(b, "[]"...), nil
		}
		b = append(b, '[')
		var err error
		for i := range n {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = elem(appendLine(b, depth+1), v.Index(i), depth+1); err != nil {
				return nil, err
			}
		}
		return append(appendLine(b, depth), ']'), nil
	}
}

type jsonField struct {
	index     int
	key       string // with its quotes, colon and space
	omitEmpty bool
	append    jsonAppender
}

func planStruct(t reflect.Type) jsonAppender {
	var fields []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		name = cmp.Or(name, f.Name)
		switch {
		case tag == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous || !isKey(name) || options != "" && options != "omitempty":
			return appendAny
		}
		fields = append(fields, jsonField{i, `"` + name + `": `, options != "", planJSON(f.Type)})
	}
	return func(b []byte, v reflect.Value, depth int) ([]byte, error) {
		from := len(b)
		var err error
		for i := range fields {
			f := &fields[i]
			x := v.Field(f.index)
			if f.omitEmpty && isEmpty(x) {
				continue
			}
			if len(b) == from {
				b = append(b, '{')
			} else {
				b = append(b, ',')
			}
			key := f.key
			if depth < 0 {
				key = strings.TrimSuffix(key, " ")
			}
			if b, err = f.append(append(appendLine(b, depth+1), key...), x, depth+1); err != nil {
				return nil, err
			}
		}
		if len(b) == from {
			return append(b, "{}"...), nil
		}
		return append(appendLine(b, depth), '}'), nil
	}
}

// isKey reports whether encoding/json takes a name from a tag as it is, of the
// names that one would choose.
func isKey(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_')
	})
}

// isEmpty reports whether omitempty leaves a value out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// appendAny leaves a value to encoding/json.
func appendAny(b []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.CanAddr() {
		v = v.Addr() // it may have methods that the value has not
	}
	if depth < 0 {
		text, err := json.Marshal(v.Interface())
		return append(b, text...), err
	}
	e := newJSONEncoder(b, depth)
	if err := e.append(v.Interface()); err != nil {
		return nil, err
	}
	return e.b, nil
}

func appendString(b []byte, v reflect.Value, depth int) ([]byte, error) {
	s := v.String()
	if !isPlain(s) || depth < 0 && strings.ContainsAny(s, "<>&") {
		return appendAny(b, v, depth)
	}
	return append(append(append(b, '"'), s...), '"'), nil
}

// isPlain reports whether JSON has a string as it is.
func isPlain(s string) bool { return isClean(s) && !strings.ContainsAny(s, "\"\\") }

// appendFloat writes a number as encoding/json does, as ECMAScript does.
func appendFloat(b []byte, v reflect.Value, depth int) ([]byte, error) {
	x := v.Float()
	if n, ok := whole(x); ok {
		return strconv.AppendInt(b, n, 10), nil
	}
	switch size := math.Abs(x); {
	case size >= 1e-6 && size < 1e21:
		return strconv.AppendFloat(b, x, 'f', -1, 64), nil
	case size >= 1e-9 && size < 1e-6: // as shares are
		b = strconv.AppendFloat(b, x, 'e', -1, 64)
		digit := b[len(b)-1]
		return append(b[:len(b)-2], digit), nil // without the 0 of e-07
	}
	return appendAny(b, v, depth)
}
