package boxes

import (
	"fmt"
	"path/filepath"
)

// Kind is something that is wrong, or not plain, about a box or a picture.
type Kind string

// What is found, in the order of reports.
const (
	MissingPicture  Kind = "missing picture"
	BrokenPicture   Kind = "picture cannot be read"
	OtherSize       Kind = "picture of another size than its labels say"
	BrokenLabels    Kind = "labels cannot be read"
	BrokenBox       Kind = "box cannot be read"
	NotANumber      Kind = "box that is not of numbers"
	UnknownClass    Kind = "unknown class"
	UnknownPicture  Kind = "box of a picture that is not listed"
	InvertedBox     Kind = "inverted box"
	ZeroArea        Kind = "box of zero area"
	OutsideBox      Kind = "box outside the picture"
	RepeatedBox     Kind = "box that is there twice"
	CutBox          Kind = "box cut at the picture's edge"
	ScaledPicture   Kind = "boxes scaled to the picture's size"
	RotatedUpright  Kind = "picture turned by EXIF, boxes taken for the upright one"
	RotatedStored   Kind = "picture turned by EXIF, boxes taken for the stored one"
	CrowdRegion     Kind = "crowd region"
	DifficultObject Kind = "object marked difficult"
	OutlineBox      Kind = "box around an outline"
)

// kinds are all kinds and what becomes of what they are about.
var kinds = []struct {
	kind Kind
	fate Fate
}{
	{MissingPicture, DroppedPicture},
	{BrokenPicture, DroppedPicture},
	{OtherSize, DroppedPicture},
	{BrokenLabels, DroppedPicture},
	{BrokenBox, DroppedBox},
	{NotANumber, DroppedBox},
	{UnknownClass, DroppedBox},
	{UnknownPicture, DroppedBox},
	{InvertedBox, DroppedBox},
	{ZeroArea, DroppedBox},
	{OutsideBox, DroppedBox},
	{RepeatedBox, DroppedBox},
	{CutBox, Kept},
	{ScaledPicture, Kept},
	{RotatedUpright, Kept},
	{RotatedStored, Kept},
	{CrowdRegion, Kept},
	{DifficultObject, Kept},
	{OutlineBox, Kept},
}

// Fate is what becomes of something that was found.
type Fate string

// The fates.
const (
	DroppedPicture Fate = "picture dropped"
	DroppedBox     Fate = "box dropped"
	Kept           Fate = "kept"
)

// Finding is all of one kind.
type Finding struct {
	Kind Kind `json:"kind"`
	Fate Fate `json:"fate"`
	// Count is how many there are.
	Count int `json:"count"`
	// Places are the first of them.
	Places []Place `json:"places"`
}

// Place is where something was found.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"` // counted from 1; 0 for the whole file
	Text string `json:"text"` // what is there
}

// String is a line of text.
func (p Place) String() string {
	s := filepath.ToSlash(p.File)
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d", s, p.Line)
	}
	if p.Text != "" {
		s += ": " + p.Text
	}
	return s
}

// maxPlaces is how many places of a kind are kept.
const maxPlaces = 100

// findings gathers what is found.
type findings map[Kind]*Finding

func (f findings) add(k Kind, p Place) {
	x := f[k]
	if x == nil {
		x = &Finding{Kind: k}
		f[k] = x
	}
	x.Count++
	if len(x.Places) < maxPlaces {
		x.Places = append(x.Places, p)
	}
}

// merge adds what others have found.
func (f findings) merge(others findings) {
	for k, o := range others {
		x := f[k]
		if x == nil {
			f[k] = o
			continue
		}
		x.Count += o.Count
		x.Places = append(x.Places, o.Places[:min(len(o.Places), maxPlaces-len(x.Places))]...)
	}
}

// list returns the findings in the order of kinds.
func (f findings) list() []Finding {
	list := []Finding{}
	for _, k := range kinds {
		if x := f[k.kind]; x != nil {
			x.Fate = k.fate
			list = append(list, *x)
		}
	}
	return list
}
