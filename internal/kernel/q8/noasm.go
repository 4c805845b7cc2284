//go:build !amd64 || purego

package q8

import "github.com/mixnet-go/mixnet/internal/kernel"

func pointwiseAsm([]uint8, int, []uint8, int, int, *Matrix, *Epilogue) bool { return false }

func depthwiseAsm(_, _ []uint8, _ *DWFilter, _ *kernel.DW, _ uint8, _ *Epilogue, _, _ int, _ []uint8) bool {
	return false
}
