//go:build !amd64 || purego

package kernel

func fillRGB[T Float, S Float | ~uint8]([]T, []S, int, int) int { return 0 }
