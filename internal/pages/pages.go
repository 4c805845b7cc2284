// Package pages allocates memory in large pages where the system has them.
package pages

import "unsafe"

const hugePage = 2 << 20

// Make returns n zeroed elements of a type without pointers. Large stretches
// are in large pages: going through megabytes then waits less for address
// translation.
func Make[T any](n int) []T {
	m := make([]T, n)
	start := unsafe.Pointer(unsafe.SliceData(m))
	bytes := unsafe.Slice((*byte)(start), uintptr(n)*unsafe.Sizeof(*new(T)))
	if skip := -uintptr(start) % hugePage; uintptr(len(bytes)) >= skip+hugePage {
		inner := bytes[skip:]
		adviseHuge(inner[:len(inner)/hugePage*hugePage])
	}
	return m
}
