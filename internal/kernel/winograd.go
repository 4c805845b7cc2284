package kernel

// WinogradForm is a way to compute tiles of outputs of a 3×3 convolution from
// fewer products: with stride 1, Tile of 2 or 4, and (Tile+2)² products for
// each pair of channels instead of 9·Tile²; with stride 2, Tile of 2, and 25
// products instead of 36.
//
// With stride 2, the odd columns of a window are a convolution of two weights
// on every other column of the image, and the even one is a single weight.
type WinogradForm struct{ Tile, Stride int }

// side returns the rows and columns of a tile of the input.
func (f WinogradForm) side() int { return (f.Tile-1)*f.Stride + 3 }

// positions returns the number of products for each pair of channels.
func (f WinogradForm) positions() int { return f.side() * f.side() }

// WinogradOf is the weights of a 3×3 convolution as Winograd's algorithm
// multiplies with them.
//
// A tile of the image is transformed to as many positions, each of which
// meets a matrix of its own. The matrices lie in memory in the order in which
// they are needed: for 32 outputs at a time, those of all positions, each in
// one or two panels as in MatrixOf.
//
// (A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks,
// 2015, with points that keep float32's errors small; see winogradPoints.)
type WinogradOf[T Float] struct {
	WinogradForm
	In, Out int
	panels  []T
	zeros   []T // a pixel outside the image
}

// Winograd is the type used for inference.
type Winograd = WinogradOf[float32]

// WinogradLen returns the number of elements that the weights need.
func WinogradLen(f WinogradForm, out, in int) int { return f.positions() * MatrixLen(out, in) }

// WinogradIn returns the transform of w, a tensor (out, in, 3, 3) in PyTorch's
// order, with output n multiplied by scale[n]. A nil scale is all ones. Its
// values lie in mem, of length WinogradLen: zeros.
func WinogradIn[T Float](mem []T, form WinogradForm, w []T, out, in int, scale []T) *WinogradOf[T] {
	m := &WinogradOf[T]{WinogradForm: form, In: in, Out: out, panels: mem[:WinogradLen(form, out, in)], zeros: make([]T, in)}
	w = w[:out*in*9]
	for n := range out {
		f := 1.0
		if scale != nil {
			f = float64(scale[n])
		}
		group, first := m.group(n / winogradCols)
		panels := min(2, (out-first+panelCols-1)/panelCols)
		step := panels * in * panelCols
		group = group[(n-first)/panelCols*in*panelCols+n%panelCols:]
		for c := range in {
			var g [9]float64
			for i, x := range w[(n*in+c)*9:][:9] {
				g[i] = f * float64(x)
			}
			winogradFilter(group[c*panelCols:], step, form, &g)
		}
	}
	return m
}

// winogradCols is how many outputs are computed at a time.
const winogradCols = 2 * panelCols

// group returns the matrices of outputs from 32·i on, and the first output.
func (w *WinogradOf[T]) group(i int) (panels []T, first int) {
	first = i * winogradCols
	from := w.positions() * w.In * first
	to := min(from+w.positions()*w.In*winogradCols, len(w.panels))
	return w.panels[from:to], first
}

// Groups returns the number of units in which the outputs can be divided: of 32
// outputs, the last perhaps of fewer.
func (w *WinogradOf[T]) Groups() int { return (w.Out + winogradCols - 1) / winogradCols }

// Tiles returns the number of tiles of one image.
func (w *WinogradOf[T]) Tiles(s *ConvShape) int {
	return (s.OutH + w.Tile - 1) / w.Tile * w.across(s)
}

// across returns the number of tiles of a row.
func (w *WinogradOf[T]) across(s *ConvShape) int { return (s.OutW + w.Tile - 1) / w.Tile }

// tileOf returns the image, row and column where tile i of a batch starts.
func (w *WinogradOf[T]) tileOf(s *ConvShape, i int) (image, y, x int) {
	n, across := w.Tiles(s), w.across(s)
	return i / n, i % n / across * w.Tile, i % n % across * w.Tile
}

// stride returns the distance between tiles at one position of the transformed
// input.
func (w *WinogradOf[T]) stride() int {
	n := (w.In + 15) &^ 15
	if n%128 == 0 { // tiles would compete for few places of a cache
		n += 16
	}
	return n
}

// pitch returns the distance between positions of n tiles, an odd number of
// cache lines.
func pitch(n, stride int) int { return (n*stride/16 | 1) * 16 }

// InputLen returns the length of the transformed input of n tiles.
func (w *WinogradOf[T]) InputLen(n int) int { return w.positions() * pitch(n, w.stride()) }

// ScratchLen returns the length of the scratch that Output needs for n tiles.
func (w *WinogradOf[T]) ScratchLen(n int) int { return w.positions() * pitch(n, winogradCols) }

// Tiles is a range of the tiles of a batch of images. Those of one image are
// numbered row by row, and those of the next image follow.
type Tiles struct{ From, To int }

// Input transforms some of a block of tiles of a batch of images. v is of
// length InputLen for all tiles of the block. s is a 3×3 window of the
// form's stride; the images directly follow each other.
func (w *WinogradOf[T]) Input(v, src []T, s *ConvShape, block, some Tiles) {
	if s.K != 3 || s.Stride != w.Stride || s.Dilation != 1 || s.C != w.In {
		panic("kernel: convolution of another shape than the weights")
	}
	if some.From < block.From || some.To > block.To {
		panic("kernel: tiles outside the block")
	}
	if some.From >= some.To {
		return
	}
	n := block.To - block.From
	need("transformed input", v, 1, 0, w.InputLen(n))
	last, _, _ := w.tileOf(s, some.To-1)
	need("images", src, (last+1)*s.H*s.W, s.Pixel, s.C)
	side := w.side()
	var window [36]int // where the pixels of a tile start in src; negative: outside
	for i := some.From; i < some.To; i++ {
		image, y, x := w.tileOf(s, i)
		y, x = y*s.Stride-s.Top, x*s.Stride-s.Left
		for r := range side {
			row := window[r*side:][:side]
			if y+r < 0 || y+r >= s.H {
				for c := range row {
					row[c] = -1
				}
				continue
			}
			at := ((image*s.H+y+r)*s.W + x) * s.Pixel
			for c := range row {
				row[c] = at
				if uint(x+c) >= uint(s.W) {
					row[c] = -1
				}
				at += s.Pixel
			}
		}
		w.input(v[(i-block.From)*w.stride():], pitch(n, w.stride()), src, &window)
	}
}

// input transforms one tile.
func (w *WinogradOf[T]) input(v []T, pitch int, src []T, window *[36]int) {
	if d, ok := any(v).([]float32); ok && winogradInputAsm(w.WinogradForm, d, pitch, any(src).([]float32), window, any(w.zeros).([]float32)) {
		return
	}
	side := w.side()
	var t [36]T
	for c := range w.In {
		for i := range side * side {
			t[i] = 0
			if at := window[i]; at >= 0 {
				t[i] = src[at+c]
			}
		}
		winogradInput(&t, w.WinogradForm)
		for i := range side * side {
			v[i*pitch+c] = t[i]
		}
	}
}

// Output computes outputs from 32·firstGroup to 32·lastGroup for a block of
// tiles of a batch, whose transformed inputs are in v:
//
//	dst = act(conv + bias + add)
//
// dst and ep.Add start at the first pixel of the batch. Like those of src, the
// images of dst directly follow each other. ep.InScale is not supported.
// scratch has ScratchLen elements.
func (w *WinogradOf[T]) Output(dst []T, dstStride int, v []T, s *ConvShape, block Tiles, firstGroup, lastGroup int, ep *EpilogueOf[T], scratch []T) {
	n := block.To - block.From
	if n <= 0 || firstGroup >= lastGroup {
		return
	}
	if lastGroup > w.Groups() || ep.InScale != nil {
		panic("kernel: no such outputs")
	}
	last, _, _ := w.tileOf(s, block.To-1)
	pixels := (last + 1) * s.OutH * s.OutW
	need("transformed input", v, 1, 0, w.InputLen(n))
	need("scratch", scratch, 1, 0, w.ScratchLen(n))
	need("destination", dst, pixels, dstStride, w.Out)
	if ep.Bias != nil {
		need("bias", ep.Bias, 1, 0, w.Out)
	}
	if ep.Add != nil {
		need("residual", ep.Add, pixels, ep.AddStride, w.Out)
	}
	for g := firstGroup; g < lastGroup; g++ {
		w.products(scratch, v, n, g)
		o := winogradOut[T]{w: w, s: s, dst: dst, stride: dstStride, first: g * winogradCols, ep: ep}
		o.cols = min(winogradCols, w.Out-o.first)
		o.tiles(scratch, block.From, n)
	}
}

// products multiplies the positions of n tiles with the matrices of group g.
func (w *WinogradOf[T]) products(dst, v []T, n, g int) {
	panels, first := w.group(g)
	cols := (min(winogradCols, w.Out-first) + panelCols - 1) / panelCols * panelCols
	size := w.In * cols
	for p := range w.positions() {
		m := MatrixOf[T]{K: w.In, N: cols, panels: panels[p*size:][:size]}
		d, x := dst[p*pitch(n, winogradCols):], v[p*pitch(n, w.stride()):]
		if d, ok := any(d).([]float32); ok && winogradProductAsm(d, any(x).([]float32), w.stride(), n, any(&m).(*Matrix)) {
			continue
		}
		pointwiseGeneric(d, winogradCols, x, w.stride(), n, &m, &EpilogueOf[T]{})
	}
}

// winogradOut is some outputs on their way to memory.
type winogradOut[T Float] struct {
	w           *WinogradOf[T]
	s           *ConvShape
	dst         []T
	stride      int
	first, cols int
	ep          *EpilogueOf[T]
}

// tiles transforms n tiles of products m from tile i on.
func (o *winogradOut[T]) tiles(m []T, i, n int) {
	step := pitch(n, winogradCols)
	asm := newWinogradAsm(o)
	for t := range n {
		image, y, x := o.w.tileOf(o.s, i+t)
		at := (image*o.s.OutH+y)*o.s.OutW + x // pixel
		rows, cols := min(o.w.Tile, o.s.OutH-y), min(o.w.Tile, o.s.OutW-x)
		o.tile(&asm, m[t*winogradCols:], step, at, rows, cols)
	}
}

// tile transforms one tile of products and writes the rows×cols pixels of it
// that lie in the image, from pixel at on.
func (o *winogradOut[T]) tile(asm *winogradAsm, products []T, pitch, at, rows, cols int) {
	if m, ok := any(products).([]float32); !ok || !asm.tile(m, pitch, at, rows, cols) {
		o.pixels(products, pitch, at, rows, cols)
	} else if asm.limits || o.ep.Act == Identity {
		return
	}
	for y := range rows {
		for x := range cols {
			d := o.pixel(at + y*o.s.OutW + x)
			Activate(d, d, o.ep.Act)
		}
	}
}

// pixel returns the outputs of a pixel.
func (o *winogradOut[T]) pixel(i int) []T { return o.dst[i*o.stride+o.first:][:o.cols] }

// pixels writes the sums of one tile, with bias and residual, which may be what
// they replace.
func (o *winogradOut[T]) pixels(m []T, pitch, at, rows, cols int) {
	var t [36]T
	for c := range o.cols {
		for i := range o.w.positions() {
			t[i] = m[i*pitch+c]
		}
		winogradOutput(&t, o.w.WinogradForm)
		for y := range rows {
			for x := range cols {
				i, sum := at+y*o.s.OutW+x, t[y*o.w.Tile+x]
				if o.ep.Bias != nil {
					sum += o.ep.Bias[o.first+c]
				}
				if o.ep.Add != nil {
					sum += o.ep.Add[i*o.ep.AddStride+o.first+c]
				}
				o.pixel(i)[c] = sum
			}
		}
	}
}
