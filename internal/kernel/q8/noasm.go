//go:build !amd64 || purego

package q8

import "github.com/mixnet-go/mixnet/internal/kernel"

func pointwiseAsm([]uint8, int, []uint8, int, int, *Matrix, *Epilogue) bool { return false }

func depthwiseAsm(_, _ []uint8, _ *DWFilter, _ *kernel.DW, _ uint8, _ *Epilogue, _, _ int, _ []uint8) bool {
	return false
}

func addAsm(_ *Add, _ []uint8, _ int, _ []uint8, _ int, _ []uint8, _, _, _ int) int { return 0 }

func scaleRowsAsm(_ []uint8, _ int, _ uint8, _ []uint8, _ int, _ uint8, _ []float32, _ int) int {
	return 0
}

func lookupAsm(_ []uint8, _ int, _ []uint8, _, _, _ int, _ *[256]uint8) bool { return false }

func sumRowsAsm([]int32, []uint8, int, int) int { return 0 }

func (*Dense) denseAsm(_, _ []float32, _ int) bool { return false }

func sigmoidAsm([]float32, bool) int { return 0 }

func pointwiseFloatAsm([]float32, int, []uint8, int, int, *Matrix, *Epilogue) bool { return false }

func quantizeAsm([]uint8, []float32, float32, uint8) int { return 0 }

func dequantizeAsm([]float32, []uint8, float32, uint8) int { return 0 }

func windowsAsm(_, _ []uint8, _ *kernel.ConvShape, _, _, _ int) bool { return false }

func maxRowsAsm(_ []uint8, _ int, _ []uint8, _, _, _ int) int { return 0 }
