//go:build !amd64 || purego

package pixel

// Without assembly every loop runs its generic twin.

func columnAsm([]uint8, []uint8, int, []int32) bool { return false }
func (t *Taps) rowAsm([]uint8, []uint8) int         { return 0 }
