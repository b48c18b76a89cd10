package align

import (
	"slices"
	"strings"
)

// atenFamily knows PyTorch's kernels (github.com/pytorch/pytorch, aten/src/ATen/native/cuda).
//
// An element-wise operation is one functor that runs in one of several
// kernels, by contiguity and alignment of its operands:
//
//	void at::native::vectorized_elementwise_kernel<(int)4, F, std::array<char *, (unsigned long)2>>
//	void at::native::unrolled_elementwise_kernel<F, std::array<…>, (int)4, TrivialOffsetCalculator<…>, …, LoadWithoutCast, StoreWithoutCast>
//	void at::native::elementwise_kernel<(int)128, (int)2, void at::native::gpu_kernel_impl_nocast<F>(…)::[lambda(int) (instance 1)]>
//	    -> at::native::elementwise_kernel<F>
//	…LoadWithCast… or gpu_kernel_impl: operands of other types than F's
//	    -> at::native::elementwise_kernel<F, cast>
//	void at::native::reduce_kernel<(int)512, (int)1, at::native::ReduceOp<float, at::native::MeanOps<…>, unsigned int, float, (int)4, (int)4>>
//	    -> at::native::reduce_kernel<at::native::ReduceOp<float, at::native::MeanOps<…>, float>>
//	void at::native::<unnamed>::CatArrayBatchedCopy_aligned16_contig<OpaqueType<2>, unsigned int, (int)4, (int)64, (int)64>
//	    -> at::native::CatArrayBatchedCopy<OpaqueType<2>, 4>
func atenFamily(k kernel) string {
	if !k.tmpl || !strings.HasPrefix(k.path, "at::native::") {
		return ""
	}
	switch id := k.id(); {
	case id == "vectorized_elementwise_kernel", id == "unrolled_elementwise_kernel", id == "elementwise_kernel",
		id == "legacy_elementwise_kernel", id == "vectorized_templated_elementwise_kernel":
		return elementwiseFamily(k)
	case id == "reduce_kernel":
		return reduceFamily(k)
	case strings.HasPrefix(id, "CatArrayBatchedCopy") && len(k.args) >= 5:
		k.path = strings.TrimSuffix(k.path, id) + "CatArrayBatchedCopy"
		k.args = []phrase{k.args[0], k.args[2]}
		return k.String()
	case id == "index_elementwise_kernel", id == "_scatter_gather_elementwise_kernel", id == "_elementwise_kernel",
		id == "distribution_elementwise_grid_stride_kernel", id == "vectorized_gather_kernel",
		id == "unrolled_elementwise_kernel_for_multi_outputs":
		// Threads, elements per thread, bytes per access.
		return k.dropArgs(func(_ int, p phrase) bool { return p.number() })
	}
	return ""
}

func elementwiseFamily(k kernel) string {
	at := slices.IndexFunc(k.args, func(p phrase) bool { return !p.number() })
	if at < 0 {
		return ""
	}
	functor, cast := k.args[at], false
	// gpu_kernel_impl_nocast<F>::{lambda(int)#1} is F with indices worked out.
	if len(functor) == 4 && functor[1].open == '<' && functor[3].open == '{' && len(functor[1].items) == 1 {
		switch functor.head() {
		case "gpu_kernel_impl_nocast":
			functor = functor[1].items[0]
		case "gpu_kernel_impl":
			functor, cast = functor[1].items[0], true
		}
	}
	var rest []phrase // types that a templated kernel names beside the functor's
	for _, p := range k.args[at+1:] {
		switch h := p.head(); {
		case h == "LoadWithCast", h == "StoreWithCast", h == "cast":
			cast = true
		case h == "array", h == "Array", strings.HasSuffix(h, "OffsetCalculator"), h == "LoadWithoutCast", h == "StoreWithoutCast", p.number():
		default:
			rest = append(rest, p)
		}
	}
	args := []phrase{functor}
	if cast {
		args = append(args, phrase{{text: "cast"}})
	}
	return kernel{path: "at::native::elementwise_kernel", tmpl: true, args: append(args, rest...)}.String()
}

// reduceFamily: ReduceOp<scalar, operation, index type, out, elements per thread, vector width>.
func reduceFamily(k kernel) string {
	var args []phrase
	for _, p := range k.args {
		if p.number() {
			continue
		}
		if op := p.template(); p.head() == "ReduceOp" && len(op) >= 5 {
			p = phrase{p[0], {open: '<', items: []phrase{op[0], op[1], op[3]}}}
		}
		args = append(args, p)
	}
	k.args = args
	return k.String()
}

// cutlassTypeFamily knows kernels whose CUTLASS 3 types are written out
// (github.com/NVIDIA/cutlass, include/cutlass/gemm/collective; FlashAttention 3
// is built from the same pieces). Of those types it drops
//
//   - tuples of constants, which are tiles and clusters: cute::tuple<cute::C<128>, …>;
//     strides, which hold the transposes, have a variable among their members;
//   - layouts in shared memory and copies to and from it;
//   - numbers of stages, schedulers, architecture, and which warps do what.
//
// What is left names the operands' types and strides, the accumulator, the
// epilogue and the algorithm.
func cutlassTypeFamily(k kernel) string {
	if !k.tmpl || k.id() != "device_kernel" && !strings.HasPrefix(k.path, "cutlass::Kernel") {
		return ""
	}
	k.args = scrub(k.args)
	return k.String()
}

func scrub(items []phrase) []phrase {
	var kept []phrase
	for _, p := range items {
		if t := p.template(); len(t) == 1 && strings.HasPrefix(p.head(), "enable_") {
			kept = append(kept, scrub(t)...) // enable_sm90_or_later<…>
			continue
		}
		if q, ok := scrubType(p); ok {
			kept = append(kept, q)
		}
	}
	return kept
}

// scrubType returns p without what tuning chooses, and false if that is all
// of p.
func scrubType(p phrase) (phrase, bool) {
	h := p.head()
	switch {
	case h == "tuple" && constant(p), isArch(h) && strings.HasPrefix(p[0].text, "cutlass::arch::"),
		slices.Contains([]string{"Layout", "ComposedLayout", "Swizzle", "Copy_Atom", "TiledCopy", "smem_ptr_flag_bits", "GemmShape", "EpilogueTileAuto", "AutoVectorizingCopyWithAssumedAlignment"}, h),
		strings.HasSuffix(h, "Scheduler"), strings.HasSuffix(h, "ThreadblockSwizzle"), isCopy(h):
		return nil, false
	}
	q := slices.Clone(p)
	for i := range q {
		if q[i].open == 0 {
			q[i].text = dropTuning(q[i].text)
			continue
		}
		items := q[i].items
		switch {
		case h == "CollectiveMainloopFwdSm90" && len(items) >= 19 && items[0].number():
			items = flash3Mainloop(items)
		case strings.Contains(h, "WarpSpecialized") || h == "CollectiveEpilogueFwd":
			items = slices.DeleteFunc(slices.Clone(items), func(p phrase) bool { return p.number() && (h != "CollectiveEpilogueFwd" || !p.flag()) })
		}
		q[i].items = scrub(items)
	}
	return q, true
}

// flash3Mainloop knows FlashAttention 3's mainloop
// (github.com/Dao-AILab/flash-attention, hopper/mainloop_fwd_sm90_tma_gmma_ws.hpp):
//
//	CollectiveMainloopFwdSm90<Stages, ClusterShape, TileShape_MNK, kHeadDimV, Element, ElementAccum, ArchTag,
//	    Is_causal, Is_local, Has_softcap, Varlen, PagedKVNonTMA, AppendKV, HasQv,
//	    MmaPV_is_RS, IntraWGOverlap, PackGQA, Split, V_colmajor, …>
//
// The last number of the tile is the head dimension of Q and K.
func flash3Mainloop(items []phrase) []phrase {
	kept := slices.Clone(items[3:14])
	kept = append(kept, items[18:]...)
	if tile := items[2].template(); len(tile) == 3 {
		if c := tile[2].template(); len(c) == 1 {
			kept = append([]phrase{c[0]}, kept...)
		}
	}
	return kept
}

// constant reports whether p is a constant, or a tuple of them.
func constant(p phrase) bool {
	if p.number() {
		return true
	}
	t := p.template()
	if len(t) == 0 {
		return false
	}
	switch p.head() {
	case "C", "tuple":
		return !slices.ContainsFunc(t, func(p phrase) bool { return !constant(p) })
	case "constant", "integral_constant": // of a type and a value
		return len(t) == 2 && constant(t[1])
	}
	return false
}

// isCopy reports whether h is an instruction that copies: SM90_TMA_LOAD_MULTICAST,
// SM75_U32x4_LDSM_N, SM90_U32x4_STSM_N.
func isCopy(h string) bool {
	if !strings.HasPrefix(h, "SM") {
		return false
	}
	for _, w := range [...]string{"_TMA_", "_LDSM", "_STSM", "_CP_ASYNC", "_BULK_COPY", "_TMEM_"} {
		if strings.Contains(h, w) {
			return true
		}
	}
	return false
}

// dropTuning drops from the name of a type the shape of an instruction
// (SM90_64x128x16_F32BF16BF16_SS) and the words for schedule and architecture
// (MainloopSm90TmaGmmaWarpSpecialized, KernelTmaWarpSpecializedPingpongFP8FastAccum).
func dropTuning(text string) string {
	path := strings.TrimSuffix(text, lastComponent(text))
	h := lastComponent(text)
	if strings.HasPrefix(h, "SM") {
		parts := strings.SplitN(h, "_", 3)
		if len(parts) == 3 && isNumber(parts[0][2:]) && isTile(parts[1]) {
			return path + "MMA_" + parts[2]
		}
	}
	kept := tuningWords.Replace(h)
	if kept == "" {
		return text
	}
	return path + kept
}

var tuningWords = strings.NewReplacer(
	"WarpSpecialized", "", "Pingpong", "", "Cooperative", "", "1Sm", "", "2Sm", "",
	"Sm80", "", "Sm89", "", "Sm90", "", "Sm100", "", "Sm103", "", "Sm120", "",
)
