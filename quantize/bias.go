package quantize

import (
	"math"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// meanOutput returns the mean over all positions of a convolution's result on
// an image, before batch norm and bias. A mean over images of that is the result
// for the mean image.
func meanOutput(g *graph.Graph, id graph.ID, v graph.Values[float32], x *tensor.Tensor) ([]float64, error) {
	op := g.Nodes[id].Op
	shape, err := op.OutShape([]tensor.Shape{x.Shape})
	if err != nil {
		return nil, err
	}
	out := make([]float64, shape.C)
	switch op := op.(type) {
	case *graph.Linear:
		mulMean(out, v[op.Weight], taps(x, graph.Valid, 1, 1, 1, 0, op.In, shape))
	case *graph.Conv:
		in, at, rest := 0, 0, joined(v, op.Weights)
		for _, group := range op.Groups {
			t := taps(x, op.Padding, op.Kernel, op.Stride, op.Dilation, in, group.In, shape)
			n := group.Out * group.In * op.Kernel * op.Kernel
			mulMean(out[at:][:group.Out], rest[:n], t)
			in, at, rest = in+group.In, at+group.Out, rest[n:]
		}
	case *graph.MixConv:
		at := 0
		for i, group := range op.Groups {
			t := taps(x, op.Padding, group.Kernel, op.Stride, group.Dilation, at, group.Channels, shape)
			n := group.Kernel * group.Kernel
			for c := range group.Channels {
				mulMean(out[at+c:][:1], v[op.Weights[i]][c*n:][:n], t[c*n:][:n])
			}
			at += group.Channels
		}
	}
	return out, nil
}

func joined(v graph.Values[float32], ids []graph.ParamID) (all []float32) {
	if len(ids) == 1 {
		return v[ids[0]]
	}
	for _, id := range ids {
		all = append(all, v[id]...)
	}
	return all
}

// taps returns for channels [from, from+n) of x and each position in a window,
// in the order of weights, the mean over all windows.
func taps(x *tensor.Tensor, p graph.Padding, kernel, stride, dilation, from, n int, out tensor.Shape) []float64 {
	s := x.Shape
	_, top := p.Extent(s.H, kernel, stride, dilation)
	_, left := p.Extent(s.W, kernel, stride, dilation)
	mean := make([]float64, n*kernel*kernel)
	for ky := range kernel {
		for kx := range kernel {
			tap := ky*kernel + kx
			for y := range out.H {
				iy := y*stride + ky*dilation - top
				if iy < 0 || iy >= s.H {
					continue
				}
				for ox := range out.W {
					ix := ox*stride + kx*dilation - left
					if ix < 0 || ix >= s.W {
						continue
					}
					for c, v := range x.Data[(iy*s.W+ix)*s.C+from:][:n] {
						mean[c*kernel*kernel+tap] += float64(v)
					}
				}
			}
		}
	}
	for i := range mean {
		mean[i] /= float64(out.H * out.W)
	}
	return mean
}

// mulMean sets each output to the product of its weights and the means.
func mulMean(out []float64, w []float32, means []float64) {
	n := len(means)
	for o := range out {
		sum := 0.0
		for i, m := range means {
			sum += float64(w[o*n+i]) * m
		}
		out[o] = sum
	}
}

// preActivation returns what batch norm and bias make of a unit's mean output.
func (u *unit) preActivation(g *graph.Graph, v graph.Values[float32], out []float64) {
	if u.pre == u.conv {
		if u.shift != graph.NoParam {
			for c, b := range v[u.shift] {
				out[c] += float64(b)
			}
		}
		return
	}
	if op, ok := g.Nodes[u.conv].Op.(*graph.Conv); ok && op.Bias != graph.NoParam {
		for c, b := range v[op.Bias] {
			out[c] += float64(b)
		}
	}
	bn := g.Nodes[u.pre].Op.(*graph.BatchNorm)
	for c := range out {
		a := float64(v[bn.Gamma][c]) / math.Sqrt(float64(v[bn.Var][c])+bn.Eps)
		out[c] = (out[c]-float64(v[bn.Mean][c]))*a + float64(v[bn.Beta][c])
	}
}
