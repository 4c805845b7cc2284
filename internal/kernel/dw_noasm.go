//go:build !amd64 || purego

package kernel

func depthwiseAsm([]float32, []float32, *DWFilter, *DW, []float32, Act, int, int, []float32) bool {
	return false
}

func depthwiseGradInputAsm([]float32, []float32, *DWFilter, *DW, int, int) bool { return false }

func depthwiseGradWeightAsm(*DWFilter, []float32, []float32, *DW, int, int) bool { return false }
