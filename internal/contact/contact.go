// Package contact draws contact sheets: small copies of many pictures in labelled
// groups, in one PNG.
package contact

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Sheet is a contact sheet.
type Sheet struct {
	Title  string
	Groups []Group
}

// Group is a row of pictures under a label.
type Group struct {
	Label string
	// Pictures are drawn side by side; a nil one is a place left empty.
	Pictures []image.Image
}

// The measures of a sheet, in pixels.
const (
	cellSide = 112
	gap      = 6 // between pictures
	margin   = 24
	between  = 20 // between groups
	line     = 24 // of text
	width    = 1400
	textSize = 15
)

var (
	paper = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink   = color.RGBA{0x22, 0x26, 0x2b, 0xff}
	empty = color.RGBA{0xe7, 0xe9, 0xec, 0xff}
)

// WritePNG draws the sheet.
func (s *Sheet) WritePNG(w io.Writer) error {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return fmt.Errorf("contact sheet: %w", err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: textSize, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return fmt.Errorf("contact sheet: %w", err)
	}
	defer face.Close()
	places, size := s.layout()
	d := &drawing{image.NewRGBA(image.Rectangle{Max: size}), face}
	draw.Draw(d.img, d.img.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	d.text(s.Title, image.Pt(margin, margin), size.X-2*margin)
	for i, g := range s.Groups {
		d.group(&g, places[i])
	}
	if err := png.Encode(w, d.img); err != nil {
		return fmt.Errorf("contact sheet: %w", err)
	}
	return nil
}

// layout returns where the groups lie, as many beside each other as fit, and the
// size of the sheet.
func (s *Sheet) layout() (places []image.Point, size image.Point) {
	most := 1
	for _, g := range s.Groups {
		most = max(most, len(g.Pictures))
	}
	groupWidth := most*(cellSide+gap) - gap
	columns := max(1, (width-2*margin+between)/(groupWidth+between))
	columns = min(columns, max(len(s.Groups), 1))
	top := margin
	if s.Title != "" {
		top += line + gap
	}
	const groupHeight = line + cellSide + between
	for i := range s.Groups {
		places = append(places, image.Pt(margin+i%columns*(groupWidth+between), top+i/columns*groupHeight))
	}
	rows := (len(s.Groups) + columns - 1) / columns
	return places, image.Pt(max(2*margin+columns*(groupWidth+between)-between, 420), top+rows*groupHeight-between+margin)
}

// drawing is a sheet under way.
type drawing struct {
	img  *image.RGBA
	face font.Face
}

// group draws one group.
func (d *drawing) group(g *Group, at image.Point) {
	d.text(g.Label, at, len(g.Pictures)*(cellSide+gap)-gap)
	for i, m := range g.Pictures {
		corner := at.Add(image.Pt(i*(cellSide+gap), line))
		cell := image.Rectangle{corner, corner.Add(image.Pt(cellSide, cellSide))}
		draw.Draw(d.img, cell, image.NewUniform(empty), image.Point{}, draw.Src)
		if m != nil && !m.Bounds().Empty() {
			d.picture(m, cell)
		}
	}
}

// picture draws a picture in the middle of a cell: a large one smaller, the
// pixels of a small one as squares.
func (d *drawing) picture(m image.Image, cell image.Rectangle) {
	from := m.Bounds()
	longest := max(from.Dx(), from.Dy())
	var scaler draw.Scaler = draw.CatmullRom
	w, h := max(1, from.Dx()*cellSide/longest), max(1, from.Dy()*cellSide/longest)
	if longest <= cellSide {
		zoom := cellSide / longest
		scaler, w, h = draw.NearestNeighbor, zoom*from.Dx(), zoom*from.Dy()
	}
	corner := cell.Min.Add(image.Pt((cellSide-w)/2, (cellSide-h)/2))
	scaler.Scale(d.img, image.Rectangle{corner, corner.Add(image.Pt(w, h))}, m, from, draw.Over, nil)
}

// text draws a line of text below a point, cut to a width.
func (d *drawing) text(s string, at image.Point, width int) {
	if font.MeasureString(d.face, s) > fixed.I(width) {
		runes := []rune(s)
		for len(runes) > 0 && font.MeasureString(d.face, string(runes)+"…") > fixed.I(width) {
			runes = runes[:len(runes)-1]
		}
		s = string(runes) + "…"
	}
	drawer := font.Drawer{Dst: d.img, Src: image.NewUniform(ink), Face: d.face, Dot: fixed.P(at.X, at.Y+textSize)}
	drawer.DrawString(s)
}
