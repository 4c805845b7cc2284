package train

import (
	"github.com/mixnet-go/mixnet/autodiff"
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// nets are one network planned for images of several sizes. They share the
// parameters, the statistics of batch norm, and their memory: it is that of
// the largest.
type nets map[[2]int]*autodiff.Net[float32]

// newNets plans g for batches of in and for images of the other sizes.
func newNets(g *graph.Graph, in tensor.Shape, sizes [][2]int, o autodiff.Options) (nets, error) {
	largest := in
	for _, s := range sizes {
		largest.H, largest.W = max(largest.H, s[0]), max(largest.W, s[1])
	}
	first, err := autodiff.New[float32](g, largest, o)
	if err != nil {
		return nil, err
	}
	all := nets{{largest.H, largest.W}: first}
	for _, s := range append(sizes, [2]int{in.H, in.W}) {
		if all[s] != nil {
			continue
		}
		if all[s], err = first.Resized(s[0], s[1]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// of returns the net for images of a size.
func (n nets) of(s tensor.Shape) *autodiff.Net[float32] { return n[[2]int{s.H, s.W}] }
