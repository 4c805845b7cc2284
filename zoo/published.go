package zoo

// measured holds what published weights reach on ImageNet's 50,000 validation
// images, top-1 and top-5 in per cent, as timm lists them in its
// results-imagenet.csv (of August 2026). What the papers state of a network is
// in its Paper.
var measured = map[string][2]float64{
	"mixnet_s.ft_in1k":                          {76, 92.796},
	"mixnet_m.ft_in1k":                          {77.268, 93.418},
	"mixnet_l.ft_in1k":                          {78.97, 94.18},
	"mixnet_xl.ra_in1k":                         {80.494, 94.938},
	"tf_mixnet_s.in1k":                          {75.656, 92.632},
	"tf_mixnet_m.in1k":                          {76.952, 93.164},
	"tf_mixnet_l.in1k":                          {78.774, 94},
	"mobilenetv1_100.ra4_e3600_r224_in1k":       {75.388, 92.31},
	"mobilenetv1_125.ra4_e3600_r224_in1k":       {76.92, 93.232},
	"mobilenetv2_050.lamb_in1k":                 {65.928, 86.114},
	"mobilenetv2_100.ra_in1k":                   {72.91, 91},
	"mobilenetv2_140.ra_in1k":                   {76.528, 93.008},
	"mobilenetv2_110d.ra_in1k":                  {75.056, 92.186},
	"mobilenetv2_120d.ra_in1k":                  {77.3, 93.516},
	"mobilenetv3_large_100.ra_in1k":             {75.784, 92.528},
	"mobilenetv3_large_100.ra4_e3600_r224_in1k": {76.31, 92.842},
	"mobilenetv3_large_100.miil_in21k_ft_in1k":  {77.92, 92.894},
	"mobilenetv3_small_050.lamb_in1k":           {57.918, 80.144},
	"mobilenetv3_small_075.lamb_in1k":           {65.284, 85.462},
	"mobilenetv3_small_100.lamb_in1k":           {67.636, 87.638},
	"tf_mobilenetv3_large_075.in1k":             {73.442, 91.332},
	"tf_mobilenetv3_large_100.in1k":             {75.51, 92.6},
	"tf_mobilenetv3_small_075.in1k":             {65.706, 86.13},
	"tf_mobilenetv3_small_100.in1k":             {67.922, 87.686},
	"semnasnet_075.rmsp_in1k":                   {73, 91.124},
	"semnasnet_100.rmsp_in1k":                   {75.452, 92.608},
	"mnasnet_100.rmsp_in1k":                     {74.672, 92.108},
	"fbnetc_100.rmsp_in1k":                      {75.12, 92.384},
	"efficientnet_lite0.ra_in1k":                {75.488, 92.508},
	"tf_efficientnet_lite0.in1k":                {74.846, 92.18},
	"tf_efficientnet_lite1.in1k":                {76.674, 93.232},
	"tf_efficientnet_lite2.in1k":                {77.47, 93.756},
	"tf_efficientnet_lite3.in1k":                {79.808, 94.908},
	"tf_efficientnet_lite4.in1k":                {81.54, 95.668},
	"resnet18.tv_in1k":                          {69.752, 89.082},
	"resnet18.a1_in1k":                          {71.504, 90.086},
	"resnet34.tv_in1k":                          {73.298, 91.422},
	"resnet34.a1_in1k":                          {76.42, 92.896},
	"resnet50.tv_in1k":                          {76.156, 92.866},
	"resnet50.a1_in1k":                          {80.382, 94.598},
	"resnet101.tv_in1k":                         {77.404, 93.552},
	"resnet101.a1_in1k":                         {81.494, 95.164},
	"resnet152.tv_in1k":                         {78.33, 94.046},
	"resnet152.a1_in1k":                         {81.998, 95.294},
}

// Measured returns what published weights, named as NAME.TAG, reach on
// ImageNet's validation images, as fractions.
func Measured(name string) (top1, top5 float64, ok bool) {
	m, ok := measured[name]
	return m[0] / 100, m[1] / 100, ok
}
