package bf16

// Widen sets rows of n elements of dst to what those of src stand for.
func Widen(dst []float32, dstStride int, src []uint16, srcStride, rows, n int) {
	need("destination", dst, rows, dstStride, n)
	need("source", src, rows, srcStride, n)
	if rows == 0 || n == 0 {
		return
	}
	from := widenAsm(dst, dstStride, src, srcStride, rows, n)
	for r := 0; r < rows && from < n; r++ {
		for i := from; i < n; i++ {
			dst[r*dstStride+i] = Value(src[r*srcStride+i])
		}
	}
}

// ScaleRows sets rows of dst to those of src, each column multiplied by its
// factor. dst may be src.
func ScaleRows(dst []uint16, dstStride int, src []uint16, srcStride, rows int, factors []float32) {
	n := len(factors)
	need("destination", dst, rows, dstStride, n)
	need("source", src, rows, srcStride, n)
	if rows == 0 || n == 0 {
		return
	}
	from := scaleRowsAsm(dst, dstStride, src, srcStride, rows, factors)
	for r := 0; r < rows && from < n; r++ {
		for i := from; i < n; i++ {
			dst[r*dstStride+i] = Round(Value(src[r*srcStride+i]) * factors[i])
		}
	}
}

// SumRows adds the rows of src to sums, one after the other.
func SumRows(sums []float32, src []uint16, stride, rows int) {
	n := len(sums)
	need("source", src, rows, stride, n)
	if rows == 0 || n == 0 {
		return
	}
	from := sumRowsAsm(sums, src, stride, rows)
	for r := 0; r < rows && from < n; r++ {
		for i := from; i < n; i++ {
			sums[i] += Value(src[r*stride+i])
		}
	}
}

// prepareRows copies rows of k inputs, multiplied by their factors if there are
// any, and puts zeros behind them, up to the distance of rows of dst.
func prepareRows(dst []uint16, dstStride int, src []uint16, srcStride, k, rows int, factors []float32) {
	if factors != nil {
		ScaleRows(dst, dstStride, src, srcStride, rows, factors[:k])
	}
	for r := 0; r < rows && factors == nil; r++ {
		copy(dst[r*dstStride:][:k], src[r*srcStride:])
	}
	clearBehind(dst, dstStride, k, rows)
}

// clearBehind puts zeros behind the first k elements of rows, up to the next.
func clearBehind(dst []uint16, stride, k, rows int) {
	for r := range rows {
		clear(dst[r*stride:][k:stride])
	}
}
