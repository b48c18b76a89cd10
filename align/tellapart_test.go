package align_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

const flash64 = "void flash::flash_fwd_kernel<Traits<(int)128, (int)64, (int)4, cutlass::bfloat16_t>, (bool)0>(Params)"

var flash32 = strings.Replace(flash64, "(int)64", "(int)32", 1)

func TestTellApart(t *testing.T) {
	long := strings.Repeat("a", 20)
	for _, tt := range []struct {
		reason      string
		names, want []string
	}{
		{"none", []string{}, []string{}},
		{"one name has no other", []string{flash64}, []string{""}},
		{"template arguments", []string{flash64, flash32}, []string{"[…64…]", "[…32…]"}},
		{"each place at which others leave", []string{"f<1, 3>()", "f<1, 4>()", "f<2, 3>()", "f<2, 4>()"}, []string{"[…1…3…]", "[…1…4…]", "[…2…3…]", "[…2…4…]"}},
		{"identifiers as a whole", []string{"f<__nv_bfloat16>()", "f<__half>()"}, []string{"[…nv_bfloa…]", "[…half…]"}},
		{"unless they are long", []string{"f<normal_and_transform>()", "f<uniform_and_transform>()"}, []string{"[…normal_a…]", "[…uniform_…]"}},
		{"signs with the word behind them", []string{"f<int>()", "f<int, float>()"}, []string{"[…>()…]", "[…, float…]"}},
		{"tiles", []string{"nvjet_tst_64x8_64x16_v_bz_TNT", "nvjet_tst_64x8_32x16_v_bz_TNT"}, []string{"[…64x16_v_…]", "[…32x16_v_…]"}},
		{"namespaces", []string{"void a::f<1>()", "void b::f<1>()"}, []string{"[…a…]", "[…b…]"}},
		{"parameters", []string{"f(float*)", "f(int*)"}, []string{"[…float…]", "[…int…]"}},
		{"one goes on", []string{"f", "f<1>()"}, []string{"", "[…<1…]"}},
		{"numbers where what differs is cut off", []string{"f<" + long + "b>()", "f<" + long + "a>()"}, []string{"[…aaaaaaaa…] #2", "[…aaaaaaaa…] #1"}},
		{"not printable", []string{"f<\x01>()", "f<\x02>()"}, []string{"[…\ufffd>()…] #1", "[…\ufffd>()…] #2"}},
		{"no UTF-8", []string{"f<\xff>()", "f<é>()"}, []string{"[…\ufffd>()…]", "[…é>()…]"}},
	} {
		got := align.TellApart(tt.names)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
		}
		backwards := slices.Clone(tt.names)
		slices.Reverse(backwards)
		again := align.TellApart(backwards)
		slices.Reverse(again)
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("%s: the other way round (-want +got):\n%s", tt.reason, diff)
		}
	}
}

// TestSharedShortName: where mock and E2E run kernels of one short name, messages
// say which.
func TestSharedShortName(t *testing.T) {
	c := check(t)
	op := func(tile string) []kernel {
		ks := oneRank.attentionOp()
		name := "void a::fused_kernel<Traits<(int)128, (int)" + tile + ">, (bool)0>(Params)"
		return slices.Insert(ks, 3, kernel{name: name, ns: 80_000, grid: [3]int32{64, 1, 1}, path: []string{"self_attn"}})
	}
	mock, _ := program(1, 10, op("32")).trace("mock")
	e2e, _ := program(2, 10, op("64")).trace("e2e")
	r := compare(t, mock, e2e, align.Options{})
	said := map[string]string{}
	for _, f := range r.Findings {
		said[f.Code] += f.Message
	}
	for code, want := range map[string]string{align.CodeMissing: ": fused_kernel […64…]", align.CodeExtra: ": fused_kernel […32…]"} {
		if !strings.HasSuffix(said[code], want) {
			c.Errorf("%s: %q, want %q at its end", code, said[code], want)
		}
	}
}
