//go:build amd64 && !purego

package cpu

import "golang.org/x/sys/cpu"

// purego tells that this build has no assembly.
const purego = false

func detect() []Level {
	levels := []Level{Generic}
	x := &cpu.X86
	if !x.HasAVX2 || !x.HasFMA {
		return levels
	}
	levels = append(levels, AVX2)
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasBMI2 { // BMI2 makes masks
		levels = append(levels, AVX512)
	}
	return levels
}

func detectFeatures() (all Feature) {
	x := &cpu.X86
	for i, has := range [len(featureNames)]bool{
		x.HasF16C, x.HasAVXVNNI, x.HasAVX512VNNI, x.HasAVX512VBMI, x.HasAVX512VBMI2, x.HasAVX512BF16, x.HasAMXTile, x.HasAMXInt8, x.HasAMXBF16,
	} {
		if has {
			all |= 1 << i
		}
	}
	if halves() {
		all |= AVX512Halves
	}
	if all&AMXTile != 0 && !permitAMX() {
		all &^= AMXTile | AMXInt8 | AMXBF16
	}
	return all
}

// halves reports whether the processor says that its floating-point units are
// 256 bits wide, and not 512. AMD's alone say anything.
func halves() bool {
	const (
		most      = 0x80000000 // asks for the last question
		units     = 0x8000001a
		bits256   = 1 << 2
		bits512   = 1 << 3
		unitWidth = bits256 | bits512
	)
	return cpu.X86.HasAVX512F && cpuid(most) >= units && cpuid(units)&unitWidth == bits256
}
