package data

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/mixnet-go/mixnet/vision"
)

// The grid that a picture's grey levels are averaged in. Both the cells of its
// perceptual hash and those of its thumbnail are whole numbers of the grid's.
const (
	gridW, gridH   = 36, 24
	hashW, hashH   = 9, 8
	thumbW, thumbH = 12, 12
)

// digest is the beginning of a SHA-256.
type digest [16]byte

// fingerprint is what is kept of a picture to find others like it.
type fingerprint struct {
	content digest // of the file, or of pixels in memory
	pixels  digest // of the decoded picture in three channels
	decoded bool   // pixels, hash and thumb are there
	hash    uint64 // whether the picture brightens from cell to cell
	thumb   [thumbW * thumbH]uint8
	bright  int32 // sum of thumb
	w, h    int32 // 0 if it cannot be read
}

// fingerprinter makes fingerprints; it serves one goroutine.
type fingerprinter struct {
	sample  Sample
	decoder vision.Decoder
	image   vision.Image
	decode  bool
}

// of returns the fingerprint of example i.
func (f *fingerprinter) of(d Dataset, i int) (fingerprint, error) {
	var p fingerprint
	if err := d.Read(i, &f.sample); err != nil {
		return p, err
	}
	m := f.sample.Pixels
	if m == nil {
		p.content = sum(nil, f.sample.File)
		info, err := f.decoder.Inspect(f.sample.File)
		if err != nil {
			return p, err
		}
		p.w, p.h = int32(info.W), int32(info.H)
		if !f.decode {
			return p, nil
		}
		if err := f.decoder.Decode(&f.image, f.sample.File, 3); err != nil {
			return fingerprint{content: p.content}, err
		}
		m = &f.image
	} else {
		p.content = sum(m, m.Pix)
	}
	p.w, p.h = int32(m.W), int32(m.H)
	if f.decode && m.W > 0 && m.H > 0 {
		p.decoded = true
		p.pixels = sum(m, m.Pix)
		p.look(m)
	}
	return p, nil
}

// sum hashes bytes, those of a picture with its size.
func sum(m *vision.Image, b []byte) (d digest) {
	h := sha256.New()
	if m != nil {
		var size [12]byte
		for i, v := range []int{m.W, m.H, m.C} {
			binary.LittleEndian.PutUint32(size[4*i:], uint32(v))
		}
		h.Write(size[:])
	}
	h.Write(b)
	copy(d[:], h.Sum(nil))
	return d
}

// look sets the hash and the thumbnail.
func (p *fingerprint) look(m *vision.Image) {
	grid := greyGrid(m)
	for y := range thumbH {
		for x := range thumbW {
			v := uint8(cell(grid, x, y, gridW/thumbW, gridH/thumbH))
			p.thumb[y*thumbW+x] = v
			p.bright += int32(v)
		}
	}
	for y := range hashH {
		left := cell(grid, 0, y, gridW/hashW, gridH/hashH)
		for x := 1; x < hashW; x++ {
			right := cell(grid, x, y, gridW/hashW, gridH/hashH)
			p.hash <<= 1
			if right > left+1 { // equal planes are no slope
				p.hash |= 1
			}
			left = right
		}
	}
}

// greyGrid averages a picture's grey levels over the area of every cell.
func greyGrid(m *vision.Image) *[gridW * gridH]float32 {
	var grid [gridW * gridH]float32
	area := float32(m.W*m.H) / (gridW * gridH)
	for gy := range gridH {
		rows := spanOf(gy, gridH, m.H)
		for y := rows.from; y < rows.to; y++ {
			row := m.Pix[y*m.W*m.C : (y+1)*m.W*m.C]
			weight := rows.weight(y) / area
			for gx := range gridW {
				grid[gy*gridW+gx] += weight * greySum(row, m.C, spanOf(gx, gridW, m.W))
			}
		}
	}
	return &grid
}

// greySum adds the grey levels of a row's span.
func greySum(row []uint8, c int, s span) float32 {
	grey := func(x int) int {
		if c == 1 {
			return 1000 * int(row[x])
		}
		return 299*int(row[x*c]) + 587*int(row[x*c+1]) + 114*int(row[x*c+2])
	}
	inner := 0
	for x := s.from + 1; x < s.to-1; x++ {
		inner += grey(x)
	}
	total := float32(inner) + s.weight(s.from)*float32(grey(s.from))
	if s.to-1 > s.from {
		total += s.weight(s.to-1) * float32(grey(s.to-1))
	}
	return total / 1000
}

// span is the pixels that a cell takes of a side, the first and the last of them
// in part.
type span struct {
	from, to   int
	start, end float32
}

// spanOf is the span of cell i of n.
func spanOf(i, n, side int) span {
	return span{i * side / n, ((i+1)*side + n - 1) / n, float32(i*side) / float32(n), float32((i+1)*side) / float32(n)}
}

// weight is how much of a pixel lies in the span.
func (s *span) weight(x int) float32 {
	return min(s.end, float32(x+1)) - max(s.start, float32(x))
}

// cell averages w×h cells of the grid.
func cell(grid *[gridW * gridH]float32, x, y, w, h int) float32 {
	total := float32(0)
	for j := y * h; j < (y+1)*h; j++ {
		for i := x * w; i < (x+1)*w; i++ {
			total += grid[j*gridW+i]
		}
	}
	return total / float32(w*h)
}

// near reports whether two pictures look the same: their thumbnails differ by
// little, once both are of the same brightness.
func near(a, b *fingerprint) bool {
	const (
		brightness = 16 // levels that the means may differ by
		each       = 4  // levels that cells differ by in the mean
	)
	shift := (int(a.bright) - int(b.bright)) / len(a.thumb)
	if shift > brightness || -shift > brightness {
		return false
	}
	total := 0
	for y := 0; y < len(a.thumb); y += thumbW {
		for i := y; i < y+thumbW; i++ {
			d := int(a.thumb[i]) - int(b.thumb[i]) - shift
			total += max(d, -d)
		}
		if total > each*len(a.thumb) {
			return false
		}
	}
	return true
}

// hashDistance is how many bits two hashes differ by.
func hashDistance(a, b uint64) int { return bits.OnesCount64(a ^ b) }
