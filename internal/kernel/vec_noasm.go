//go:build !amd64 || purego

package kernel

// Without assembly every kernel runs its generic twin.

func activateAsm([]float32, []float32, Act) bool { return false }

func actGradAsm([]float32, []float32, Act) bool { return false }

func addVecAsm([]float32, []float32, []float32) bool { return false }

func mulVecAsm([]float32, []float32, []float32) bool { return false }

func mulAddAsm([]float32, float32, []float32) bool { return false }

func scaleRowsAsm([]float32, int, []float32, int, int, []float32) bool { return false }

func scalePanelAsm([]float32, []float32, []float32) bool { return false }

func sumRowsAsm([]float32, []float32, int, int) bool { return false }

func affineActAsm([]float32, int, []float32, int, int, []float32, []float32, Act) bool { return false }

func affineActGradAsm([]float32, int, []float32, int, int, []float32, []float32, []float32, Act, []float32, []float32) bool {
	return false
}

func affineSwishGradAsm([]float32, int, []float32, int, []float32, int, int, []float32, []float32, []float32, []float32, []float32) bool {
	return false
}

func affine2Asm([]float32, int, []float32, int, []float32, int, int, []float32, []float32, []float32) bool {
	return false
}
func momentsAsm(_ []float32, _, _ int, _, _, _ []float32) bool       { return false }
func dotRowsAsm([]float32, []float32, int, []float32, int, int) bool { return false }
