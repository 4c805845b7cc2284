package q8

import (
	"math"

	"github.com/mixnet-go/mixnet/internal/kernel"
)

// TableLen is the number of entries of a Table.
const TableLen = 511

// Table is an activation function on codes: finer ones than it makes.
//
// What it is given is rounded to 511 steps, not to the 256 of a byte. A function
// like swish bends between -4 and 4, and 255 steps for that range alone are
// coarser than those of what comes out: to round twice to a byte would add two
// or three times the error of once.
//
// AVX-512 looks up two tables of 256, of four registers each: entry t is
// low[min(t, 255)] + rise[max(t-255, 0)], modulo 256. The generator of the
// assembly knows the offsets.
type Table struct {
	low, rise [256]uint8
	codes     [TableLen + 1]uint8
}

// NewTable returns the table with entry f(t) for t from 0 to 510.
func NewTable(f func(t int) uint8) *Table {
	t := &Table{}
	for i := range TableLen {
		t.codes[i] = f(i)
	}
	copy(t.low[:], t.codes[:])
	for i := range t.rise {
		t.rise[i] = t.codes[255+i] - t.codes[255]
	}
	return t
}

// At returns entry i.
func (t *Table) At(i int) uint8 { return t.codes[i] }

// pointer returns where t begins; nil for no table.
func (t *Table) pointer() *uint8 {
	if t == nil {
		return nil
	}
	return &t.low[0]
}

// ActTable returns the table of an activation, from codes of the given step and
// zero point, which is theirs from 0 to 510, to codes of another.
func ActTable(act kernel.Act, step float64, zero int, outStep float64, outZero uint8) *Table {
	return NewTable(func(t int) uint8 {
		x := [1]float64{step * float64(t-zero)}
		kernel.Activate(x[:], x[:], act)
		return clampCode(math.RoundToEven(x[0]/outStep) + float64(outZero))
	})
}

// clampCode returns the code nearest to x; of NaN, 0.
func clampCode(x float64) uint8 {
	if !(x > 0) {
		return 0
	}
	return uint8(min(x, 255))
}
