//go:build !amd64 || purego

package kernel

func rmspropAsm([]float32, []float32, []float32, []float32, float32, float32, float32, float32, float32) bool {
	return false
}

func nesterovAsm([]float32, []float32, []float32, float32, float32, float32) bool { return false }

func adamwAsm([]float32, []float32, []float32, []float32, float32, float32, float32, float32, float32, float32) bool {
	return false
}

func approachAsm([]float32, []float32, float32) bool { return false }
