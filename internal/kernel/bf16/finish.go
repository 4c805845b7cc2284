package bf16

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

// Epilogue is what becomes of sums on their way to memory, in float32: a bias
// is added, then a residual, then comes the activation.
type Epilogue struct {
	Bias []float32 // of each output; nil is zeros
	// Add is a residual of the same rows and outputs, AddStride apart; nil for
	// none. It may be the destination.
	Add       []uint16
	AddStride int
	Act       kernel.Act
}

// check panics unless e fits so many rows and outputs.
func (e *Epilogue) check(rows, n int) {
	if e.Bias != nil {
		need("bias", e.Bias, 1, 0, n)
	}
	if e.Add != nil {
		need("residual", e.Add, rows, e.AddStride, n)
	}
}

// Finish sets dst to what ep makes of rows of n floats, rounded. If sums is not
// nil, the results before rounding are added to its n elements, row by row.
func Finish(dst []uint16, dstStride int, src []float32, srcStride, rows, n int, ep Epilogue, sums []float32) {
	need("destination", dst, rows, dstStride, n)
	need("source", src, rows, srcStride, n)
	ep.check(rows, n)
	if sums != nil {
		need("sums", sums, 1, 0, n)
	}
	if rows == 0 || n == 0 {
		return
	}
	f := finish{halves: dst, dstStride: dstStride, src: src, srcStride: srcStride, rows: rows, n: n, ep: ep, sums: sums}
	f.run()
}

// finish is an Epilogue at work.
type finish struct {
	halves    []uint16 // the destination, or else
	floats    []float32
	dstStride int
	src       []float32
	srcStride int
	rows, n   int
	ep        Epilogue
	sums      []float32 // of the columns; nil if not wanted
}

func (f *finish) run() { f.columns(f.asm(), f.n) }

// columns does columns [from, to) of all rows.
func (f *finish) columns(from, to int) {
	if from == to {
		return
	}
	for r := range f.rows {
		src := f.src[r*f.srcStride:]
		for i := from; i < to; i++ {
			v := src[i]
			if f.ep.Bias != nil {
				v += f.ep.Bias[i]
			} else {
				v += 0 // which is what a vector of biases does to -0
			}
			if f.ep.Add != nil {
				v += Value(f.ep.Add[r*f.ep.AddStride+i])
			}
			v = activate(v, f.ep.Act)
			if f.sums != nil {
				f.sums[i] += v
			}
			if f.halves != nil {
				f.halves[r*f.dstStride+i] = Round(v)
			} else {
				f.floats[r*f.dstStride+i] = v
			}
		}
	}
}

// activate returns a(x).
func activate(x float32, a kernel.Act) float32 {
	switch a {
	case kernel.Identity:
		return x
	case kernel.ReLU:
		return relu(x)
	case kernel.ReLU6:
		return relu6(x)
	case kernel.Swish:
		return swish(x)
	case kernel.HardSwish:
		return x * float32(relu6(x+3)*(1.0/6))
	case kernel.HardSigmoid:
		return relu6(x+3) * (1.0 / 6)
	case kernel.Sigmoid:
		return float32(1 / (1 + math.Exp(-float64(x))))
	}
	panic("bf16: unknown activation")
}

// relu is max(x, 0), but leaves -0 and NaN.
func relu(x float32) float32 {
	if x < 0 {
		return 0
	}
	return x
}

func relu6(x float32) float32 {
	if x > 6 {
		return 6
	}
	return relu(x)
}
