package command

import (
	"fmt"
	"image/png"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/explain"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/vision"
)

// The most images that are read before they are decoded, in number and bytes.
const (
	groupImages = 128
	groupBytes  = 64 << 20
)

// picked is an image file that was read.
type picked struct {
	index   int // of its result
	content []byte
}

// readGroups reads the images of the results that have no error, and goes through
// them in groups. An image that cannot be read gets an error.
func readGroups(e *env, results []prediction) iter.Seq[[]picked] {
	return func(yield func([]picked) bool) {
		var group []picked
		size := 0
		for i := range results {
			r := &results[i]
			if r.Error != "" {
				continue
			}
			if e.ctx.Err() != nil {
				return
			}
			content, err := readImage(e, r.Image)
			if err == nil && len(content) == 0 {
				err = fmt.Errorf("the file is empty")
			}
			if err != nil {
				r.Error = err.Error()
				continue
			}
			group, size = append(group, picked{i, content}), size+len(content)
			if len(group) == groupImages || size >= groupBytes {
				if !yield(group) {
					return
				}
				group, size = nil, 0
			}
		}
		if len(group) > 0 {
			yield(group)
		}
	}
}

// mapWriter draws what in an image speaks for classes.
type mapWriter struct {
	e         *env
	dir       string
	explainer *explain.Explainer
	processor *vision.Processor
}

func newMapWriter(e *env, dir string, x *explain.Explainer, pre input.Preprocess) (*mapWriter, error) {
	p, err := vision.NewProcessor(pre)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("--explain: %w", err)
	}
	return &mapWriter{e, dir, x, p}, nil
}

// write draws the maps of the classes that were named, and returns the files.
func (w *mapWriter) write(r *prediction, content []byte) ([]string, error) {
	var seen vision.Image
	if _, err := w.processor.Fit(&seen, vision.Picture{File: content}); err != nil {
		return nil, err
	}
	classes := make([]int, len(r.Predictions))
	for i, p := range r.Predictions {
		classes[i] = p.Class
	}
	maps, err := activation(w.e, w.processor, w.explainer, &seen, classes)
	if err != nil {
		return nil, err
	}
	var files []string
	for i, m := range maps {
		file, err := w.file(mapName(r.Image, i+1, r.Predictions[i]), func(f io.Writer) error { return png.Encode(f, explain.Overlay(&seen, m)) })
		if err != nil {
			return files, err
		}
		files = append(files, file)
	}
	return files, nil
}

// file writes a drawing of a name.
func (w *mapWriter) file(name string, write func(io.Writer) error) (string, error) {
	path, err := newFile(w.dir, name, ".png", write)
	if err != nil {
		err = fmt.Errorf("--explain: %w", err)
	}
	return path, err
}

// newFile writes a new file of a name, or with a number behind it where the name
// is taken: no file is ever written over.
func newFile(dir, name, ext string, write func(io.Writer) error) (string, error) {
	for n := 1; ; n++ {
		path := filepath.Join(dir, name+ext)
		if n > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s-%d%s", name, n, ext))
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if os.IsExist(err) && n < 1e6 {
			continue
		}
		if err != nil {
			return "", err
		}
		err = write(f)
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			os.Remove(path)
			return "", fmt.Errorf("%s: %w", path, err)
		}
		return path, nil
	}
}

// nameLength bounds each part of a drawing's name.
const nameLength = 60

// mapName is the name of a drawing, without extension: of the image, the rank
// and the class.
func mapName(image string, rank int, p mixnet.Prediction) string {
	base := filepath.Base(image)
	if image == "-" {
		base = "stdin"
	}
	return fmt.Sprintf("%s-%d-%s", fileName(strings.TrimSuffix(base, filepath.Ext(base))), rank, fileName(p.Label))
}

// fileName makes a text fit for a part of a file's name on any system.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r) {
			return r
		}
		return '_'
	}, s)
	for len(s) > nameLength {
		runes := []rune(s)
		s = string(runes[:len(runes)-1])
	}
	return s
}
