//go:build !(amd64 || arm64) || purego

package par

import "runtime"

// pause lets others run.
func pause(uint32) { runtime.Gosched() }
