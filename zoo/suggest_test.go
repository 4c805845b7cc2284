package zoo

import (
	"slices"
	"testing"
)

// What people type for what they mean.
func TestSuggest(t *testing.T) {
	for _, tc := range []struct{ name, want string }{
		{"mobilnet", "mobilenetv2_100"},
		{"mobilenet_v2", "mobilenetv2_100"},
		{"mobilenet_v2", "torchvision_mobilenet_v2"},
		{"mobilenetv3", "mobilenetv3_large_100"},
		{"mixnet-s", "mixnet_s"},
		{"MixNet-S", "mixnet_s"},
		{"mixnet", "mixnet_s"},
		{"resnet", "resnet50"},
		{"restnet50", "resnet50"},
		{"efficientnet_lite", "efficientnet_lite0"},
		{"fashon", "fashion"},
		{"shufflenet", "shufflenet_v1_g3_x1_0"},
	} {
		if got := Suggest(tc.name, "fashion"); !slices.Contains(got, tc.want) {
			t.Errorf("%s: %v, want %s among them", tc.name, got, tc.want)
		}
	}
	for _, name := range []string{"", "x", "nothing-like-it", "zzzzzzzzzzzzzzzzz"} {
		if got := Suggest(name); len(got) > 0 {
			t.Errorf("%q suggests %v", name, got)
		}
	}
}
