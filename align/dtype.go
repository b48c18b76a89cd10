package align

import (
	"slices"
	"strings"
)

// Dtypes returns the data types that the name of a kernel mentions, sorted and
// each once, of "bf16", "fp16", "fp32", "fp64", "tf32", "fp8", "fp8_e4m3",
// "fp8_e5m2", "fp4", "int8" and "int32". A type that a template is told for
// its indices is none of them: int and long are not listed.
func Dtypes(name string) []string {
	var found []string
	replaceDtypes(Family(name), func(dtype string) { found = append(found, dtype) })
	slices.Sort(found)
	found = slices.Compact(found)
	if slices.Contains(found, "fp8_e4m3") || slices.Contains(found, "fp8_e5m2") {
		found = slices.DeleteFunc(found, func(d string) bool { return d == "fp8" })
	}
	return found
}

// FamilyIgnoringDtype returns the family of a kernel with its data types
// blanked, so that kernels that differ in nothing else can be paired:
// nvjet_tst_bz_TN and nvjet_hsh_bz_TN are both nvjet_?_bz_TN. It is not a
// family, and not to be passed to [Family].
func FamilyIgnoringDtype(name string) string {
	return ignoreDtype(Family(name))
}

func ignoreDtype(family string) string { return replaceDtypes(family, func(string) {}) }

// nvjetDtypes are the letters for data types in nvjet names. Observed (see
// familyRules): three letters are the type of A and B, the accumulator's, D's;
// five are A's, B's, C's, the accumulator's, D's:
//
//	bf16 x bf16 -> bf16, fp32      tst, tss
//	fp16 x fp16 -> fp16, fp32      hsh, hss
//	e4m3 x e4m3 -> bf16, fp32      qqtst, qqsss
//	e4m3 x e5m2 -> fp16, e5m2      qrhsh, qrtsr
//
// o is FP4: torch._scaled_mm on NVFP4 operands runs nvjet_sm103_ootst.
var nvjetDtypes = map[byte]string{
	't': "bf16", 'h': "fp16", 's': "fp32", 'q': "fp8_e4m3", 'r': "fp8_e5m2", 'o': "fp4",
}

// typeNames are the types of C++ and of the libraries, which may be qualified.
var typeNames = map[string]string{
	"__nv_bfloat16": "bf16", "nv_bfloat16": "bf16", "__nv_bfloat162": "bf16", "BFloat16": "bf16", "bfloat16_t": "bf16",
	"__half": "fp16", "half": "fp16", "__half2": "fp16", "Half": "fp16", "half_t": "fp16",
	"float": "fp32", "double": "fp64", "tfloat32_t": "tf32",
	"__nv_fp8_e4m3": "fp8_e4m3", "Float8_e4m3fn": "fp8_e4m3", "float_e4m3_t": "fp8_e4m3",
	"__nv_fp8_e5m2": "fp8_e5m2", "Float8_e5m2": "fp8_e5m2", "float_e5m2_t": "fp8_e5m2",
	"__nv_fp4_e2m1": "fp4", "float_e2m1_t": "fp4", "Float4_e2m1fn_x2": "fp4",
	"int8_t": "int8",
}

// typeWords are the words for types between underscores, lower case, longest
// first. Words may follow each other without a separator: bf16bf16, e2m1e2m1.
var typeWords = [...]struct{ word, dtype string }{
	{"bfloat16", "bf16"}, {"float16", "fp16"}, {"float32", "fp32"},
	{"mxe4m3", "fp8_e4m3"}, {"mxe2m1", "fp4"}, {"nvfp4", "fp4"}, {"mxfp4", "fp4"}, {"mxfp8", "fp8"},
	{"bf16", "bf16"}, {"fp16", "fp16"}, {"fp32", "fp32"}, {"fp64", "fp64"}, {"tf32", "tf32"},
	{"e4m3", "fp8_e4m3"}, {"e5m2", "fp8_e5m2"}, {"e2m1", "fp4"}, {"int8", "int8"},
	{"f16", "fp16"}, {"f32", "fp32"}, {"f64", "fp64"}, {"fp8", "fp8"}, {"fp4", "fp4"}, {"i32", "int32"},
	{"s8", "int8"}, {"i8", "int8"},
}

// camelTypes are types inside a longer word: QkvE4m3OBfloat16H128, fusedCatFp8Kernel.
var camelTypes = [...]struct{ word, dtype string }{
	{"Bfloat16", "bf16"}, {"Fp16", "fp16"}, {"Fp32", "fp32"}, {"E4m3", "fp8_e4m3"}, {"E5m2", "fp8_e5m2"},
	{"E2m1", "fp4"}, {"Fp8", "fp8"}, {"FP8", "fp8"}, {"Fp4", "fp4"}, {"FP4", "fp4"},
}

// replaceDtypes puts "?" for each data type in a family and calls found with it.
func replaceDtypes(family string, found func(dtype string)) string {
	if rest, ok := strings.CutPrefix(family, "nvjet_"); ok {
		return replaceNvjet(rest, found)
	}
	out := make([]byte, 0, len(family))
	for i := 0; i < len(family); {
		switch rest := family[i:]; {
		case strings.HasPrefix(rest, "{lambda()#"):
			// PyTorch numbers the cases of a switch over data types.
			out = append(out, "{lambda()"...)
			i += len("{lambda()#")
			i += len(word(family[i:]))
		case !isWord(rest[0]):
			out = append(out, rest[0])
			i++
		default:
			w := word(rest)
			i += len(w)
			if d, ok := typeNames[w]; ok {
				found(d)
				out = append(dropQualifier(out), '?')
				continue
			}
			for j, p := range strings.Split(w, "_") {
				if j > 0 {
					out = append(out, '_')
				}
				out = replaceWord(out, p, found)
			}
		}
	}
	return string(out)
}

// replaceNvjet also drops how FP8 is scaled and accumulated, which no other
// type has.
func replaceNvjet(rest string, found func(string)) string {
	letters, tail, _ := strings.Cut(rest, "_")
	for i := range len(letters) {
		if nvjetDtypes[letters[i]] == "" {
			return "nvjet_" + rest // letters that are not known say nothing
		}
	}
	if len(letters) != 3 && len(letters) != 5 {
		return "nvjet_" + rest
	}
	for i := range len(letters) {
		found(nvjetDtypes[letters[i]])
	}
	return "nvjet_?_" + dropParts(tail, func(p string) bool {
		return numbered(p, "algo") || p == "ovscale" || strings.HasPrefix(p, "Avec") || strings.HasPrefix(p, "Bvec")
	})
}

// replaceWord appends p with its types replaced.
func replaceWord(out []byte, p string, found func(string)) []byte {
	var types []string
	for rest := strings.ToLower(p); rest != ""; {
		d, n := prefixType(rest)
		if n == 0 {
			types = nil
			break
		}
		types, rest = append(types, d), rest[n:]
	}
	if types != nil {
		for _, d := range types {
			found(d)
			out = append(out, '?')
		}
		return out
	}
	for p != "" {
		n := 0
		for _, c := range camelTypes {
			if strings.HasPrefix(p, c.word) {
				found(c.dtype)
				out, n = append(out, '?'), len(c.word)
				break
			}
		}
		if n == 0 {
			out, n = append(out, p[0]), 1
		}
		p = p[n:]
	}
	return out
}

func prefixType(s string) (dtype string, n int) {
	for _, t := range typeWords {
		if strings.HasPrefix(s, t.word) {
			return t.dtype, len(t.word)
		}
	}
	return "", 0
}

// dropQualifier drops the c10:: or cutlass:: that out ends with.
func dropQualifier(out []byte) []byte {
	for len(out) >= 3 && string(out[len(out)-2:]) == "::" && isWord(out[len(out)-3]) {
		n := len(out) - 2
		for n > 0 && isWord(out[n-1]) {
			n--
		}
		out = out[:n]
	}
	return out
}
