package align

import "strings"

// A KernelKind is what a kernel does, as far as its name tells.
type KernelKind string

// The kinds.
const (
	KindCommunication KernelKind = "communication" // collectives and what moves data between GPUs
	KindIndexer       KernelKind = "indexer"       // scores for choosing what sparse attention looks at
	KindAttention     KernelKind = "attention"     // the attention itself, prefill or decode, dense or sparse
	KindCache         KernelKind = "cache"         // rotary embedding and writes to the KV cache
	KindRouting       KernelKind = "routing"       // choosing experts, permuting tokens to and from them
	KindQuantize      KernelKind = "quantize"      // conversion to a narrower type with scales
	KindNorm          KernelKind = "norm"          // RMS norm, layer norm, batch norm
	KindGemm          KernelKind = "gemm"          // matrix products and convolutions, and their split-K reductions
	KindSelect        KernelKind = "select"        // top-k, sort, scan, sampling
	KindReduce        KernelKind = "reduce"        // reductions, softmax and losses
	KindMemory        KernelKind = "memory"        // fills, copies, gathers, concatenation
	KindElementwise   KernelKind = "elementwise"   // everything else that works element by element
	KindOther         KernelKind = "other"
)

// kindRules is tried in order; the first with a word that stands in the lower
// case family decides. A word that begins with ^ must begin the family. The
// order matters where a name says several things: a fused norm and quantisation
// is a norm, a top-k over experts is routing, a split-K reduction belongs to
// its GEMM.
//
// Of these kinds, attention and GEMMs may work per head, and rotary embedding
// too; norms, indexer, top-k and routing do not, so they keep their time when
// the number of heads changes and scale with the number of tokens.
var kindRules = [...]struct {
	kind  KernelKind
	words []string
}{
	// ncclDevKernel_AllReduce_Sum_bf16_RING_LL, vllm::cross_device_reduce_1stage,
	// flashinfer::trtllm_allreduce_fusion::allreduce_fusion_kernel_oneshot_lamport, deep_ep::intranode::dispatch,
	// userbuffers_fp16_sum_inplace_gpu_rr_rs_oop, nvshmemi_…, tensorrt_llm::kernels::mnnvl::…
	{KindCommunication, []string{"^nccl", "allreduce", "all_reduce", "allgather", "all_gather", "reducescatter", "reduce_scatter",
		"alltoall", "all_to_all", "moea2a", "moe_a2a", "nvshmem", "deep_ep::", "userbuffers", "cross_device_reduce", "mnnvl", "lamport", "multimem", "sendrecv"}},
	// deep_gemm::sm90_fp8_paged_mqa_logits, indexer_k_quant_and_cache_kernel
	{KindIndexer, []string{"mqa_logits", "indexer"}},
	// applyMLARopeAppendPagedKVAssignQKernel, vllm::reshape_and_cache_flash_kernel, vllm::rotary_embedding_kernel
	{KindCache, []string{"rope", "rotary", "kvcache", "kv_cache", "_and_cache", "appendpagedkv", "append_paged", "set_mla_kv", "kv_buffer"}},
	// fmhaKernel_Qkv…, flash_fwd_kernel, FlashAttnFwdSm90, cudnn_…_sdpa_…, sparse_attn_fwd_kernel, kernel_mha, _attn_fwd
	{KindAttention, []string{"fmha", "flash_fwd", "flash_bwd", "attention", "sdpa", "attn", "_mha", "mha_", "xqa", "dot_do_o", "convert_dq", "flash_mla", "flashmla", "mla_", "_mla", "::mla", "mlakernel",
		"batchdecodewith", "batchprefillwith"}},
	// nvjet_…, cutlass_…gemm…, cutlass::gemm::…, xmma_gemm_…, gemv2T_kernel_val, splitKreduce_kernel, deep_gemm::…, bmm_…,
	// fused_moe_kernel (Triton's grouped product), triton_tem_fused_mm, implicit_gemm, marlin::Marlin
	{KindGemm, []string{"^nvjet", "gemm", "gemv", "^bmm", "matmul", "splitkreduce", "fused_moe_kernel", "moe_kernel", "triton_tem", "_fprop_", "_dgrad_", "_wgrad_", "marlin", "conv2d", "cublaslt::epilogue"}},
	// generalRmsNorm, vllm::fused_add_rms_norm_kernel, vectorized_layer_norm_kernel, triton_red_fused_native_layer_norm
	{KindNorm, []string{"rmsnorm", "rms_norm", "layernorm", "layer_norm", "batchnorm", "batch_norm", "groupnorm", "group_norm", "_norm_", "rowwisemoments"}},
	// moe::deepseek_v3_topk_kernel, routingIndicesClusterKernel, moe_align_block_size_kernel, expandInputRowsKernel, finalizeMoeRoutingKernel
	{KindRouting, []string{"routing", "::moe::", "moe_", "_moe", "expert", "grouped_topk", "topkgating", "topk_softmax", "expandinputrows", "deepseek_v3_topk"}},
	// quantize_with_block_size, per_token_group_quant_8bit_kernel, fusedCatFp8Kernel
	{KindQuantize, []string{"quant", "scaled_fp8", "fusedcatfp8", "cvt_fp16_to_fp4", "scale_1x128", "fp8_scale"}},
	// topKPerRowDecode, at::native::mbtopk::…, cub DeviceRadixSort…, DeviceScanKernel, TopPSamplingFromProbKernel
	{KindSelect, []string{"topk", "sort", "scan", "cumsum", "sampling", "multinomial", "radix", "deviceselect", "nonzero", "unique", "histogram"}},
	// at::native::_scatter_gather_elementwise_kernel<…ReduceAdd…>
	{KindMemory, []string{"_scatter_gather_", "index_elementwise"}},
	// at::native::reduce_kernel, cunn_SoftMaxForward, triton_red_fused_…, triton_per_fused_…
	{KindReduce, []string{"^triton_red", "^triton_per", "reduce", "softmax", "cross_entropy", "nll_loss"}},
	{KindElementwise, []string{"^triton_poi"}},
	// FillFunctor, direct_copy_kernel_cuda, CatArrayBatchedCopy, vectorized_gather_kernel, index_elementwise_kernel, nchwToNhwcKernel
	{KindMemory, []string{"fill", "memset", "memcpy", "copy", "gather", "write_indices", "scatter", "index", "embedding", "transpose", "arange", "nchwtonhwc", "nhwctonchw"}},
	// elementwise_kernel<…>, vllm::act_and_mul_kernel, silu_and_mul, fused_dropout_kernel_vec, multi_tensor_apply_kernel
	{KindElementwise, []string{"elementwise", "act_and_mul", "activation", "silu", "gelu", "relu", "swiglu", "dropout", "multi_tensor_apply", "convert", "cast"}},
}

// Kind returns what a kernel does, as far as its name tells.
func Kind(name string) KernelKind {
	return kindOf(Family(name))
}

func kindOf(family string) KernelKind {
	f := strings.ToLower(family)
	for _, r := range kindRules {
		for _, w := range r.words {
			if start, ok := strings.CutPrefix(w, "^"); ok {
				if strings.HasPrefix(f, start) {
					return r.kind
				}
			} else if strings.Contains(f, w) {
				return r.kind
			}
		}
	}
	return KindOther
}
