package zoo_test

import (
	"slices"
	"testing"

	"github.com/mixnet-go/mixnet/zoo"
)

// Parameters of detectors have the names that TensorFlow's Object Detection API
// gives them in its checkpoints, every one of them.
func TestTensorFlowNames(t *testing.T) {
	for network, want := range map[string][]string{
		"mobilenetv1_100_ssdlite320": {
			"FeatureExtractor/MobilenetV1/Conv2d_0/weights",
			"FeatureExtractor/MobilenetV1/Conv2d_1_depthwise/depthwise_weights",
			"FeatureExtractor/MobilenetV1/Conv2d_13_pointwise/BatchNorm/moving_variance",
			"FeatureExtractor/MobilenetV1/Conv2d_13_pointwise_1_Conv2d_2_1x1_256/weights",
			"FeatureExtractor/MobilenetV1/Conv2d_13_pointwise_2_Conv2d_2_3x3_s2_512_depthwise/depthwise_weights",
			"FeatureExtractor/MobilenetV1/Conv2d_13_pointwise_2_Conv2d_5_3x3_s2_128/BatchNorm/gamma",
			"BoxPredictor_0/ClassPredictor/biases",
		},
		"mobilenetv2_100_ssdlite300": {
			"FeatureExtractor/MobilenetV2/Conv/weights",
			"FeatureExtractor/MobilenetV2/expanded_conv/project/weights",
			"FeatureExtractor/MobilenetV2/expanded_conv_13/expand/weights",
			"FeatureExtractor/MobilenetV2/Conv_1/BatchNorm/beta",
			"FeatureExtractor/MobilenetV2/layer_19_2_Conv2d_3_3x3_s2_256/weights",
			"BoxPredictor_5/BoxEncodingPredictor_depthwise/depthwise_weights",
		},
	} {
		spec, err := zoo.Lookup(network)
		if err != nil {
			t.Fatal(err)
		}
		g, err := spec.Build(zoo.Options{})
		if err != nil {
			t.Fatal(err)
		}
		all := zoo.ForeignNames(g)
		names := all[len(all)-1].Names
		for _, n := range want {
			if !slices.Contains(names, n) {
				t.Errorf("%s: nothing is called %s", network, n)
			}
		}
		if i := slices.Index(names, ""); i >= 0 {
			t.Errorf("%s: %s has no name", network, g.Params[i].Name)
		}
	}
}
