package kernel

// DW is the geometry of one depthwise group over one image: a Kernel×Kernel
// filter for each of Channels channels.
//
// The input is an H×W image with pixels SrcStride elements apart, the output
// an OutH×OutW image with pixels DstStride apart. One group of a mixed
// depthwise convolution reads and writes its own channels of tensors that all
// groups share: it is given these tensors from its first channel on.
//
// Tap (i, j) of output pixel (y, x) reads input pixel
// (y·Stride + i·Dilation - PadTop, x·Stride + j·Dilation - PadLeft), which is
// zero outside the image. Padding may have any size. It may be negative, and
// OutH and OutW may have any value, so that rows of a larger image are an
// image too.
type DW struct {
	H, W, OutH, OutW         int
	Channels                 int
	SrcStride, DstStride     int
	Kernel, Stride, Dilation int
	PadTop, PadLeft          int
}

// dwBlock is the number of channels that lie together in a packed filter.
const dwBlock = 16

// DWFilterOf is the filter of one depthwise group, packed for Depthwise and
// its gradients.
//
// It is stored in blocks of 16 channels: tap (i, j) of channel c is element
// (i·Kernel+j)·16 + c mod 16 of block c/16. The last block is padded with
// zeros.
type DWFilterOf[T Float] struct {
	Kernel, Channels int
	blocks           []T
}

// DWFilter is the type used for inference.
type DWFilter = DWFilterOf[float32]

// PackDW packs w, a (channels, 1, kernel, kernel) tensor.
func PackDW[T Float](w []T, kernel, channels int) *DWFilterOf[T] {
	f := NewDWFilter[T](kernel, channels)
	f.Pack(w)
	return f
}

// NewDWFilter returns a zero filter of the given size.
func NewDWFilter[T Float](kernel, channels int) *DWFilterOf[T] {
	return &DWFilterOf[T]{Kernel: kernel, Channels: channels, blocks: make([]T, DWFilterLen(kernel, channels))}
}

// DWFilterLen returns the values that a filter of the given size holds.
func DWFilterLen(kernel, channels int) int {
	return (channels + dwBlock - 1) / dwBlock * dwBlock * kernel * kernel
}

// EmptyDWFilter returns a filter of the given size that Move is to give memory.
func EmptyDWFilter[T Float](kernel, channels int) *DWFilterOf[T] {
	return &DWFilterOf[T]{Kernel: kernel, Channels: channels}
}

// Move lets the values of f lie in mem, of length DWFilterLen. They are
// undefined until they are packed or cleared.
func (f *DWFilterOf[T]) Move(mem []T) {
	f.blocks = mem[:DWFilterLen(f.Kernel, f.Channels)]
	if f.Channels%dwBlock != 0 {
		clear(f.channel(f.Channels &^ (dwBlock - 1)))
	}
}

// Pack replaces the values of f by those of w, a (Channels, 1, Kernel,
// Kernel) tensor.
func (f *DWFilterOf[T]) Pack(w []T) {
	taps := f.Kernel * f.Kernel
	for c := range f.Channels {
		b := f.channel(c)
		for i, v := range w[c*taps:][:taps] {
			b[i*dwBlock] = v
		}
	}
}

// PackReversed is Pack with the taps of each channel in reverse order, which
// is what DepthwiseGradInput takes.
func (f *DWFilterOf[T]) PackReversed(w []T) {
	taps := f.Kernel * f.Kernel
	for c := range f.Channels {
		b := f.channel(c)
		for i, v := range w[c*taps:][:taps] {
			b[(taps-1-i)*dwBlock] = v
		}
	}
}

// AddTo adds the values of f to w, a (Channels, 1, Kernel, Kernel) tensor.
func (f *DWFilterOf[T]) AddTo(w []T) {
	taps := f.Kernel * f.Kernel
	for c := range f.Channels {
		b := f.channel(c)
		for i := range taps {
			w[c*taps+i] += b[i*dwBlock]
		}
	}
}

// Clear sets all values to zero.
func (f *DWFilterOf[T]) Clear() { clear(f.blocks) }

// channel returns the blocks from the first tap of channel c on. The taps are
// dwBlock elements apart.
func (f *DWFilterOf[T]) channel(c int) []T {
	return f.blocks[c/dwBlock*dwBlock*f.Kernel*f.Kernel+c%dwBlock:]
}

// Depthwise computes output rows [from, to) of a depthwise convolution,
//
//	dst = act(conv(src, w) + bias)
//
// A nil bias is zero. If sums is not nil, sums[c] grows by the sum of channel
// c over the pixels written, for the pooling of squeeze-excite.
func Depthwise[T Float](dst, src []T, w *DWFilterOf[T], g *DW, bias []T, act Act, from, to int, sums []T) {
	checkDW(dst, src, w, g, from, to, g.OutH)
	if bias != nil {
		need("bias", bias, 1, 0, g.Channels)
	}
	if sums != nil {
		need("sums", sums, 1, 0, g.Channels)
	}
	if d, ok := any(dst).([]float32); ok && depthwiseAsm(d, any(src).([]float32), any(w).(*DWFilter), g,
		any(bias).([]float32), act, from, to, any(sums).([]float32)) {
		return
	}
	depthwiseGeneric(dst, src, w, g, bias, act, from, to, sums)
}

// DepthwiseGradInput computes rows [from, to) of the gradient dx with respect
// to the input, from the gradient dy with respect to the output. w holds the
// taps in reverse order, see PackReversed.
func DepthwiseGradInput[T Float](dx, dy []T, w *DWFilterOf[T], g *DW, from, to int) {
	checkDW(dy, dx, w, g, from, to, g.H)
	if d, ok := any(dx).([]float32); ok && depthwiseGradInputAsm(d, any(dy).([]float32), any(w).(*DWFilter), g, from, to) {
		return
	}
	depthwiseGradInputGeneric(dx, dy, w, g, from, to)
}

// DepthwiseGradWeight adds to dw what output rows [from, to) contribute to
// the gradient with respect to the filter. x is the input and dy the gradient
// with respect to the output. AddTo unpacks the result.
func DepthwiseGradWeight[T Float](dw *DWFilterOf[T], x, dy []T, g *DW, from, to int) {
	checkDW(dy, x, dw, g, from, to, g.OutH)
	if f, ok := any(dw).(*DWFilter); ok && depthwiseGradWeightAsm(f, any(x).([]float32), any(dy).([]float32), g, from, to) {
		return
	}
	depthwiseGradWeightGeneric(dw, x, dy, g, from, to)
}

// checkDW panics unless the arguments of a kernel fit the geometry. out has
// the shape of the output, in that of the input, and [from, to) are among rows
// rows.
func checkDW[T Float](out, in []T, w *DWFilterOf[T], g *DW, from, to, rows int) {
	if g.Kernel < 1 || g.Stride < 1 || g.Dilation < 1 || w.Kernel != g.Kernel || w.Channels < g.Channels {
		panic("kernel: depthwise filter does not fit its geometry")
	}
	if from < 0 || from > to || to > rows {
		panic("kernel: depthwise rows outside the image")
	}
	need("depthwise output", out, g.OutH*g.OutW, g.DstStride, g.Channels)
	need("depthwise input", in, g.H*g.W, g.SrcStride, g.Channels)
}
