package codec

import (
	"image"
	"image/color"
)

// Rows returns what writes row y, counted from the top, of any image to rgb,
// 3 samples a pixel: alpha is dropped, 16-bit samples keep their high byte, and
// a premultiplied color is divided by its alpha first.
func Rows(img image.Image) func(rgb []uint8, y int) {
	switch m := img.(type) {
	case *image.Gray:
		return gray(m.Pix, m.Stride, 1)
	case *image.Gray16:
		return gray(m.Pix, m.Stride, 2)
	case *image.NRGBA:
		return straight(m.Pix, m.Stride, 1)
	case *image.NRGBA64:
		return straight(m.Pix, m.Stride, 2)
	case *image.Paletted:
		var palette Palette
		for i, c := range m.Palette[:min(len(m.Palette), len(palette))] {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			palette[i] = [3]uint8{n.R, n.G, n.B}
		}
		return func(rgb []uint8, y int) { palette.Row(rgb, m.Pix[y*m.Stride:][:len(rgb)/3]) }
	case *image.RGBA:
		return func(rgb []uint8, y int) { premultiplied(rgb, m.Pix[y*m.Stride:]) }
	}
	min := img.Bounds().Min
	return func(rgb []uint8, y int) {
		for i := range len(rgb) / 3 {
			c := color.NRGBA64Model.Convert(img.At(min.X+i, min.Y+y)).(color.NRGBA64)
			rgb[3*i], rgb[3*i+1], rgb[3*i+2] = uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8)
		}
	}
}

// gray reads gray samples of the given bytes, high byte first.
func gray(pix []uint8, stride, bytes int) func(rgb []uint8, y int) {
	return func(rgb []uint8, y int) {
		row := pix[y*stride:]
		for i := range len(rgb) / 3 {
			v := row[i*bytes]
			rgb[3*i], rgb[3*i+1], rgb[3*i+2] = v, v, v
		}
	}
}

// straight reads colors and their alpha in samples of the given bytes.
func straight(pix []uint8, stride, bytes int) func(rgb []uint8, y int) {
	return func(rgb []uint8, y int) {
		row := pix[y*stride:]
		for i := range len(rgb) / 3 {
			p := row[4*bytes*i : 4*bytes*(i+1)]
			rgb[3*i], rgb[3*i+1], rgb[3*i+2] = p[0], p[bytes], p[2*bytes]
		}
	}
}

// premultiplied reads a row of colors that are multiplied by their alpha.
func premultiplied(rgb, row []uint8) {
	for i := range len(rgb) / 3 {
		p := row[4*i : 4*i+4]
		q := rgb[3*i : 3*i+3]
		if p[3] == 255 {
			copy(q, p)
			continue
		}
		c := color.NRGBAModel.Convert(color.RGBA{R: p[0], G: p[1], B: p[2], A: p[3]}).(color.NRGBA)
		q[0], q[1], q[2] = c.R, c.G, c.B
	}
}
