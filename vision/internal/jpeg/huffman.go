package jpeg

import (
	"bytes"
	"encoding/binary"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// fastBits is the length of code that is looked up at once.
const fastBits = 10

// Entries of the lookup tables. Bits 0-5 are how many bits to take, bits 8-15
// the symbol. If entryValue is set, the bits taken include the symbol's extra
// bits, bits 8-11 are the run of zeros, and bits 16-31 the coefficient.
const entryValue = 1 << 7

// huffman is a code table.
type huffman struct {
	fast    [1 << fastBits]uint32
	limit   [17]uint32 // codes of length l are below limit[l], left-aligned in 16 bits
	offset  [17]int32  // index of a symbol less its code
	symbols [256]byte
	source  []byte // the bytes that defined the table
	defined bool
}

// readHuffman reads DHT.
func (d *Decoder) readHuffman(b []byte) error {
	for len(b) > 0 {
		class, id := b[0]>>4, b[0]&15
		if class > 1 || id > 3 || len(b) < 17 {
			return codec.Corrupt("Huffman table")
		}
		n := 0
		for _, c := range b[1:17] {
			n += int(c)
		}
		if n > 256 || len(b) < 17+n {
			return codec.Corrupt("Huffman table of %d codes", n)
		}
		t := &d.dc[id]
		if class == 1 {
			t = &d.ac[id]
		}
		if err := t.define(b[1 : 17+n]); err != nil {
			return err
		}
		b = b[17+n:]
	}
	return nil
}

// define takes over a table, source being the number of codes of each length
// and the symbols, unless it is the one already there.
func (t *huffman) define(source []byte) error {
	if !bytes.Equal(t.source, source) {
		t.source = t.source[:0]
		if err := t.build(source[:16], source[16:]); err != nil {
			return err
		}
		t.source = append(t.source, source...)
	}
	t.defined = true
	return nil
}

// build makes the tables from the number of codes of each length and the
// symbols.
func (t *huffman) build(counts, symbols []byte) error {
	copy(t.symbols[:], symbols)
	t.fast = [1 << fastBits]uint32{}
	code, index := uint32(0), 0
	for l := 1; l <= 16; l++ {
		t.offset[l] = int32(index) - int32(code)
		for range counts[l-1] {
			if code >= 1<<l {
				return codec.Corrupt("Huffman table has more codes than bits allow")
			}
			if l <= fastBits {
				t.enter(code, l, t.symbols[index])
			}
			code++
			index++
		}
		t.limit[l] = code << (16 - l)
		code <<= 1
	}
	return nil
}

// enter fills the lookup entries that begin with a code of l bits.
func (t *huffman) enter(code uint32, l int, symbol byte) {
	run, size := uint32(symbol>>4), int(symbol&15)
	first := code << (fastBits - l)
	for i := first; i < first+1<<(fastBits-l); i++ {
		if size == 0 || l+size > fastBits {
			t.fast[i] = uint32(l) | uint32(symbol)<<8
			continue
		}
		extra := int32(i>>(fastBits-l-size)) & (1<<size - 1)
		t.fast[i] = uint32(l+size) | entryValue | run<<8 | uint32(extend(extra, size))<<16
	}
}

// extend is the value of size extra bits: the lower half is negative.
func extend(v int32, size int) int32 {
	if v < 1<<(size-1) {
		v += -1<<size + 1
	}
	return v
}

// padding follows every restart interval, so that reading ahead is safe.
const padding = 16

// entropy holds the entropy-coded bytes of a scan without stuffing, cut at the
// restart markers.
type entropy struct {
	clean []byte
	ends  []int // of the intervals within clean, each followed by padding
	ended bool  // a marker came after the scan
}

// unstuff copies the entropy-coded bytes at the start of b and returns the rest.
func (e *entropy) unstuff(b []byte) (rest []byte) {
	e.clean, e.ends, e.ended = e.clean[:0], e.ends[:0], false
	for len(b) > 0 {
		at := bytes.IndexByte(b, 0xff)
		if at < 0 || at+1 >= len(b) {
			e.clean = append(e.clean, b...)
			b = nil
			break
		}
		e.clean = append(e.clean, b[:at]...)
		marker := b[at+1]
		switch {
		case marker == 0:
			e.clean = append(e.clean, 0xff)
			b = b[at+2:]
		case marker == 0xff:
			b = b[at+1:]
		case marker >= markerRST0 && marker <= markerRST7:
			e.close()
			b = b[at+2:]
		default:
			e.close()
			e.ended = true
			return b[at:]
		}
	}
	e.close()
	return b
}

// close ends a restart interval.
func (e *entropy) close() {
	e.ends = append(e.ends, len(e.clean))
	e.clean = append(e.clean, make([]byte, padding)...)
}

// reader returns a reader of the i-th restart interval.
func (e *entropy) reader(i int) (reader, error) {
	if i >= len(e.ends) {
		return reader{}, codec.ErrTruncated
	}
	from := 0
	if i > 0 {
		from = e.ends[i-1] + padding
	}
	return reader{data: e.clean[from : e.ends[i]+padding]}, nil
}

// reader takes bits off a restart interval. The bits at hand are at the top of
// acc.
type reader struct {
	data []byte // with its padding
	pos  int
	acc  uint64
	n    uint // bits at hand
}

// fill tops acc up to at least 56 bits.
func fill(data []byte, pos int, acc uint64, n uint) (int, uint64, uint) {
	if pos > len(data)-8 {
		pos = len(data) - 8
	}
	acc |= binary.BigEndian.Uint64(data[pos:]) >> (n & 63)
	return pos + int(63-n)>>3, acc, n | 56
}

// overrun says whether more bits were taken than there are.
func (r *reader) overrun() bool {
	return r.pos*8-int(r.n) > (len(r.data)-padding)*8
}

// need makes at least 32 bits available.
func (r *reader) need() {
	if r.n < 32 {
		r.pos, r.acc, r.n = fill(r.data, r.pos, r.acc, r.n)
	}
}

// bits takes the next n ≤ 16 bits.
func (r *reader) bits(n int) int32 {
	r.need()
	v := int32(r.acc >> (64 - n))
	r.take(uint(n))
	return v
}

func (r *reader) take(n uint) {
	r.acc <<= n
	r.n -= n
}

// symbol takes the next symbol; ok is false if no code matches.
func (r *reader) symbol(t *huffman) (s byte, ok bool) {
	r.need()
	l, s, ok := t.lookup(r.acc)
	r.take(l)
	return s, ok
}

// lookup finds the code at the top of acc: its length and symbol.
func (t *huffman) lookup(acc uint64) (l uint, symbol byte, ok bool) {
	top := uint32(acc >> 48)
	for l := 1; l <= 16; l++ {
		if top < t.limit[l] {
			return uint(l), t.symbols[uint8(int32(top>>(16-l))+t.offset[l])], true
		}
	}
	return 0, 0, false
}
