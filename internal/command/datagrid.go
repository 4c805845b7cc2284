package command

import (
	"fmt"
	"image"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/internal/contact"
	"github.com/mixnet-go/mixnet/vision"
)

// The classes of a sheet, and of the images that are shown augmented how many
// and how often.
const (
	sheetClasses   = 240
	augmentedRows  = 12
	augmentedTimes = 7
)

// grid draws some images of every class of the training part, or of the one
// there is.
func (c *dataCmd) grid(_ *env, s *data.Splits) (pngWriter, error) {
	part := s.Parts()[0]
	classes := part.Set.Classes()
	perClass, shown := perClass(len(classes)), min(len(classes), sheetClasses)
	sheet := &contact.Sheet{Title: fmt.Sprintf("%s, %s: %s, %d of %d classes", source(c.Dir), part.Name, plural(part.Set.Len(), "image"), shown, len(classes))}
	byClass := make([][]int, len(classes))
	for i := range part.Set.Len() {
		l := part.Set.Label(i)
		byClass[l] = append(byClass[l], i)
	}
	var sample data.Sample
	for k := range shown {
		class := k * len(classes) / shown
		g := contact.Group{Label: fmt.Sprintf("%s (%d)", classes[class], len(byClass[class]))}
		for _, i := range chosen(byClass[class], perClass, c.Seed+uint64(class)) {
			m, err := picture(part.Set, i, &sample)
			if err != nil {
				m = nil // its place stays empty; the report names it
			}
			g.Pictures = append(g.Pictures, m)
		}
		for len(g.Pictures) < perClass {
			g.Pictures = append(g.Pictures, nil)
		}
		sheet.Groups = append(sheet.Groups, g)
	}
	return sheet, nil
}

// perClass is how many images of each class a sheet has, so that it is not too
// long.
func perClass(classes int) int {
	switch {
	case classes <= 16:
		return 8
	case classes <= 48:
		return 5
	case classes <= 100:
		return 2
	}
	return 1
}

// chosen returns n of the examples, or all, at even distances from a place that
// the seed says.
func chosen(examples []int, n int, seed uint64) []int {
	n = min(n, len(examples))
	list := make([]int, n)
	for i := range n {
		list[i] = examples[(i*len(examples)/n+int(seed%uint64(len(examples))))%len(examples)]
	}
	return list
}

// picture returns a copy of an example.
func picture(d data.Dataset, i int, s *data.Sample) (image.Image, error) {
	if err := d.Read(i, s); err != nil {
		return nil, err
	}
	if s.Pixels != nil {
		return s.Pixels.Convert(3)
	}
	return vision.Decode(s.File)
}

// augmented draws images and what training makes of them in several epochs.
func (c *dataCmd) augmented(e *env, s *data.Splits) (pngWriter, error) {
	if s.Train == nil {
		return nil, fmt.Errorf("%s: there are no training images to augment", source(c.Dir))
	}
	set, err := augmentedSet(s.Train, c.Seed)
	if err != nil {
		return nil, err
	}
	flags := recipeFlags{Recipe: c.Recipe, Set: c.Set}
	r, err := flags.recipe(s.Train.Len())
	if err != nil {
		return nil, err
	}
	size := c.Size
	if size == 0 {
		h, w := pictureSize(s.Train)
		size = max(min(h, w, 224), 1)
	}
	pre := input.Preprocess{Size: [2]int{size, size}, Channels: 3}.WithDefaults()
	loader, err := data.NewLoader(set, data.Config{
		Preprocess: pre, Augment: &r.Augment, Mix: r.Mix, Batch: set.Len(), Seed: c.Seed, Workers: e.cores(), MaxBad: set.Len(),
	})
	if err != nil {
		return nil, err
	}
	sheet := &contact.Sheet{Title: fmt.Sprintf("%s, recipe %s at %d×%d pixels: an image, then as %d epochs see it", source(c.Dir), c.Recipe, size, size, augmentedTimes)}
	var sample data.Sample
	for i := range set.Len() {
		g := contact.Group{Label: set.Classes()[set.Label(i)], Pictures: make([]image.Image, 1+augmentedTimes)}
		if g.Pictures[0], err = picture(set, i, &sample); err != nil {
			g.Pictures[0] = nil
		}
		sheet.Groups = append(sheet.Groups, g)
	}
	for batch, err := range loader.Batches(e.ctx, 0, augmentedTimes) {
		if err != nil {
			return nil, err
		}
		for k, example := range batch.Examples {
			sheet.Groups[example].Pictures[1+batch.Epoch] = seen(batch, k, pre)
		}
	}
	return sheet, nil
}

// augmentedSet returns a few images, of as many classes as there can be.
func augmentedSet(d data.Dataset, seed uint64) (data.Dataset, error) {
	byClass := make([][]int, len(d.Classes()))
	for i := range d.Len() {
		byClass[d.Label(i)] = append(byClass[d.Label(i)], i)
	}
	var list []int
	for round := 0; len(list) < min(augmentedRows, d.Len()); round++ {
		for k := range byClass {
			class := byClass[(k+int(seed%uint64(len(byClass))))%len(byClass)]
			if round < len(class) && len(list) < augmentedRows {
				list = append(list, class[(round+int(seed%uint64(len(class))))%len(class)])
			}
		}
	}
	return data.Subset(d, list)
}

// seen is picture k of a batch as the network sees it.
func seen(b *data.Batch, k int, pre input.Preprocess) *vision.Image {
	s := b.Images.Shape
	m := vision.NewImage(s.W, s.H, s.C)
	values := b.Images.Data[k*len(m.Pix) : (k+1)*len(m.Pix)]
	for i, v := range values {
		v = 255*(v*pre.Std[i%s.C]+pre.Mean[i%s.C]) + 0.5
		m.Pix[i] = uint8(min(max(v, 0), 255))
	}
	return m
}
