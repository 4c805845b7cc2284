package vision

import "image"

// move copies src to dst of the same size: the pixel at p+shift goes to p. From
// outside comes src reflected, or else black. If flip is set, the result is
// mirrored from left to right.
func move(dst, src *Image, shift image.Point, reflect, flip bool) {
	w, c := dst.W, dst.C
	from := min(max(0, -shift.X), w)
	to := max(from, min(w, w-shift.X))
	for y := range dst.H {
		out := dst.Pix[y*w*c:][:w*c]
		sy := y + shift.Y
		if reflect {
			sy = reflected(sy, src.H)
		}
		if sy < 0 || sy >= src.H {
			clear(out)
			continue
		}
		row := src.Pix[sy*w*c:][:w*c]
		if from < to {
			copy(out[from*c:to*c], row[(from+shift.X)*c:])
		}
		if reflect {
			reflectInto(out, row, c, 0, from, shift.X)
			reflectInto(out, row, c, to, w, shift.X)
		} else {
			clear(out[:from*c])
			clear(out[to*c:])
		}
		if flip {
			mirror(out, c)
		}
	}
}

// reflectInto copies to the pixels of out in [from, to) what reflected row has
// shift pixels further on.
func reflectInto(out, row []uint8, c, from, to, shift int) {
	for x := from; x < to; x++ {
		copy(out[x*c:(x+1)*c], row[reflected(x+shift, len(row)/c)*c:])
	}
}

// reflected returns where in a row of n pixels the mirrors at its first and last
// show position i.
func reflected(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i = ((i % period) + period) % period
	return min(i, period-i)
}

// mirror reverses the pixels of a row.
func mirror(row []uint8, c int) {
	if c == 1 {
		for i, j := 0, len(row)-1; i < j; i, j = i+1, j-1 {
			row[i], row[j] = row[j], row[i]
		}
		return
	}
	for i, j := 0, len(row)-3; i < j; i, j = i+3, j-3 {
		a, b := row[i:i+3], row[j:j+3]
		a[0], a[1], a[2], b[0], b[1], b[2] = b[0], b[1], b[2], a[0], a[1], a[2]
	}
}
