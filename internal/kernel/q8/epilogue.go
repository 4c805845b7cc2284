package q8

import "math"

// Epilogue makes codes of sums. Output n of a pixel, whose sum is s, becomes
//
//	v = float32(s)·Mul[n]
//	v = v + float32(Add[n]-AddZero)·AddMul     if there is a residual
//	t = round(v) + Zero                        to nearest, ties to even
//
// with each operation rounded to float32, and from that
//
//	q = min(max(t, Lo), Hi)                    without a Table
//	q = Table.At(min(max(t, 0), 510))          with one
type Epilogue struct {
	// Bias is where the sum of each output starts. It includes the share of the
	// input's zero point: see Matrix.FoldZero. nil is zeros.
	Bias []int32
	// Mul is the scale of the input times that of the output's weights, over
	// the scale of what comes out. It is at most MaxMul, or more where no sum can
	// be above MaxValue/Mul.
	Mul  []float32
	Zero int // from 0 to 510, and to 255 without a Table
	// Lo and Hi bound the codes. A rectifier is Lo = Zero; one that ends at 6
	// has the code of 6 as Hi; and without either they are 0 and 255.
	Lo, Hi uint8
	Table  *Table
	// Add is a residual of the same rows and outputs, AddStride apart; nil for
	// none. It may be the destination.
	Add       []uint8
	AddStride int
	AddZero   uint8
	AddMul    float32 // the residual's scale over that of the output, at most MaxAddMul
}

// MaxMul and MaxAddMul bound the factors, and MaxValue a sum times its factor, so
// that no value leaves int32.
const (
	MaxMul    = 0.5
	MaxValue  = 1 << 30
	MaxAddMul = 1 << 16
)

// check panics unless e fits so many rows and outputs.
func (e *Epilogue) check(rows, n int) {
	need("factors", e.Mul, 1, 0, n)
	if e.Bias != nil {
		need("bias", e.Bias, 1, 0, n)
	}
	if e.Add != nil {
		needSource("residual", e.Add, rows, e.AddStride, n)
	}
	if e.Zero < 0 || e.Zero >= TableLen {
		panic("q8: zero point outside the codes")
	}
}

// finish sets dst to the codes of the sums of outputs n0, n0+1, … of a row.
func (e *Epilogue) finish(dst []uint8, sums []int32, row, n0 int) {
	for i, s := range sums {
		v := float32(float32(s) * e.Mul[n0+i])
		if e.Add != nil {
			a := int32(e.Add[row*e.AddStride+n0+i]) - int32(e.AddZero)
			v = float32(v + float32(float32(a)*e.AddMul))
		}
		dst[i] = e.code(v)
	}
}

// code returns the code of a value in units of a step.
func (e *Epilogue) code(v float32) uint8 {
	t := int(math.RoundToEven(float64(v))) + e.Zero
	if e.Table != nil {
		return e.Table.At(min(max(t, 0), TableLen-1))
	}
	return uint8(min(max(t, int(e.Lo)), int(e.Hi)))
}

// start returns where the sum of output n starts.
func (e *Epilogue) start(n int) int32 {
	if e.Bias == nil {
		return 0
	}
	return e.Bias[n]
}

// Requantize sets dst to the codes of rows of n sums, whose biases it adds.
func Requantize(dst []uint8, dstStride int, sums []int32, n, rows int, ep *Epilogue) {
	need("destination", dst, rows, dstStride, n)
	need("sums", sums, rows, n, n)
	ep.check(rows, n)
	for r := range rows {
		for i, s := range sums[r*n:][:n] {
			s += ep.start(i)
			ep.finish(dst[r*dstStride+i:][:1], []int32{s}, r, i)
		}
	}
}
