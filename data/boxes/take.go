package boxes

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/mixnet-go/mixnet/vision"
)

// take checks the pictures and the boxes of a reading and keeps what is right.
func (s *Set) take(ctx context.Context, r *reading, t *tree, o Options) error {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	pictures, kept := make([]Picture, len(r.pictures)), make([]bool, len(r.pictures))
	founds := make([]findings, len(r.pictures))
	var next, done atomic.Int64
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range min(workers, max(len(pictures), 1)) {
		wg.Go(func() {
			var buffer []byte
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(pictures) {
					return
				}
				c := check{of: &r.pictures[i], buffer: buffer}
				kept[i] = c.picture(&pictures[i])
				buffer, founds[i] = c.buffer, c.found
				if n := done.Add(1); o.Progress != nil && (n%64 == 0 || int(n) == len(pictures)) {
					mu.Lock()
					o.Progress(int(n), len(pictures))
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range pictures {
		r.found.merge(founds[i])
		if kept[i] {
			s.Pictures = append(s.Pictures, pictures[i])
		}
	}
	s.Findings = r.found.list()
	return nil
}

// check is the check of one picture and its boxes.
type check struct {
	of     *labelled
	found  findings
	buffer []byte
}

func (c *check) add(k Kind, line int, text string) {
	if c.found == nil {
		c.found = findings{}
	}
	c.found.add(k, Place{c.of.labels, line, text})
}

// picture checks a picture, and reports whether it is kept.
func (c *check) picture(p *Picture) bool {
	l := c.of
	if l.file == "" {
		return false // it was told of
	}
	info, err := c.inspect(l.file)
	if err != nil {
		if c.found == nil {
			c.found = findings{}
		}
		c.found.add(BrokenPicture, Place{l.file, 0, err.Error()})
		return false
	}
	*p = Picture{File: filepath.FromSlash(l.file), ID: l.id, W: info.W, H: info.H, Orientation: info.Orientation, Part: l.part, Labels: filepath.FromSlash(l.labels)}
	to, ok := c.fit(info)
	if !ok {
		return false
	}
	seen := map[labelledBox]bool{}
	for _, b := range l.boxes {
		line := b.line
		b.line = 0
		if seen[b] {
			c.add(RepeatedBox, line, "")
			continue
		}
		seen[b] = true
		b.line = line
		if x, ok := c.box(&b, p, to); ok {
			p.Objects = append(p.Objects, x)
		}
	}
	return true
}

// head is how much of a picture file is read for its header at first.
const head = 64 << 10

// maxPicture bounds a picture file, in bytes.
const maxPicture = 256 << 20

// inspect reads a picture's header, from the beginning of the file if that is
// enough.
func (c *check) inspect(file string) (vision.Info, error) {
	stat, err := os.Stat(filepath.FromSlash(file))
	if err != nil {
		return vision.Info{}, err
	}
	if !stat.Mode().IsRegular() || stat.Size() > maxPicture {
		return vision.Info{}, fmt.Errorf("no regular file of at most %d bytes", maxPicture)
	}
	f, err := os.Open(filepath.FromSlash(file))
	if err != nil {
		return vision.Info{}, err
	}
	defer f.Close()
	for _, size := range []int64{min(head, stat.Size()), stat.Size()} {
		if int64(cap(c.buffer)) < size {
			c.buffer = make([]byte, size)
		}
		b := c.buffer[:size]
		if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
			return vision.Info{}, err
		}
		info, err := vision.Inspect(b)
		if err == nil || size == stat.Size() {
			return info, err
		}
	}
	return vision.Info{}, io.ErrUnexpectedEOF
}

// fitting is how boxes of the labels become those of the upright picture.
type fitting struct {
	sx, sy   float64 // factors
	stored   bool    // boxes are of the stored picture, of sw×sh pixels
	sw, sh   int
	rotation vision.Orientation
}

// fit compares the size that the labels say with the picture's.
func (c *check) fit(info vision.Info) (fitting, bool) {
	l := c.of
	sw, sh := info.Orientation.Stored(info.W, info.H)
	f := fitting{sx: 1, sy: 1, sw: sw, sh: sh, rotation: info.Orientation}
	turned := info.Orientation != vision.Upright
	said := fmt.Sprintf("%d×%d, the picture is %d×%d", l.w, l.h, info.W, info.H)
	switch {
	case l.w <= 0 || l.h <= 0, l.w == info.W && l.h == info.H:
		if turned && len(l.boxes) > 0 {
			c.add(RotatedUpright, l.line, l.file)
		}
	case turned && l.w == sw && l.h == sh:
		f.stored = true
		c.add(RotatedStored, l.line, l.file)
	case proportional(l.w, l.h, info.W, info.H):
		f.sx, f.sy = float64(info.W)/float64(l.w), float64(info.H)/float64(l.h)
		c.add(ScaledPicture, l.line, said)
	default:
		c.add(OtherSize, l.line, said)
		return f, false
	}
	return f, true
}

// proportional reports whether a size is another one scaled, to a pixel of the
// smaller.
func proportional(w, h, ow, oh int) bool {
	scale := float64(ow) / float64(w)
	return math.Abs(float64(h)*scale-float64(oh)) <= max(scale, 1)
}

// tolerance is how far boxes may reach past the edges, in pixels, without a word:
// what rounding makes.
const tolerance = 0.5

// box checks a box and brings it into pixels of the upright picture.
func (c *check) box(l *labelledBox, p *Picture, to fitting) (Object, bool) {
	w, h := float64(p.W), float64(p.H)
	b := l.box
	text := fmt.Sprintf("%g %g %g %g", b.X0, b.Y0, b.X1, b.Y1)
	drop := func(k Kind) (Object, bool) {
		c.add(k, l.line, text)
		return Object{}, false
	}
	switch sum := b.X0 + b.Y0 + b.X1 + b.Y1; {
	case math.IsNaN(sum) || math.IsInf(sum, 0):
		return drop(NotANumber)
	case b.X1 < b.X0 || b.Y1 < b.Y0:
		return drop(InvertedBox)
	case b.X1 == b.X0 || b.Y1 == b.Y0:
		return drop(ZeroArea)
	}
	switch {
	case l.parts:
		b = l.pixels(w, h)
	case to.stored:
		b = to.rotation.UprightBox(b, to.sw, to.sh)
	default:
		b = vision.Box{X0: b.X0 * to.sx, Y0: b.Y0 * to.sy, X1: b.X1 * to.sx, Y1: b.Y1 * to.sy}
	}
	in := vision.Box{X0: max(b.X0, 0), Y0: max(b.Y0, 0), X1: min(b.X1, w), Y1: min(b.Y1, h)}
	if in.X1 <= in.X0 || in.Y1 <= in.Y0 {
		return drop(OutsideBox)
	}
	if max(in.X0-b.X0, in.Y0-b.Y0, b.X1-in.X1, b.Y1-in.Y1) > tolerance {
		c.add(CutBox, l.line, text)
	}
	if l.crowd {
		c.add(CrowdRegion, l.line, "")
	}
	if l.difficult {
		c.add(DifficultObject, l.line, "")
	}
	x := Object{Box: in, Class: l.class, Crowd: l.crowd, Difficult: l.difficult, Line: l.line}
	if l.area > 0 && !math.IsInf(l.area, 0) {
		x.Area = l.area * to.sx * to.sy
	}
	return x, true
}
