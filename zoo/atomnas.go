package zoo

import "github.com/mixnet-go/mixnet/graph"

// AtomNAS (arXiv 1912.09640) finds how many channels each kernel size gets by
// shrinking a supernet of 3×3, 5×5 and 7×7: MixConv with groups of unequal
// width. The tables are those of its released code; the variants with a plus
// add squeeze-excite and swish.

const (
	atomnasPaper = "AtomNAS, arXiv 1912.09640, table 1"
	atomnasDrop  = 0.28 // of the released configurations
)

// atomnas returns the table of a search result, without its name.
func atomnas(stem int, stages ...Stage) Network {
	return Network{Stem: Stem{Out: stem}, Stages: stages, Head: Head{Out: 1280}}
}

var atomnasA = atomnas(16,
	Stage{Kernels: k3, Out: 16},

	Stage{Kernels: k357, Channels: []int{16, 12, 9}, Out: 24, Stride: 2},
	Stage{Kernels: k357, Channels: []int{19, 2, 1}, Out: 24},
	Stage{Kernels: k357, Channels: []int{9, 7, 1}, Out: 24},
	Stage{Kernels: k35, Channels: []int{14, 1}, Out: 24},

	Stage{Kernels: k357, Channels: []int{46, 49, 50}, Out: 40, Stride: 2},
	Stage{Kernels: k357, Channels: []int{27, 19, 14}, Out: 40},
	Stage{Kernels: k357, Channels: []int{22, 11, 3}, Out: 40},
	Stage{Kernels: k357, Channels: []int{30, 14, 3}, Out: 40},

	Stage{Kernels: k357, Channels: []int{127, 130, 111}, Out: 80, Stride: 2},
	Stage{Kernels: k357, Channels: []int{33, 25, 45}, Out: 80},
	Stage{Kernels: k357, Channels: []int{38, 12, 34}, Out: 80},
	Stage{Kernels: k357, Channels: []int{53, 23, 19}, Out: 80},

	Stage{Kernels: k357, Channels: []int{344, 196, 168}, Out: 96},
	Stage{Kernels: k357, Channels: []int{44, 18, 27}, Out: 96},
	Stage{Kernels: k357, Channels: []int{37, 29, 18}, Out: 96},
	Stage{Kernels: k357, Channels: []int{52, 21, 24}, Out: 96},

	Stage{Kernels: k357, Channels: []int{381, 364, 342}, Out: 192, Stride: 2},
	Stage{Kernels: k357, Channels: []int{123, 76, 162}, Out: 192},
	Stage{Kernels: k357, Channels: []int{179, 107, 212}, Out: 192},
	Stage{Kernels: k357, Channels: []int{238, 111, 171}, Out: 192},

	Stage{Kernels: k357, Channels: []int{654, 495, 546}, Out: 320},
)

var atomnasB = atomnas(32,
	Stage{Kernels: k3, Out: 16},

	Stage{Kernels: k357, Channels: []int{7, 15, 17}, Out: 24, Stride: 2},
	Stage{Kernels: k35, Channels: []int{16, 4}, Out: 24},
	Stage{Kernels: k357, Channels: []int{17, 7, 1}, Out: 24},
	Stage{Kernels: k357, Channels: []int{22, 4, 1}, Out: 24},

	Stage{Kernels: k357, Channels: []int{58, 66, 67}, Out: 40, Stride: 2},
	Stage{Kernels: k357, Channels: []int{39, 24, 17}, Out: 40},
	Stage{Kernels: k357, Channels: []int{22, 13, 3}, Out: 40},
	Stage{Kernels: k357, Channels: []int{38, 16, 3}, Out: 40},

	Stage{Kernels: k357, Channels: []int{166, 148, 151}, Out: 80, Stride: 2},
	Stage{Kernels: k357, Channels: []int{31, 43, 65}, Out: 80},
	Stage{Kernels: k357, Channels: []int{41, 15, 28}, Out: 80},
	Stage{Kernels: k357, Channels: []int{77, 21, 43}, Out: 80},

	Stage{Kernels: k357, Channels: []int{378, 256, 204}, Out: 96},
	Stage{Kernels: k357, Channels: []int{54, 31, 32}, Out: 96},
	Stage{Kernels: k357, Channels: []int{54, 26, 26}, Out: 96},
	Stage{Kernels: k357, Channels: []int{73, 42, 26}, Out: 96},

	Stage{Kernels: k357, Channels: []int{442, 433, 430}, Out: 192, Stride: 2},
	Stage{Kernels: k357, Channels: []int{154, 112, 263}, Out: 192},
	Stage{Kernels: k357, Channels: []int{234, 142, 282}, Out: 192},
	Stage{Kernels: k357, Channels: []int{295, 190, 202}, Out: 192},

	Stage{Kernels: k357, Channels: []int{766, 631, 671}, Out: 320},
)

var atomnasC = atomnas(32,
	Stage{Kernels: k3, Out: 16},

	Stage{Kernels: k357, Channels: []int{15, 23, 13}, Out: 24, Stride: 2},
	Stage{Kernels: k357, Channels: []int{20, 3, 2}, Out: 24},
	Stage{Kernels: k357, Channels: []int{21, 8, 1}, Out: 24},
	Stage{Kernels: k35, Channels: []int{21, 4}, Out: 24},

	Stage{Kernels: k357, Channels: []int{64, 65, 70}, Out: 40, Stride: 2},
	Stage{Kernels: k357, Channels: []int{40, 23, 28}, Out: 40},
	Stage{Kernels: k357, Channels: []int{36, 21, 9}, Out: 40},
	Stage{Kernels: k357, Channels: []int{40, 22, 7}, Out: 40},

	Stage{Kernels: k357, Channels: []int{169, 170, 157}, Out: 80, Stride: 2},
	Stage{Kernels: k357, Channels: []int{45, 55, 74}, Out: 80},
	Stage{Kernels: k357, Channels: []int{58, 21, 37}, Out: 80},
	Stage{Kernels: k357, Channels: []int{77, 18, 39}, Out: 80},

	Stage{Kernels: k357, Channels: []int{393, 263, 247}, Out: 96},
	Stage{Kernels: k357, Channels: []int{57, 40, 36}, Out: 96},
	Stage{Kernels: k357, Channels: []int{61, 34, 26}, Out: 96},
	Stage{Kernels: k357, Channels: []int{87, 38, 33}, Out: 96},

	Stage{Kernels: k357, Channels: []int{454, 468, 468}, Out: 192, Stride: 2},
	Stage{Kernels: k357, Channels: []int{188, 137, 306}, Out: 192},
	Stage{Kernels: k357, Channels: []int{253, 187, 314}, Out: 192},
	Stage{Kernels: k357, Channels: []int{345, 202, 233}, Out: 192},

	Stage{Kernels: k357, Channels: []int{823, 738, 749}, Out: 320},
)

// plus returns the table with squeeze-excite of half a block's input and swish.
func (n Network) plus() Network {
	n = n.clone()
	n.Act = graph.Swish
	for i := range n.Stages {
		n.Stages[i].SE = 0.5
	}
	return n
}

func atomnases() []Network {
	rows := []struct {
		name, title string
		table       Network
		paper       Paper
	}{
		{"atomnas_a", "AtomNAS-A", atomnasA, Paper{Params: 3.9, FLOPS: 258, Top1: 74.6}},
		{"atomnas_b", "AtomNAS-B", atomnasB, Paper{Params: 4.4, FLOPS: 326, Top1: 75.5}},
		{"atomnas_c", "AtomNAS-C", atomnasC, Paper{Params: 4.7, FLOPS: 360, Top1: 75.9}},
		{"atomnas_a_plus", "AtomNAS-A+", atomnasA.plus(), Paper{Params: 4.7, FLOPS: 260, Top1: 76.3}},
		{"atomnas_b_plus", "AtomNAS-B+", atomnasB.plus(), Paper{Params: 5.5, FLOPS: 329, Top1: 77.2}},
		{"atomnas_c_plus", "AtomNAS-C+", atomnasC.plus(), Paper{Params: 5.9, FLOPS: 363, Top1: 77.6}},
	}
	networks := make([]Network, len(rows))
	for i, r := range rows {
		r.paper.Source = atomnasPaper
		networks[i] = r.table
		networks[i].Info = Info{Name: r.name, Title: r.title, Family: "atomnas", DropRate: atomnasDrop, Paper: &r.paper}
	}
	return networks
}
