package align

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShortName bounds a short name, in characters.
const maxShortName = 60

// ShortName returns what a person calls a kernel, for tables: printable, at
// most 60 characters, the middle left out of longer ones. Namespaces and
// template arguments are dropped where they do not say what runs:
//
//	void tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, (int)7168>(…)      generalRmsNorm
//	void at::native::vectorized_elementwise_kernel<(int)8, …silu_kernel…>(…)     elementwise<silu>
//	void at::native::reduce_kernel<(int)512, (int)1, …MeanOps<float, …>…>(…)     reduce<mean>
//	void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>(…)         cutlass_80_simt_sgemm_128x32_8x5_nn_align1
//	nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT                               the same
//	sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize64x64x64_…                  its family, which is shorter
//
// Two kernels may share a short name. It is "" only for "".
func ShortName(name string) string {
	var p parser
	return p.short(name)
}

// ShortNames returns the short name of each kernel; see [ShortName]. It takes
// less than to ask for one at a time.
func ShortNames(names []string) []string {
	short := make([]string, len(names))
	eachName(len(names), func(p *parser, i int) { short[i] = p.short(names[i]) })
	return short
}

func (s *parser) short(name string) string {
	short := name
	if k, ok := s.kernel(name); ok {
		short = s.shortKernel(k)
	} else if head, _, ok := strings.Cut(name, "("); ok && head != "" {
		short = head
	}
	short = strings.TrimSpace(printable(short))
	if short == "" {
		short = printable(name)
	}
	if utf8.RuneCountInString(short) > maxShortName {
		// Without its tile and schedule the name may fit.
		if f := printable(s.family(name)); !strings.ContainsAny(f, "<(") && utf8.RuneCountInString(f) <= maxShortName {
			short = f
		}
	}
	return cutMiddle(short, maxShortName)
}

// shortKernel names a kernel that s has taken apart.
func (s *parser) shortKernel(k kernel) string {
	id := k.id()
	switch {
	case strings.HasPrefix(k.path, "at::native::") && k.tmpl:
		switch f := atenFamily(k); {
		case strings.HasPrefix(f, "at::native::elementwise_kernel<"):
			return s.shortFunctor("elementwise", f)
		case strings.HasPrefix(f, "at::native::reduce_kernel<"):
			return s.shortFunctor("reduce", f)
		}
	case strings.HasPrefix(k.path, "cutlass::") && len(k.args) > 0:
		// The type that is run says more than device_kernel and Kernel2.
		p := k.args[0]
		for t := p.template(); len(t) == 1 && strings.HasPrefix(p.head(), "enable_"); t = p.template() {
			p = t[0]
		}
		if h := p.head(); h != "" {
			return h
		}
	case id == "kernel" || id == "Kernel" || id == "run":
		// gemvx::kernel
		if parent := strings.TrimSuffix(k.path, "::"+id); parent != k.path {
			return lastComponent(parent) + "::" + id
		}
	}
	return lastComponent(id)
}

// shortFunctor names what an element-wise kernel or a reduction computes, from
// its family.
func (s *parser) shortFunctor(what, family string) string {
	k, ok := s.kernel(family)
	if !ok || len(k.args) == 0 {
		return what
	}
	p := k.args[0]
	if t := p.template(); p.head() == "ReduceOp" && len(t) > 1 {
		p = t[1]
	}
	// The operation is inside what adapts it: BinaryFunctor<…, MulFunctor<float>>,
	// func_wrapper_t<float, sum_functor<…>…>.
	for {
		h, t := p.head(), p.template()
		if len(t) == 0 || h != "BinaryFunctor" && h != "AUnaryFunctor" && h != "BUnaryFunctor" && h != "func_wrapper_t" {
			break
		}
		p = t[len(t)-1]
	}
	if len(p) == 0 {
		return what
	}
	// The function that a lambda is in: at::native::silu_kernel::{lambda()#1}…
	f := lastComponent(strings.TrimSuffix(p[0].text, "::"))
	for _, end := range [...]string{"_impl", "_cuda", "_kernel", "Functor", "_functor", "Ops"} {
		f = strings.TrimSuffix(f, end)
	}
	f = strings.TrimPrefix(strings.TrimPrefix(f, "CUDAFunctorOnSelf_"), "CUDAFunctor_")
	if f == "" {
		return what
	}
	return what + "<" + strings.ToLower(f) + ">"
}

// printable replaces what a terminal must not see.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == unicode.ReplacementChar, unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return unicode.ReplacementChar
	}, s)
}

// cutMiddle leaves out the middle of what is longer than n characters: both
// ends of a kernel's name tell it from others.
func cutMiddle(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	tail := n / 3
	return string(r[:n-1-tail]) + "…" + string(r[len(r)-tail:])
}
