//go:build !amd64 || purego

package q8

func pointwiseAsm([]uint8, int, []uint8, int, int, *Matrix, *Epilogue) bool { return false }
