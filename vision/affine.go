package vision

import "math"

// affine maps a pixel (x, y) of the result to (m[0]·x + m[1]·y + m[2],
// m[3]·x + m[4]·y + m[5]) of the source, pixel centres at halves.
type affine [6]float64

// rotation turns about the middle of a w×h picture, anticlockwise.
func rotation(degrees float64, w, h int) affine {
	sin, cos := math.Sincos(-degrees * math.Pi / 180)
	sin, cos = round15(sin), round15(cos)
	cx, cy := float64(w)/2, float64(h)/2
	return affine{cos, sin, cx - (cos*cx + sin*cy), -sin, cos, cy - (-sin*cx + cos*cy)}
}

// round15 rounds to 15 decimals, as Pillow does with a rotation's sine.
func round15(v float64) float64 { return math.RoundToEven(v*1e15) / 1e15 }

// shearX moves row y by factor·y, shearY column x by factor·x.
func shearX(factor float64) affine { return affine{1, factor, 0, 0, 1, 0} }
func shearY(factor float64) affine { return affine{1, 0, 0, factor, 1, 0} }

// warp fills dst, of src's size, with the nearest pixels of src, black from
// outside, in Pillow's 16.16 fixed-point arithmetic.
func (m affine) warp(dst, src *Image) {
	dst.reset(src.W, src.H, src.C)
	clear(dst.Pix)
	fix := func(v float64) int { return int(math.Floor(v*65536 + 0.5)) }
	stepX, stepY := fix(m[0]), fix(m[3])
	downX, downY := fix(m[1]), fix(m[4])
	startX, startY := fix(m[2]+m[0]*0.5+m[1]*0.5), fix(m[5]+m[3]*0.5+m[4]*0.5)
	out, c := dst.Pix, src.C
	for range dst.H {
		xx, yy := startX, startY
		for range dst.W {
			x, y := xx>>16, yy>>16
			if x >= 0 && x < src.W && y >= 0 && y < src.H {
				copy(out[:c], src.Pix[(y*src.W+x)*c:])
			}
			out = out[c:]
			xx, yy = xx+stepX, yy+stepY
		}
		startX, startY = startX+downX, startY+downY
	}
}
