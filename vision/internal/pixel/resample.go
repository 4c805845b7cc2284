package pixel

import "math"

// Precision is the number of fractional bits of a filter weight: 32 bits less 8
// for the sample and 2 for the sign and overshoot, as in Pillow.
const Precision = 32 - 8 - 2

// half is added to a sum of weighted samples before it is cut.
const half = 1 << (Precision - 1)

// clip8 rounds a fixed-point sum, half already added, to a sample.
func clip8(v int32) uint8 {
	v >>= Precision
	if uint32(v) > 255 {
		return uint8(^(v >> 31)) // 0 below, 255 above
	}
	return uint8(v)
}

// Taps are the weights of one pass for a run of output positions: position i is
// the sum over j < Count[i] of weight(i, j) · sample First[i]+j.
type Taps struct {
	First, Count []int32

	weights []int32
	stride  int // weights of a position
	// packed holds the weights for the assembly: of every four, their low 12
	// bits and then what is above them.
	packed []int16
}

// Reset makes t the taps of n positions of at most most weights each.
func (t *Taps) Reset(n, most int) {
	t.stride = (most + 3) &^ 3
	t.First, t.Count = resized(t.First, n), resized(t.Count, n)
	t.weights = resized(t.weights, n*t.stride)
	t.packed = resized(t.packed, 2*n*t.stride)
	clear(t.weights)
}

// Set gives position i its first sample and its weights, which are divided by
// their sum and rounded half away from zero.
func (t *Taps) Set(i, first int, weights []float64) {
	sum := 0.0
	for _, v := range weights {
		sum += v
	}
	t.First[i], t.Count[i] = int32(first), int32(len(weights))
	row := t.weights[i*t.stride : (i+1)*t.stride]
	for j, v := range weights {
		if sum != 0 {
			v /= sum
		}
		row[j] = int32(v*(1<<Precision) + math.Copysign(0.5, v))
	}
	packed := t.packed[2*i*t.stride:]
	for j, w := range row {
		low := w & (1<<packedBits - 1)
		packed[j/4*8+j%4] = int16(low)
		packed[j/4*8+j%4+4] = int16((w - low) >> packedBits)
	}
}

// packedBits is where a weight is cut in two.
const packedBits = 12

// Span returns the input samples that t reads, [from, to).
func (t *Taps) Span() (from, to int) {
	last := len(t.First) - 1
	return int(t.First[0]), int(t.First[last] + t.Count[last])
}

// Row is the pass over a row of c channels: src begins at the first sample that
// t reads, and may go on after the last.
func (t *Taps) Row(dst, src []uint8, c int) {
	done := 0
	if c == 3 {
		done = t.rowAsm(dst, src)
	}
	t.rowGeneric(dst, src, c, done)
}

// rowGeneric is the spec of Row, from position i on.
func (t *Taps) rowGeneric(dst, src []uint8, c, i int) {
	if c == 3 {
		t.rowRGB(dst, src, i)
		return
	}
	for ; i < len(t.First); i++ {
		k := t.weights[i*t.stride:][:t.Count[i]]
		p := src[t.First[i]-t.First[0]:][:len(k)]
		sum := int32(half)
		for j, w := range k {
			sum += int32(p[j]) * w
		}
		dst[i] = clip8(sum)
	}
}

func (t *Taps) rowRGB(dst, src []uint8, i int) {
	for ; i < len(t.First); i++ {
		k := t.weights[i*t.stride:][:t.Count[i]]
		p := src[3*(t.First[i]-t.First[0]):][:3*len(k)]
		r, g, b := int32(half), int32(half), int32(half)
		for _, w := range k {
			r += int32(p[0]) * w
			g += int32(p[1]) * w
			b += int32(p[2]) * w
			p = p[3:]
		}
		d := dst[3*i : 3*i+3]
		d[0], d[1], d[2] = clip8(r), clip8(g), clip8(b)
	}
}

// Columns is the pass over columns: rows of width bytes, stride apart, begin at
// the first one that t reads.
func (t *Taps) Columns(dst, rows []uint8, width, stride int) {
	for i := range t.First {
		k := t.weights[i*t.stride:][:t.Count[i]]
		src := rows[int(t.First[i]-t.First[0])*stride:]
		out := dst[i*width:][:width]
		src = src[:(len(k)-1)*stride+width]
		if !columnAsm(out, src, stride, k) {
			columnGeneric(out, src, stride, k)
		}
	}
}

// columnGeneric is the spec of Columns for one row: out[x] is the sum over j of
// k[j]·src[j·stride+x].
func columnGeneric(out, src []uint8, stride int, k []int32) {
	for x := range out {
		sum := int32(half)
		at := x
		for _, w := range k {
			sum += int32(src[at]) * w
			at += stride
		}
		out[x] = clip8(sum)
	}
}

// resized returns a slice of n elements, in s's memory where it is large
// enough.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
