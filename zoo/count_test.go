package zoo

import (
	"strconv"
	"strings"
	"testing"

	"github.com/mixnet-go/mixnet/tensor"
)

// count builds a network and returns its parameters and its multiply-adds for
// one image of its input size.
func count(t *testing.T, name string, o Options) (params, macs int64) {
	t.Helper()
	s, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := Adapt(s, o)
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.Build(o)
	if err != nil {
		t.Fatal(err)
	}
	macs, err = g.MACs(tensor.Shape{N: 1, H: info.Input.Size[0], W: info.Input.Size[1], C: info.Input.Channels})
	if err != nil {
		t.Fatal(err)
	}
	return g.ParamCount(), macs
}

// TestCounts compares parameters exactly and multiply-adds to the digits
// given with an independent count made from the original code.
func TestCounts(t *testing.T) {
	for _, tc := range []struct {
		name   string
		params int64
		macs   string // millions
	}{
		{"mixnet_s", 4134606, "239.17"},
		{"mixnet_m", 5014382, "339.17"},
		{"mixnet_l", 7329252, "555.25"},
		{"mixnet_xl", 11896768, "904.0"},
		{"mixnet_xxl", 23961752, "1992.7"},
		{"tf_mixnet_s", 4134606, "239.17"},
		{"tf_mixnet_m", 5014382, "339.17"},
		{"tf_mixnet_l", 7329252, "555.25"},
		{"mixnet_s@classes=10", 2612976, ""},
		{"mixnet_s@classes=100", 2751306, ""},
		{"mixnet_m@classes=10", 3492752, ""},
		{"mixnet_m@classes=100", 3631082, ""},
		{"mixnet_l@classes=10", 5807622, ""},
		{"mixnet_l@classes=100", 5945952, ""},
		{"mixnet_m@width=1.3", 7329252, "555.25"},
		{"mixnet_m@width=1.6,depth=1.2", 11896768, "904.0"},
		{"efficientnet_lite0", 4652008, ""},
		{"mobilenetv2_140", 6108776, "582.20"},
		{"mobilenetv3_large_100", 5483032, "216.59"},
		{"mobilenetv3_large_125", 7460424, "342.8"},
		{"mobilenetv3_large_125_timm", 7551976, "355.2"},
		{"mobilenetv3_small_100", 2542856, "56.51"},
		{"mnasnet_a1", 3887038, "311.58"},
		{"mnasnet_b1", 4383312, "314.42"},
		{"fbnet_a", 4304584, "244.45"},
		{"fbnet_b", 4801368, "291.00"},
		{"fbnet_c", 5570664, "378.14"},
		{"atomnas_a", 3885272, "258.23"},
		{"atomnas_b", 4453927, "325.99"},
		{"atomnas_c", 4782696, "359.80"},
		{"atomnas_a_plus", 4718080, "259.06"},
		{"atomnas_b_plus", 5509410, "327.04"},
		{"atomnas_c_plus", 5968040, "360.98"},
		{"proxylessnas_mobile", 4080512, "320.43"},
		{"proxylessnas_mobile_14", 6857568, "580.88"},
		{"proxylessnas_cpu", 4361648, "439.24"},
		{"proxylessnas_gpu", 7119848, "465.26"},
		{"shufflenet_v1_g3_x1_5", 3442168, "292.44"},
		{"shufflenet_v1_g3_x2_0", 5450776, "524.05"},
		{"shufflenet_v2_proj_x1_5", 3507720, "298.97"},
		{"shufflenet_v2_proj_x2_0", 7403600, "590.78"},
		{"nasnet_a_mobile", 5289978, "563.64"},
		{"darts_v1", 4510432, "505.9"},
		{"darts_v2", 4718752, "529.9"},
		{"resnet18", 11689512, "1814"},
		{"resnet34", 21797672, "3664"},
		{"resnet50", 25557032, "4089"},
		{"resnet101", 44549160, "7801"},
		{"resnet152", 60192808, "11514"},

		// Figures 1 and 4 of the MixConv paper.
		{"mobilenetv1_100", 4231976, "568.74"},
		{"mobilenetv1_100@kernel=5", 4311336, "599.65"},
		{"mobilenetv1_100@kernel=7", 4430376, "646.0"},
		{"mobilenetv1_100@kernel=9", 4589096, "707.8"},
		{"mobilenetv1_100@kernel=11", 4787496, "785.1"},
		{"mobilenetv1_100@kernel=13", 5025576, "877.8"},
		{"mobilenetv1_100@mix=2", 4271656, "584.2"},
		{"mobilenetv1_100@mix=3", 4324152, "604.1"},
		{"mobilenetv1_100@mix=4", 4390696, "630.6"},
		{"mobilenetv1_100@mix=5", 4468616, "658.9"},
		{"mobilenetv1_100@mix=6", 4560376, "694.1"},
		{"mobilenetv2_100", 3504872, "300.77"},
		{"mobilenetv2_100@kernel=5", 3619048, "337.6"},
		{"mobilenetv2_100@kernel=7", 3790312, "392.85"},
		{"mobilenetv2_100@kernel=9", 4018664, "466.5"},
		{"mobilenetv2_100@kernel=11", 4304104, "558.6"},
		{"mobilenetv2_100@kernel=13", 4646632, "669.1"},
		{"mobilenetv2_100@mix=2", 3561960, "319.2"},
		{"mobilenetv2_100@mix=3", 3638040, "343.3"},
		{"mobilenetv2_100@mix=4", 3733224, "374.4"},
		{"mobilenetv2_100@mix=5", 3845672, "408.8"},
		{"mobilenetv2_100@mix=6", 3980472, "452.6"},
	} {
		params, macs := count(t, tc.name, Options{})
		if params != tc.params {
			t.Errorf("%s: %d parameters, want %d", tc.name, params, tc.params)
		}
		_, decimals, _ := strings.Cut(tc.macs, ".")
		if got := strconv.FormatFloat(float64(macs)/1e6, 'f', len(decimals), 64); tc.macs != "" && got != tc.macs {
			t.Errorf("%s: %s M multiply-adds, want %s M", tc.name, got, tc.macs)
		}
	}
}
