//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// Each function runs a kernel in assembly, or returns false if this CPU has
// none. The slices are long enough.

// p returns where s is stored.
func p(s []float32) *float32 { return unsafe.SliceData(s) }

func activateAsm(dst, src []float32, a Act) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		activateAVX512(p(dst), p(src), len(dst), int(a))
	case cpu.AVX2:
		activateAVX2(p(dst), p(src), len(dst), int(a))
	default:
		return false
	}
	return true
}

func actGradAsm(dy, x []float32, a Act) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		actGradAVX512(p(dy), p(x), len(dy), int(a))
	case cpu.AVX2:
		actGradAVX2(p(dy), p(x), len(dy), int(a))
	default:
		return false
	}
	return true
}

func addVecAsm(dst, a, b []float32) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		addVecAVX512(p(dst), p(a), p(b), len(dst))
	case cpu.AVX2:
		addVecAVX2(p(dst), p(a), p(b), len(dst))
	default:
		return false
	}
	return true
}

func mulVecAsm(dst, a, b []float32) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		mulVecAVX512(p(dst), p(a), p(b), len(dst))
	case cpu.AVX2:
		mulVecAVX2(p(dst), p(a), p(b), len(dst))
	default:
		return false
	}
	return true
}

func mulAddAsm(dst []float32, a float32, x []float32) bool {
	switch cpu.Current() {
	case cpu.AVX512:
		mulAddAVX512(p(dst), a, p(x), len(dst))
	case cpu.AVX2:
		mulAddAVX2(p(dst), a, p(x), len(dst))
	default:
		return false
	}
	return true
}

func scaleRowsAsm(dst []float32, dstStride int, src []float32, srcStride, rows int, scale []float32) bool {
	if rows == 0 {
		return true
	}
	switch cpu.Current() {
	case cpu.AVX512:
		scaleRowsAVX512(p(dst), 4*dstStride, p(src), 4*srcStride, rows, len(scale), p(scale))
	case cpu.AVX2:
		scaleRowsAVX2(p(dst), 4*dstStride, p(src), 4*srcStride, rows, len(scale), p(scale))
	default:
		return false
	}
	return true
}

func scalePanelAsm(dst, src, scale []float32) bool {
	if len(scale) == 0 {
		return true
	}
	switch cpu.Current() {
	case cpu.AVX512:
		scalePanelAVX512(p(dst), p(src), len(scale), p(scale))
	case cpu.AVX2:
		scalePanelAVX2(p(dst), p(src), len(scale), p(scale))
	default:
		return false
	}
	return true
}

func sumRowsAsm(dst, src []float32, stride, rows int) bool {
	if rows == 0 {
		return true
	}
	switch cpu.Current() {
	case cpu.AVX512:
		sumRowsAVX512(p(dst), p(src), 4*stride, rows, len(dst))
	case cpu.AVX2:
		sumRowsAVX2(p(dst), p(src), 4*stride, rows, len(dst))
	default:
		return false
	}
	return true
}

// streamFrom is the number of channels above which the loops that read large
// tensors go pixel by pixel: block by block they would jump through memory.
const streamFrom = 64

func affineActAsm(dst []float32, dstStride int, src []float32, srcStride, rows int, scale, shift []float32, act Act) bool {
	if rows == 0 {
		return true
	}
	stream := len(shift) > streamFrom
	switch level := cpu.Current(); {
	case level == cpu.AVX512 && stream:
		affineActStreamAVX512(p(dst), 4*dstStride, p(src), 4*srcStride, rows, len(shift), p(scale), p(shift), int(act))
	case level == cpu.AVX512:
		affineActAVX512(p(dst), 4*dstStride, p(src), 4*srcStride, rows, len(shift), p(scale), p(shift), int(act))
	case level == cpu.AVX2 && stream:
		affineActStreamAVX2(p(dst), 4*dstStride, p(src), 4*srcStride, rows, len(shift), p(scale), p(shift), int(act))
	case level == cpu.AVX2:
		affineActAVX2(p(dst), 4*dstStride, p(src), 4*srcStride, rows, len(shift), p(scale), p(shift), int(act))
	default:
		return false
	}
	return true
}

func affineActGradAsm(g []float32, gStride int, z []float32, zStride, rows int, scale, shift, mean []float32, act Act, sum, dot []float32) bool {
	if rows == 0 {
		return true
	}
	stream := len(sum) > streamFrom
	switch level := cpu.Current(); {
	case level == cpu.AVX512 && stream:
		actGradSumsStreamAVX512(p(g), 4*gStride, p(z), 4*zStride, rows, len(sum), p(scale), p(shift), p(mean), int(act), p(sum), p(dot))
	case level == cpu.AVX512:
		actGradSumsAVX512(p(g), 4*gStride, p(z), 4*zStride, rows, len(sum), p(scale), p(shift), p(mean), int(act), p(sum), p(dot))
	case level == cpu.AVX2 && stream:
		actGradSumsStreamAVX2(p(g), 4*gStride, p(z), 4*zStride, rows, len(sum), p(scale), p(shift), p(mean), int(act), p(sum), p(dot))
	case level == cpu.AVX2:
		actGradSumsAVX2(p(g), 4*gStride, p(z), 4*zStride, rows, len(sum), p(scale), p(shift), p(mean), int(act), p(sum), p(dot))
	default:
		return false
	}
	return true
}

func affineSwishGradAsm(g []float32, gStride int, z []float32, zStride int, y []float32, yStride, rows int, scale, shift, mean, sum, dot []float32) bool {
	if rows == 0 {
		return true
	}
	switch cpu.Current() {
	case cpu.AVX512:
		swishGradSumsAVX512(p(g), 4*gStride, p(z), 4*zStride, p(y), 4*yStride, rows, len(sum), p(scale), p(shift), p(mean), p(sum), p(dot))
	case cpu.AVX2:
		swishGradSumsAVX2(p(g), 4*gStride, p(z), 4*zStride, p(y), 4*yStride, rows, len(sum), p(scale), p(shift), p(mean), p(sum), p(dot))
	default:
		return false
	}
	return true
}

func affine2Asm(dst []float32, dstStride int, g []float32, gStride int, z []float32, zStride, rows int, ag, az, shift []float32) bool {
	if rows == 0 {
		return true
	}
	stream := len(shift) > streamFrom
	switch level := cpu.Current(); {
	case level == cpu.AVX512 && stream:
		affine2StreamAVX512(p(dst), 4*dstStride, p(g), 4*gStride, p(z), 4*zStride, rows, len(shift), p(ag), p(az), p(shift))
	case level == cpu.AVX512:
		affine2AVX512(p(dst), 4*dstStride, p(g), 4*gStride, p(z), 4*zStride, rows, len(shift), p(ag), p(az), p(shift))
	case level == cpu.AVX2 && stream:
		affine2StreamAVX2(p(dst), 4*dstStride, p(g), 4*gStride, p(z), 4*zStride, rows, len(shift), p(ag), p(az), p(shift))
	case level == cpu.AVX2:
		affine2AVX2(p(dst), 4*dstStride, p(g), 4*gStride, p(z), 4*zStride, rows, len(shift), p(ag), p(az), p(shift))
	default:
		return false
	}
	return true
}

func momentsAsm(src []float32, stride, rows int, pivot, sum, squares []float32) bool {
	if rows == 0 {
		return true
	}
	switch cpu.Current() {
	case cpu.AVX512:
		momentsAVX512(p(src), 4*stride, rows, len(sum), p(pivot), p(sum), p(squares))
	case cpu.AVX2:
		momentsAVX2(p(src), 4*stride, rows, len(sum), p(pivot), p(sum), p(squares))
	default:
		return false
	}
	return true
}

func dotRowsAsm(dst, a []float32, aStride int, b []float32, bStride, rows int) bool {
	if rows == 0 {
		return true
	}
	switch cpu.Current() {
	case cpu.AVX512:
		dotRowsAVX512(p(dst), p(a), 4*aStride, p(b), 4*bStride, rows, len(dst))
	case cpu.AVX2:
		dotRowsAVX2(p(dst), p(a), 4*aStride, p(b), 4*bStride, rows, len(dst))
	default:
		return false
	}
	return true
}
