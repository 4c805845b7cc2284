//go:build !linux

package pages

// adviseHuge asks for large pages for b.
func adviseHuge([]byte) {}

// physical returns the machine's memory in bytes, 0 if it is not known.
func physical() uint64 { return 0 }
