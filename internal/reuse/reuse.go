// Package reuse gives buffers that are used again and again the length that is
// needed.
package reuse

// Slice returns a slice of n elements, in s's memory where it is large enough.
// What the elements hold is not said.
func Slice[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
