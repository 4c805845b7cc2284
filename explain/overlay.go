package explain

import (
	"image"
	"image/color"
	"math"

	"github.com/mixnet-go/mixnet/vision"
)

// overlaySide is the least side of an overlay: smaller inputs are enlarged by a
// whole number.
const overlaySide = 224

// Overlay draws a map upon the image it is of, as the network saw it: the image
// in grey, what speaks for the class in red, what speaks against it in blue,
// each stronger the closer its value is to the largest one of the map. A map of
// nothing but zeros leaves the image grey.
func Overlay(img *vision.Image, m Map) *image.RGBA {
	zoom := max(1, (overlaySide+min(img.W, img.H)-1)/min(img.W, img.H))
	out := image.NewRGBA(image.Rect(0, 0, zoom*img.W, zoom*img.H))
	largest := 0.0
	for _, v := range m.Values {
		largest = max(largest, math.Abs(float64(v)))
	}
	for y := range zoom * img.H {
		for x := range zoom * img.W {
			grey := luminance(img, x/zoom, y/zoom)
			strength := 0.0
			if largest > 0 {
				strength = m.At((float64(x)+0.5)/float64(zoom*img.W), (float64(y)+0.5)/float64(zoom*img.H)) / largest
			}
			out.SetRGBA(x, y, tint(grey, strength))
		}
	}
	return out
}

// luminance is the grey of a pixel, 0 to 255 (ITU-R 601).
func luminance(img *vision.Image, x, y int) float64 {
	p := img.Pix[(y*img.W+x)*img.C:][:img.C]
	if len(p) < 3 {
		return float64(p[0])
	}
	return 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
}

// The colors at full strength, for and against.
var (
	forColor     = [3]float64{235, 40, 20}
	againstColor = [3]float64{30, 90, 235}
)

// opaque is how much of a color covers the image at full strength.
const opaque = 0.7

func tint(grey, strength float64) color.RGBA {
	c := forColor
	if strength < 0 {
		c, strength = againstColor, -strength
	}
	share := opaque * strength
	mix := func(v float64) uint8 { return uint8(math.Round((1-share)*grey + share*v)) }
	return color.RGBA{mix(c[0]), mix(c[1]), mix(c[2]), 255}
}
