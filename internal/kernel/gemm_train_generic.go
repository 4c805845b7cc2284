package kernel

func gradWeightGeneric[T Float](dw []T, dwStride int, dy []T, dyStride, out int, x []T, xStride, in, rows int) {
	for r := range rows {
		xr := x[r*xStride:][:in]
		for n, g := range dy[r*dyStride:][:out] {
			mulAddGeneric(dw[n*dwStride:][:in], g, xr)
		}
	}
}
