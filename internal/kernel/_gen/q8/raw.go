package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

// vexDot emits VPDPBUSD in the encoding of AVX2: it adds products of unsigned
// and signed bytes to sums.
func vexDot(signed, unsigned, sums reg.VecPhysical) {
	s, u, d := byte(signed.PhysicalIndex()), byte(unsigned.PhysicalIndex()), byte(sums.PhysicalIndex())
	simd.Raw(fmt.Sprintf("VPDPBUSD %s, %s, %s", signed.Asm(), unsigned.Asm(), sums.Asm()),
		0xc4, ^d>>3<<7|0x40|^s>>3&1<<5|2, ^u&15<<3|5, 0x50, 0xc0|d&7<<3|s&7)
}
