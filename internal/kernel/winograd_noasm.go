//go:build !amd64 || purego

package kernel

func winogradInputAsm(WinogradForm, []float32, int, []float32, *[36]int, []float32) bool {
	return false
}

func winogradProductAsm([]float32, []float32, int, int, *Matrix) bool { return false }

type winogradAsm struct{ limits bool }

func newWinogradAsm[T Float](*winogradOut[T]) winogradAsm { return winogradAsm{} }

func (*winogradAsm) tile([]float32, int, int, int, int) bool { return false }
