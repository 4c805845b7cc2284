package garments

import (
	"math/rand/v2"

	"github.com/mixnet-go/mixnet/vision"
)

// seen is the level from which a garment's pixel is to be seen; from full on it
// covers what is below.
const (
	seen = 24
	full = 64
)

// scaled returns the grey levels of a garment at its size, by bilinear
// interpolation between pixel middles.
func (s *Set) scaled(g *placed) []float32 {
	w, h := g.from[2]-g.from[0], g.from[3]-g.from[1]
	xs, ys := points(g.size[0], w), points(g.size[1], h)
	pix := s.garments.Pixels[g.index*28*28:][:28*28]
	levels := make([]float32, 0, g.size[0]*g.size[1])
	for _, y := range ys {
		upper := pix[(g.from[1]+y.first)*28+g.from[0]:][:w]
		lower := pix[(g.from[1]+y.second)*28+g.from[0]:][:w]
		for _, x := range xs {
			top := float32(upper[x.first]) + float32(x.part*(float32(upper[x.second])-float32(upper[x.first])))
			bottom := float32(lower[x.first]) + float32(x.part*(float32(lower[x.second])-float32(lower[x.first])))
			levels = append(levels, top+float32(y.part*(bottom-top)))
		}
	}
	return levels
}

// point is a place between two pixels.
type point struct {
	first, second int
	part          float32 // of the way from the first to the second
}

// points are the places of the pixels of a side of n, scaled from m.
func points(n, m int) []point {
	all := make([]point, n)
	for i := range all {
		f := (float32(i)+0.5)*float32(m)/float32(n) - 0.5
		f = min(max(f, 0), float32(m-1))
		all[i] = point{int(f), min(int(f)+1, m-1), f - float32(int(f))}
	}
	return all
}

// extent returns the box of what is to be seen of a scaled garment, from its own
// left top corner.
func (g *placed) extent() (x0, y0, x1, y1 int, ok bool) {
	x0, y0 = g.size[0], g.size[1]
	for y := range g.size[1] {
		for x, v := range g.levels[y*g.size[0]:][:g.size[0]] {
			if v >= seen {
				x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
			}
		}
	}
	return x0, y0, x1, y1, x0 < x1
}

// paint draws a picture.
func (s *Set) paint(p *picture) *vision.Image {
	m := &vision.Image{W: s.side, H: s.side, C: 3, Pix: make([]uint8, s.side*s.side*3)}
	grain := rand.NewPCG(p.grain, stream)
	bits, left := uint64(0), 0
	for y := range s.side {
		for x := range s.side {
			along := x
			if p.upright {
				along = y
			}
			if left == 0 {
				bits, left = grain.Uint64(), 4
			}
			d := int(bits&0xffff)*(2*p.noise+1)>>16 - p.noise
			bits, left = bits>>16, left-1
			for c := range 3 {
				from, to := int(p.ground[0][c]), int(p.ground[1][c])
				m.Pix[(y*s.side+x)*3+c] = uint8(min(max(from+(to-from)*along/s.side+d, 0), 255))
			}
		}
	}
	for i := range p.clutter {
		over(m, &p.clutter[i])
	}
	for i := range p.garments {
		over(m, &p.garments[i])
	}
	return m
}

// over draws a garment over what is there.
func over(m *vision.Image, g *placed) {
	for y := range g.size[1] {
		for x := range g.size[0] {
			px, py := g.at[0]+x, g.at[1]+y
			if px < 0 || py < 0 || px >= m.W || py >= m.H {
				continue
			}
			v := g.levels[y*g.size[0]+x]
			if v < seen {
				continue
			}
			a := g.alpha * min((v-seen)/(full-seen)+0.3, 1)
			for c := range 3 {
				at := &m.Pix[(py*m.W+px)*3+c]
				want := float32(g.tint[c]) * v / 255
				*at = uint8(float32(*at) + float32(a*(want-float32(*at))))
			}
		}
	}
}
