// Command vec generates the assembly of the element-wise loops and of those
// over channels.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, s := range []*simd.ISA{simd.AVX2, simd.AVX512} {
		activate(s)
		actGrad(s)
		addVec(s)
		mulVec(s)
		mulAdd(s)
		scaleRows(s)
		scalePanel(s)
		sumRows(s)
		dotRows(s)
		moments(s)
		affineAct(s)
		actGradSums(s)
		affine2(s)
		affineActStream(s)
		actGradSumsStream(s)
		affine2Stream(s)
		swishGradSums(s)
	}
	band("bandFloats", "float32", 4)
	band("bandBytes", "uint8", 1)
	Generate()
}

// interleave is how many vectors go through an activation together.
const interleave = 3

// group returns the registers of vector i of those.
func group(s *simd.ISA, i int) simd.Group {
	return simd.Group{X: s.V(4 * i), A: s.V(4*i + 1), B: s.V(4*i + 2), C: s.V(4*i + 3)}
}

func groups(s *simd.ISA, n int) []simd.Group {
	var g []simd.Group
	for i := range n {
		g = append(g, group(s, i))
	}
	return g
}

func text(s *simd.ISA, name, signature, doc string) {
	TEXT(name+s.Name, attr.NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + s.Name + " " + doc)
}

func broadcast(param string, v reg.VecPhysical) {
	p, err := Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(p.Addr, v)
}

func activate(s *simd.ISA) {
	text(s, "activate", "func(dst, src *float32, n int, variant int)", "applies activation variant.")
	f := simd.Flat{ISA: s, Vecs: []string{"dst", "src"}, Unroll: interleave}
	for act := simd.Identity; act <= simd.HardSigmoid; act++ {
		f.Variants = append(f.Variants, func(e []*simd.Elems) {
			for i := range e {
				e[i].Load(1, group(s, i).X)
			}
			s.Activate(act, groups(s, len(e))...)
			for i := range e {
				e[i].Store(group(s, i).X, 0)
			}
		})
	}
	f.Emit()
}

func actGrad(s *simd.ISA) {
	text(s, "actGrad", "func(dy, y *float32, n int, variant int)", "multiplies dy by the derivative of activation variant at y.")
	f := simd.Flat{ISA: s, Vecs: []string{"dy", "y"}, Unroll: 2}
	for act := simd.Identity; act <= simd.HardSigmoid; act++ {
		f.Variants = append(f.Variants, func(e []*simd.Elems) {
			for _, e := range e {
				e.Load(1, s.V(0))
				e.Load(0, s.V(1))
				s.ActGrad(act, s.V(0), s.V(1), s.V(2), s.V(3), s.V(4))
				e.Store(s.V(1), 0)
			}
		})
	}
	f.Emit()
}

func addVec(s *simd.ISA) {
	text(s, "addVec", "func(dst, a, b *float32, n int)", "sets dst to a+b.")
	f := simd.Flat{ISA: s, Vecs: []string{"dst", "a", "b"}, Unroll: 4}
	f.Step = func(e []*simd.Elems) {
		for _, e := range e {
			e.Load(1, s.V(0))
			e.Load(2, s.V(1))
			VADDPS(s.V(1), s.V(0), s.V(0))
			e.Store(s.V(0), 0)
		}
	}
	f.Emit()
}

func mulVec(s *simd.ISA) {
	text(s, "mulVec", "func(dst, a, b *float32, n int)", "sets dst to a·b.")
	f := simd.Flat{ISA: s, Vecs: []string{"dst", "a", "b"}, Unroll: 4}
	f.Step = func(e []*simd.Elems) {
		for _, e := range e {
			e.Load(1, s.V(0))
			e.Load(2, s.V(1))
			VMULPS(s.V(1), s.V(0), s.V(0))
			e.Store(s.V(0), 0)
		}
	}
	f.Emit()
}

func mulAdd(s *simd.ISA) {
	text(s, "mulAdd", "func(dst *float32, a float32, x *float32, n int)", "adds a·x to dst.")
	f := simd.Flat{ISA: s, Vecs: []string{"dst", "x"}, Unroll: 4}
	f.Setup = func() { broadcast("a", s.V(4)) }
	f.Step = func(e []*simd.Elems) {
		for _, e := range e {
			e.Load(0, s.V(0))
			e.Load(1, s.V(1))
			VFMADD231PS(s.V(1), s.V(4), s.V(0))
			e.Store(s.V(0), 0)
		}
	}
	f.Emit()
}

// scalePanel multiplies each row of 16 of a packed panel by its own factor.
func scalePanel(s *simd.ISA) {
	text(s, "scalePanel", "func(dst, src *float32, k int, scale *float32)",
		"sets dst to the k rows of 16 of src, each multiplied by its scale.")
	dst, src, k, scale := reg.RDI, reg.RSI, reg.RCX, reg.RDX
	Load(Param("dst"), dst)
	Load(Param("src"), src)
	Load(Param("k"), k)
	Load(Param("scale"), scale)
	Label("row")
	VBROADCASTSS(Mem{Base: scale}, s.V(0))
	for v := range 64 / s.Bytes() {
		VMULPS(Mem{Base: src, Disp: v * s.Bytes()}, s.V(0), s.V(1+v))
		VMOVUPS(s.V(1+v), Mem{Base: dst, Disp: v * s.Bytes()})
	}
	ADDQ(U32(4), scale)
	ADDQ(U32(64), src)
	ADDQ(U32(64), dst)
	DECQ(k)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

func scaleRows(s *simd.ISA) {
	text(s, "scaleRows", "func(dst *float32, dstStride int, src *float32, srcStride, rows, c int, scale *float32)",
		"multiplies channels by their scale.")
	r := simd.Rows{ISA: s, Mats: []string{"dst", "src"}, Blocks: []int{4, 1}}
	r.Setup = func(b *simd.Block) {
		for v := range b.Vecs {
			b.Chan("scale", v, s.V(v))
		}
	}
	r.Row = func(b *simd.Block) {
		for v := range b.Vecs {
			b.Load(1, v, s.V(4+v))
			VMULPS(s.V(v), s.V(4+v), s.V(4+v))
			b.Store(s.V(4+v), 0, v)
		}
	}
	r.Emit()
}

func sumRows(s *simd.ISA) {
	text(s, "sumRows", "func(dst, src *float32, srcStride, rows, c int)", "adds channels of src to dst.")
	r := simd.Rows{ISA: s, Mats: []string{"src"}, Blocks: []int{4, 1}}
	r.Setup = func(b *simd.Block) {
		for v := range b.Vecs {
			s.Zero(s.V(v))
		}
	}
	r.Row = func(b *simd.Block) {
		for v := range b.Vecs {
			b.Load(0, v, s.V(4+v))
			VADDPS(s.V(4+v), s.V(v), s.V(v))
		}
	}
	r.Finish = func(b *simd.Block) {
		for v := range b.Vecs {
			b.ChanAdd(s.V(v), "dst", v, s.V(4))
		}
	}
	r.Emit()
}

func dotRows(s *simd.ISA) {
	text(s, "dotRows", "func(dst, a *float32, aStride int, b *float32, bStride, rows, c int)",
		"adds channels of a·b to dst.")
	r := simd.Rows{ISA: s, Mats: []string{"a", "b"}, Blocks: []int{4, 1}}
	r.Setup = func(b *simd.Block) {
		for v := range b.Vecs {
			s.Zero(s.V(v))
		}
	}
	r.Row = func(b *simd.Block) {
		for v := range b.Vecs {
			b.Load(0, v, s.V(4))
			b.Load(1, v, s.V(5))
			VFMADD231PS(s.V(4), s.V(5), s.V(v))
		}
	}
	r.Finish = func(b *simd.Block) {
		for v := range b.Vecs {
			b.ChanAdd(s.V(v), "dst", v, s.V(4))
		}
	}
	r.Emit()
}

func moments(s *simd.ISA) {
	text(s, "moments", "func(src *float32, srcStride, rows, c int, pivot, sum, squares *float32)",
		"adds channels of src-pivot to sum, and of their squares to squares.")
	r := simd.Rows{ISA: s, Mats: []string{"src"}, Blocks: []int{4, 1}}
	r.Setup = func(b *simd.Block) {
		for v := range b.Vecs {
			s.Zero(s.V(v))
			s.Zero(s.V(4 + v))
			b.Chan("pivot", v, s.V(8+v))
		}
	}
	r.Row = func(b *simd.Block) {
		for v := range b.Vecs {
			x := s.V(12 + v%2)
			b.Load(0, v, x)
			VSUBPS(s.V(8+v), x, x)
			VADDPS(x, s.V(v), s.V(v))
			VFMADD231PS(x, x, s.V(4+v))
		}
	}
	r.Finish = func(b *simd.Block) {
		for v := range b.Vecs {
			b.ChanAdd(s.V(v), "sum", v, s.V(8))
			b.ChanAdd(s.V(4+v), "squares", v, s.V(8))
		}
	}
	r.Emit()
}

// affineAct is act(scale·x+shift), by channel.
func affineAct(s *simd.ISA) {
	text(s, "affineAct", "func(dst *float32, dstStride int, src *float32, srcStride, rows, c int, scale, shift *float32, variant int)",
		"sets dst to activation variant of scale·src+shift.")
	r := simd.Rows{ISA: s, Mats: []string{"dst", "src"}, Blocks: []int{4, 1}}
	r.Setup = func(b *simd.Block) {
		for v := range b.Vecs {
			b.Chan("scale", v, s.V(v))
			b.Chan("shift", v, s.V(4+v))
		}
	}
	for act := simd.Identity; act <= simd.HardSigmoid; act++ {
		r.Variants = append(r.Variants, func(b *simd.Block) {
			if act == simd.Swish && s.Wide() { // enough registers for all at a time
				affineSwish(b)
				return
			}
			for v := range b.Vecs {
				x := s.V(8 + v%2)
				b.Load(1, v, x)
				VFMADD213PS(s.V(4+v), s.V(v), x)
				s.Activate(act, simd.Group{X: x, A: s.V(10), B: s.V(11), C: s.V(12)})
				b.Store(x, 0, v)
			}
		})
	}
	r.Emit()
}

// affineSwish is a row of affineAct with AVX-512's swish.
func affineSwish(b *simd.Block) {
	g := groups(b.ISA, 2+b.Vecs)[2:] // the first registers hold scale and shift
	for v := range b.Vecs {
		b.Load(1, v, g[v].X)
		VFMADD213PS(b.V(4+v), b.V(v), g[v].X)
	}
	b.Activate(simd.Swish, g...)
	for v := range b.Vecs {
		b.Store(g[v].X, 0, v)
	}
}

// actGradSums takes the gradient through the activation of an affine map and
// gathers what the gradient of the map itself needs.
func actGradSums(s *simd.ISA) {
	text(s, "actGradSums", "func(dy *float32, dyStride int, z *float32, zStride, rows, c int, scale, shift, mean *float32, variant int, sum, dot *float32)",
		"multiplies dy by the derivative of activation variant at scale·z+shift, and adds it to sum and dy·(z-mean) to dot.")
	r := simd.Rows{ISA: s, Mats: []string{"dy", "z"}, Blocks: []int{2, 1}}
	scale := func(v int) reg.VecPhysical { return s.V(v) }
	shift := func(v int) reg.VecPhysical { return s.V(2 + v) }
	mean := func(v int) reg.VecPhysical { return s.V(4 + v) }
	sum := func(v int) reg.VecPhysical { return s.V(6 + v) }
	dot := func(v int) reg.VecPhysical { return s.V(8 + v) }
	r.Setup = func(b *simd.Block) {
		for v := range b.Vecs {
			b.Chan("scale", v, scale(v))
			b.Chan("shift", v, shift(v))
			b.Chan("mean", v, mean(v))
			s.Zero(sum(v))
			s.Zero(dot(v))
		}
	}
	for act := simd.Identity; act <= simd.HardSigmoid; act++ {
		r.Variants = append(r.Variants, func(b *simd.Block) {
			for v := range b.Vecs {
				y, g := s.V(10), s.V(11)
				b.Load(1, v, y)
				VFMADD213PS(shift(v), scale(v), y)
				b.Load(0, v, g)
				s.ActGrad(act, y, g, s.V(12), s.V(13), s.V(14))
				b.Load(1, v, y)
				VSUBPS(mean(v), y, y)
				VADDPS(g, sum(v), sum(v))
				VFMADD231PS(g, y, dot(v))
				b.Store(g, 0, v)
			}
		})
	}
	r.Finish = func(b *simd.Block) {
		for v := range b.Vecs {
			b.ChanAdd(sum(v), "sum", v, s.V(12))
			b.ChanAdd(dot(v), "dot", v, s.V(12))
		}
	}
	r.Emit()
}

// affine2 is the backward pass of a batch norm: a·g + b·z + c, by channel.
func affine2(s *simd.ISA) {
	text(s, "affine2", "func(dst *float32, dstStride int, dy *float32, dyStride int, z *float32, zStride, rows, c int, ag, az, shift *float32)",
		"sets dst to ag·dy + az·z + shift.")
	r := simd.Rows{ISA: s, Mats: []string{"dst", "dy", "z"}, Blocks: []int{4, 1}}
	r.Setup = func(b *simd.Block) {
		for v := range b.Vecs {
			b.Chan("ag", v, s.V(v))
			b.Chan("az", v, s.V(4+v))
			b.Chan("shift", v, s.V(8+v))
		}
	}
	r.Row = func(b *simd.Block) {
		for v := range b.Vecs {
			g, z := s.V(12), s.V(13)
			b.Load(1, v, g)
			b.Load(2, v, z)
			VFMADD213PS(s.V(8+v), s.V(v), g)
			VFMADD231PS(s.V(4+v), z, g)
			b.Store(g, 0, v)
		}
	}
	r.Emit()
}

// affineActStream is affineAct for many channels.
func affineActStream(s *simd.ISA) {
	text(s, "affineActStream", "func(dst *float32, dstStride int, src *float32, srcStride, rows, c int, scale, shift *float32, variant int)",
		"sets dst to activation variant of scale·src+shift, pixel by pixel.")
	t := simd.Stream{ISA: s, Mats: []string{"dst", "src"}, Chans: []string{"scale", "shift"}, Unroll: simd.Together}
	for act := simd.Identity; act <= simd.HardSigmoid; act++ {
		t.Variants = append(t.Variants, func(e []*simd.Cell) {
			if act == simd.Swish && len(e) == simd.Together && !s.Wide() {
				swishStream(s, e)
				return
			}
			for i, c := range e {
				g := group(s, i)
				c.Load(1, g.X)
				c.Chan(0, g.A)
				c.Chan(1, g.B)
				VFMADD213PS(g.B, g.A, g.X)
			}
			s.Activate(act, groups(s, len(e))...)
			for i, c := range e {
				c.Store(group(s, i).X, 0)
			}
		})
	}
	t.Emit()
}

// trio returns three registers for each of simd.Together vectors; spare has
// the others.
func trio(s *simd.ISA, i int) simd.Group {
	return simd.Group{A: s.V(3 * i), B: s.V(3*i + 1), C: s.V(3*i + 2)}
}

func trios(s *simd.ISA) (g []simd.Group, spare []reg.VecPhysical) {
	for i := range simd.Together {
		g = append(g, trio(s, i))
	}
	for i := range simd.Spare {
		spare = append(spare, s.V(3*simd.Together+i))
	}
	return g, spare
}

// affine sets y to scale·z+shift, where z is matrix mat, and clobbers t.
func affine(c *simd.Cell, mat int, y, t reg.VecPhysical) {
	c.Load(mat, y)
	c.Chan(0, t)
	VFMADD213PS(c.ChanAt(1), t, y)
}

// swishStream is affineActStream for some vectors with AVX2's swish. What is
// activated is computed twice, for want of registers to keep it in.
func swishStream(s *simd.ISA, e []*simd.Cell) {
	g, spare := trios(s)
	for i, c := range e {
		affine(c, 1, g[i].C, g[i].B)
	}
	s.SigmoidInverse(g, spare)
	for i, c := range e {
		affine(c, 1, g[i].C, g[i].B)
		s.SwishLeast(g[i].C, g[i].B)
		s.Divide(g[i].C, g[i].A, g[i].B, g[i].C)
		c.Store(g[i].C, 0)
	}
}

// actGradSumsStream is actGradSums for many channels.
func actGradSumsStream(s *simd.ISA) {
	text(s, "actGradSumsStream", "func(dy *float32, dyStride int, z *float32, zStride, rows, c int, scale, shift, mean *float32, variant int, sum, dot *float32)",
		"multiplies dy by the derivative of activation variant at scale·z+shift, and adds it to sum and dy·(z-mean) to dot, pixel by pixel.")
	t := simd.Stream{ISA: s, Mats: []string{"dy", "z"}, Chans: []string{"scale", "shift", "mean", "sum", "dot"}, Unroll: 2}
	wide := func(e []*simd.Cell) { // for swish
		g, spare := trios(s)
		for i, c := range e {
			affine(c, 1, g[i].C, g[i].B)
		}
		s.SigmoidInverse(g, spare)
		for i, c := range e {
			p, q, y := g[i].A, g[i].B, g[i].C
			VMOVUPS(s.Float(1), q)
			s.Divide(q, p, y, p)
			VSUBPS(p, q, q)
			affine(c, 1, y, spare[0])
			VFMADD213PS(s.Float(1), y, q)
			c.Load(0, y)
			VMULPS(p, y, y)
			VMULPS(q, y, y)
			c.Load(1, p)
			gradSums(c, y, p, q, spare[0])
		}
	}
	for act := simd.Identity; act <= simd.HardSigmoid; act++ {
		t.Variants = append(t.Variants, func(e []*simd.Cell) {
			if act == simd.Swish && len(e) == simd.Together {
				wide(e)
				return
			}
			for i, c := range e {
				v := func(j int) reg.VecPhysical { return s.V(7*i + j) }
				z, y, g := v(0), v(1), v(2)
				c.Load(1, z)
				c.Chan(0, y)
				c.Chan(1, v(3))
				VFMADD213PS(v(3), z, y)
				c.Load(0, g)
				s.ActGrad(act, y, g, v(3), v(4), v(5))
				gradSums(c, g, z, v(3), v(4))
			}
		})
	}
	t.Unrolls = map[int]int{simd.Swish: simd.Together}
	t.Emit()
}

// gradSums stores g, and adds it and g·(z-mean) to the sums. It clobbers z, t
// and u.
func gradSums(c *simd.Cell, g, z, t, u reg.VecPhysical) {
	c.Chan(2, t)
	VSUBPS(t, z, z)
	c.Chan(3, t)
	VADDPS(g, t, t)
	c.Chan(4, u)
	VFMADD231PS(g, z, u)
	c.ChanStore(t, 3)
	c.ChanStore(u, 4)
	c.Store(g, 0)
}

// swishGradSums is actGradSums for swish, of which the values are known.
func swishGradSums(s *simd.ISA) {
	text(s, "swishGradSums", "func(dy *float32, dyStride int, z *float32, zStride int, y *float32, yStride, rows, c int, scale, shift, mean, sum, dot *float32)",
		"multiplies dy by the derivative of swish at scale·z+shift, where its value is y, and adds it to sum and dy·(z-mean) to dot, pixel by pixel.")
	t := simd.Stream{ISA: s, Mats: []string{"dy", "z", "y"}, Chans: []string{"scale", "shift", "mean", "sum", "dot"}, Unroll: 2}
	t.Step = func(e []*simd.Cell) {
		for i, c := range e {
			v := func(j int) reg.VecPhysical { return s.V(7*i + j) }
			x, sigma, rest, g, z := v(0), v(1), v(2), v(3), v(4)
			c.Load(1, x)
			c.Chan(0, sigma)
			c.Chan(1, rest)
			VFMADD213PS(rest, sigma, x)
			c.Load(2, sigma)
			VDIVPS(x, sigma, sigma)
			s.Half(sigma, x, rest)
			VMOVUPS(s.Float(1), rest)
			VSUBPS(sigma, rest, rest)
			VFMADD213PS(s.Float(1), x, rest)
			c.Load(0, g)
			VMULPS(sigma, g, g)
			VMULPS(rest, g, g)
			c.Load(1, z)
			gradSums(c, g, z, v(5), v(6))
		}
	}
	t.Emit()
}

// affine2Stream is affine2 for many channels.
func affine2Stream(s *simd.ISA) {
	text(s, "affine2Stream", "func(dst *float32, dstStride int, dy *float32, dyStride int, z *float32, zStride, rows, c int, ag, az, shift *float32)",
		"sets dst to ag·dy + az·z + shift, pixel by pixel.")
	t := simd.Stream{ISA: s, Mats: []string{"dst", "dy", "z"}, Chans: []string{"ag", "az", "shift"}, Unroll: 2}
	t.Step = func(e []*simd.Cell) {
		for i, c := range e {
			v := func(j int) reg.VecPhysical { return s.V(5*i + j) }
			c.Load(1, v(0))
			c.Load(2, v(1))
			c.Chan(0, v(2))
			c.Chan(1, v(3))
			c.Chan(2, v(4))
			VFMADD213PS(v(4), v(2), v(0))
			VFMADD231PS(v(3), v(1), v(0))
			c.Store(v(0), 0)
		}
	}
	t.Emit()
}
