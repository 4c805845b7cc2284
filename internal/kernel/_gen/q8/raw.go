package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// The instructions that neither avo nor Go's assembler knows are comments for
// avo, which writeRaw replaces by bytes.
const rawMark = "raw"

// raw emits an instruction by its bytes; the text is for the reader.
func raw(text string, bytes ...byte) {
	Comment(fmt.Sprintf("%s % x %s", rawMark, bytes, text))
}

var rawLine = regexp.MustCompile(`(?m)^\t// ` + rawMark + ` ((?:[0-9a-f]{2} )+)(.*)$`)

// writeRaw replaces the comments in the file that was generated.
func writeRaw() {
	name := flag.Lookup("out").Value.String()
	text, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	text = rawLine.ReplaceAllFunc(text, func(line []byte) []byte {
		m := rawLine.FindSubmatch(line)
		var out []string
		for _, b := range strings.Fields(string(m[1])) {
			out = append(out, "BYTE $0x"+b)
		}
		return []byte("\t" + strings.Join(out, "; ") + " // " + string(m[2]))
	})
	if err := os.WriteFile(name, text, 0o644); err != nil {
		log.Fatal(err)
	}
}

// vexDot emits VPDPBUSD in the encoding of AVX2: it adds products of unsigned
// and signed bytes to sums.
func vexDot(signed, unsigned, sums reg.VecPhysical) {
	s, u, d := byte(signed.PhysicalIndex()), byte(unsigned.PhysicalIndex()), byte(sums.PhysicalIndex())
	raw(fmt.Sprintf("VPDPBUSD %s, %s, %s", signed.Asm(), unsigned.Asm(), sums.Asm()),
		0xc4, ^d>>3<<7|0x40|^s>>3&1<<5|2, ^u&15<<3|5, 0x50, 0xc0|d&7<<3|s&7)
}
