package align_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
	"github.com/nsysdiff/nsysdiff/nsysdb"
	"github.com/nsysdiff/nsysdiff/trace"
)

var updateFamilies = flag.Bool("update-families", false, "rewrite testdata/families.golden")

// Names from public traces and the sources that familyRules cites, where the
// recorded reports have none.
const (
	fa3Causal = "void cutlass::device_kernel<flash::enable_sm90_or_later<flash::FlashAttnFwdSm90<flash::CollectiveMainloopFwdSm90<(int)2, cute::tuple<cute::C<(int)1>, cute::C<(int)1>, cute::C<(int)1>>, cute::tuple<cute::C<(int)128>, cute::C<(int)128>, cute::C<(int)128>>, (int)128, cutlass::half_t, float, cutlass::arch::Sm90, (bool)1, (bool)0, (bool)0, (bool)1, (bool)1, (bool)0, (bool)0, (bool)1, (bool)1, (bool)1, (bool)0, (bool)0, cutlass::bfloat16_t>, flash::CollectiveEpilogueFwd<cute::tuple<cute::C<(int)128>, cute::C<(int)128>, cute::C<(int)128>>, cute::tuple<cute::C<(int)1>, cute::C<(int)1>, cute::C<(int)1>>, cutlass::half_t, cutlass::arch::Sm90, (int)256, (bool)1, (bool)1, (bool)0, (bool)0>, flash::VarlenDynamicPersistentTileScheduler<(int)128, (int)256, (int)128, (bool)0, (bool)1, (bool)1>>>>(T1::Params)"
	// The same with another tile, in c++filt's spelling.
	fa3CausalTile = "void cutlass::device_kernel<flash::enable_sm90_or_later<flash::FlashAttnFwdSm90<flash::CollectiveMainloopFwdSm90<2, cute::tuple<cute::C<1>, cute::C<1>, cute::C<1> >, cute::tuple<cute::C<64>, cute::C<176>, cute::C<128> >, 128, cutlass::half_t, float, cutlass::arch::Sm90, true, false, false, true, true, false, false, false, true, true, false, false, cutlass::bfloat16_t>, flash::CollectiveEpilogueFwd<cute::tuple<cute::C<64>, cute::C<128>, cute::C<176> >, cute::tuple<cute::C<1>, cute::C<1>, cute::C<1> >, cutlass::half_t, cutlass::arch::Sm90, 128, true, true, false, false>, flash::VarlenDynamicPersistentTileScheduler<64, 128, 32, false, false, true> > > >(flash::enable_sm90_or_later<flash::X>::Params)"

	deepGemm     = "void deep_gemm::sm90_fp8_gemm_1d2d_impl<(cute::UMMA::Major)0, 0u, 4096u, 1024u, 1u, 256u, 128u, 128u, 128u, 128u, 128u, 3u, 128u, 256u, 2u, true, 132u, (deep_gemm::GemmType)0, deep_gemm::epilogue::transform::EpilogueIdentity>(float*, int*, unsigned int)"
	deepGemmTile = "void deep_gemm::sm90_fp8_gemm_1d2d_impl<(cute::UMMA::Major)0, (unsigned int)0, (unsigned int)4096, (unsigned int)1024, (unsigned int)1, (unsigned int)64, (unsigned int)160, (unsigned int)128, (unsigned int)128, (unsigned int)128, (unsigned int)64, (unsigned int)6, (unsigned int)128, (unsigned int)128, (unsigned int)1, (bool)0, (unsigned int)132, (deep_gemm::GemmType)0, deep_gemm::epilogue::transform::EpilogueIdentity>(float *, int *, unsigned int)"

	bmm     = "bmm_E4m3_E4m3E4m3_Fp32_t128x8x128u2_s8_et64x8_m64x8x32_cga1x1x1_16dp256b_rM_TN_transOut_dsFp8_schedS_bN_ldgsts_clmp_dynB_sm100f"
	fmhaGen = "fmhaSm100fKernel_QkvE4m3OBfloat16HQk576HV512HVPerCta256PagedKvDenseP64VarSeqQ64Kv128Persistent2CtaKeepsAbForGen"

	silu     = "void at::native::vectorized_elementwise_kernel<(int)8, at::native::<unnamed>::silu_kernel(at::TensorIteratorBase &)::[lambda() (instance 1)]::operator ()() const::[lambda() (instance 6)]::operator ()() const::[lambda(c10::BFloat16) (instance 1)], std::array<char *, (unsigned long)2>>(int, T2, T3)"
	siluFilt = "void at::native::unrolled_elementwise_kernel<at::native::(anonymous namespace)::silu_kernel(at::TensorIteratorBase&)::{lambda()#1}::operator()() const::{lambda()#6}::operator()() const::{lambda(c10::BFloat16)#1}, std::array<char*, 2ul>, 4, TrivialOffsetCalculator<1, unsigned int>, TrivialOffsetCalculator<1, unsigned int>, at::native::memory::LoadWithoutCast, at::native::memory::StoreWithoutCast>(int, std::array<char*, 2ul>)"
	mulBF16  = "void at::native::vectorized_elementwise_kernel<(int)8, at::native::BinaryFunctor<c10::BFloat16, c10::BFloat16, c10::BFloat16, at::native::binary_internal::MulFunctor<float>>, std::array<char *, (unsigned long)3>>(int, T2, T3)"
	mulBcast = "void at::native::elementwise_kernel<(int)128, (int)4, void at::native::gpu_kernel_impl_nocast<at::native::BinaryFunctor<c10::BFloat16, c10::BFloat16, c10::BFloat16, at::native::binary_internal::MulFunctor<float>>>(at::TensorIteratorBase &, const T1 &)::[lambda(int) (instance 1)]>(int, T3)"
	meanF32  = "void at::native::reduce_kernel<(int)512, (int)1, at::native::ReduceOp<float, at::native::MeanOps<float, float, float, float>, unsigned int, float, (int)4, (int)4>>(T3)"
)

func TestFamily(t *testing.T) {
	tests := []struct{ name, want string }{
		{"", ""},
		{"nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_tst_bz_TN"},
		{"nvjet_sm90_tst_128x32_64x10_4x1_v_bz_splitK_TNT", "nvjet_tst_bz_TN"},
		{"nvjet_hsh_256x128_64x4_1x2_h_bz_coopA_NNT", "nvjet_hsh_bz_NN"},
		{"nvjet_sm103_qqtst_128x256_128x6_2x2f_2cta_h_bz_Avec32UE8M0_Bvec32UE8M0_TNT", "nvjet_qqtst_bz_Avec32UE8M0_Bvec32UE8M0_TN"},
		{"nvjet_sm90_qqtst_128x128_128x6_1x1_h_bz_coopA_algo2_ovscale_TNT", "nvjet_qqtst_bz_algo2_ovscale_TN"},
		{"cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_128x128_32x4_tn_align8", "cutlass_tensorop_bf16_sgemm_relu_bf16_tn"},
		{"void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>(T1::Params)", "cutlass_simt_sgemm_nn"},
		{"cutlass3x_sm90_tensorop_s64x128x16gemm_f16_f16_f32_f16_f16_128x128x64_2x1x1_0_tnn_align8_warpspecialized_pingpong_epi_tma", "cutlass3x_tensorop_sgemm_f16_f16_f32_f16_f16_tnn"},
		{"ampere_fp16_s16816gemm_fp16_64x64_sliced1x2_ldg8_relu_f2f_stages_64x6_tn", "fp16_sgemm_fp16_relu_f2f_tn"},
		{"sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize64x64x64_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas", "xmma_gemm_bf16bf16_bf16f32_f32_tn_n_cublas"},
		{"cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_7_64x128x128_4x1x1_cga1x1x1_kernel0_0", "cudnn_generated_fort_native_sdpa_flash_fprop_wgmma_f16_d128"},
		{bmm, "bmm_E4m3_E4m3E4m3_Fp32_TN_transOut_dsFp8_bN_clmp_dynB"},
		{fmhaGen, "fmhaKernel_QkvE4m3OBfloat16HQk576HV512PagedKvDenseP64VarSeqForGen"},
		{"fmhaSm100fKernel_QkvE4m3OBfloat16HQk576HV512PagedKvDenseStaticTokenSparseP1VarSeqQ8Kv128PersistentSwapsAbForGen", "fmhaKernel_QkvE4m3OBfloat16HQk576HV512PagedKvDenseStaticTokenSparseP1VarSeqForGen"},
		{"fmha_cutlassF_bf16_aligned_64x128_rf_sm80(PyTorchMemEffAttention::AttentionKernel<cutlass::bfloat16_t, cutlass::arch::Sm80, true, 64, 128, 128, true, true>::Params)", "fmha_cutlassF_bf16_aligned_rf"},
		{"void pytorch_flash::flash_fwd_kernel<Flash_fwd_kernel_traits<128, 128, 64, 4, false, false, cutlass::bfloat16_t, Flash_kernel_traits<128, 128, 64, 4, cutlass::bfloat16_t> >, false, true, false, false, true, true, false, false>(pytorch_flash::Flash_fwd_params)",
			"pytorch_flash::flash_fwd_kernel<Flash_fwd_kernel_traits<128, cutlass::bfloat16_t>, 0, 1, 0, 0, 0, 0>"},
		{deepGemm, "deep_gemm::sm90_fp8_gemm_1d2d_impl<(cute::UMMA::Major)0, 0, 4096, 1024, 1, (deep_gemm::GemmType)0, deep_gemm::epilogue::transform::EpilogueIdentity>"},
		{"triton_poi_fused_add_mul_3", "triton_poi_fused_add_mul"},
		{"triton_red_fused__to_copy_mean_pow_12", "triton_red_fused__to_copy_mean_pow"},
		{"triton_poi_fused_add_3_0d1d2de", "triton_poi_fused_add"},
		{"triton__0d1d2d3d", "triton__0d1d2d3d"},
		{"matmul_kernel_0d1d2d3de4de5de6de7c8de9c10de11c", "matmul_kernel"},
		{"add_kernel_8d4b99fa_0d1d2d3de", "add_kernel"},
		{"_attn_fwd", "_attn_fwd"},
		{silu, "at::native::elementwise_kernel<at::native::silu_kernel::{lambda()#1}::operator()::{lambda()#6}::operator()::{lambda(c10::BFloat16)#1}>"},
		{meanF32, "at::native::reduce_kernel<at::native::ReduceOp<float, at::native::MeanOps<float, float, float, float>, float>>"},
		{"void at_cuda_detail::cub::detail::scan::DeviceScanKernel<at_cuda_detail::cub::detail::scan::policy_hub<long, long, long, unsigned int, std::plus<long>>::Policy1000, const long *, long *>(T2, T3)", "at_cuda_detail::cub::detail::scan::DeviceScanKernel<long const*, long*>"},
		{"ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)", "ncclDevKernel_AllReduce_Sum_bf16"},
		{"ncclDevKernel_SendRecv(ncclDevKernelArgsStorage<4096ul>)", "ncclDevKernel_SendRecv"},
		{"void vllm::rms_norm_kernel<c10::BFloat16, (int)8, (int)2, (bool)1>(T1 *, const T1 *, long)", "vllm::rms_norm_kernel<c10::BFloat16, 1>"},
		{"std::enable_if<T2>(int)0&&vllm::_typeConvert<T1>::exists, void>::type vllm::fused_add_rms_norm_kernel<c10::BFloat16, (int)8>(T1 *, long)", "vllm::fused_add_rms_norm_kernel<c10::BFloat16>"},
		{"void flashinfer::norm::RMSNormKernel<(unsigned int)8, __half>(T2 *, T2 *)", "flashinfer::norm::RMSNormKernel<__half>"},
		{"void vllm::act_and_mul_kernel<c10::BFloat16, &vllm::silu_kernel<c10::BFloat16>, (bool)1>(T1 *, const T1 *, int)", "vllm::act_and_mul_kernel<c10::BFloat16, &vllm::silu_kernel<c10::BFloat16>, 1>"},
		{"void sm90::sparse_attn_fwd_kernel<(int)576, (bool)1>(float *, int)", "sparse_attn_fwd_kernel<576, 1>"},
		{"debug_nan_check(float *, int)", "debug_nan_check(float*, int)"},
		{"_Z15debug_nan_checkPfi", "debug_nan_check(float*, int)"},
		{"_Znonsense", "_Znonsense"},
		{"<unresolved 123>", "<unresolved 123>"},
		{"f<(1", "f<(1"},
		{"[CUDA memcpy Host-to-Device]", "[CUDA memcpy Host-to-Device]"},
		{"two words", "two words"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, align.Family(tt.name)); diff != "" {
			t.Errorf("Family(%q) (-want +got)\n%s", tt.name, diff)
		}
	}
}

func TestFamilySame(t *testing.T) {
	tests := []struct{ reason, a, b string }{
		{"tile", "nvjet_sm90_tst_320x128_64x3_1x2_h_bz_coopB_TNT", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT"},
		{"output tile order", "nvjet_sm90_tst_32x64_64x16_4x1_v_bz_TNN", "nvjet_sm90_tst_64x32_64x16_4x1_v_bz_TNT"},
		{"splitK", "nvjet_sm90_tst_64x32_64x16_4x1_v_bz_splitK_TNT", "nvjet_sm90_tst_64x32_64x16_4x1_v_bz_TNT"},
		{"cuBLAS 12 and 13", "nvjet_hsh_64x8_64x16_1x1_v_bz_splitK_NNT", "nvjet_sm103_hsh_64x8_64x16_1x1_h_bz_splitK_NNT"},
		{"bare and in Kernel2", "cutlass_80_simt_sgemm_64x64_8x5_nn_align1", "void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>(T1::Params)"},
		{"segment_k", "sm90_xmma_gemm_f16f16_f16f16_f16_tn_n_tilesize128x128x64_warpgroupsize1x1x1_execute_segment_k_on_kernel__5x_cublas", "sm90_xmma_gemm_f16f16_f16f16_f16_tn_n_tilesize256x128x64_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas"},
		{"split_k", "sm80_xmma_gemm_f32f32_f32f32_f32_nn_n_tilesize64x64x8_stage3_warpsize1x4x1_ffma_aligna4_alignc4_execute_split_k_kernel__5x_cublas", "sm80_xmma_gemm_f32f32_f32f32_f32_nn_n_tilesize64x128x8_stage3_warpsize1x4x1_ffma_aligna4_alignc4_execute_kernel__5x_cublas"},
		{"FlashAttention 3 tile, PackGQA, scheduler", fa3Causal, fa3CausalTile},
		{"DeepGEMM blocks", deepGemm, deepGemmTile},
		{"trtllm-gen tile, loads", bmm, "bmm_E4m3_E4m3E4m3_Fp32_t128x16x256_s6_et128x16_m128x16x32_cga1x1x1_16dp256b_TN_transOut_dsFp8_schPd2x1x2x3_bN_tma_tmaSf_rgTma_clmp_dynB_sm100a"},
		{"trtllm-gen schedule", fmhaGen, "fmhaSm103aKernel_QkvE4m3OBfloat16HQk576HV512PagedKvDenseP64MultiCtasKvVarSeqQ16Kv128StaticSwapsAbForGen"},
		{"unrolled for vectorized, c++filt's spelling", silu, siluFilt},
		{"broadcast for contiguous", mulBF16, mulBcast},
		{"reduction's vector width", meanF32, "void at::native::reduce_kernel<128, 4, at::native::ReduceOp<float, at::native::MeanOps<float, float, float, float>, unsigned int, float, 4, 8> >(at::native::ReduceOp<float>)"},
		{"NCCL protocol", "ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)", "ncclDevKernel_AllReduce_Sum_bf16_TREE_LL128(ncclDevKernelArgsStorage<4096ul>)"},
		{"inductor's index", "triton_poi_fused_add_mul_3", "triton_poi_fused_add_mul_17"},
		{"CUB versions", "void cub::CUB_200700_800_900_NS::DeviceScanInitKernel<cub::CUB_200700_800_900_NS::ScanTileState<long, true> >(int)", "void cub::DeviceScanInitKernel<cub::ScanTileState<long, (bool)1>>(T1, int)"},
	}
	for _, tt := range tests {
		if a, b := align.Family(tt.a), align.Family(tt.b); a != b {
			t.Errorf("%s: families differ:\n%s\n%s", tt.reason, a, b)
		}
	}
}

func TestFamilyDifferent(t *testing.T) {
	tests := []struct{ reason, a, b string }{
		{"data type", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_hsh_256x128_64x4_1x2_h_bz_coopA_TNT"},
		{"output type", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_tss_256x128_64x4_1x2_h_bz_coopA_TNT"},
		{"transpose of A", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_NNT"},
		{"transpose of B", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TTT"},
		{"C is added", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_tst_256x128_64x4_1x2_h_badd_coopA_TNT"},
		{"epilogue", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_bias_TNT"},
		{"accumulation of FP8", "nvjet_sm90_qqtst_128x128_128x6_1x2_h_bz_TNT", "nvjet_sm90_qqtst_128x128_128x6_1x2_h_bz_coopA_algo2_TNT"},
		{"simt for tensorop", "cutlass_80_simt_sgemm_128x32_8x5_nn_align1", "cutlass_80_tensorop_sgemm_128x32_8x5_nn_align1"},
		{"accumulator", "cutlass_80_tensorop_f16_s16816gemm_f16_128x128_32x4_tn_align8", "cutlass_80_tensorop_h16816gemm_128x128_32x4_tn_align8"},
		{"transposes", "cutlass_80_simt_sgemm_128x32_8x5_nn_align1", "cutlass_80_simt_sgemm_128x32_8x5_tn_align1"},
		{"causal mask", fa3Causal, strings.Replace(fa3Causal, "Sm90, (bool)1,", "Sm90, (bool)0,", 1)},
		{"head dimension of V", fa3Causal, strings.Replace(fa3Causal, "(int)128, cutlass::half_t", "(int)256, cutlass::half_t", 1)},
		{"head dimension of Q", fa3Causal, strings.Replace(fa3Causal, "cute::C<(int)128>, cute::C<(int)128>, cute::C<(int)128>>, (int)128", "cute::C<(int)128>, cute::C<(int)128>, cute::C<(int)192>>, (int)128", 1)},
		{"type of Q", fa3Causal, strings.Replace(fa3Causal, "(int)128, cutlass::half_t", "(int)128, cutlass::bfloat16_t", 1)},
		{"compiled-in N", deepGemm, strings.Replace(deepGemm, "4096u", "2048u", 1)},
		{"grouped", deepGemm, strings.Replace(deepGemm, "GemmType)0", "GemmType)1", 1)},
		{"activation", bmm, strings.Replace(bmm, "_clmp_", "_clmp_swiGlu_", 1)},
		{"mask", fmhaGen, strings.Replace(fmhaGen, "Dense", "Causal", 1)},
		{"prefill for decode", fmhaGen, strings.Replace(fmhaGen, "ForGen", "Context", 1)},
		{"functor", silu, strings.Replace(silu, "silu_kernel", "gelu_kernel", 1)},
		{"functor's type", silu, strings.Replace(silu, "lambda(c10::BFloat16)", "lambda(float)", 1)},
		{"case of the switch over types", silu, strings.Replace(silu, "instance 6", "instance 5", 1)},
		{"operation", mulBF16, strings.Replace(mulBF16, "MulFunctor", "DivFunctor", 1)},
		{"operands are converted", mulBcast, strings.Replace(mulBcast, "_nocast", "", 1)},
		{"reduction", meanF32, strings.Replace(meanF32, "MeanOps", "NormTwoOps", 1)},
		{"width of the norm", "void tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, (int)7168>(float *, int)", "void tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, (int)1536>(float *, int)"},
		{"collective", "ncclDevKernel_AllReduce_Sum_bf16_RING_LL", "ncclDevKernel_ReduceScatter_Sum_bf16_RING_LL"},
		{"collective's type", "ncclDevKernel_AllReduce_Sum_bf16_RING_LL", "ncclDevKernel_AllReduce_Sum_f32_RING_LL"},
		{"fused operations", "triton_poi_fused_add_mul_3", "triton_poi_fused_add_3"},
		{"nothing known", "triton__0d1d2d3d", "triton__0d1d2"},
		{"unknown template's number", "void f<(int)4>(T1)", "void f<(int)8>(T1)"},
		{"parameters of a function that is no template", "f(float *)", "f(double *)"},
		{"unresolved names", "<unresolved 1>", "<unresolved 2>"},
	}
	for _, tt := range tests {
		if tt.a == tt.b {
			t.Fatalf("%s: a and b are equal: the test replaces nothing", tt.reason)
		}
		if a, b := align.Family(tt.a), align.Family(tt.b); a == b {
			t.Errorf("%s: both are %s", tt.reason, a)
		}
	}
}

// TestFamilyObserved holds the rules for cuBLAS against what cuBLASLt offers:
// the algorithms for one problem are one family, and another type, transpose
// or epilogue is another family.
func TestFamilyObserved(t *testing.T) {
	var problem string
	problems := map[string][]string{} // the families seen for a problem, without sizes
	for _, line := range readLines(t, "testdata/cublaslt.txt") {
		if p, ok := strings.CutPrefix(line, "> "); ok {
			f := strings.Fields(p)
			problem = strings.Join(slices.Delete(f, 1, 2), " ")
			continue
		}
		if f := align.Family(line); !slices.Contains(problems[problem], f) {
			problems[problem] = append(problems[problem], f)
		}
	}
	if len(problems) < 50 {
		t.Fatalf("%d problems, want at least 50", len(problems))
	}
	owner := map[string]string{}
	for _, p := range slices.Sorted(maps.Keys(problems)) {
		if n := len(problems[p]); n != 1 {
			t.Errorf("%s: %d families: %q", p, n, problems[p])
		}
		// These run the plain product, then another kernel, or have D^T = B^T A^T computed.
		if strings.Contains(p, "grad") || strings.Contains(p, "drelu") || strings.Contains(p, "batch") || strings.Contains(p, "row-major") {
			continue
		}
		f := problems[p][0]
		if q, ok := owner[f]; ok {
			t.Errorf("%s and %s are both %s", q, p, f)
		}
		owner[f] = p
	}
}

// recordedNames returns the names of the kernels in the recorded reports, and
// their mangled names.
func recordedNames(t testing.TB) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../testdata/*.sqlite")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recorded reports: %v", err)
	}
	names := map[string]string{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_nvtx_only.sqlite") {
			continue // has no kernels, which is an error
		}
		db, err := nsysdb.Open(context.Background(), path, nsysdb.Options{})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := db.Read(context.Background(), nsysdb.Query{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range tr.Configs {
			mangled := ""
			if c.Mangled != trace.None {
				mangled = tr.Strings[c.Mangled]
			}
			names[tr.Strings[c.Name]] = mangled
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func TestFamilyOfMangledName(t *testing.T) {
	n := 0
	for name, mangled := range recordedNames(t) {
		if !strings.HasPrefix(mangled, "_Z") {
			continue
		}
		n++
		if a, b := align.Family(name), align.Family(mangled); a != b {
			t.Errorf("families of demangled and mangled name differ:\n%s\n%s", a, b)
		}
	}
	if n < 40 {
		t.Errorf("%d mangled names, want at least 40", n)
	}
}

// TestFamilyGolden keeps what is said of every name in the recorded reports
// and in testdata/pytorch.txt.
func TestFamilyGolden(t *testing.T) {
	names := slices.Collect(maps.Keys(recordedNames(t)))
	names = append(names, readLines(t, "testdata/pytorch.txt")...)
	families := map[string][]string{}
	for _, n := range names {
		checkName(t, n)
		f := align.Family(n)
		families[f] = append(families[f], n)
	}
	var got bytes.Buffer
	for _, f := range slices.Sorted(maps.Keys(families)) {
		members := families[f]
		slices.Sort(members)
		fmt.Fprintf(&got, "%s\n", f)
		for _, n := range slices.Compact(members) {
			fmt.Fprintf(&got, "\t%s, %s %v\n\t\t%s\n", align.ShortName(n), align.Kind(n), align.Dtypes(n), n)
		}
	}
	const golden = "testdata/families.golden"
	if *updateFamilies {
		if err := os.WriteFile(golden, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("%s differs; run with -update-families if that is meant (-want +got)\n%s", golden, diff)
	}
}

// checkName checks what holds for every name.
func checkName(t *testing.T, name string) {
	t.Helper()
	f := align.Family(name)
	if (f == "") != (name == "") {
		t.Errorf("Family(%q) = %q", name, f)
	}
	if g := align.Family(f); g != f {
		t.Errorf("Family is not idempotent for %q: %q, then %q", name, f, g)
	}
	s := align.ShortName(name)
	if (s == "") != (name == "") {
		t.Errorf("ShortName(%q) = %q", name, s)
	}
	if n := utf8.RuneCountInString(s); n > 60 {
		t.Errorf("ShortName(%q) has %d characters", name, n)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) && r != utf8.RuneError {
			t.Errorf("ShortName(%q) = %q is not printable", name, s)
		}
	}
	if align.Kind(name) == "" {
		t.Errorf("Kind(%q) is empty", name)
	}
	if d := align.Dtypes(name); !slices.IsSorted(d) || len(slices.Compact(slices.Clone(d))) != len(d) {
		t.Errorf("Dtypes(%q) = %q", name, d)
	}
	if name != "" && align.FamilyIgnoringDtype(name) == "" {
		t.Errorf("FamilyIgnoringDtype(%q) is empty", name)
	}
}

func TestFamilyLongNames(t *testing.T) {
	deep := strings.Repeat("f<", 10_000) + "int" + strings.Repeat(">", 10_000)
	tests := []string{
		deep,
		strings.Repeat("(", 1<<20),
		strings.Repeat("a<b,", 1<<18),
		"void f<" + strings.Repeat("cute::tuple<cute::C<(int)128>>, ", 1<<14) + "int>(T1)",
		"void cutlass::device_kernel<" + strings.Repeat("enable_x<", 400) + "int" + strings.Repeat(">", 400) + ">(T1)",
		strings.Repeat("g(int)::", 1<<14) + "[lambda() (instance 1)]",
		"nvjet_" + strings.Repeat("128x64_", 1<<16) + "TNT",
		"_Z" + strings.Repeat("N", 1<<16),
		strings.Repeat("_0", 1<<18),
		"triton_poi" + strings.Repeat("_0", 1<<16),
		"fmhaKernel_Qkv" + strings.Repeat("MultiCtasKv", 1<<14) + "ForGen",
	}
	for _, name := range tests {
		f := align.Family(name)
		if f == "" {
			t.Errorf("Family of %.40q… is empty", name)
		}
		if g := align.Family(f); g != f {
			t.Errorf("Family is not idempotent for %.40q…", name)
		}
	}
}

func FuzzFamily(f *testing.F) {
	for _, path := range []string{"testdata/pytorch.txt", "testdata/cublaslt.txt"} {
		for _, n := range readLines(f, path) {
			f.Add(n)
		}
	}
	for _, n := range []string{fa3Causal, deepGemm, deepGemmTile, bmm, fmhaGen, silu, mulBcast, meanF32, "_ZN2at6native18elementwise_kernelILi128ELi2EEvi", "f<(1 > 2)>", "operator<", "a\x00b", "\xff", "f [clone .kd]"} {
		f.Add(n)
	}
	f.Fuzz(checkName)
}

func ExampleFamily() {
	fmt.Println(align.Family("nvjet_sm90_tst_320x128_64x3_1x2_h_bz_coopB_TNT"))
	fmt.Println(align.Family("nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT"))
	fmt.Println(align.Family("void tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, (int)7168>(float *, int)"))
	// Output:
	// nvjet_tst_bz_TN
	// nvjet_tst_bz_TN
	// tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, 7168>
}

func BenchmarkFamily(b *testing.B) {
	names := slices.Sorted(maps.Keys(recordedNames(b)))
	size := 0
	for _, n := range names {
		size += len(n)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, n := range names {
			align.Family(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(names)), "ns/name")
}

// readLines returns the lines of a file but those that begin with #.
func readLines(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if !strings.HasPrefix(s.Text(), "#") {
			lines = append(lines, s.Text())
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
