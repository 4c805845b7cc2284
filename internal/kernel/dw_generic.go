package kernel

// A depthwise convolution and both of its gradients are, for each channel,
// sums of products a·b over a rectangle of grid points. Each axis of the grid
// takes every so many elements of a and of b.

// axis is one axis of such a rectangle: n points, the first at positions a
// and b, the others aStep and bStep further each.
type axis struct{ n, a, aStep, b, bStep int }

// tapRange returns the taps [lo, hi) of a filter that read inside an input of
// the given size, tap 0 being at position at.
func tapRange(at, size, kernel, dilation int) (lo, hi int) {
	lo = max(ceilDiv(-at, dilation), 0)
	hi = min(ceilDiv(size-at, dilation), kernel)
	return lo, max(lo, hi)
}

// tapAxis pairs the taps of a filter (a) with the input positions they read
// (b), tap 0 being at position at of an input of the given size.
func tapAxis(at, size, kernel, dilation int) axis {
	lo, hi := tapRange(at, size, kernel, dilation)
	return axis{n: hi - lo, a: lo, aStep: 1, b: at + lo*dilation, bStep: dilation}
}

// outAxis pairs output positions (a) in [from, to) with the input positions
// (b) that one tap reads, at being that of output 0.
func outAxis(at, size, from, to, stride int) axis {
	lo := max(ceilDiv(-at, stride), from)
	hi := min(ceilDiv(size-at, stride), to)
	return axis{n: hi - lo, a: lo, aStep: 1, b: at + lo*stride, bStep: stride}
}

// gradAxis pairs the reversed taps of a filter (a) with the output positions
// (b) that read input position at through them, of size output positions.
func gradAxis(at, pad, size, kernel, stride, dilation int) axis {
	step := stride / gcd(stride, dilation)
	first := at + pad - (kernel-1)*dilation // tap 0's position times stride
	for tap := range min(step, kernel) {
		if p := first + tap*dilation; p%stride == 0 {
			ax := tapAxis(p/stride, size, (kernel-tap+step-1)/step, dilation*step/stride)
			ax.a, ax.aStep = tap+ax.a*step, step
			return ax
		}
	}
	return axis{}
}

// ceilDiv returns ⌈a/b⌉ for positive b.
func ceilDiv(a, b int) int {
	if b == 1 {
		return a
	}
	if a > 0 {
		return (a + b - 1) / b
	}
	return a / b
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func depthwiseGeneric[T Float](dst, src []T, w *DWFilterOf[T], g *DW, bias []T, act Act, from, to int, sums []T) {
	for y := from; y < to; y++ {
		rows := tapAxis(y*g.Stride-g.PadTop, g.H, g.Kernel, g.Dilation)
		for x := range g.OutW {
			cols := tapAxis(x*g.Stride-g.PadLeft, g.W, g.Kernel, g.Dilation)
			out := dst[(y*g.OutW+x)*g.DstStride:][:g.Channels]
			clear(out)
			copy(out, bias)
			filterSums(out, src, w, rows, cols, g.W*g.SrcStride, g.SrcStride)
			if act != Identity {
				activateGeneric(out, out, act)
			}
			if sums != nil {
				for c, v := range out {
					sums[c] += v
				}
			}
		}
	}
}

func depthwiseGradInputGeneric[T Float](dx, dy []T, w *DWFilterOf[T], g *DW, from, to int) {
	for y := from; y < to; y++ {
		rows := gradAxis(y, g.PadTop, g.OutH, g.Kernel, g.Stride, g.Dilation)
		for x := range g.W {
			cols := gradAxis(x, g.PadLeft, g.OutW, g.Kernel, g.Stride, g.Dilation)
			out := dx[(y*g.W+x)*g.SrcStride:][:g.Channels]
			clear(out)
			filterSums(out, dy, w, rows, cols, g.OutW*g.DstStride, g.DstStride)
		}
	}
}

// filterSums adds to out, the channels of one pixel, the products of taps
// (a) and pixels of x (b), whose rows and columns lie xRow and xCol elements
// apart.
func filterSums[T Float](out, x []T, w *DWFilterOf[T], rows, cols axis, xRow, xCol int) {
	if rows.n <= 0 || cols.n <= 0 {
		return
	}
	r := rect{
		rows: rows.n, cols: cols.n,
		aRow: rows.aStep * w.Kernel * dwBlock, aCol: cols.aStep * dwBlock,
		bRow: rows.bStep * xRow, bCol: cols.bStep * xCol,
	}
	first := (rows.a*w.Kernel + cols.a) * dwBlock
	x = x[rows.b*xRow+cols.b*xCol:]
	for c := 0; c < len(out); c += dwBlock {
		n := min(dwBlock, len(out)-c)
		addProducts(&r, out[c:][:n], w.channel(c)[first:], x[c:])
	}
}

func depthwiseGradWeightGeneric[T Float](dw *DWFilterOf[T], x, dy []T, g *DW, from, to int) {
	for i := range g.Kernel {
		rows := outAxis(i*g.Dilation-g.PadTop, g.H, from, to, g.Stride)
		for j := range g.Kernel {
			cols := outAxis(j*g.Dilation-g.PadLeft, g.W, 0, g.OutW, g.Stride)
			if rows.n <= 0 || cols.n <= 0 {
				continue
			}
			r := rect{
				rows: rows.n, cols: cols.n,
				aRow: g.OutW * g.DstStride, aCol: g.DstStride,
				bRow: rows.bStep * g.W * g.SrcStride, bCol: cols.bStep * g.SrcStride,
			}
			a := dy[(rows.a*g.OutW+cols.a)*g.DstStride:]
			b := x[(rows.b*g.W+cols.b)*g.SrcStride:]
			tap := (i*g.Kernel + j) * dwBlock
			for c := 0; c < g.Channels; c += dwBlock {
				n := min(dwBlock, g.Channels-c)
				addProducts(&r, dw.channel(c)[tap:][:n], a[c:], b[c:])
			}
		}
	}
}

// rect is a rectangle of grid points, with the distances in elements from one
// row and column to the next in a and in b.
type rect struct{ rows, cols, aRow, aCol, bRow, bCol int }

// addProducts adds to each out[c] the products of the elements of a and b
// over the rectangle, where a and b start at channel 0 of the first point.
func addProducts[T Float](r *rect, out, a, b []T) {
	for ; len(out) >= 8; out, a, b = out[8:], a[8:], b[8:] {
		addProducts8(r, (*[8]T)(out), a, b)
	}
	for c := range out {
		s := out[c]
		for i := range r.rows {
			p, q := c+i*r.aRow, c+i*r.bRow
			for range r.cols {
				s += a[p] * b[q]
				p += r.aCol
				q += r.bCol
			}
		}
		out[c] = s
	}
}

// addProducts8 is addProducts for eight channels, kept in registers.
func addProducts8[T Float](r *rect, out *[8]T, a, b []T) {
	s0, s1, s2, s3, s4, s5, s6, s7 := out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7]
	for i := range r.rows {
		p, q := i*r.aRow, i*r.bRow
		for range r.cols {
			u := (*[8]T)(a[p:])
			v := (*[8]T)(b[q:])
			s0 += u[0] * v[0]
			s1 += u[1] * v[1]
			s2 += u[2] * v[2]
			s3 += u[3] * v[3]
			s4 += u[4] * v[4]
			s5 += u[5] * v[5]
			s6 += u[6] * v[6]
			s7 += u[7] * v[7]
			p += r.aCol
			q += r.bCol
		}
	}
	*out = [8]T{s0, s1, s2, s3, s4, s5, s6, s7}
}
