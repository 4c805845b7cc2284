//go:build !purego

package q8

import "github.com/mixnet-go/mixnet/internal/cpu"

func addAsm(s *Add, dst []uint8, dstStride int, a []uint8, aStride int, b []uint8, bStride, n, rows int) bool {
	if cpu.Current() < cpu.AVX512 {
		return false
	}
	addRowsAVX512(&dst[0], dstStride, &a[0], aStride, &b[0], bStride, n, rows,
		int32(s.AZero), int32(s.BZero), s.AMul, s.BMul, int16(s.Zero), s.Lo, s.Hi)
	return true
}

func scaleRowsAsm(dst []uint8, dstStride int, zero uint8, src []uint8, srcStride int, srcZero uint8, mul []float32, rows int) bool {
	if cpu.Current() < cpu.AVX512 {
		return false
	}
	scaleRowsAVX512(&dst[0], dstStride, &src[0], srcStride, len(mul), rows, &mul[0], int32(srcZero), int16(zero))
	return true
}

func lookupAsm(dst []uint8, dstStride int, src []uint8, srcStride, n, rows int, table *[256]uint8) bool {
	if !cpu.Has(vnni) {
		return false
	}
	lookupVNNI(&dst[0], dstStride, &src[0], srcStride, n, rows, &table[0])
	return true
}

func sumRowsAsm(sums []int32, src []uint8, stride, rows int) bool {
	if cpu.Current() < cpu.AVX512 {
		return false
	}
	const most = 256
	for r := 0; r < rows; r += most {
		sumRowsAVX512(&sums[0], &src[r*stride], stride, len(sums), min(most, rows-r))
	}
	return true
}
