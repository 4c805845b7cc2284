package weights

import (
	"encoding/binary"
	"strconv"
	"strings"
)

const (
	npyMagic = "\x93NUMPY"
	// maxNPYHeader bounds the header of a .npy file. NumPy's take some 100
	// bytes, and it refuses more than 10,000 itself.
	maxNPYHeader = 10_000
)

var npyTypes = map[string]DType{
	"f2": F16, "f4": F32, "f8": F64, "i1": I8, "i2": I16, "i4": I32, "i8": I64,
	"u1": U8, "u2": U16, "u4": U32, "u8": U64, "b1": Bool,
}

// parseArray reads the header of a .npy file that takes size bytes at offset,
// and enters its array under name.
func (f *File) parseArray(name string, offset, size int64) error {
	var head [12]byte
	if size < int64(len(head)) {
		return formatError(".npy file of %d bytes: it is cut short", size)
	}
	if err := readFull(f.src, head[:], offset); err != nil {
		return err
	}
	if string(head[:6]) != npyMagic {
		return formatError("not a .npy file")
	}
	length, start := int64(binary.LittleEndian.Uint16(head[8:])), int64(10)
	switch head[6] {
	case 1:
	case 2, 3:
		length, start = int64(binary.LittleEndian.Uint32(head[8:])), 12
	default:
		return formatError(".npy version %d is not supported", head[6])
	}
	if length > maxNPYHeader || start+length > size {
		return formatError(".npy header of %d bytes in a file of %d", length, size)
	}
	header := make([]byte, length)
	if err := readFull(f.src, header, offset+start); err != nil {
		return err
	}
	t, err := parseNPYHeader(string(header))
	if err != nil {
		return err
	}
	t.Name, t.offset = name, offset+start+length
	if want, have := int64(t.Len())*int64(t.DType.Size()), size-start-length; want != have {
		return formatError(".npy array of %v %v takes %d bytes, the file has %d", t.DType, t.Shape, want, have)
	}
	return f.add(t)
}

// parseArrays reads the archive that numpy.savez writes: NAME.npy for every
// array.
func (a *archive) parseArrays() error {
	a.f.format = NumPyZip
	for _, entry := range a.names {
		name, ok := strings.CutSuffix(entry, ".npy")
		if !ok {
			return formatError("the archive of arrays contains %q", entry)
		}
		offset, size, _, err := a.locate(entry)
		if err != nil {
			return err
		}
		if err := a.f.parseArray(name, offset, size); err != nil {
			return err
		}
	}
	return nil
}

// parseNPYHeader reads the Python dict literal that describes the array, such
// as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
func parseNPYHeader(header string) (*stored, error) {
	t := &stored{}
	fortran := false
	p := &literal{rest: strings.TrimRight(header, " \n")}
	seen := map[string]bool{}
	p.expect("{")
	for !p.bad && !p.accept("}") {
		key := p.str()
		p.expect(":")
		if seen[key] {
			return nil, formatError(".npy header has two of %q", key)
		}
		seen[key] = true
		var err error
		switch key {
		case "descr":
			err = t.setNPYType(p.str())
		case "fortran_order":
			fortran = p.boolean()
		case "shape":
			shape := p.tuple()
			_, err = elements(shape)
			t.Shape = toInts(shape)
		default:
			err = formatError(".npy header has an unknown key %q", key)
		}
		if err != nil {
			return nil, err
		}
		if !p.accept(",") {
			p.expect("}")
			break
		}
	}
	if p.bad || p.rest != "" || len(seen) != 3 {
		return nil, formatError(".npy header is malformed: %.200q", header)
	}
	if fortran {
		t.strides = make([]int, len(t.Shape))
		stride := 1
		for i, d := range t.Shape {
			t.strides[i] = stride
			stride *= d
		}
	}
	return t, nil
}

func (t *stored) setNPYType(descr string) error {
	if len(descr) == 3 {
		if d, ok := npyTypes[descr[1:]]; ok && strings.Contains("<>|=", descr[:1]) {
			t.DType = d
			t.bigEndian = descr[0] == '>'
			return nil
		}
	}
	return formatError(".npy element type %.100q is not supported: only numbers are", descr)
}

// literal reads Python literals. After the first mistake bad is set and what
// is read has no meaning.
type literal struct {
	rest string
	bad  bool
}

// accept skips spaces and then s, if s comes next.
func (p *literal) accept(s string) bool {
	p.rest = strings.TrimLeft(p.rest, " ")
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *literal) expect(s string) {
	if !p.accept(s) {
		p.bad = true
	}
}

// str reads a string without escapes.
func (p *literal) str() string {
	quote := "'"
	if !p.accept(quote) {
		quote = `"`
		p.expect(quote)
	}
	s, rest, ok := strings.Cut(p.rest, quote)
	if !ok || strings.Contains(s, `\`) {
		p.bad = true
		return ""
	}
	p.rest = rest
	return s
}

func (p *literal) boolean() bool {
	if p.accept("True") {
		return true
	}
	p.expect("False")
	return false
}

// tuple reads a tuple of whole numbers.
func (p *literal) tuple() []int64 {
	numbers := []int64{}
	p.expect("(")
	for !p.bad && !p.accept(")") {
		p.accept("")
		digits := strings.TrimLeft(p.rest, "0123456789")
		n, err := strconv.ParseInt(p.rest[:len(p.rest)-len(digits)], 10, 64)
		if err != nil {
			p.bad = true
			break
		}
		p.rest = digits
		p.accept("L") // Python 2 marked long numbers
		numbers = append(numbers, n)
		if !p.accept(",") {
			p.expect(")")
			p.bad = p.bad || len(numbers) == 1 // Python's (2) is no tuple
			break
		}
	}
	return numbers
}
