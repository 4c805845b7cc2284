package kernel

func addVecGeneric[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func mulVecGeneric[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func mulAddGeneric[T Float](dst []T, a T, x []T) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] += a * x[i]
	}
}

func scaleRowsGeneric[T Float](dst []T, dstStride int, src []T, srcStride, rows int, scale []T) {
	for r := range rows {
		mulVecGeneric(dst[r*dstStride:][:len(scale)], src[r*srcStride:], scale)
	}
}

func sumRowsGeneric[T Float](dst, src []T, stride, rows int) {
	for r := range rows {
		addVecGeneric(dst, dst, src[r*stride:])
	}
}
