package optim

import (
	"github.com/mixnet-go/mixnet/internal/kernel"
	"github.com/mixnet-go/mixnet/recipe"
	"github.com/mixnet-go/mixnet/tensor"
)

// The polynomial of Jordan's Newton–Schulz iteration, and its other constants.
const (
	muonA, muonB, muonC = 3.4445, -4.7750, 2.0315
	muonIterations      = 5
	besideMuon          = 0.9 // β1 of AdamW
)

// muon moves matrices by orthogonalized momentum, as K. Jordan's Muon (2024)
// does, with the step's size matched to AdamW's by the root of the longer side
// (J. Liu et al., 2025, arXiv:2502.16982, section 2.2): torch.optim.Muon with
// adjust_lr_fn="match_rms_adamw", but in full precision. All else is moved by
// AdamW.
func muon[T tensor.Float]() rule[T] {
	return rule[T]{
		slots: []slotKind{{name: "mean", ofMatrix: true}, {name: "square"}},
		move:  func(cfg *recipe.Optimizer, p *part[T]) { moveAdamW(cfg, besideMuon, p) },
		matrix: func(cfg *recipe.Optimizer, m matrix, move, g, mean, scratch []T) {
			kernel.Approach(mean, g, T(1-cfg.Momentum))
			kernel.Approach(g, mean, T(cfg.Momentum))
			orthogonalize(move, g, m, T(1/max(norm(g), cfg.Eps)), scratch)
		},
	}
}

// scratchLen returns the values that orthogonalize needs.
func (m matrix) scratchLen() int {
	n := m.short()
	return 4*n*n + max(kernel.MatrixLen(n, n), kernel.MatrixLen(m.out, m.in))
}

// orthogonalize sets dst to x, an m.out×m.in matrix whose norm is 1 when
// multiplied by scale, with its singular values brought near 1 by
//
//	X ← X(aI + bG + cG²), G = XᵀX
//
// or the same of Xᵀ where that is the one with more rows. It follows G alone,
// which is smaller, and the product Q of the polynomials: G ← PGP, Q ← QP.
func orthogonalize[T tensor.Float](dst, x []T, m matrix, scale T, scratch []T) {
	n, tall := m.short(), m.out >= m.in
	take := func(n int) (s []T) {
		s, scratch = scratch[:n], scratch[n:]
		return s
	}
	g, p, q, t := take(n*n), take(n*n), take(n*n), take(n*n)
	// product sets z to the product of two polynomials of G, which are symmetric.
	product := func(z, x, y []T) {
		clear(z)
		kernel.MulTransA(z, n, x, n, n, y, n, n, n)
	}
	if tall {
		clear(g)
		kernel.MulTransA(g, n, x, n, n, x, n, n, m.out)
	} else {
		rows := kernel.MatrixIn(scratch[:kernel.MatrixLen(m.out, m.in)], m.out, m.in)
		rows.Pack(x)
		kernel.Pointwise(g, n, x, m.in, m.out, rows, nil)
	}
	multiply(g, scale*scale)
	for i := range muonIterations {
		product(p, g, g)
		for j, v := range g {
			p[j] = muonB*v + muonC*p[j]
		}
		for j := range n {
			p[j*n+j] += muonA
		}
		if i == 0 {
			copy(q, p)
		} else {
			product(t, q, p)
			q, t = t, q
		}
		if i < muonIterations-1 {
			product(t, g, p)
			product(g, t, p)
		}
	}
	multiply(q, scale)
	if tall {
		columns := kernel.MatrixIn(scratch[:kernel.MatrixLen(n, n)], n, n)
		columns.Pack(q)
		kernel.Pointwise(dst, n, x, n, m.out, columns, nil)
	} else {
		clear(dst)
		kernel.MulTransA(dst, m.in, q, n, n, x, m.in, m.in, n)
	}
}
