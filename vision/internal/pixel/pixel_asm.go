//go:build amd64 && !purego

package pixel

import (
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

// p returns where s is stored.
func p[T any](s []T) *T { return unsafe.SliceData(s) }

// vector says whether this CPU runs the assembly.
func vector() bool { return cpu.Current() >= cpu.AVX2 }

const (
	columnWidth = 8  // bytes that columnAVX2 writes at least
	rowLoad     = 16 // bytes that rowRGBAVX2 loads for four pixels
)

// columnAsm runs columnGeneric in assembly, or returns false.
func columnAsm(out, src []uint8, stride int, k []int32) bool {
	if len(out) < columnWidth || !vector() {
		return false
	}
	columnAVX2(p(out), p(src), len(out), stride, p(k), len(k))
	return true
}

// rowAsm runs rowRGB in assembly for the first positions, as many as do not
// read beyond src, and returns how many they are.
func (t *Taps) rowAsm(dst, src []uint8) int {
	if !vector() {
		return 0
	}
	n := len(t.First)
	reach := 3*t.stride + rowLoad - 12
	for n > 0 && 3*int(t.First[n-1]-t.First[0])+reach > len(src) {
		n--
	}
	n-- // the store of one position reaches into the next
	if n <= 0 {
		return 0
	}
	rowRGBAVX2(p(dst), p(src), p(t.First), p(t.packed), n, t.stride/4)
	return n
}

// idctAsm runs idctGeneric in assembly, or returns false.
func idctAsm(dst []uint8, stride int, b *[64]int16) bool {
	if !vector() {
		return false
	}
	idctAVX2(p(dst), stride, &b[0])
	return true
}

// The functions below run the twin of their name in assembly for the first
// samples, and return for how many.

func yccAsm(dst, y, cb, cr []uint8) int {
	n := (len(y) - 2) &^ 7 // four bytes are written beyond the last pixel
	if n <= 0 || !vector() {
		return 0
	}
	yccAVX2(p(dst), p(y), p(cb), p(cr), n)
	return n
}

func sumRowsAsm(dst []uint16, near, far []uint8) int {
	n := len(dst) &^ 15
	if n == 0 || !vector() {
		return 0
	}
	sumRowsAVX2(p(dst), p(near), p(far), n)
	return n
}

func widenAsm(dst []uint8, s []uint16, even, odd uint16, shift int) int {
	n := (len(s) - 2) &^ 15
	if n <= 0 || !vector() {
		return 0
	}
	widenAVX2(p(dst), p(s), n, even, odd, shift)
	return n
}
