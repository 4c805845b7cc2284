package kernel

// MaxVec sets dst[i] = max(a[i], b[i]) for all i < len(dst). dst may be a or b.
func MaxVec[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

// ScaleVec sets dst[i] = src[i]·a for all i < len(dst). dst may be src.
func ScaleVec[T Float](dst, src []T, a T) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = src[i] * a
	}
}

// CopyRows copies the first c channels of rows pixels.
func CopyRows[T any](dst []T, dstStride int, src []T, srcStride, rows, c int) {
	need("destination", dst, rows, dstStride, c)
	need("source", src, rows, srcStride, c)
	if dstStride == c && srcStride == c {
		copy(dst[:rows*c], src)
		return
	}
	for r := range rows {
		copy(dst[r*dstStride:][:c], src[r*srcStride:])
	}
}

// ShuffleRows reorders the c channels of rows pixels: viewed as (groups, n)
// they become (n, groups). dst must not overlap src.
func ShuffleRows[T any](dst []T, dstStride int, src []T, srcStride, rows, c, groups int) {
	need("destination", dst, rows, dstStride, c)
	need("source", src, rows, srcStride, c)
	n := c / groups
	for r := range rows {
		d, s := dst[r*dstStride:][:c], src[r*srcStride:][:c]
		for g := range groups {
			from := s[g*n:][:n]
			for i, at := 0, g; i < n; i, at = i+1, at+groups {
				d[at] = from[i]
			}
		}
	}
}

// GatherRows sets channel c of each of rows pixels to channel order[c] of the
// source. dst must not overlap src.
func GatherRows[T any](dst []T, dstStride int, src []T, srcStride, rows int, order []int) {
	need("destination", dst, rows, dstStride, len(order))
	for r := range rows {
		d, s := dst[r*dstStride:][:len(order)], src[r*srcStride:]
		for c, from := range order {
			d[c] = s[from]
		}
	}
}

// ShiftRow writes row y of an image moved up by dy and left by dx, with zeros
// where nothing comes from: dst[x] = src[y+dy, x+dx]. dst starts at the row, src
// is the h×w image of c channels; the strides are between pixels.
func ShiftRow[T any](dst []T, dstStride int, src []T, srcStride, h, w, c, y, dy, dx int) {
	need("destination", dst, w, dstStride, c)
	need("source", src, h*w, srcStride, c)
	for x := range w {
		d := dst[x*dstStride:][:c]
		sy, sx := y+dy, x+dx
		if sy < 0 || sy >= h || sx < 0 || sx >= w {
			clear(d)
			continue
		}
		copy(d, src[(sy*w+sx)*srcStride:])
	}
}

// AddRows adds rows pixels of c channels: dst = act(a + b). dst may be a or b.
func AddRows[T Float](dst []T, dstStride int, a []T, aStride int, b []T, bStride, rows, c int, act Act) {
	need("destination", dst, rows, dstStride, c)
	need("first term", a, rows, aStride, c)
	need("second term", b, rows, bStride, c)
	if dstStride == c && aStride == c && bStride == c {
		rows, c = min(rows, 1), rows*c
	}
	for r := range rows {
		d := dst[r*dstStride:][:c]
		AddVec(d, a[r*aStride:], b[r*bStride:])
		if act != Identity {
			Activate(d, d, act)
		}
	}
}

// AffineRows computes dst = act(src·scale + shift) for rows pixels of
// len(scale) channels. dst may be src; shift may be nil.
func AffineRows[T Float](dst []T, dstStride int, src []T, srcStride, rows int, scale, shift []T, act Act) {
	c := len(scale)
	need("destination", dst, rows, dstStride, c)
	need("source", src, rows, srcStride, c)
	for r := range rows {
		d := dst[r*dstStride:][:c]
		MulVec(d, src[r*srcStride:], scale)
		if shift != nil {
			AddVec(d, d, shift)
		}
		if act != Identity {
			Activate(d, d, act)
		}
	}
}

// ActivateRows applies act to rows pixels of c channels. dst may be src.
func ActivateRows[T Float](dst []T, dstStride int, src []T, srcStride, rows, c int, act Act) {
	need("destination", dst, rows, dstStride, c)
	need("source", src, rows, srcStride, c)
	if dstStride == c && srcStride == c {
		rows, c = min(rows, 1), rows*c
	}
	for r := range rows {
		Activate(dst[r*dstStride:][:c], src[r*srcStride:][:c], act)
	}
}
