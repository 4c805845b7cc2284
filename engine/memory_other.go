//go:build !linux

package engine

// adviseHuge asks for large pages for b.
func adviseHuge([]byte) {}
