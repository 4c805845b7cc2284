//go:build !amd64 || purego

package kernel

func poolAsm(_, _ []float32, _ *PoolShape, _ *poolWindows) bool { return false }
