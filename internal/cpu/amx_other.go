//go:build amd64 && !purego && !linux

package cpu

// permitAMX refuses: what other systems want is not known here.
func permitAMX() bool { return false }
