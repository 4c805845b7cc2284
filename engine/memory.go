package engine

import "unsafe"

const hugePage = 2 << 20

// memory returns n zeroed elements. Large stretches are in large pages where
// the system has them: reading megabytes of weights once per image costs a
// tenth less time then.
func memory(n int) []float32 {
	m := make([]float32, n)
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(m))), 4*n)
	if skip := -uintptr(unsafe.Pointer(unsafe.SliceData(m))) % hugePage; uintptr(len(bytes)) >= skip+hugePage {
		inner := bytes[skip:]
		adviseHuge(inner[:len(inner)/hugePage*hugePage])
	}
	return m
}
