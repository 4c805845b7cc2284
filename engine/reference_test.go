package engine

import (
	"math"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/tensor"
)

// reference evaluates every node of g by the definition of its operator, in
// float64, one output element at a time.
func reference(g *graph.Graph, v graph.Values[float32], x *tensor.Tensor) []*tensor.Dense[float64] {
	shapes, err := g.Shapes(x.Shape)
	if err != nil {
		panic(err)
	}
	out := make([]*tensor.Dense[float64], len(g.Nodes))
	for i, n := range g.Nodes {
		y := tensor.New[float64](shapes[i])
		out[i] = y
		in := make([]*tensor.Dense[float64], len(n.Inputs))
		for j, id := range n.Inputs {
			in[j] = out[id]
		}
		s := y.Shape
		each := func(f func(n, h, w, c int) float64) {
			at := 0
			for n := range s.N {
				for h := range s.H {
					for w := range s.W {
						for c := range s.C {
							y.Data[at] = f(n, h, w, c)
							at++
						}
					}
				}
			}
		}
		switch op := n.Op.(type) {
		case *graph.Input:
			for j, e := range x.Data {
				y.Data[j] = float64(e)
			}
		case *graph.Conv:
			refConv(op, v, in[0], each)
		case *graph.MixConv:
			refMixConv(op, v, in[0], each)
		case *graph.Linear:
			each(func(n, _, _, c int) float64 {
				sum := 0.0
				if op.Bias != graph.NoParam {
					sum = float64(v[op.Bias][c])
				}
				for k := range op.In {
					sum += elem(in[0], n, 0, 0, k) * float64(v[op.Weight][c*op.In+k])
				}
				return sum
			})
		case *graph.BatchNorm:
			each(func(n, h, w, c int) float64 {
				norm := (elem(in[0], n, h, w, c) - float64(v[op.Mean][c])) / math.Sqrt(float64(v[op.Var][c])+op.Eps)
				return norm*float64(v[op.Gamma][c]) + float64(v[op.Beta][c])
			})
		case *graph.Activate:
			each(func(n, h, w, c int) float64 { return refActivate(op.Func, elem(in[0], n, h, w, c)) })
		case *graph.Dropout, *graph.DropPath:
			copy(y.Data, in[0].Data)
		case *graph.GlobalPool:
			each(func(n, _, _, c int) float64 {
				sum := 0.0
				for h := range in[0].Shape.H {
					for w := range in[0].Shape.W {
						sum += elem(in[0], n, h, w, c)
					}
				}
				return sum / float64(in[0].Shape.H*in[0].Shape.W)
			})
		case *graph.Scale:
			each(func(n, h, w, c int) float64 { return elem(in[0], n, h, w, c) * elem(in[1], n, 0, 0, c) })
		case *graph.Add:
			each(func(n, h, w, c int) float64 { return elem(in[0], n, h, w, c) + elem(in[1], n, h, w, c) })
		case *graph.Pool:
			refPool(op, in[0], each)
		case *graph.Concat:
			each(func(n, h, w, c int) float64 {
				for _, x := range in {
					if c < x.Shape.C {
						return elem(x, n, h, w, c)
					}
					c -= x.Shape.C
				}
				panic("channel outside the inputs")
			})
		case *graph.Slice:
			each(func(n, h, w, c int) float64 { return elem(in[0], n, h, w, op.From+c) })
		case *graph.Shuffle:
			each(func(n, h, w, c int) float64 {
				return elem(in[0], n, h, w, c%op.Groups*(s.C/op.Groups)+c/op.Groups)
			})
		case *graph.Shift:
			each(func(n, h, w, c int) float64 { return elem(in[0], n, h+op.DY, w+op.DX, c) })
		default:
			panic("unknown operator " + op.Kind())
		}
	}
	return out
}

// elem returns an element of x, zero outside the image.
func elem(x *tensor.Dense[float64], n, h, w, c int) float64 {
	s := x.Shape
	if h < 0 || h >= s.H || w < 0 || w >= s.W {
		return 0
	}
	return x.Data[((n*s.H+h)*s.W+w)*s.C+c]
}

type eachFunc func(f func(n, h, w, c int) float64)

func refConv(op *graph.Conv, v graph.Values[float32], x *tensor.Dense[float64], each eachFunc) {
	var weights []float32
	for _, id := range op.Weights {
		weights = append(weights, v[id]...)
	}
	_, top := op.Padding.Extent(x.Shape.H, op.Kernel, op.Stride, op.Dilation)
	_, left := op.Padding.Extent(x.Shape.W, op.Kernel, op.Stride, op.Dilation)
	each(func(n, h, w, c int) float64 {
		sum := 0.0
		if op.Bias != graph.NoParam {
			sum = float64(v[op.Bias][c])
		}
		in, at := 0, 0
		for _, g := range op.Groups {
			taps := op.Kernel * op.Kernel
			if c >= g.Out {
				c -= g.Out
				in += g.In
				at += g.Out * g.In * taps
				continue
			}
			for k := range g.In {
				for i := range op.Kernel {
					for j := range op.Kernel {
						e := elem(x, n, h*op.Stride+i*op.Dilation-top, w*op.Stride+j*op.Dilation-left, in+k)
						sum += e * float64(weights[at+(c*g.In+k)*taps+i*op.Kernel+j])
					}
				}
			}
			break
		}
		return sum
	})
}

func refMixConv(op *graph.MixConv, v graph.Values[float32], x *tensor.Dense[float64], each eachFunc) {
	each(func(n, h, w, c int) float64 {
		at := c
		for i, g := range op.Groups {
			if at >= g.Channels {
				at -= g.Channels
				continue
			}
			_, top := op.Padding.Extent(x.Shape.H, g.Kernel, op.Stride, g.Dilation)
			_, left := op.Padding.Extent(x.Shape.W, g.Kernel, op.Stride, g.Dilation)
			sum := 0.0
			for y := range g.Kernel {
				for z := range g.Kernel {
					e := elem(x, n, h*op.Stride+y*g.Dilation-top, w*op.Stride+z*g.Dilation-left, c)
					sum += e * float64(v[op.Weights[i]][at*g.Kernel*g.Kernel+y*g.Kernel+z])
				}
			}
			return sum
		}
		panic("channel outside the groups")
	})
}

func refPool(op *graph.Pool, x *tensor.Dense[float64], each eachFunc) {
	_, top := op.Padding.Extent(x.Shape.H, op.Kernel, op.Stride, 1)
	_, left := op.Padding.Extent(x.Shape.W, op.Kernel, op.Stride, 1)
	each(func(n, h, w, c int) float64 {
		sum, best, count := 0.0, math.Inf(-1), 0
		for i := range op.Kernel {
			for j := range op.Kernel {
				y, z := h*op.Stride+i-top, w*op.Stride+j-left
				if y < 0 || y >= x.Shape.H || z < 0 || z >= x.Shape.W {
					continue
				}
				e := elem(x, n, y, z, c)
				sum += e
				best = max(best, e)
				count++
			}
		}
		switch {
		case op.Max:
			return best
		case op.CountPad:
			return sum / float64(op.Kernel*op.Kernel)
		}
		return sum / float64(count)
	})
}

func refActivate(a graph.Activation, x float64) float64 {
	relu6 := func(x float64) float64 { return min(max(x, 0), 6) }
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	switch a {
	case graph.ReLU:
		return max(x, 0)
	case graph.ReLU6:
		return relu6(x)
	case graph.Swish:
		return x * sigmoid(x)
	case graph.HardSwish:
		return x * relu6(x+3) / 6
	case graph.Sigmoid:
		return sigmoid(x)
	case graph.HardSigmoid:
		return relu6(x+3) / 6
	}
	return x
}
