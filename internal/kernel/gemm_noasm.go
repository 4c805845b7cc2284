//go:build !amd64 || purego

package kernel

func pointwiseAsm([]float32, int, []float32, int, int, *Matrix, *Epilogue) bool { return false }

func mulTransAAsm([]float32, int, []float32, int, int, []float32, int, int, int) bool { return false }
