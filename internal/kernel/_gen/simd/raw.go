package simd

import (
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
	"strings"

	. "github.com/mmcloughlin/avo/build"
)

// The instructions that neither avo nor Go's assembler knows are comments for
// avo, which WriteRaw replaces by bytes.
const rawMark = "raw"

// Raw emits an instruction by its bytes; the text is for the reader.
func Raw(text string, bytes ...byte) {
	Comment(fmt.Sprintf("%s % x %s", rawMark, bytes, text))
}

var rawLine = regexp.MustCompile(`(?m)^\t// ` + rawMark + ` ((?:[0-9a-f]{2} )+)(.*)$`)

// WriteRaw replaces the comments in the file that was generated.
func WriteRaw() {
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
