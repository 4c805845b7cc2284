//go:build !purego

package q8

import (
	"unsafe"

	"github.com/mixnet-go/mixnet/internal/cpu"
)

const (
	wordsBytes = 32 << 10 // of inputs as words
	smallWords = 4 << 10
	wordsUnit  = 32 // inputs that become words at a time
	tailRows   = 24 // of which the last outputs are computed at a time
	mostInputs = wordsBytes / 2
)

// avx2 multiplies all weights with a chunk of rows after the other: of their
// words, if there is no instruction for bytes.
func (p *product) avx2(rows int) {
	if cpu.Has(cpu.AVXVNNI) && p.floats == nil {
		p.panels(0, rows, p.src, p.srcStride)
		return
	}
	// Clearing a large buffer would take longer than a small product.
	if p.wordStride()*rows <= smallWords {
		var words [smallWords]uint8
		p.byWords(rows, words[:])
		return
	}
	var words [wordsBytes]uint8
	p.byWords(rows, words[:])
}

// wordStride returns the bytes of a row of words.
func (p *product) wordStride() int { return 2 * ceilDiv(p.w.K, wordsUnit) * wordsUnit }

// byWords multiplies by way of words in a buffer.
func (p *product) byWords(rows int, words []uint8) {
	stride := p.wordStride()
	chunk := len(words) / stride
	if chunk > 4 {
		chunk = chunk / 4 * 4
	}
	for r := 0; r < rows; r += chunk {
		n := min(chunk, rows-r)
		inputWordsAVX2(&words[0], stride, &p.src[r*p.srcStride], p.srcStride, p.w.K, n)
		p.panels(r, n, words, stride)
	}
}

// panels computes all outputs of n rows from r on, whose inputs are src.
func (p *product) panels(r, n int, src []uint8, stride int) {
	p.args.srcStride = stride
	for n0 := 0; n0 < p.w.N; n0 += panelCols {
		cols := min(panelCols, p.w.N-n0)
		w := p.outputs(n0, cols)
		if cols == panelCols {
			p.args.rows = n
			p.panel(p.dst(r, n0), &src[0], w, p.add(r, n0))
			continue
		}
		// Without AVX-512's masks, the last outputs go by way of a buffer.
		var buf [4 * tailRows * panelCols]uint8
		p.args.dstStride = panelCols
		if p.floats != nil {
			p.args.dstStride *= 4
		}
		for i := 0; i < n; i += tailRows {
			p.args.rows = min(tailRows, n-i)
			p.panel(&buf[0], &src[i*stride], w, p.add(r+i, n0))
			p.copyTail(buf[:], r+i, p.args.rows, n0, cols)
		}
	}
}

// panel computes the outputs of a panel.
func (p *product) panel(dst, src *uint8, w *int8, add *uint8) {
	a, consts, table := &p.args, &p.consts.bias[0], p.ep.Table.pointer()
	switch {
	case p.floats != nil:
		gemmFloat16AVX2(dst, src, w, consts, nil, nil, &a.dstStride)
	case cpu.Has(cpu.AVXVNNI):
		gemm16AVXVNNI(dst, src, w, consts, table, add, &a.dstStride)
	default:
		gemm16AVX2(dst, src, w, consts, table, add, &a.dstStride)
	}
}

// copyTail copies the outputs from n0 on of rows from r on.
func (p *product) copyTail(buf []uint8, r, rows, n0, cols int) {
	for i := range rows {
		at := (r+i)*p.dstStride + n0
		if p.floats != nil {
			row := (*[panelCols]float32)(unsafe.Pointer(&buf[4*i*panelCols]))
			copy(p.floats[at:][:cols], row[:])
			continue
		}
		copy(p.codes[at:][:cols], buf[i*panelCols:])
	}
}
