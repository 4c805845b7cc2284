//go:build !amd64 || purego

package pixel

// Without assembly every loop runs its generic twin.

func columnAsm([]uint8, []uint8, int, []int32) bool       { return false }
func (t *Taps) rowAsm([]uint8, []uint8) int               { return 0 }
func idctAsm([]uint8, int, *[64]int16) bool               { return false }
func yccAsm(_, _, _, _ []uint8) int                       { return 0 }
func sumRowsAsm([]uint16, []uint8, []uint8) int           { return 0 }
func widenAsm([]uint8, []uint16, uint16, uint16, int) int { return 0 }
