package zoo

import "github.com/mixnet-go/mixnet/tensor"

// PaperRow is a row of table 2 of the MixConv paper, or a further point of its
// figure 7, beside what this library counts.
type PaperRow struct {
	System  string `json:"system"`            // as printed
	Kind    string `json:"kind"`              // "manual", "auto" or "combined": how the network was designed
	Series  string `json:"series"`            // the curve of figure 7 it lies on
	Network string `json:"network,omitempty"` // its name in the zoo; empty where no architecture is published
	Figure  bool   `json:"figure_7_only,omitempty"`
	Paper
	CountedParams int64  `json:"counted_params,omitempty"`
	CountedMACs   int64  `json:"counted_macs,omitempty"` // convolutions and classifier, at 224×224
	Note          string `json:"note,omitempty"`
}

// PaperTable returns table 2 of the MixConv paper in its order, then the
// points that figure 7 adds.
func PaperTable() ([]PaperRow, error) {
	rows := []PaperRow{
		{System: "MobileNetV1", Kind: "manual", Series: "MobileNetV1", Network: "mobilenetv1_100"},
		{System: "MobileNetV2", Kind: "manual", Series: "MobileNetV2", Network: "mobilenetv2_100"},
		{System: "MobileNetV2 (1.4x)", Kind: "manual", Series: "MobileNetV2", Network: "mobilenetv2_140"},
		{System: "ShuffleNetV2", Kind: "manual", Series: "ShuffleNetV2", Network: "shufflenet_v2_proj_x1_5"},
		{System: "ShuffleNetV2 (2x)", Kind: "manual", Series: "ShuffleNetV2", Network: "shufflenet_v2_proj_x2_0"},
		{System: "ResNet-153", Kind: "manual", Series: "ResNet", Network: "resnet152"},
		{System: "NASNet-A", Kind: "auto", Series: "NASNet-A", Network: "nasnet_a_mobile"},
		{System: "DARTS", Kind: "auto", Series: "DARTS", Network: "darts_v2"},
		{System: "MnasNet-A1", Kind: "auto", Series: "MnasNet", Network: "semnasnet_100"},
		{
			System: "MnasNet-A2", Kind: "auto", Series: "MnasNet",
			Paper: Paper{Source: mixnetPaper, Params: 4.8, FLOPS: 340, Top1: 75.6, Top5: 92.7},
			Note:  "its architecture is not published: the paper's figures only",
		},
		{System: "FBNet-A", Kind: "auto", Series: "FBNet", Network: "fbnet_a"},
		{System: "FBNet-C", Kind: "auto", Series: "FBNet", Network: "fbnet_c"},
		{System: "ProxylessNAS", Kind: "auto", Series: "ProxylessNAS", Network: "proxylessnas_mobile"},
		{System: "ProxylessNAS (1.4x)", Kind: "auto", Series: "ProxylessNAS", Network: "proxylessnas_mobile_14"},
		{System: "MobileNetV3-Large", Kind: "combined", Series: "MobileNetV3", Network: "mobilenetv3_large_100"},
		{System: "MobileNetV3-Large (1.25x)", Kind: "combined", Series: "MobileNetV3", Network: "mobilenetv3_large_125"},
		{System: "MixNet-S", Kind: "auto", Series: "MixNet", Network: "mixnet_s"},
		{System: "MixNet-M", Kind: "auto", Series: "MixNet", Network: "mixnet_m"},
		{System: "MixNet-L", Kind: "auto", Series: "MixNet", Network: "mixnet_l"},

		{System: "MobileNetV2 (1.3x)", Kind: "manual", Series: "MobileNetV2", Network: "mobilenetv2_130", Figure: true},
		{System: "ShuffleNetV1 (2x)", Kind: "manual", Series: "ShuffleNetV1", Network: "shufflenet_v1_g3_x2_0", Figure: true},
		{System: "FBNet-B", Kind: "auto", Series: "FBNet", Network: "fbnet_b", Figure: true},
	}
	for i := range rows {
		r := &rows[i]
		if r.Network == "" {
			continue
		}
		s, err := Lookup(r.Network)
		if err != nil {
			return nil, err
		}
		info := s.About()
		r.Paper, r.Note = *info.Paper, info.Note
		g, err := s.Build(Options{})
		if err != nil {
			return nil, err
		}
		r.CountedParams = g.ParamCount()
		if r.CountedMACs, err = g.MACs(tensor.Shape{N: 1, H: 224, W: 224, C: 3}); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
