// Command _gen generates the assembly of the loops over samples.
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("amd64,!purego")
	column()
	rowRGB()
	idct()
	ycc()
	chroma()
	Generate()
}
