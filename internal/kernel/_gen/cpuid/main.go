// Command cpuid generates the assembly that asks the processor what it is.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!purego")
	TEXT("cpuid", attr.NOSPLIT, "func(leaf uint32) (eax uint32)")
	Doc("cpuid returns the first word of the processor's answer to a question.")
	Load(Param("leaf"), reg.EAX)
	XORL(reg.ECX, reg.ECX)
	CPUID()
	Store(reg.EAX, ReturnIndex(0))
	RET()
	Generate()
}
