//go:build !linux

package pages

// adviseHuge asks for large pages for b.
func adviseHuge([]byte) {}
