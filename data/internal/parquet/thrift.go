package parquet

import "fmt"

// The types of Thrift's compact protocol.
const (
	typeTrue   = 1
	typeFalse  = 2
	typeByte   = 3
	typeI16    = 4
	typeI32    = 5
	typeI64    = 6
	typeDouble = 7
	typeBinary = 8
	typeList   = 9
	typeSet    = 10
	typeMap    = 11
	typeStruct = 12
)

// maxNesting bounds how deep structures lie in each other.
const maxNesting = 32

// decoder reads Thrift's compact protocol. After an error everything reads as
// nothing, and err holds it.
type decoder struct {
	b     []byte
	depth int
	err   error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
	}
	d.b = nil
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail("metadata is cut short")
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

// uvarint reads an unsigned number of up to 64 bits.
func (d *decoder) uvarint() uint64 {
	v := uint64(0)
	for shift := 0; shift < 64; shift += 7 {
		b := d.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	d.fail("a number of more than 64 bits")
	return 0
}

// int reads a signed number.
func (d *decoder) int() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// bytes reads a string, which shares the decoder's memory.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail("a string of %d bytes", n)
		return nil
	}
	v := d.b[:n]
	d.b = d.b[n:]
	return v
}

// fields calls f for every field of a structure; f must read or skip it.
func (d *decoder) fields(f func(id int, kind byte)) {
	if d.depth++; d.depth > maxNesting {
		d.fail("metadata is nested too deep")
	}
	id := 0
	for d.err == nil {
		head := d.byte()
		if head == 0 {
			break
		}
		if delta := head >> 4; delta != 0 {
			id += int(delta)
		} else {
			id = int(d.int())
		}
		f(id, head&15)
	}
	d.depth--
}

// list calls f for every element of a list; f must read or skip it.
func (d *decoder) list(f func(kind byte)) {
	head := d.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = d.uvarint()
	}
	if n > uint64(len(d.b)) {
		d.fail("a list of %d elements", n)
		return
	}
	for range n {
		if d.err != nil {
			return
		}
		f(head & 15)
	}
}

// skip passes over a value. A boolean field has none; one in a list has a byte.
func (d *decoder) skip(kind byte, inList bool) {
	switch kind {
	case typeTrue, typeFalse:
		if inList {
			d.byte()
		}
	case typeByte:
		d.byte()
	case typeI16, typeI32, typeI64:
		d.uvarint()
	case typeDouble:
		for range 8 {
			d.byte()
		}
	case typeBinary:
		d.bytes()
	case typeList, typeSet:
		if d.depth++; d.depth > maxNesting {
			d.fail("metadata is nested too deep")
		}
		d.list(func(kind byte) { d.skip(kind, true) })
		d.depth--
	case typeMap:
		d.skipMap()
	case typeStruct:
		d.fields(func(_ int, kind byte) { d.skip(kind, false) })
	default:
		d.fail("unknown type %d", kind)
	}
}

func (d *decoder) skipMap() {
	n := d.uvarint()
	if n == 0 {
		return
	}
	if n > uint64(len(d.b)) {
		d.fail("a map of %d entries", n)
		return
	}
	if d.depth++; d.depth > maxNesting {
		d.fail("metadata is nested too deep")
	}
	kinds := d.byte()
	for range n {
		d.skip(kinds>>4, true)
		d.skip(kinds&15, true)
		if d.err != nil {
			break
		}
	}
	d.depth--
}
