//go:build (amd64 || arm64) && !purego

package par

// pause tells the processor n times that it is in a waiting loop; n > 0.
//
//go:noescape
func pause(n uint32)
