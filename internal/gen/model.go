package gen

// A layerKernel is one kernel of the made-up model.
type layerKernel struct {
	name, short, mangled string
	ns                   float64 // mean duration
	grid, block          [3]int
	smem, regs           int
	perHead              bool   // the work is proportional to the number of heads
	module               string // innermost NVTX range
}

// Names, durations and geometry are those of testdata/dsa_e2e_ctx_tp1.sqlite.
const (
	normName  = "void tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, (int)7168>(float *, int)"
	normShort = "generalRmsNorm"
	coopName  = "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT"
)

func gemm(name string, ns float64, gridY, smem int, perHead bool, module string) layerKernel {
	return layerKernel{
		name: name, short: name, mangled: name, ns: ns,
		grid: [3]int{2, gridY, 1}, block: [3]int{384, 1, 1}, smem: smem, regs: 168,
		perHead: perHead, module: module,
	}
}

func plain(name, short, mangled string, ns float64, gridX, gridY, threads int, perHead bool, module string) layerKernel {
	return layerKernel{
		name: name, short: short, mangled: mangled, ns: ns,
		grid: [3]int{gridX, gridY, 1}, block: [3]int{threads, 1, 1}, regs: 16,
		perHead: perHead, module: module,
	}
}

func norm(module string) layerKernel {
	return plain(normName, normShort, "_ZN12tensorrt_llm7kernels14generalRmsNormI13__nv_bfloat16Li7168EEEvPfi", 3500, 4096, 1, 256, false, module)
}

func attention() []layerKernel {
	return []layerKernel{
		gemm("nvjet_sm90_tst_176x128_64x5_1x2_h_bz_TNN", 138368, 66, 211164, false, "self_attn"),
		plain("void tensorrt_llm::kernels::generalRmsNorm<__nv_bfloat16, (int)1536>(float *, int)", normShort,
			"_ZN12tensorrt_llm7kernels14generalRmsNormI13__nv_bfloat16Li1536EEEvPfi", 3500, 4096, 1, 256, false, "self_attn"),
		gemm("nvjet_sm90_tst_320x128_64x3_1x2_h_bz_coopB_TNT", 369188, 66, 188636, true, "self_attn"),
		gemm(coopName, 124992, 66, 213188, false, "indexer"),
		gemm("nvjet_sm90_tst_64x64_64x13_2x1_v_bz_TNT", 22110, 64, 229772, false, "indexer"),
		plain("void tensorrt_llm::kernels::fusedCatFp8Kernel<__nv_bfloat16>(float *, int)", "fusedCatFp8Kernel",
			"_ZN12tensorrt_llm7kernels17fusedCatFp8KernelI13__nv_bfloat16EEvPfi", 1592, 1024, 1, 256, false, "indexer"),
		plain("void deep_gemm::sm90_fp8_mqa_logits<(int)64, (int)128, (int)2, (int)256>(float *, int)", "sm90_fp8_mqa_logits",
			"_ZN9deep_gemm19sm90_fp8_mqa_logitsILi64ELi128ELi2ELi256EEEvPfi", 530394, 132, 1, 384, false, "indexer"),
		plain("void tensorrt_llm::kernels::<unnamed>::topKPerRowPrefill<(int)512, (bool)1>(float *, int)", "topKPerRowPrefill",
			"_ZN12tensorrt_llm7kernels38_GLOBAL__N__f7c4eef6_6_dsa_cu_0fe8090d17topKPerRowPrefillILi512ELb1EEEvPfi", 148943, 4096, 1, 512, false, "indexer"),
		plain("void tensorrt_llm::kernels::applyMLARopeAppendPagedKVAssignQKernel<__nv_bfloat16, (int)256, (int)512, (int)64, KVBlockArray>(float *, int)",
			"applyMLARopeAppendPagedKVAssignQKernel",
			"_ZN12tensorrt_llm7kernels38applyMLARopeAppendPagedKVAssignQKernelI13__nv_bfloat16Li256ELi512ELi64E12KVBlockArrayEEvPfi", 6048, 513, 16, 256, true, "self_attn"),
		plain("void sm90::sparse_attn_fwd_kernel<(int)576, (bool)1>(float *, int)", "sparse_attn_fwd_kernel",
			"_ZN4sm9022sparse_attn_fwd_kernelILi576ELb1EEEvPfi", 25264027, 65536, 1, 384, true, "self_attn"),
		gemm(coopName, 1037178, 66, 213188, true, "self_attn"),
	}
}

func mlp() []layerKernel {
	return []layerKernel{
		norm("mlp"),
		gemm("nvjet_sm90_tst_128x64_64x8_1x2_h_bz_TNT", 27520, 64, 213268, false, "mlp"),
		plain("void tensorrt_llm::kernels::moe::deepseek_v3_topk_kernel<float, (int)256>(float *, int)", "deepseek_v3_topk_kernel",
			"_ZN12tensorrt_llm7kernels3moe23deepseek_v3_topk_kernelIfLi256EEEvPfi", 4032, 4096, 1, 256, false, "mlp"),
		gemm(coopName, 264606, 66, 213188, false, "mlp"),
		gemm(coopName, 141216, 66, 213188, false, "mlp"),
	}
}

// A stepKernel is one kernel of a step.
type stepKernel struct {
	layerKernel
	layer  int // -1 after the layers
	config int // index of the layerKernel among the distinct ones
}

// sequence returns the kernels of a step in order of issue.
func (o Options) sequence() []stepKernel {
	layer := attention()
	if !o.Mock {
		layer = append(append([]layerKernel{norm("")}, layer...), mlp()...)
	}
	var seq []stepKernel
	for l := range o.Layers {
		for i, k := range layer {
			seq = append(seq, stepKernel{k, l, i})
		}
	}
	if !o.Mock {
		seq = append(seq, stepKernel{gemm("nvjet_sm90_tst_128x8_64x12_2x1_v_bz_TNT", 410045, 66, 225652, false, "lm_head"), -1, len(layer)})
	}
	return seq
}
