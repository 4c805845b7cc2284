// Package tile describes the tile registers of processors with AMX to the
// instruction that configures them.
package tile

// A tile register has up to Rows rows of RowBytes bytes.
const (
	Rows     = 16
	RowBytes = 64
)

// Config tells the processor the sizes of its eight tile registers, as LDTILECFG
// reads them.
type Config struct {
	Palette uint8
	_       [15]uint8
	Bytes   [16]uint16 // of a row
	Rows    [16]uint8
}

// NewConfig returns the configuration for a product of the rows of two halves
// with 32 outputs, in steps of so many words of 4 bytes of the inputs: registers
// 0 to 3 sum, 4 and 5 hold inputs, 6 and 7 weights.
func NewConfig(first, second, words int) Config {
	c := Config{Palette: 1}
	for i := range 2 {
		c.Rows[i], c.Bytes[i] = uint8(first), RowBytes
		c.Rows[2+i], c.Bytes[2+i] = uint8(second), RowBytes
		c.Rows[6+i], c.Bytes[6+i] = uint8(words), RowBytes
	}
	c.Rows[4], c.Bytes[4] = uint8(first), uint16(4*words)
	c.Rows[5], c.Bytes[5] = uint8(second), uint16(4*words)
	return c
}

// Block returns the rows of blocks of up to two registers that are nearly equal:
// a tile takes as long as its rows.
func Block(rows int) int {
	blocks := (rows + 2*Rows - 1) / (2 * Rows)
	return (rows + blocks - 1) / blocks
}
