package align

import (
	"slices"
	"strings"
)

// Family returns the name of a kernel without what tuning chooses but with
// what changes the maths, so that the same operation on the same data has one
// family whatever an autotuner or heuristic picked for it:
//
//   - dropped: tile, stages, cluster, warps, architecture, vector width,
//     alignment, rasterisation, schedule, split of K or of the KV cache,
//     generated indices and hashes, the template arguments that select those;
//   - kept: algorithm, functor, epilogue, data types, transposes, fixed shapes
//     such as the head dimension.
//
// What is not known to be chosen by tuning is kept: a family too many shows a
// kernel as one missing and one extra, a family too few hides a difference.
// The rules stand in one table, familyRules.
//
// C++ names are spelt in one way, neither Nsight Systems' nor c++filt's, so
// that mangled and demangled names of one function have one family. A name
// that no rule knows keeps its text otherwise.
//
// Family is total and idempotent, and returns "" only for "". The names of
// real kernels take it time linear in their length.
func Family(name string) string {
	var p parser
	return p.family(name)
}

func (s *parser) family(name string) string {
	// A rule can uncover what another one knows: each pass that changes the
	// name makes it shorter or is the last.
	f := s.familyOnce(name)
	for {
		g := s.familyOnce(f)
		if g == f || len(g) >= len(f) {
			return f
		}
		f = g
	}
}

func (s *parser) familyOnce(name string) string {
	k, ok := s.kernel(name)
	if !ok {
		k = kernel{path: name}
	}
	for _, r := range familyRules {
		if f := r.family(k); f != "" {
			return f
		}
	}
	return k.String()
}

// A familyRule knows one producer of kernel names.
type familyRule struct {
	name string
	// family returns the family of a kernel that the rule knows and "" for
	// any other.
	family func(k kernel) string
}

// familyRules is tried in order; the first that knows the kernel decides.
//
// "Observed" below means: cuBLASLt 13.1 on an H100 was given one problem, and
// all algorithms that its heuristic proposes (cublasLtMatmulAlgoGetHeuristic)
// were run, so that whatever differs between their names is tuning; then one
// property of the problem was changed.
var familyRules = [...]familyRule{
	// cuBLASLt's own code generator.
	//   nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_bias_TNT -> nvjet_tst_bz_bias_TN
	//   nvjet_sm90_tst_128x32_64x10_4x1_v_bz_splitK_TNT     -> nvjet_tst_bz_TN
	//   nvjet_sm103_qqtst_128x256_128x6_2x2f_2cta_h_bz_Avec32UE8M0_Bvec32UE8M0_TNT
	//                                                       -> nvjet_qqtst_bz_Avec32UE8M0_Bvec32UE8M0_TN
	{"nvjet", nvjetFamily},

	// CUTLASS 2 names as cuBLAS, cuDNN and the CUTLASS profiler have them, bare
	// or in the one kernel template that runs them
	// (github.com/NVIDIA/cutlass, media/docs/profiler.md).
	//   cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_128x128_32x4_tn_align8
	//   void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_256x64_32x4_tn_align8>(T1::Params)
	//                                      -> cutlass_tensorop_bf16_sgemm_relu_bf16_tn
	// and CUTLASS 3 names of the same kind:
	//   cutlass3x_sm90_tensorop_s64x128x16gemm_f16_f16_f32_f16_f16_128x128x64_2x1x1_0_tnn_align8_warpspecialized_pingpong_epi_tma
	//                                      -> cutlass3x_tensorop_sgemm_f16_f16_f32_f16_f16_tnn
	// and the older cuBLAS ones:
	//   ampere_fp16_s16816gemm_fp16_64x64_sliced1x2_ldg8_relu_f2f_stages_64x6_tn
	//                                      -> fp16_sgemm_fp16_relu_f2f_tn
	{"cutlass names", cutlassNameFamily},

	// XMMA, in cuBLAS and cuDNN. Observed: tile, stages, warps, instruction
	// shape, segment_k and split_k vary; types, transposes, aux_bf16_dgelu do not.
	//   sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize64x64x64_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas
	//                                      -> xmma_gemm_bf16bf16_bf16f32_f32_tn_n_cublas
	{"xmma", xmmaFamily},

	// CUTLASS 3 kernels written out as types, FlashAttention 3 among them
	// (void cutlass::device_kernel<cutlass::gemm::kernel::GemmUniversal<…>>).
	{"cutlass types", cutlassTypeFamily},

	// cuBLAS kernels whose numbers are sizes of blocks. Observed: the number
	// behind the flags of gemvx::kernel is 6, 7, 8 or 9 for one problem.
	//   void cublasLt::splitKreduce_kernel<(int)32, (int)16, int, float, __nv_bfloat16, …>
	//   std::enable_if<!(bool)0, void>::type internal::gemvx::kernel<int, int, float, …, (int)7, (bool)0, cublasGemvParamsEx<…>>
	//   void gemv2T_kernel_val<int, int, float, float, float, float, (int)128, (int)16, (int)4, (int)4, (bool)0, (bool)0, …>
	//   void dot_kernel<float, (int)128, (int)0, cublasDotParams<…>>
	{"cublas", func(k kernel) string {
		if !strings.HasPrefix(k.id(), "gemv") && !strings.Contains(k.path, "gemvx::") &&
			!slices.Contains([]string{"splitKreduce_kernel", "dot_kernel", "reduce_1Block_kernel"}, k.id()) {
			return ""
		}
		return k.dropNumbers()
	}},

	// DeepGEMM: shapes that are compiled in are kept, blocks are not.
	{"deep_gemm", deepGemmFamily},

	// FlashAttention 2, in PyTorch, vLLM and its own package.
	{"flash attention 2", flashFamily},

	// cuDNN's attention. The last number of the tile is the head dimension
	// (64x128x64, 64x128x128 and 64x128x256 are known with heads of 64, 128, 256).
	//   cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_7_64x128x128_4x1x1_cga1x1x1_kernel0_0
	//                                      -> cudnn_generated_fort_native_sdpa_flash_fprop_wgmma_f16_d128
	{"cudnn sdpa", cudnnFamily},

	// TensorRT-LLM's generated kernels for Blackwell
	// (github.com/NVIDIA/TensorRT-LLM and github.com/flashinfer-ai/flashinfer, trtllmGen_*_export).
	//   bmm_E4m3_E4m3E4m3_Fp32_t128x8x128u2_s8_et64x8_m64x8x32_cga1x1x1_16dp256b_rM_TN_transOut_dsFp8_schedS_bN_tma_tmaSf_rgTma_clmp_dynB_sm100f
	//                                      -> bmm_E4m3_E4m3E4m3_Fp32_TN_transOut_dsFp8_bN_clmp_dynB
	{"trtllm-gen gemm", trtllmGemmFamily},

	//   fmhaSm100fKernel_QkvE4m3OBfloat16HQk576HV512HVPerCta256PagedKvDenseP64VarSeqQ64Kv128Persistent2CtaKeepsAbForGen
	//                                      -> fmhaKernel_QkvE4m3OBfloat16HQk576HV512PagedKvDenseP64VarSeqForGen
	{"trtllm-gen fmha", trtllmFmhaFamily},

	// TensorRT-LLM's and xFormers' (PyTorch's) older attention kernels.
	//   fmha_v2_flash_attention_bf16_64_128_S_q_paged_kv_128_causal_sm90_kernel
	//                                      -> fmha_v2_flash_attention_bf16_64_128_S_q_paged_kv_128_causal_kernel
	//   fmha_cutlassF_bf16_aligned_64x128_rf_sm80(PyTorchMemEffAttention::AttentionKernel<…>::Params)
	//                                      -> fmha_cutlassF_bf16_aligned_rf
	{"fmha", func(k kernel) string {
		if k.tmpl || !strings.HasPrefix(k.path, "fmha_") {
			return ""
		}
		return dropParts(k.path, func(p string) bool { return isArch(p) || isTile(p) })
	}},

	// Triton: TorchInductor ends a name with an index, Triton before 3.0 with
	// the arguments' specialisation, ahead-of-time compilation with a hash as well.
	//   triton_poi_fused_add_mul_3         -> triton_poi_fused_add_mul
	//   matmul_kernel_0d1d2d3de4de5de6de7c8de9c10de11c -> matmul_kernel
	//   add_kernel_8d4b99fa_0d1d2d3de      -> add_kernel
	{"triton", tritonFamily},

	// PyTorch.
	{"aten", atenFamily},

	// CUB and Thrust: the policy holds the tuning of a type and architecture.
	//   void at_cuda_detail::cub::detail::scan::DeviceScanKernel<at_cuda_detail::cub::detail::scan::policy_hub<…>::Policy1000, const long *, …>
	//                                      -> …::DeviceScanKernel<long const*, …>
	{"cub", func(k kernel) string {
		if !strings.Contains(k.path, "cub::") {
			return ""
		}
		return k.dropArgs(func(_ int, p phrase) bool {
			s := p.String()
			return strings.Contains(s, "policy_hub") || strings.HasPrefix(lastComponent(s), "Policy")
		})
	}},

	// NCCL: algorithm and protocol are chosen by size and topology
	// (github.com/NVIDIA/nccl, src/device/generate.py).
	//   ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)
	//                                      -> ncclDevKernel_AllReduce_Sum_bf16
	{"nccl", func(k kernel) string {
		if !strings.HasPrefix(k.path, "nccl") {
			return ""
		}
		return dropParts(k.path, func(p string) bool { return ncclChoices[p] })
	}},

	// vLLM and FlashInfer norms: vector width, and in vLLM the rank of the
	// input; a flag that is left says that there is a weight.
	//   void vllm::rms_norm_kernel<c10::BFloat16, (int)8, (int)2, (bool)1>
	//                                      -> vllm::rms_norm_kernel<c10::BFloat16, 1>
	//   void flashinfer::norm::RMSNormKernel<(unsigned int)8, __half>
	{"norms", func(k kernel) string {
		if !(strings.HasPrefix(k.path, "vllm::") && strings.Contains(k.id(), "norm_kernel")) &&
			!strings.HasPrefix(k.path, "flashinfer::norm::") {
			return ""
		}
		return k.dropNumbers()
	}},
}

var ncclChoices = map[string]bool{
	"RING": true, "TREE": true, "COLLNET": true, "CHAIN": true, "DIRECT": true, "NVLS": true, "PAT": true,
	"LL": true, "LL128": true, "SIMPLE": true,
}

// nvjetFamily: the parts of an nvjet name, in order, as observed:
//
//   - sm90: architecture; absent before cuBLAS 13.
//   - tst: data types, see [Dtypes].
//   - 256x128, 64x4, 1x2 (2x2f): tile, depth and stages, cluster.
//   - 2cta: instructions over two blocks (Blackwell).
//   - h or v: direction of rasterisation.
//   - bz or badd: beta is zero, or C is added. Kept.
//   - coopA, coopB: which operand the warp groups share.
//   - splitK: K is split, and splitKreduce_kernel follows.
//   - algo2: FP8 without fast accumulation. Kept.
//   - ovscale, Avec32UE8M0: scales of rows or blocks. Kept.
//   - bias, relu, relubias, gelubias, reluaux, geluaux, auxt: epilogue. Kept.
//   - TNT: transposes of A and B, kept, and the order of the output tile,
//     which is not: one problem is offered as TNT and as TNN.
func nvjetFamily(k kernel) string {
	if k.tmpl || !strings.HasPrefix(k.path, "nvjet_") {
		return ""
	}
	f := dropParts(k.path, func(p string) bool {
		return isArch(p) || isTile(strings.TrimSuffix(p, "f")) || p == "h" || p == "v" || p == "2cta" ||
			p == "coopA" || p == "coopB" || p == "splitK"
	})
	if n := len(f); n > 4 && f[n-4] == '_' && strings.Trim(f[n-3:], "NT") == "" {
		f = f[:n-1]
	}
	return f
}

func cutlassNameFamily(k kernel) string {
	name := k.path
	if k.tmpl && strings.HasPrefix(k.path, "cutlass::Kernel") && len(k.args) == 1 {
		name = k.args[0].String()
	}
	cutlass := strings.HasPrefix(name, "cutlass_") || strings.HasPrefix(name, "cutlass3x_")
	chip, rest, _ := strings.Cut(name, "_")
	if !cutlass && !chips[chip] || strings.ContainsAny(name, "<:") {
		return ""
	}
	if !cutlass {
		name = rest
	}
	var kept []string
	for i, p := range strings.Split(name, "_") {
		switch {
		case i == 0 && cutlass:
			kept = append(kept, p)
		case p == "", isNumber(p), isArch(p), isTile(p),
			numbered(p, "align"), numbered(p, "ldg"), numbered(p, "stages"), isTile(strings.TrimPrefix(p, "sliced")),
			slices.Contains([]string{"wmma", "warpspecialized", "cooperative", "pingpong", "epi", "tma", "nosmem", "1sm", "2sm", "stream", "k", "splitK"}, p):
		default:
			kept = append(kept, dropInstruction(p))
		}
	}
	return strings.Join(kept, "_")
}

// chips are the names that cuBLAS kernels began with before CUTLASS 3.
var chips = map[string]bool{"maxwell": true, "volta": true, "turing": true, "ampere": true, "hopper": true}

// dropInstruction drops the shape of the tensor core's instruction, as in
// s16816gemm and s64x128x16gemm, but not the accumulator's type before it.
func dropInstruction(p string) string {
	if len(p) < 2 || !strings.HasSuffix(p, "gemm") && !strings.HasSuffix(p, "fprop") &&
		!strings.HasSuffix(p, "dgrad") && !strings.HasSuffix(p, "wgrad") {
		return p
	}
	return p[:1] + strings.TrimLeft(p[1:], "0123456789x")
}

func xmmaFamily(k kernel) string {
	if k.tmpl || !strings.Contains(k.path, "xmma_") {
		return ""
	}
	return dropParts(k.path, func(p string) bool {
		return p == "" || isArch(p) || numbered(p, "stage") || numbered(p, "aligna") || numbered(p, "alignc") ||
			p == "5x" || slices.Contains([]string{"execute", "kernel", "segment", "split", "k", "off", "on"}, p) ||
			sized(p, "tilesize") || sized(p, "warpsize") || sized(p, "warpgroupsize") || sized(p, "tensor") || sized(p, "cga")
	})
}

// deepGemmFamily knows these signatures (github.com/deepseek-ai/DeepGEMM,
// deep_gemm/include/deep_gemm; enums lead and follow the numbers):
//
//	sm90_fp8_gemm_1d2d_impl, sm90_bf16_gemm_impl: M, N, K, groups, blocks, swizzles, stages, threads, multicast, SMs
//	sm100_fp8_gemm_1d1d_impl: [granularity of A, of B,] M, N, K, blocks (3), groups, swizzles, …
//	fp8_gemm_kernel (before July 2025): N, K, blocks (3), padding, swizzle, groups, stages, threads (2), multicast (2)
//
// A shape of 0 is one that is not compiled in.
func deepGemmFamily(k kernel) string {
	if !k.tmpl || !strings.HasPrefix(k.path, "deep_gemm::") {
		return ""
	}
	first := slices.IndexFunc(k.args, phrase.number)
	if first < 0 {
		return ""
	}
	n := slices.IndexFunc(k.args[first:], func(p phrase) bool { return !p.number() })
	if n < 0 {
		n = len(k.args) - first
	}
	var keep []int
	switch id := k.id(); {
	case n >= 14 && (id == "sm90_fp8_gemm_1d2d_impl" || id == "sm90_bf16_gemm_impl"):
		keep = []int{0, 1, 2, 3}
	case n == 17 && id == "sm100_fp8_gemm_1d1d_impl":
		keep = []int{0, 1, 2, 6}
	case n == 18 && id == "sm100_fp8_gemm_1d1d_impl":
		keep = []int{0, 1, 2, 3, 4, 8}
	case n == 13 && id == "fp8_gemm_kernel":
		keep = []int{0, 1, 7}
	default:
		return ""
	}
	return k.dropArgs(func(i int, _ phrase) bool {
		return i >= first && i < first+n && !slices.Contains(keep, i-first)
	})
}

// flashFamily knows these signatures (github.com/Dao-AILab/flash-attention, csrc/flash_attn/src):
//
//	Flash_fwd_kernel_traits<kHeadDim, kBlockM, kBlockN, kNWarps, Is_Q_in_regs, Share_Q_K_smem, elem_type, Base>
//	Flash_bwd_kernel_traits<kHeadDim, …, elem_type, Base>
//	flash_fwd_kernel<traits, Is_dropout, Is_causal, Is_local, Has_alibi, Is_even_MN, Is_even_K, [Is_softcap,] Return_softmax>
//	flash_fwd_splitkv_kernel<traits, Is_causal, Is_local, Has_alibi, Is_even_MN, Is_even_K, Is_softcap, Split, Append_KV>
//	flash_fwd_splitkv_combine_kernel<traits, kBlockM, Log_max_splits, Is_even_K>
//
// Is_even_MN and Is_even_K say whether the lengths are multiples of the
// blocks, so they change with the tile.
func flashFamily(k kernel) string {
	if !k.tmpl || len(k.args) == 0 || !strings.HasPrefix(k.id(), "flash_") {
		return ""
	}
	at := slices.IndexFunc(k.args, func(p phrase) bool {
		return strings.HasPrefix(p.head(), "Flash_") && strings.HasSuffix(p.head(), "_kernel_traits") && len(p.template()) >= 5
	})
	if at < 0 {
		return ""
	}
	traits := k.args[at].template()
	short := []phrase{traits[0]} // head dimension and type
	for _, t := range traits[1:] {
		if !t.number() && t.template() == nil {
			short = append(short, t)
		}
	}
	k.args = slices.Clone(k.args)
	k.args[at] = phrase{k.args[at][0], {open: '<', items: short}}
	var drop []int
	switch k.id() {
	case "flash_fwd_kernel":
		drop = []int{5, 6}
	case "flash_fwd_splitkv_kernel":
		drop = []int{4, 5, 7}
	case "flash_fwd_splitkv_combine_kernel":
		drop = []int{1, 2, 3}
	}
	return k.dropArgs(func(i int, _ phrase) bool { return slices.Contains(drop, i) })
}

func cudnnFamily(k kernel) string {
	if k.tmpl || !strings.HasPrefix(k.path, "cudnn_generated_") || !strings.Contains(k.path, "_knob_") {
		return ""
	}
	var (
		kept []string
		knob bool
	)
	for p := range strings.SplitSeq(k.path, "_") {
		switch {
		case isArch(p), sized(p, "cga"), numbered(p, "kernel"), isNumber(p):
		case p == "knob":
			knob = true
		case isTile(p):
			if knob {
				kept = append(kept, "d"+p[strings.LastIndexByte(p, 'x')+1:])
				knob = false
			}
		default:
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "_")
}

func trtllmGemmFamily(k kernel) string {
	first, _, _ := strings.Cut(k.path, "_")
	if k.tmpl || !strings.Contains(k.path, "_cga") || !slices.Contains([]string{"bmm", "gemm", "gemmGatedAct"}, first) {
		return ""
	}
	return dropParts(k.path, func(p string) bool {
		tile, _, _ := strings.Cut(p, "u") // t128x8x256u2: unrolled by 2
		return isArch(p) || sized(tile, "t") || sized(tile, "m") || sized(tile, "et") || sized(p, "cga") ||
			numbered(p, "s") || numbered(p, "splitK") || p == "rM" || p == "rN" ||
			strings.HasPrefix(p, "sched") || strings.HasPrefix(p, "schP") || isLanes(p) ||
			slices.Contains([]string{"ldgsts", "tma", "tmaSf", "tmaOpt", "rgTma"}, p)
	})
}

// isLanes reports whether p is a shape of tensor memory access: 16dp256b.
func isLanes(p string) bool {
	a, b, ok := strings.Cut(p, "dp")
	return ok && isNumber(a) && isNumber(strings.TrimSuffix(b, "b"))
}

func trtllmFmhaFamily(k kernel) string {
	rest, ok := strings.CutPrefix(k.path, "fmha")
	if !ok || k.tmpl {
		return ""
	}
	arch, rest, ok := strings.Cut(rest, "Kernel_Qkv")
	if !ok || arch != "" && !isArch(arch) {
		return ""
	}
	// The tile and the schedule stand together before what the kernel is for.
	// Ahead of them may stand that the keys and values are split.
	for _, use := range [...]string{"ForGen", "Context"} {
		head, ok := strings.CutSuffix(rest, use)
		if !ok {
			continue
		}
		for _, w := range [...]string{"KeepsAb", "SwapsAb", "2Cta", "Persistent", "Static"} {
			head = strings.TrimSuffix(head, w)
		}
		if i := strings.LastIndexByte(head, 'Q'); i > 0 {
			if q, kv, ok := strings.Cut(head[i+1:], "Kv"); ok && isNumber(q) && isNumber(kv) {
				head = head[:i]
			}
		}
		head = strings.ReplaceAll(head, "MultiCtasKvCga", "")
		head = strings.ReplaceAll(head, "MultiCtasKv", "")
		if a, b, ok := strings.Cut(head, "HVPerCta"); ok {
			head = a + strings.TrimLeft(b, "0123456789")
		}
		rest = head + use
		break
	}
	return "fmhaKernel_Qkv" + rest
}

func tritonFamily(k kernel) string {
	if k.tmpl || k.params != "" || strings.Contains(k.path, "::") {
		return ""
	}
	name := k.path
	if i := strings.LastIndexByte(name, '_'); i > 0 && isSpecialisation(name[i+1:]) {
		name = name[:i]
		if j := strings.LastIndexByte(name, '_'); j > 0 && isHash(name[j+1:]) {
			name = name[:j]
		}
	}
	if strings.HasPrefix(name, "triton_") {
		for {
			i := strings.LastIndexByte(name, '_')
			if !isNumber(name[i+1:]) || i <= len("triton_") {
				break
			}
			name = name[:i]
		}
	}
	if strings.Trim(name, "_") == "triton" || name == k.path {
		return "" // nothing would be left of triton__0d1d2d
	}
	return name
}

// isSpecialisation reports whether s numbers a Triton kernel's arguments and
// says which are constants or divisible by 16: 0d1d2de3c.
func isSpecialisation(s string) bool {
	letters := false
	n := 0
	for ; s != ""; n++ {
		rest, ok := strings.CutPrefix(s, itoa(n))
		if !ok {
			return false
		}
		s = strings.TrimLeft(rest, "cde")
		letters = letters || len(s) < len(rest)
	}
	return letters && n > 1
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// isHash reports whether s is eight hexadecimal digits.
func isHash(s string) bool {
	return len(s) == 8 && strings.Trim(s, "0123456789abcdef") == ""
}

// dropNumbers drops the arguments that are numbers other than 0 and 1, which
// may be flags.
func (k kernel) dropNumbers() string {
	return k.dropArgs(func(_ int, p phrase) bool { return p.number() && !p.flag() })
}

// dropArgs drops the template arguments that drop says.
func (k kernel) dropArgs(drop func(i int, p phrase) bool) string {
	var kept []phrase
	for i, p := range k.args {
		if !drop(i, p) {
			kept = append(kept, p)
		}
	}
	k.args = kept
	return k.String()
}

// dropParts drops the parts between underscores that drop says. It keeps the
// first, so that something is always left.
func dropParts(name string, drop func(part string) bool) string {
	parts := strings.Split(name, "_")
	for i, p := range parts {
		if !drop(p) {
			parts = parts[i:]
			break
		}
	}
	kept := parts[:1]
	for _, p := range parts[1:] {
		if !drop(p) {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "_")
}

// isTile reports whether s is numbers joined by x: 128x64, 64x128x16.
func isTile(s string) bool {
	n := 0
	for p := range strings.SplitSeq(s, "x") {
		if !isNumber(p) {
			return false
		}
		n++
	}
	return n > 1
}

// sized reports whether s is a tile behind a word: tilesize64x64x64.
func sized(s, word string) bool {
	rest, ok := strings.CutPrefix(s, word)
	return ok && isTile(rest)
}

// numbered reports whether s is word, with or without a number behind it.
func numbered(s, word string) bool {
	rest, ok := strings.CutPrefix(s, word)
	return ok && strings.Trim(rest, "0123456789") == ""
}
