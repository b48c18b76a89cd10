package align_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

func TestShortName(t *testing.T) {
	tests := []struct{ name, want string }{
		{"", ""},
		{"nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT"},
		{"void tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, (int)7168>(float *, int)", "generalRmsNorm"},
		{"void tensorrt_llm::kernels::<unnamed>::topKPerRowPrefill<(int)512, (bool)1>(float *, int)", "topKPerRowPrefill"},
		{"_ZN12tensorrt_llm7kernels14generalRmsNormI13__nv_bfloat16Li7168EEEvPfi", "generalRmsNorm"},
		{silu, "elementwise<silu>"},
		{mulBcast, "elementwise<mul>"},
		{"void at::native::vectorized_elementwise_kernel<(int)4, at::native::CUDAFunctorOnSelf_add<float>, std::array<char *, (unsigned long)2>>(int, T2, T3)", "elementwise<add>"},
		{meanF32, "reduce<mean>"},
		{"void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, at::native::func_wrapper_t<float, at::native::sum_functor<float, float, float>::operator()(at::TensorIterator&)::{lambda(float, float)#1}>, unsigned int, float, 4, 4> >(at::native::X)", "reduce<sum>"},
		{"void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>(T1::Params)", "cutlass_80_simt_sgemm_128x32_8x5_nn_align1"},
		{fa3Causal, "FlashAttnFwdSm90"},
		{"std::enable_if<!(bool)0, void>::type internal::gemvx::kernel<int, int, float, (int)7, (bool)0>(T1)", "gemvx::kernel"},
		{"ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<(unsigned long)4096>)", "ncclDevKernel_AllReduce_Sum_bf16_RING_LL"},
		{"debug_nan_check(float *, int)", "debug_nan_check"},
		{"<unresolved 123>", "<unresolved 123>"},
		{"sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize64x64x64_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas", "xmma_gemm_bf16bf16_bf16f32_f32_tn_n_cublas"},
		{"triton_red_fused__softmax__to_copy_add_exp_mean_mul_pow_prepare_softmax_online_rsqrt_silu_sub_0", "triton_red_fused__softmax__to_copy_add_…ine_rsqrt_silu_sub_0"},
		{"a\x1b[31mb", "a\ufffd[31mb"},
		{"(x)", "(x)"},
		{"\n", " "},
	}
	var names, want []string
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, align.ShortName(tt.name)); diff != "" {
			t.Errorf("ShortName(%q) (-want +got)\n%s", tt.name, diff)
		}
		names, want = append(names, tt.name), append(want, tt.want)
	}
	// Those that share a parser share its memory.
	if diff := cmp.Diff(want, align.ShortNames(names)); diff != "" {
		t.Errorf("ShortNames (-want +got)\n%s", diff)
	}
	if got := align.ShortNames(nil); len(got) != 0 {
		t.Errorf("ShortNames(nil) = %q", got)
	}
}
