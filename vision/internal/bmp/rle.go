package bmp

import "github.com/mixnet-go/mixnet/vision/internal/codec"

// runs decodes run-length coded indices, one byte a pixel, rows as they are
// stored. Where the runs say nothing the index is 0. Runs that are too long for
// their row, or go on after the last, count as Pillow counts them.
func (h *Header) runs(data []byte, limits codec.Limits) ([]uint8, error) {
	r := runReader{data: data, pos: h.pixels, out: make([]uint8, h.W*h.H), width: h.W, nibbles: h.compression == rle4}
	for n := 0; r.at < len(r.out); n++ {
		if n%4096 == 0 {
			if err := limits.Stopped(); err != nil {
				return nil, err
			}
		}
		if r.pos+2 > len(data) {
			return nil, codec.ErrTruncated
		}
		count, value := int(data[r.pos]), data[r.pos+1]
		r.pos += 2
		if count > 0 {
			r.run(count, value)
			continue
		}
		switch value {
		case 0:
			r.endLine()
		case 1:
			return r.out, nil
		case 2:
			if r.pos+2 > len(data) {
				return nil, codec.ErrTruncated
			}
			r.move(int(data[r.pos]), int(data[r.pos+1]))
		default:
			if !r.literal(int(value)) {
				return nil, codec.ErrTruncated
			}
		}
	}
	return r.out, nil
}

// runReader is the state of runs.
type runReader struct {
	data    []byte
	pos     int
	out     []uint8
	at      int // the next pixel
	x       int // its column, or the width where a row is full
	width   int
	nibbles bool
}

// run repeats a value, or the two halves of it in turn.
func (r *runReader) run(count int, value byte) {
	count = min(count, r.width-r.x, len(r.out)-r.at)
	for i := range max(count, 0) {
		v := value
		if r.nibbles {
			v = value >> (4 - 4*(i&1)) & 15
		}
		r.out[r.at] = v
		r.at++
		r.x++
	}
}

// endLine goes to the start of the next row.
func (r *runReader) endLine() {
	if over := r.at % r.width; over != 0 {
		r.at += r.width - over
	}
	r.x = 0
}

// move goes right, and rows further.
func (r *runReader) move(right, rows int) {
	r.pos += 2
	r.at = min(r.at+right+rows*r.width, len(r.out))
	r.x = r.at % r.width
}

// literal copies count values, which are padded to 16 bits; it returns false if
// the file ends before.
func (r *runReader) literal(count int) bool {
	n := min(count, len(r.out)-r.at)
	size := n
	if r.nibbles {
		size = (n + 1) / 2
	}
	if r.pos+size > len(r.data) {
		return false
	}
	for i := range n {
		if r.nibbles {
			r.out[r.at] = r.data[r.pos+i/2] >> (4 - 4*(i&1)) & 15
		} else {
			r.out[r.at] = r.data[r.pos+i]
		}
		r.at++
	}
	r.pos += size
	r.pos += r.pos & 1
	r.x = min(r.x+count, r.width)
	return true
}
