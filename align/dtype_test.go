package align_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

func TestDtypes(t *testing.T) {
	tests := []struct {
		name string
		want []string
	}{
		{"nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", []string{"bf16", "fp32"}},
		{"nvjet_sm90_qrtst_128x128_128x6_1x2_h_bz_coopA_algo2_TNT", []string{"bf16", "fp32", "fp8_e4m3", "fp8_e5m2"}},
		{"nvjet_sm103_ootst_128x256_256x6_2x1_2cta_v_bz_Avec16UE4M3_Bvec16UE4M3_TNT", []string{"bf16", "fp32", "fp4"}},
		{"nvjet_sm90_xyz_256x128_64x4_1x2_h_bz_coopA_TNT", nil},
		{"sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize64x64x64_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas", []string{"bf16", "fp32"}},
		{"sm90_xmma_gemm_f32f32_tf32f32_f32_tn_n_tilesize64x64x32_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas", []string{"fp32", "tf32"}},
		{"sm90_xmma_gemm_i8i32_i8i32_i32_tn_n_tilesize128x128x128_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas", []string{"int32", "int8"}},
		{"cutlass_80_tensorop_i16832gemm_s8_128x64_128x3_tn_align16", []string{"int8"}},
		{bmm, []string{"fp32", "fp8_e4m3"}},
		{"bmm_E2m1_E2m1E2m1_Fp32_t128x64x256_s6_et128x64_m128x64x64_cga1x1x1_16dp256b_TN_transOut_schedS_bN_ldgsts_tmaOpt_clmp_swiGlu_dynBatch_sm100a", []string{"fp32", "fp4"}},
		{fmhaGen, []string{"bf16", "fp8_e4m3"}},
		{silu, []string{"bf16"}},
		{"ncclDevKernel_AllReduce_Sum_bf16_RING_LL", []string{"bf16"}},
		{"void per_token_group_quant_8bit_kernel<c10::BFloat16, c10::Float8_e4m3fn, (bool)1>(const T1 *)", []string{"bf16", "fp8_e4m3"}},
		{"void f<int, long>(T1)", nil},
		{"halfway_floatation", nil},
		{"", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, align.Dtypes(tt.name)); diff != "" {
			t.Errorf("Dtypes(%q) (-want +got)\n%s", tt.name, diff)
		}
	}
}

func TestFamilyIgnoringDtype(t *testing.T) {
	const xmma = "sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize64x64x64_warpgroupsize1x1x1_execute_segment_k_off_kernel__5x_cublas"
	same := []struct{ reason, a, b string }{
		{"bf16 and fp16", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_hsh_128x256_64x4_2x1_v_bz_coopA_TNN"},
		{"bf16 and FP8, which has more letters and a way to accumulate", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_qqtst_128x128_128x6_1x2_h_bz_coopA_algo2_TNT"},
		{"types that follow each other", xmma, strings.ReplaceAll(xmma, "bf16", "f16")},
		{"types of CUDA", "void f<__nv_bfloat16>(T1)", "void f<__half>(T1)"},
		{"types of PyTorch and of CUDA", "void f<c10::BFloat16>(T1)", "void f<float>(T1)"},
		{"the case of the switch over types", silu, strings.NewReplacer("instance 6", "instance 2", "c10::BFloat16", "float").Replace(silu)},
		{"types in a longer word", fmhaGen, strings.Replace(fmhaGen, "QkvE4m3", "QkvBfloat16", 1)},
	}
	for _, tt := range same {
		if tt.a == tt.b || align.Family(tt.a) == align.Family(tt.b) {
			t.Fatalf("%s: a and b are one family already", tt.reason)
		}
		if a, b := align.FamilyIgnoringDtype(tt.a), align.FamilyIgnoringDtype(tt.b); a != b {
			t.Errorf("%s: not alike:\n%s\n%s", tt.reason, a, b)
		}
	}
	different := []struct{ reason, a, b string }{
		{"transposes", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_hsh_256x128_64x4_1x2_h_bz_coopA_NNT"},
		{"epilogue", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_hsh_256x128_64x4_1x2_h_bz_coopA_bias_TNT"},
		{"letters that are not known", "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_TNT", "nvjet_sm90_xyz_256x128_64x4_1x2_h_bz_coopA_TNT"},
		{"functor", silu, strings.NewReplacer("silu", "gelu", "c10::BFloat16", "float").Replace(silu)},
		{"a pointer for a value", "f(float *)", "f(float)"},
	}
	for _, tt := range different {
		if a, b := align.FamilyIgnoringDtype(tt.a), align.FamilyIgnoringDtype(tt.b); a == b {
			t.Errorf("%s: both are %s", tt.reason, a)
		}
	}
}
