package report

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
)

// thumbnailSide is the longest side of a thumbnail, twice that on the page for
// screens of high resolution.
const thumbnailSide = 240

// smallSide is the side up to which an image is kept as it is, without loss.
const smallSide = 96

// Thumbnail returns a small copy of an image as a file: PNG for one that is
// small already, else JPEG.
func Thumbnail(img image.Image) ([]byte, error) {
	size := img.Bounds().Size()
	if size.X < 1 || size.Y < 1 {
		return nil, fmt.Errorf("report: a thumbnail of an image of %d×%d pixels", size.X, size.Y)
	}
	var b bytes.Buffer
	longest := max(size.X, size.Y)
	if longest <= smallSide {
		err := png.Encode(&b, enlarged(img))
		return b.Bytes(), err
	}
	scale := min(1, float64(thumbnailSide)/float64(longest))
	small := image.NewRGBA(image.Rect(0, 0, max(1, int(scale*float64(size.X)+0.5)), max(1, int(scale*float64(size.Y)+0.5))))
	draw.CatmullRom.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
	err := jpeg.Encode(&b, small, &jpeg.Options{Quality: 82})
	return b.Bytes(), err
}

// enlarged returns a small image with its pixels repeated, so that viewers do
// not blur them.
func enlarged(img image.Image) image.Image {
	size := img.Bounds().Size()
	zoom := max(1, thumbnailSide/max(size.X, size.Y))
	big := image.NewRGBA(image.Rect(0, 0, zoom*size.X, zoom*size.Y))
	draw.NearestNeighbor.Scale(big, big.Bounds(), img, img.Bounds(), draw.Src, nil)
	return big
}
