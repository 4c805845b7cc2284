package vision

import "github.com/mixnet-go/mixnet/vision/internal/codec"

// The operations below equal those of Pillow's ImageEnhance and ImageOps.

// table maps every sample of an image.
type table [256]uint8

func (t *table) apply(pix []uint8) {
	for i, v := range pix {
		pix[i] = t[v]
	}
}

// blend returns a + alpha·(b-a) as Pillow rounds it: towards zero, in single
// precision. The conversion keeps compilers from fusing the two operations.
func blend(a, b uint8, alpha float32) uint8 {
	v := float32(a) + float32(alpha*float32(int(b)-int(a)))
	return uint8(min(max(v, 0), 255))
}

// fade makes t the blend of every sample with one grey level.
func (t *table) fade(level uint8, factor float32) {
	for i := range t {
		t[i] = blend(level, uint8(i), factor)
	}
}

// brighten blends the image with black; factor 1 leaves it as it is.
func (m *Image) brighten(factor float32) {
	var t table
	t.fade(0, factor)
	t.apply(m.Pix)
}

// contrast blends the image with its mean grey.
func (m *Image) contrast(factor float32) {
	sum := 0
	if m.C == 1 {
		for _, v := range m.Pix {
			sum += int(v)
		}
	} else {
		for p := m.Pix; len(p) >= 3; p = p[3:] {
			sum += int(codec.Luma(p[0], p[1], p[2]))
		}
	}
	var t table
	t.fade(uint8(float64(sum)/float64(m.W*m.H)+0.5), factor)
	t.apply(m.Pix)
}

// saturate blends every pixel with its grey.
func (m *Image) saturate(factor float32) {
	if m.C == 1 {
		return
	}
	for p := m.Pix; len(p) >= 3; p = p[3:] {
		g := codec.Luma(p[0], p[1], p[2])
		p[0], p[1], p[2] = blend(g, p[0], factor), blend(g, p[1], factor), blend(g, p[2], factor)
	}
}

// sharpen blends the image with a smoothed copy of itself, which scratch is
// for. The outermost pixels are not smoothed.
func (m *Image) sharpen(factor float32, scratch *Image) {
	scratch.reset(m.W, m.H, m.C)
	copy(scratch.Pix, m.Pix)
	const one, five = float32(1) / 13, float32(5) / 13
	row := m.W * m.C
	three := func(p []uint8, mid float32) float32 {
		return float32(float32(p[0])*one) + float32(float32(p[m.C])*mid) + float32(float32(p[2*m.C])*one)
	}
	for y := 1; y < m.H-1; y++ {
		for x := m.C; x < row-m.C; x++ {
			at := y*row + x
			s := 0.5 + three(scratch.Pix[at+row-m.C:], one) + three(scratch.Pix[at-m.C:], five) + three(scratch.Pix[at-row-m.C:], one)
			m.Pix[at] = blend(uint8(min(s, 255)), scratch.Pix[at], factor)
		}
	}
	edge := func(at int) { m.Pix[at] = blend(scratch.Pix[at], scratch.Pix[at], factor) }
	for x := range row {
		edge(x)
		edge((m.H-1)*row + x)
	}
}

// posterize keeps the highest bits of every sample.
func (m *Image) posterize(bits int) {
	mask := ^uint8(1<<(8-bits) - 1)
	for i := range m.Pix {
		m.Pix[i] &= mask
	}
}

// solarize inverts the samples that are not below the threshold.
func (m *Image) solarize(threshold float64) {
	for i, v := range m.Pix {
		if float64(v) >= threshold {
			m.Pix[i] = ^v
		}
	}
}

// histogram counts the samples of one channel.
func (m *Image) histogram(channel int) (h [256]int) {
	for i := channel; i < len(m.Pix); i += m.C {
		h[m.Pix[i]]++
	}
	return h
}

// perChannel maps every channel by the table that f makes of its histogram.
func (m *Image) perChannel(f func(t *table, h *[256]int)) {
	for c := range m.C {
		var t table
		for i := range t {
			t[i] = uint8(i)
		}
		h := m.histogram(c)
		f(&t, &h)
		for i := c; i < len(m.Pix); i += m.C {
			m.Pix[i] = t[m.Pix[i]]
		}
	}
}

// autoContrast stretches every channel to the full range.
func (m *Image) autoContrast() {
	m.perChannel(func(t *table, h *[256]int) {
		lo, hi := 0, 255
		for lo < 255 && h[lo] == 0 {
			lo++
		}
		for hi > 0 && h[hi] == 0 {
			hi--
		}
		if hi <= lo {
			return
		}
		scale := 255 / float64(hi-lo)
		offset := -float64(lo) * scale
		for i := range t {
			t[i] = uint8(min(max(float64(float64(i)*scale)+offset, 0), 255))
		}
	})
}

// equalize spreads the samples of every channel evenly.
func (m *Image) equalize() {
	m.perChannel(func(t *table, h *[256]int) {
		total, last := 0, 0
		for _, n := range h {
			if n > 0 {
				total, last = total+n, n
			}
		}
		step := (total - last) / 255
		if step == 0 {
			return
		}
		n := step / 2
		for i := range t {
			t[i] = uint8(min(n/step, 255))
			n += h[i]
		}
	})
}
