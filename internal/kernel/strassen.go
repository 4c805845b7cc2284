package kernel

// Strassen is a weight matrix of K inputs and N outputs, packed for a product
// of seven multiplications of half its size where there would be eight
// (V. Strassen, Gaussian elimination is not optimal, 1969; with the fifteen
// sums of S. Winograd). The sums of weights are made when it is packed.
//
// It takes twice a Matrix's memory, and its results have errors a few times as
// large.
type Strassen struct {
	K, N    int
	factors [8]Matrix
}

// The factors of a Strassen, of which those named T are sums of quarters.
const (
	b11 = iota
	b12
	b21
	b22
	t1 // B12 - B11
	t2 // B22 - T1
	t3 // B22 - B12
	t4 // B21 - T2, the negative of what the literature calls T4
)

// StrassenUnit is what both sides of a Strassen are multiples of.
const StrassenUnit = 2 * panelCols

// StrassenFits tells whether a matrix of the given size can be a Strassen.
func StrassenFits(out, in int) bool { return out%StrassenUnit == 0 && in%StrassenUnit == 0 }

// StrassenLen returns the number of elements that a Strassen needs.
func StrassenLen(out, in int) int { return 8 * MatrixLen(out/2, in/2) }

// StrassenIn packs w, out rows of in values each, into mem, of length
// StrassenLen. The weights of output n are multiplied by scale[n]; a nil scale
// is all ones.
func StrassenIn(mem, w []float32, out, in int, scale []float32) *Strassen {
	s := &Strassen{K: in, N: out}
	n, k := out/2, in/2
	for i := range s.factors {
		s.factors[i] = *MatrixIn(mem[i*MatrixLen(n, k):], n, k)
	}
	for o := range n {
		upper, lower := w[o*in:][:in], w[(n+o)*in:][:in]
		f, g := float32(1), float32(1)
		if scale != nil {
			f, g = scale[o], scale[n+o]
		}
		at := o/panelCols*panelCols*k + o%panelCols
		for i := range k {
			b11v, b21v := upper[i]*f, upper[k+i]*f
			b12v, b22v := lower[i]*g, lower[k+i]*g
			t1v := b12v - b11v
			t2v := b22v - t1v
			for j, v := range [...]float32{b11: b11v, b12: b12v, b21: b21v, b22: b22v, t1: t1v, t2: t2v, t3: b22v - b12v, t4: b21v - t2v} {
				s.factors[j].panels[at] = v
			}
			at += panelCols
		}
	}
	return s
}

const (
	// fewRows are not worth the sums.
	fewRows = 24
	// strassenRows is the most rows multiplied at a time, so that the sums stay
	// in the second-level cache.
	strassenRows = 224
	// strassenPad keeps rows of sums from competing for the same places of
	// the first-level cache.
	strassenPad = 16
)

// Scratch returns the length of scratch that a product of a number of rows
// needs.
func (s *Strassen) Scratch(rows int) int {
	h := (min(rows, strassenRows) + 1) / 2
	return h * (4*(s.K/2+strassenPad) + 3*(s.N/2+strassenPad))
}

// Product computes a linear layer on rows pixels like Pointwise. dst must
// overlap neither src nor scratch.
func (s *Strassen) Product(dst []float32, dstStride int, src []float32, srcStride, rows int, bias []float32, act Act, scratch []float32) {
	need("destination", dst, rows, dstStride, s.N)
	need("source", src, rows, srcStride, s.K)
	need("scratch", scratch, 1, 0, s.Scratch(rows))
	if bias != nil {
		need("bias", bias, 1, 0, s.N)
	}
	if rows < fewRows {
		s.plain(dst, dstStride, src, srcStride, rows, bias, act)
		return
	}
	parts := (rows + strassenRows - 1) / strassenRows
	for i := range parts {
		from, to := i*rows/parts, (i+1)*rows/parts
		s.part(dst[from*dstStride:], dstStride, src[from*srcStride:], srcStride, to-from, bias, act, scratch)
	}
}

// plain is Product by eight multiplications.
func (s *Strassen) plain(dst []float32, dstStride int, src []float32, srcStride, rows int, bias []float32, act Act) {
	k, n := s.K/2, s.N/2
	for i, w := range [2][2]int{{b11, b21}, {b12, b22}} {
		d, first := dst[i*n:], Epilogue{}
		if bias != nil {
			first.Bias = bias[i*n:][:n]
		}
		Pointwise(d, dstStride, src, srcStride, rows, &s.factors[w[0]], &first)
		Pointwise(d, dstStride, src[k:], srcStride, rows, &s.factors[w[1]], &Epilogue{Add: d, AddStride: dstStride, Act: act})
	}
}

// part is Product of at most strassenRows rows.
func (s *Strassen) part(dst []float32, dstStride int, src []float32, srcStride, rows int, bias []float32, act Act, scratch []float32) {
	h, k, n := (rows+1)/2, s.K/2, s.N/2
	inStride, outStride := k+strassenPad, n+strassenPad
	take := func(n int) (m []float32) {
		m, scratch = scratch[:n:n], scratch[n:]
		return m
	}
	sums := take(4 * h * inStride)
	s1, s2, s3, s4 := sums, sums[h*inStride:], sums[2*h*inStride:], sums[3*h*inStride:]
	x, y, z := take(h*outStride), take(h*outStride), take(h*outStride)
	// If rows is odd, both halves have the row in the middle.
	low := rows - h
	strassenSums(sums, inStride, h*inStride, src, srcStride, k, low*srcStride, h, k)

	var left, right []float32
	if bias != nil {
		left, right = bias[:n], bias[n:]
	}
	Pointwise(x, outStride, src, srcStride, h, &s.factors[b11], nil)
	Pointwise(dst, dstStride, src[k:], srcStride, h, &s.factors[b21], &Epilogue{Bias: left, Add: x, AddStride: outStride, Act: act})
	Pointwise(x, outStride, s2, inStride, h, &s.factors[t2], &Epilogue{Add: x, AddStride: outStride})
	Pointwise(y, outStride, s3, inStride, h, &s.factors[t3], &Epilogue{Add: x, AddStride: outStride})
	Pointwise(z, outStride, s1, inStride, h, &s.factors[t1], &Epilogue{Bias: right})
	AddRows(x, outStride, x, outStride, z, outStride, h, n, Identity)
	Pointwise(dst[n:], dstStride, s4, inStride, h, &s.factors[b22], &Epilogue{Add: x, AddStride: outStride, Act: act})

	skip := h - low // the row in the middle is done
	at, from := low+skip, skip*outStride
	Pointwise(dst[at*dstStride:], dstStride, src[at*srcStride+k:], srcStride, h-skip, &s.factors[t4],
		&Epilogue{Bias: left, Add: y[from:], AddStride: outStride, Act: act})
	AddRows(dst[at*dstStride+n:], dstStride, y[from:], outStride, z[from:], outStride, h-skip, n, act)
}

// strassenSums computes the sums of the quarters of a matrix that enter the
// products, next elements apart: S1 = A21+A22, S2 = S1-A11, S3 = A11-A21 and
// S4 = A12-S2, of rows rows and n columns. right and below are the distances
// between quarters.
func strassenSums(dst []float32, dstStride, next int, src []float32, srcStride, right, below, rows, n int) {
	if strassenSumsAsm(dst, dstStride, next, src, srcStride, right, below, rows, n) {
		return
	}
	for r := range rows {
		d, a := dst[r*dstStride:], src[r*srcStride:]
		for i := range n {
			s1 := a[below+i] + a[below+right+i]
			s2 := s1 - a[i]
			d[i], d[next+i] = s1, s2
			d[2*next+i], d[3*next+i] = a[i]-a[below+i], a[right+i]-s2
		}
	}
}
