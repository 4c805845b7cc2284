//go:build !purego

package q8

import (
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// The functions here do the first channels of all rows, and return how many.
// AVX-512 has masks for the last, AVX2 leaves fewer than eight.

const lanes = 8

func addAsm(s *Add, dst []uint8, dstStride int, a []uint8, aStride int, b []uint8, bStride, n, rows int) (done int) {
	switch level := cpu.Current(); {
	case level == cpu.AVX512:
		addRowsAVX512(&dst[0], dstStride, &a[0], aStride, &b[0], bStride, n, rows,
			int32(s.AZero), int32(s.BZero), s.AMul, s.BMul, int16(s.Zero), s.Lo, s.Hi)
		return n
	case level == cpu.AVX2 && n >= lanes:
		done = n / lanes * lanes
		addRowsAVX2(&dst[0], dstStride, &a[0], aStride, &b[0], bStride, done, rows,
			int32(s.AZero), int32(s.BZero), s.AMul, s.BMul, int16(s.Zero), s.Lo, s.Hi)
	}
	return done
}

func scaleRowsAsm(dst []uint8, dstStride int, zero uint8, src []uint8, srcStride int, srcZero uint8, mul []float32, rows int) (done int) {
	switch level := cpu.Current(); {
	case level == cpu.AVX512:
		scaleRowsAVX512(&dst[0], dstStride, &src[0], srcStride, len(mul), rows, &mul[0], int32(srcZero), int16(zero))
		return len(mul)
	case level == cpu.AVX2 && len(mul) >= lanes:
		done = len(mul) / lanes * lanes
		scaleRowsAVX2(&dst[0], dstStride, &src[0], srcStride, done, rows, &mul[0], int32(srcZero), int16(zero))
	}
	return done
}

func lookupAsm(dst []uint8, dstStride int, src []uint8, srcStride, n, rows int, table *[256]uint8) bool {
	if !cpu.Has(vnni) {
		return false
	}
	lookupVNNI(&dst[0], dstStride, &src[0], srcStride, n, rows, &table[0])
	return true
}

func sumRowsAsm(sums []int32, src []uint8, stride, rows int) (done int) {
	const most = 256 // rows at a time
	level := cpu.Current()
	switch {
	case level == cpu.AVX512:
		done = len(sums)
	case level == cpu.AVX2:
		done = len(sums) / panelCols * panelCols
	}
	for r := 0; r < rows && done > 0; r += most {
		if level == cpu.AVX512 {
			sumRowsAVX512(&sums[0], &src[r*stride], stride, done, min(most, rows-r))
		} else {
			sumRowsAVX2(&sums[0], &src[r*stride], stride, done, min(most, rows-r))
		}
	}
	return done
}

func quantizeAsm(dst []uint8, src []float32, scale float32, zero uint8) (done int) {
	switch level, n := cpu.Current(), len(src); {
	case level == cpu.AVX512 && n >= 64:
		done = n / 64 * 64
		quantizeAVX512(&dst[0], &src[0], done, scale, int16(zero))
	case level >= cpu.AVX2 && n >= lanes:
		done = n / lanes * lanes
		quantizeAVX2(&dst[0], 0, (*uint8)(unsafe.Pointer(&src[0])), 0, done, 1, scale, int16(zero))
	}
	return done
}

func dequantizeAsm(dst []float32, src []uint8, scale float32, zero uint8) (done int) {
	switch level, n := cpu.Current(), len(src); {
	case level == cpu.AVX512 && n >= 16:
		done = n / 16 * 16
		dequantizeAVX512(&dst[0], &src[0], done, scale, int32(zero))
	case level >= cpu.AVX2 && n >= lanes:
		done = n / lanes * lanes
		dequantizeAVX2(&dst[0], &src[0], done, scale, int32(zero))
	}
	return done
}

func maxRowsAsm(dst []uint8, dstStride int, src []uint8, srcStride, n, rows int) (done int) {
	done = n / panelCols * panelCols
	if done == 0 || cpu.Current() < cpu.AVX2 {
		return 0
	}
	maxRowsAVX2(&dst[0], dstStride, &src[0], srcStride, done, rows)
	return done
}
