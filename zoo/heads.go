package zoo

import (
	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// Heads is memory for what a network that finds objects says of some images:
// box codes, four numbers an anchor, and class outputs, one for each anchor and
// slot.
type Heads struct {
	// Names and Tensors are the outputs to compute.
	Names   []string
	Tensors []*tensor.Tensor
	// Maps are the heights and widths that the anchors stand on.
	Maps [][2]int

	images        int
	codes, logits []float32 // of one image, map by map
}

// NewHeads makes memory for the outputs of a batch of images.
func NewHeads(g *graph.Graph, in tensor.Shape) (*Heads, error) {
	shapes, err := g.Shapes(in)
	if err != nil {
		return nil, err
	}
	maps, err := Maps(g, in.H, in.W)
	if err != nil {
		return nil, err
	}
	h := &Heads{Maps: maps, images: in.N}
	sizes := [2]int{} // of codes and logits of an image
	for level := range maps {
		for k, name := range [2]string{graph.Boxes(level), graph.Scores(level)} {
			o, _ := g.Find(name)
			h.Names = append(h.Names, name)
			h.Tensors = append(h.Tensors, &tensor.Tensor{Shape: shapes[o.ID]})
			sizes[k] += shapes[o.ID].Len() / in.N
		}
	}
	h.codes, h.logits = make([]float32, sizes[0]), make([]float32, sizes[1])
	// The outputs of one image are computed to where they are wanted, those of
	// several to memory of their own.
	rest := [2][]float32{h.codes, h.logits}
	for i, t := range h.Tensors {
		n := t.Shape.Len()
		if in.N > 1 {
			t.Data = make([]float32, n)
			continue
		}
		k := i % 2
		t.Data, rest[k] = rest[k][:n:n], rest[k][n:]
	}
	return h, nil
}

// Image returns box codes and class outputs of an image in the order of the
// anchors. They are valid until the next call.
func (h *Heads) Image(i int) (codes, logits []float32) {
	if h.images > 1 {
		all := [2][]float32{h.codes[:0], h.logits[:0]}
		for j, t := range h.Tensors {
			n := len(t.Data) / h.images
			all[j%2] = append(all[j%2], t.Data[i*n:(i+1)*n]...)
		}
	}
	return h.codes, h.logits
}
