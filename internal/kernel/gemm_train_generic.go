package kernel

func mulTransAGeneric[T Float](dst []T, dstStride int, a []T, aStride, m int, b []T, bStride, n, rows int) {
	for r := range rows {
		br := b[r*bStride:][:n]
		for i, x := range a[r*aStride:][:m] {
			mulAddGeneric(dst[i*dstStride:][:n], x, br)
		}
	}
}
