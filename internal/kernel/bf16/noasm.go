//go:build !amd64 || purego

package bf16

// Instructions returns what multiplies: nothing that is quicker than float32.
func Instructions() string { return "" }

func useTiles(int) bool { return false }

func rowBlock(int) int { return rowsAtOnce }

func multiplyAsm(_ []float32, _ []uint16, _, _ int, _ *Matrix, _ int) bool { return false }

func addPanelAsm(_ []float32, _ int, _ []uint16, _ int, _ []uint16, _, _ int) bool { return false }

func multiplyPanelAsm(_ []float32, _ []uint16, _ int, _ []uint16, _, _ int) bool { return false }

func pairRowsAsm(_ []uint16, _ int, _ []float32, _, _, _ int) (done int) { return 0 }

func (*finish) asm() (done int) { return 0 }

func widenAsm([]float32, int, []uint16, int, int, int) (done int) { return 0 }

func scaleRowsAsm([]uint16, int, []uint16, int, int, []float32) (done int) { return 0 }

func scaleWeightsAsm(_, _ []uint16, _ []float32) (pairs int) { return 0 }

func sumRowsAsm([]float32, []uint16, int, int) (done int) { return 0 }
