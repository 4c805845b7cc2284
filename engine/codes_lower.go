package engine

import (
	"math"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/internal/kernel/q8"
)

// inCodes returns the layer that computes n on codes, and the node it ends with;
// no node if n is to be computed on floats. The layer is nil where there is
// nothing to compute.
func (l *lowering) inCodes(n *node) (end *node, x layer) {
	switch op := n.op.(type) {
	case *graph.Conv:
		return l.convInCodes(n, op.Weights, convTaps(op), func(s sums) layer { return &codeConvLayer{sums: s, op: op, bias: op.Bias} })
	case *graph.Linear:
		conv := &graph.Conv{
			Groups: []graph.ConvGroup{{In: op.In, Out: op.Out}}, Kernel: 1, Stride: 1, Dilation: 1,
			Padding: graph.Valid, Weights: []graph.ParamID{op.Weight}, Bias: op.Bias,
		}
		return l.convInCodes(n, conv.Weights, op.In, func(s sums) layer { return &codeConvLayer{sums: s, op: conv, bias: op.Bias} })
	case *graph.MixConv:
		return l.convInCodes(n, op.Weights, mixTaps(op), func(s sums) layer { return &codeDepthwiseLayer{sums: s, op: op} })
	case *graph.GlobalPool:
		if v := l.value(n.in[0]); v.code != nil {
			return n, &codeMeanLayer{name: n.name, x: l.plain(v), y: l.value(n)}
		}
		return nil, nil
	}
	if n.code == nil || len(n.in) == 0 || l.value(n.in[0]).code == nil {
		return nil, nil
	}
	v := l.value(n.in[0])
	switch op := n.op.(type) {
	case *graph.Pool:
		if *n.code == *v.code {
			return n, &codePoolLayer{name: n.name, op: op, x: l.plain(v), y: l.result(n, *n.code)}
		}
	case *graph.Activate:
		return n, &lookupLayer{name: n.name, x: l.plain(v), y: l.result(n, *n.code), act: kernel.Act(op.Func)}
	case *graph.Scale:
		if bounded(v.code.Scale, n.code.Scale) {
			return n, &codeScaleLayer{name: n.name, x: l.plain(v), factors: l.float(l.value(n.in[1])), y: l.result(n, *n.code)}
		}
	case *graph.Add:
		return l.addInCodes(n)
	}
	return nil, nil
}

// result returns the value of n, in codes.
func (l *lowering) result(n *node, c graph.Code) *value {
	v := l.value(n)
	v.code = &c
	return v
}

// addInCodes returns the layer of a sum of codes, with a rectifier behind it.
func (l *lowering) addInCodes(n *node) (end *node, x layer) {
	a, b := l.value(n.in[0]), l.value(n.in[1])
	if b.code == nil {
		return nil, nil
	}
	end, act := n, kernel.Identity
	if u := n.only(); u != nil && u.code != nil && rectifies(u) {
		end, act = u, kernel.Act(u.op.(*graph.Activate).Func)
	}
	if !bounded(a.code.Scale, end.code.Scale) || !bounded(b.code.Scale, end.code.Scale) {
		return nil, nil
	}
	end.fused = true
	return end, &codeAddLayer{name: n.name, a: l.plain(a), b: l.plain(b), y: l.result(end, *end.code), act: act}
}

// bounded reports whether a factor of a scale over another is one that codes
// can be multiplied by.
func bounded(scale, over float32) bool { return scale/over <= q8.MaxAddMul/2 }

// only returns the one operator that reads n; nil if there are others or n is a
// result.
func (n *node) only() *node {
	if n.keep || len(n.users) != 1 {
		return nil
	}
	return n.users[0]
}

func rectifies(n *node) bool {
	a, ok := n.op.(*graph.Activate)
	return ok && (a.Func == graph.ReLU || a.Func == graph.ReLU6)
}

// sums is what the convolutions on codes have in common: sums of products that
// become codes.
type sums struct {
	name   string
	x, y   *value
	add    *value // residual, before the activation; nil for none
	scales [][]float32
	affine *affine
	act    kernel.Act
	step   float64 // of what the activation takes
	zero   int     // its zero point
	exact  bool
	pre    graph.ID // node of the sums, after batch norm
	packedSums
}

// convTaps returns the largest number of weights of an output.
func convTaps(op *graph.Conv) (most int) {
	for _, g := range op.Groups {
		most = max(most, g.In*op.Kernel*op.Kernel)
	}
	return most
}

// mixTaps returns the largest number of weights of an output.
func mixTaps(op *graph.MixConv) (most int) {
	for _, g := range op.Groups {
		most = max(most, g.Kernel*g.Kernel)
	}
	return most
}

// convInCodes returns the layer of a convolution on codes with what follows. An
// output has at most so many taps.
func (l *lowering) convInCodes(n *node, weights []graph.ParamID, taps int, make func(sums) layer) (end *node, x layer) {
	scales := scalesOf(weights, l.quant)
	in := n.in[0].code
	if v := l.value(n.in[0]); v.code != nil {
		in = v.code
	}
	if in == nil || scales == nil {
		return nil, nil
	}
	s := sums{name: n.name, scales: scales, exact: l.quant.Exact}
	pre, taken := n, []*node(nil)
	for u := pre.only(); u != nil; u = pre.only() {
		a, ok := u.op.(*affine)
		if !ok {
			break
		}
		s.affine, pre, taken = compose(s.affine, a), u, append(taken, u)
	}
	end = s.follow(l, pre)
	if end == nil || !s.fits(in.Scale, taps) {
		return nil, nil
	}
	for u := pre; u != end; u = u.users[0] {
		u.users[0].fused = true
	}
	for _, u := range taken {
		u.fused = true
	}
	s.pre = pre.shape
	s.x = l.plain(l.code(l.value(n.in[0]), *in))
	s.y = l.result(end, *end.code)
	return end, make(s)
}

// follow chooses what s does to its sums behind pre, and returns the last node;
// nil if the result has no code.
func (s *sums) follow(l *lowering, pre *node) (end *node) {
	end = pre
	if u := pre.only(); u != nil && !s.exact && u.code != nil {
		if _, ok := u.op.(*graph.Add); ok {
			other := u.in[0]
			if other == pre {
				other = u.in[1]
			}
			if v := l.value(other); other.index < pre.index && v.code != nil && bounded(v.code.Scale, u.code.Scale) {
				s.add, end = l.plain(v), u
			}
		}
	}
	u := end.only()
	switch {
	case u != nil && u.code != nil && rectifies(u):
		s.act, end = kernel.Act(u.op.(*graph.Activate).Func), u
	case u != nil && u.code != nil && end.code != nil && isActivation(u):
		s.act = kernel.Act(u.op.(*graph.Activate).Func)
		s.step, s.zero = float64(end.code.Scale), int(end.code.Zero)
		if !s.exact { // twice as fine
			s.step, s.zero = s.step/2, 2*s.zero
		}
		return u
	}
	if end.code != nil {
		s.step, s.zero = float64(end.code.Scale), int(end.code.Zero)
		return end
	}
	return nil
}

func isActivation(n *node) bool {
	_, ok := n.op.(*graph.Activate)
	return ok
}

// fits reports whether the factors of all outputs are ones that sums of so many
// products can be multiplied by.
func (s *sums) fits(scale float32, taps int) bool {
	most := max(q8.MaxMul, q8.MaxValue/2/float64(255*graph.MaxWeightCode*taps))
	for i, of := range s.outputs() {
		unit := float64(scale) * float64(of)
		if s.affine != nil {
			unit *= math.Abs(float64(s.affine.scale[i]))
		}
		if !(unit/s.step <= most) {
			return false
		}
	}
	return true
}

// outputs returns the scales of the weights of all outputs.
func (s *sums) outputs() (all []float32) {
	for _, w := range s.scales {
		all = append(all, w...)
	}
	return all
}

// scalesOf returns the scales of weights; nil unless all of them have some.
func scalesOf(weights []graph.ParamID, q *graph.Quantization) (scales [][]float32) {
	for _, id := range weights {
		s, ok := q.Scales[id]
		if !ok {
			return nil
		}
		scales = append(scales, s)
	}
	return scales
}
