package zoo

import (
	"fmt"
	"slices"

	"github.com/mixnet-go/mixnet/graph"
)

// Mix replaces depthwise convolutions, as the MixConv paper does with those of
// MobileNetV1 and V2 for its Figures 1 and 4 to 6.
type Mix struct {
	// Kernels are the sizes, one a channel group. A single size is an
	// ordinary depthwise convolution; nil keeps each layer's sizes.
	Kernels   []int
	Partition graph.Partition
	Dilated   bool  // see [Stage]
	Parallel  int   // likewise; 0 leaves each layer's
	Layers    []int // depthwise layers to replace, counted from 0; nil means all
}

// MixKernels returns the paper's kernel sizes for g groups: 3, 5, … 2g+1.
func MixKernels(g int) []int {
	kernels := make([]int, max(g, 0))
	for i := range kernels {
		kernels[i] = 2*i + 3
	}
	return kernels
}

// Mixed returns the table with depthwise convolutions replaced.
func (n Network) Mixed(m Mix) (Network, error) {
	n = n.Unrolled()
	layer := 0
	for i := range n.Stages {
		s := &n.Stages[i]
		if s.Kind != Inverted {
			continue
		}
		if m.Layers == nil || slices.Contains(m.Layers, layer) {
			s.Partition, s.Dilated = m.Partition, m.Dilated
			if m.Parallel > 0 {
				s.Parallel = m.Parallel
			}
			if m.Kernels != nil {
				s.Kernels = m.Kernels
			}
			if s.Channels != nil {
				sizes, err := m.Partition.Split(s.expanded(0), len(s.Kernels))
				if err != nil {
					return n, fmt.Errorf("network %s: depthwise layer %d: %w", n.Name, layer, err)
				}
				s.Channels, s.Partition = sizes, graph.Equal
			}
		}
		layer++
	}
	for _, l := range m.Layers {
		if l < 0 || l >= layer {
			return n, fmt.Errorf("network %s has no depthwise layer %d; its layers are 0 to %d", n.Name, l, layer-1)
		}
	}
	return n, n.Validate()
}

// Merged returns the table without second depthwise convolutions: what is left
// of the network when they are folded into the first.
func (n Network) Merged() Network {
	n = n.clone()
	for i := range n.Stages {
		n.Stages[i].Parallel = 0
	}
	return n
}
