//go:build !amd64 || purego

package kernel

func fmaLoop(rounds int) int { return fmaLoopGeneric(rounds) }
