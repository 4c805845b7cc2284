// Command update generates the assembly of the optimizers' steps. It rounds
// each operation like the generic twins, so that training takes the same
// course on every processor.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"github.com/mixnet-go/mixnet/internal/kernel/_gen/simd"
)

func main() {
	ConstraintExpr("amd64,!purego")
	for _, s := range []*simd.ISA{simd.AVX2, simd.AVX512} {
		rmsprop(s)
		nesterov(s)
		adamw(s)
		approach(s)
	}
	Generate()
}

// flat starts a function on vectors of equal length with scalar factors, and
// returns the registers of the factors, from the fifth on.
func flat(s *simd.ISA, name, signature, doc string, vecs, scalars []string, step func(e *simd.Elems, k []reg.VecPhysical)) {
	TEXT(name+s.Name, attr.NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + s.Name + " " + doc)
	var k []reg.VecPhysical
	for i := range scalars {
		k = append(k, s.V(5+i))
	}
	f := simd.Flat{ISA: s, Vecs: vecs, Unroll: 2}
	f.Setup = func() {
		for i, name := range scalars {
			p, err := Param(name).Resolve()
			if err != nil {
				panic(err)
			}
			VBROADCASTSS(p.Addr, k[i])
		}
	}
	f.Step = func(e []*simd.Elems) {
		for _, e := range e {
			step(e, k)
		}
	}
	f.Emit()
}

// gradient sets d to dy + decay·w, w being operand 0 and dy operand 1.
func gradient(e *simd.Elems, w, d, decay reg.VecPhysical) {
	e.Load(0, w)
	VMULPS(w, decay, d)
	e.Load(1, w)
	VADDPS(d, w, d)
	e.Load(0, w)
}

func rmsprop(s *simd.ISA) {
	w, d, x, t := s.V(0), s.V(1), s.V(2), s.V(3)
	flat(s, "rmsprop", "func(w, dy, square, momentum *float32, n int, decay, keep, m, eps, lr float32)",
		"does one step of RMSProp.",
		[]string{"w", "dy", "square", "momentum"}, []string{"decay", "keep", "m", "eps", "lr"},
		func(e *simd.Elems, k []reg.VecPhysical) {
			decay, keep, m, eps, lr := k[0], k[1], k[2], k[3], k[4]
			gradient(e, w, d, decay)
			e.Load(2, x)
			VMULPS(d, d, t)
			VSUBPS(x, t, t)
			VMULPS(t, keep, t)
			VADDPS(t, x, x)
			VADDPS(eps, x, t)
			e.Store(x, 2)
			VSQRTPS(t, t)
			VMULPS(lr, d, d)
			VDIVPS(t, d, d)
			e.Load(3, x)
			VMULPS(m, x, x)
			VADDPS(d, x, x)
			VSUBPS(x, w, w)
			e.Store(x, 3)
			e.Store(w, 0)
		})
}

func nesterov(s *simd.ISA) {
	w, d, x, t := s.V(0), s.V(1), s.V(2), s.V(3)
	flat(s, "nesterov", "func(w, dy, momentum *float32, n int, decay, m, lr float32)",
		"does one step of gradient descent with Nesterov momentum.",
		[]string{"w", "dy", "momentum"}, []string{"decay", "m", "lr"},
		func(e *simd.Elems, k []reg.VecPhysical) {
			decay, m, lr := k[0], k[1], k[2]
			gradient(e, w, d, decay)
			e.Load(2, x)
			VMULPS(m, x, x)
			VADDPS(d, x, x)
			VMULPS(m, x, t)
			VADDPS(d, t, t)
			VMULPS(lr, t, t)
			VSUBPS(t, w, w)
			e.Store(x, 2)
			e.Store(w, 0)
		})
}

func adamw(s *simd.ISA) {
	w, d, x, t := s.V(0), s.V(1), s.V(2), s.V(3)
	flat(s, "adamw", "func(w, dy, mean, square *float32, n int, shrink, k1, k2, rate, root, eps float32)",
		"does one step of AdamW.",
		[]string{"w", "dy", "mean", "square"}, []string{"shrink", "k1", "k2", "rate", "root", "eps"},
		func(e *simd.Elems, k []reg.VecPhysical) {
			shrink, k1, k2, rate, root, eps := k[0], k[1], k[2], k[3], k[4], k[5]
			e.Load(1, d)
			e.Load(3, x)
			VMULPS(d, d, t)
			VSUBPS(x, t, t)
			VMULPS(t, k2, t)
			VADDPS(t, x, x)
			VSQRTPS(x, t)
			e.Store(x, 3)
			VMULPS(root, t, t)
			VADDPS(eps, t, t)
			e.Load(2, x)
			VSUBPS(x, d, d)
			VMULPS(k1, d, d)
			VADDPS(d, x, x)
			VMULPS(rate, x, d)
			VDIVPS(t, d, d)
			e.Store(x, 2)
			e.Load(0, w)
			VMULPS(shrink, w, w)
			VSUBPS(d, w, w)
			e.Store(w, 0)
		})
}

func approach(s *simd.ISA) {
	a, x := s.V(0), s.V(1)
	flat(s, "approach", "func(dst, x *float32, n int, part float32)", "moves dst towards x by a part of the way.",
		[]string{"dst", "x"}, []string{"part"},
		func(e *simd.Elems, k []reg.VecPhysical) {
			e.Load(0, a)
			e.Load(1, x)
			VSUBPS(a, x, x)
			VMULPS(k[0], x, x)
			VADDPS(x, a, a)
			e.Store(a, 0)
		})
}
