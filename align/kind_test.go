package align_test

import (
	"testing"

	"github.com/nsysdiff/nsysdiff/align"
)

func TestKind(t *testing.T) {
	tests := []struct {
		name string
		want align.KernelKind
	}{
		{"ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)", align.KindCommunication},
		{"ncclDevKernel_SendRecv(ncclDevKernelArgsStorage<4096ul>)", align.KindCommunication},
		{"void vllm::cross_device_reduce_1stage<__nv_bfloat16, (int)8>(vllm::RankData *)", align.KindCommunication},
		{"void flashinfer::trtllm_allreduce_fusion::allreduce_fusion_kernel_oneshot_lamport<(int)1, __nv_bfloat16, (int)8, (bool)1>(T1)", align.KindCommunication},
		{"void deep_ep::intranode::dispatch<(int)8, (int)768, (int)8192>(int4 *, float *)", align.KindCommunication},
		{"void (anonymous namespace)::two_shot_all_reduce_kernel_inplace<c10::BFloat16, 16, 2>(c10::BFloat16**, unsigned long)", align.KindCommunication},
		{"void deep_gemm::sm90_fp8_mqa_logits<(int)64, (int)128, (int)2, (int)256>(float *, int)", align.KindIndexer},
		{"void deep_gemm::sm90_fp8_paged_mqa_logits<(int)64, (int)128>(float *, int)", align.KindIndexer},
		{"void tensorrt_llm::kernels::applyMLARopeAppendPagedKVAssignQKernel<__nv_bfloat16, (int)256, (int)512, (int)64, KVBlockArray>(float *, int)", align.KindCache},
		{"void vllm::reshape_and_cache_flash_kernel<__nv_bfloat16, __nv_bfloat16, (vllm::Fp8KVCacheDataType)0>(const T1 *)", align.KindCache},
		{"void vllm::rotary_embedding_kernel<c10::BFloat16, (bool)1>(const long *, T1 *)", align.KindCache},
		{fa3Causal, align.KindAttention},
		{fmhaGen, align.KindAttention},
		{"void sm90::sparse_attn_fwd_kernel<(int)576, (bool)1>(float *, int)", align.KindAttention},
		{"cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_7_64x128x128_4x1x1_cga1x1x1_kernel0_0", align.KindAttention},
		{"_attn_fwd", align.KindAttention},
		{"nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", align.KindGemm},
		{"void cublasLt::splitKreduce_kernel<(int)32, (int)16, int, float>(T1)", align.KindGemm},
		{"sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize64x64x64_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas", align.KindGemm},
		{"void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_nn_align1>(T1::Params)", align.KindGemm},
		{deepGemm, align.KindGemm},
		{bmm, align.KindGemm},
		{"fused_moe_kernel", align.KindGemm},
		{"void tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, (int)7168>(float *, int)", align.KindNorm},
		{"void vllm::rms_norm_static_fp8_quant_kernel<c10::BFloat16, c10::Float8_e4m3fn>(T2 *)", align.KindNorm},
		{"void at::native::<unnamed>::vectorized_layer_norm_kernel<float, float, (bool)0>(int)", align.KindNorm},
		{"void tensorrt_llm::kernels::moe::deepseek_v3_topk_kernel<float, (int)256>(float *, int)", align.KindRouting},
		{"void vllm::moe::moe_align_block_size_kernel<int>(const T1 *)", align.KindRouting},
		{"void tensorrt_llm::kernels::fusedCatFp8Kernel<__nv_bfloat16>(float *, int)", align.KindQuantize},
		{"void per_token_group_quant_8bit_kernel<c10::BFloat16, c10::Float8_e4m3fn, (bool)1>(const T1 *)", align.KindQuantize},
		{"void tensorrt_llm::kernels::<unnamed>::topKPerRowPrefill<(int)512, (bool)1>(float *, int)", align.KindSelect},
		{"void at_cuda_detail::cub::detail::scan::DeviceScanInitKernel<at_cuda_detail::cub::ScanTileState<long, (bool)1>>(T1, int)", align.KindSelect},
		{meanF32, align.KindReduce},
		{"triton_red_fused__to_copy_mean_pow_12", align.KindReduce},
		{"triton_poi_fused_add_mul_3", align.KindElementwise},
		{"void at::native::vectorized_elementwise_kernel<(int)8, at::native::FillFunctor<c10::BFloat16>, std::array<char *, (unsigned long)1>>(int, T2, T3)", align.KindMemory},
		{silu, align.KindElementwise},
		{"void vllm::act_and_mul_kernel<c10::BFloat16, &vllm::silu_kernel<c10::BFloat16>, (bool)1>(T1 *)", align.KindElementwise},
		{"debug_nan_check(float *, int)", align.KindOther},
		{"<unresolved 123>", align.KindOther},
		{"", align.KindOther},
	}
	for _, tt := range tests {
		if got := align.Kind(tt.name); got != tt.want {
			t.Errorf("Kind(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}
