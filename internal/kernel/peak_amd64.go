//go:build !purego

package kernel

import "github.com/mixnet-go/mixnet/internal/cpu"

// fmaLoop does multiply-adds and returns the number of operations.
func fmaLoop(rounds int) int {
	const chains = 12
	switch cpu.Current() {
	case cpu.AVX512:
		fmaLoopAVX512(rounds)
		return rounds * chains * 16 * 2
	case cpu.AVX2:
		fmaLoopAVX2(rounds)
		return rounds * chains * 8 * 2
	}
	return fmaLoopGeneric(rounds)
}
