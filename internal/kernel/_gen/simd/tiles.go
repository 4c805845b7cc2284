package simd

import (
	"fmt"

	"github.com/mmcloughlin/avo/reg"
)

// The instructions of AMX's tile registers, by their bytes.

// TileConfig sets the sizes of the tile registers.
func TileConfig(at reg.GPPhysical) {
	Raw("LDTILECFG ("+at.Asm()+")", 0xc4, tileRex(at, nil), 0x78, 0x49, byte(0x40|at.PhysicalIndex()&7), 0)
}

// TileRelease gives the tile registers back.
func TileRelease() { Raw("TILERELEASE", 0xc4, 0xe2, 0x78, 0x49, 0xc0) }

// TileZero clears a tile.
func TileZero(t int) {
	Raw(fmt.Sprintf("TILEZERO TMM%d", t), 0xc4, 0xe2, 0x7b, 0x49, byte(0xc0|t<<3))
}

// TileLoad reads a tile whose rows lie stride apart.
func TileLoad(t int, base, stride reg.GPPhysical) {
	tileMove("TILELOADD (%[2]s)(%[3]s*1), TMM%[1]d", 0x7b, t, base, stride)
}

// TileStore writes a tile, rows stride apart.
func TileStore(t int, base, stride reg.GPPhysical) {
	tileMove("TILESTORED TMM%[1]d, (%[2]s)(%[3]s*1)", 0x7a, t, base, stride)
}

func tileMove(text string, prefix byte, t int, base, stride reg.GPPhysical) {
	sib := byte(stride.PhysicalIndex()&7<<3 | base.PhysicalIndex()&7)
	Raw(fmt.Sprintf(text, t, base.Asm(), stride.Asm()), 0xc4, tileRex(base, stride), prefix, 0x4b, byte(0x44|t<<3), sib, 0)
}

// tileRex is the second byte, with the top bits of the registers inverted.
func tileRex(base, index reg.GPPhysical) byte {
	b := byte(0xe2)
	if base.PhysicalIndex() >= 8 {
		b &^= 0x20
	}
	if index != nil && index.PhysicalIndex() >= 8 {
		b &^= 0x40
	}
	return b
}

// TileDotBytes adds the products of unsigned inputs and signed weights.
func TileDotBytes(sums, inputs, weights int) { tileDot("TDPBUSD", 1, 0x5e, sums, inputs, weights) }

// TileDotBF16 adds the products of pairs of bfloat16.
func TileDotBF16(sums, inputs, weights int) { tileDot("TDPBF16PS", 2, 0x5c, sums, inputs, weights) }

func tileDot(name string, prefix, op byte, sums, inputs, weights int) {
	Raw(fmt.Sprintf("%s TMM%d, TMM%d, TMM%d", name, weights, inputs, sums),
		0xc4, 0xe2, byte((15-weights)<<3)|prefix, op, byte(0xc0|sums<<3|inputs))
}
