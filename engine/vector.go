package engine

import (
	"math"
	"slices"
	"unsafe"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/q8"
	"github.com/mixnet-go/mixnet/internal/par"
)

// vectorConv is the form of a 1×1 convolution on single pixels in a quantized
// network: squeeze-excite and the classifier. Inputs and results are floats, and
// the same bits on every machine. Weights that are whole numbers are multiplied
// with inputs of 16 bits, two bytes with a row of products each; others in the
// order in which they stand.
type vectorConv struct {
	scales [][]float32 // of the weights; nil for floats
	groups []vectorGroup
}

// vectorGroup is a group of the convolution, with weights of one of both kinds.
type vectorGroup struct {
	in, out, inputs, outputs int
	weight                   *q8.Matrix
	ep                       q8.Epilogue
	unit                     []float64 // of a weight
	dense                    *q8.Dense
}

func (f *vectorConv) packedLen(*graph.Conv) int { return 0 }

func (f *vectorConv) pack(c *convLayer, p *packer) error {
	s := sums{name: c.name, scales: f.scales, affine: c.affine}
	s.shrink = slices.Repeat([]float64{1}, c.op.Out())
	w := p.weights(c.op.Weights)
	in, out := 0, 0
	for _, g := range c.op.Groups {
		part, err := w.next(g.Out * g.In)
		if err != nil {
			return err
		}
		v := vectorGroup{in: in, out: out, inputs: g.In, outputs: g.Out}
		if f.scales != nil {
			codes, err := s.codes(part, out, g.Out)
			if err != nil {
				return err
			}
			v.packCodes(codes, s.outputs()[out:][:g.Out], c.scale(out, out+g.Out))
		} else {
			v.packFloats(part, c.scale(out, out+g.Out))
		}
		f.groups = append(f.groups, v)
		in, out = in+g.In, out+g.Out
	}
	return nil
}

func (v *vectorGroup) packCodes(codes []int8, scales, factors []float32) {
	v.weight = q8.PackMatrix(codes, v.outputs, v.inputs)
	v.ep = q8.Epilogue{Bias: make([]int32, v.outputs), Mul: make([]float32, v.outputs)}
	v.weight.FoldZero(v.ep.Bias, middle)
	for i, s := range scales {
		v.ep.Mul[i] = 1
		unit := float64(s)
		if factors != nil {
			unit *= math.Abs(float64(factors[i]))
		}
		v.unit = append(v.unit, unit)
	}
}

func (v *vectorGroup) packFloats(w, factors []float32) {
	if factors != nil {
		w = append([]float32(nil), w...)
		for i := range w {
			w[i] *= factors[i/v.inputs]
		}
	}
	v.dense = q8.PackDense(w, nil, v.outputs, v.inputs)
}

// vectorStep is a vectorConv of a plan.
type vectorStep struct {
	c         *convLayer
	x, y, add view
	parts     []vectorPart
}

// vectorPart is some outputs of a group for one image.
type vectorPart struct {
	*vectorGroup
	weight   q8.Matrix
	image    int
	from, to int
}

func (f *vectorConv) plan(c *convLayer, b *builder) {
	p := &vectorStep{c: c, x: b.view(c.x), y: b.view(c.y), add: b.optional(c.add)}
	if c.factors != nil {
		addScale(b, c.name, p.x, p.x, b.view(c.factors))
	}
	for i := range b.images {
		for g := range f.groups {
			v := &f.groups[g]
			parts := 1
			if v.weight != nil && b.threads > 1 {
				parts = max(1, min(b.threads, v.inputs*v.outputs/codeMACs))
			}
			b.scratch(2*v.outputs + floatsFor(2*(v.inputs+q8.Slack)))
			for j := range parts {
				part := vectorPart{vectorGroup: v, image: i, to: v.outputs}
				if v.weight != nil {
					from, to := par.Split((v.outputs+kernelCols-1)/kernelCols, parts, j)
					part.from, part.to = from*kernelCols, min(to*kernelCols, v.outputs)
					part.weight = v.weight.Columns(part.from, part.to)
				}
				p.parts = append(p.parts, part)
			}
		}
	}
	s := c.info(b, p.y)
	s.work, s.parts = p, len(p.parts)
	b.add(s)
}

func (p *vectorStep) run(s *state, worker, part int) {
	v := &p.parts[part]
	x := s.from(p.x, v.image, 0)[v.in:][:v.inputs]
	at := v.out + v.from
	y := s.from(p.y, v.image, 0)[at:][:v.to-v.from]
	if v.dense != nil {
		v.dense.Apply(y, x, kernel.Identity)
	} else {
		v.multiply(y, x, s.scratch[worker], &s.codeEpilogues[worker])
	}
	if p.c.bias != nil {
		for i, b := range p.c.bias[at:][:len(y)] {
			y[i] += b
		}
	}
	if p.add.block != nil {
		for i, a := range s.from(p.add, v.image, 0)[at:][:len(y)] {
			y[i] += a
		}
	}
	q8.Activate(y, p.c.act)
}

// middle is the zero point of both bytes of an input.
const middle = 128

// multiply computes the products of inputs with whole weights.
func (v *vectorPart) multiply(y, x, scratch []float32, ep *q8.Epilogue) {
	most := float32(0)
	for _, a := range x {
		most = max(most, max(a, -a))
	}
	step := most / 32000
	if !(step > 0) {
		step = 1
	}
	n := len(y)
	products, stride := scratch[:2*n], len(x)
	codes := bytesOf(scratch[2*n:])[: 2*stride : 2*stride+q8.Slack]
	for i, a := range x {
		u := int(math.RoundToEven(float64(a/step))) + middle<<8 + middle
		codes[i], codes[stride+i] = uint8(u>>8), uint8(u)
	}
	*ep = q8.Epilogue{Mul: v.ep.Mul[v.from:v.to], Bias: v.ep.Bias[v.from:v.to]}
	q8.PointwiseFloat(products, n, codes, stride, 2, &v.weight, ep)
	for i := range y {
		sum := float64(products[i])*256 + float64(products[n+i])
		y[i] = float32(sum * (v.unit[v.from+i] * float64(step)))
	}
}

// bytesOf returns the memory of floats as bytes.
func bytesOf(f []float32) []uint8 {
	return unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(f))), floatBytes*len(f))
}

// intsOf returns the memory of floats as integers of 32 bits.
func intsOf(f []float32) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(f))), len(f))
}

// floatsFor returns how many floats have the memory of n bytes.
func floatsFor(n int) int { return (n + floatBytes - 1) / floatBytes }
