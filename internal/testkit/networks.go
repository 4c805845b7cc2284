package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// AllNetworks is the environment variable that, set to anything, lets tests go
// through all networks in place of those that together have every kind of
// block, which takes several times as long.
const AllNetworks = "MIXNET_ALL_NETWORKS"

// All reports whether AllNetworks is set.
func All() bool { return os.Getenv(AllNetworks) != "" }

// representatives are the networks whose golden files are enough to meet every
// operator, kind of block, padding and way to write a classifier.
var representatives = map[string][]string{
	"forward": {
		"mixnet_s", "tf_mixnet_s", "mixnet_l", "mobilenetv1_025", "mobilenetv2_050", "mobilenetv3_small_050", "tf_mobilenetv3_large_100",
		"mnasnet_a1", "mnasnet_050", "semnasnet_050", "fbnet_a", "fbnetc_100", "proxylessnas_mobile", "efficientnet_lite0", "tf_efficientnet_lite0",
		"shufflenet_v1_g3_x0_5", "shufflenet_v1_g8_x0_5", "shufflenet_v2_x0_5", "shufflenet_v2_proj_x0_5", "nasnet_a_mobile", "darts_v1", "darts_v2",
		"resnet18", "resnet50", "torchvision_mobilenet_v2", "torchvision_mobilenet_v3_small", "torchvision_mnasnet0_5",
	},
	"train": {"mixnet_s", "mixnet_s_swish", "mobilenetv2_100", "mobilenetv3_small_100", "resnet18", "shufflenet_v1_g3_x1_0", "shufflenet_v2_x1_0", "darts_v2"},
}

// GoldenFile is a golden file of a network.
type GoldenFile struct{ Network, Path string }

// Golden lists the golden files of a kind, "forward" or "train", for a test in a
// package beside zoo or one below such: those of the representatives, or with
// AllNetworks all.
func Golden(kind string) ([]GoldenFile, error) {
	dir := filepath.FromSlash("../zoo/testdata/golden")
	if _, err := os.Stat(dir); err != nil {
		dir = filepath.Join("..", dir)
	}
	paths, err := filepath.Glob(filepath.Join(dir, kind+"_*.json"))
	if err != nil {
		return nil, err
	}
	var files []GoldenFile
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), kind+"_"), ".json")
		if All() || slices.Contains(representatives[kind], name) {
			files = append(files, GoldenFile{name, path})
		}
	}
	if len(files) < len(representatives[kind]) {
		return nil, fmt.Errorf("%s: %d golden files of the %d networks", dir, len(files), len(representatives[kind]))
	}
	return files, nil
}
