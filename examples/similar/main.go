// Command similar finds the photos of a folder that look most like another:
//
//	go run ./examples/similar -in photos -k 5 query.jpg
//
// Every photo becomes the features that the network sees in it before it names
// it, a vector of length 1; two photos are as alike as the angle between theirs
// is small. A service would keep the vectors in a database instead of computing
// them for every query.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/pretrained/photo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("similar", flag.ContinueOnError)
	folder := flags.String("in", ".", "folder to search, with those below it")
	k := flags.Int("k", 5, "photos to find")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("give one photo to look for others like it")
	}
	m, err := photo.Model()
	if err != nil {
		return err
	}
	c, err := mixnet.New(m, mixnet.Options{})
	if err != nil {
		return err
	}
	defer c.Close()
	query, err := c.FeaturesFile(ctx, flags.Arg(0))
	if err != nil {
		return err
	}
	index, err := newIndex(ctx, c, *folder)
	if err != nil {
		return err
	}
	for _, f := range index.nearest(normalized(query), *k) {
		fmt.Fprintf(out, "%.3f  %s\n", f.likeness, f.path)
	}
	return nil
}

// index holds the features of photos.
type index struct {
	paths   []string
	vectors [][]float32 // of length 1
}

// newIndex computes the features of all photos in a folder. What is no photo is
// left out.
func newIndex(ctx context.Context, c *mixnet.Classifier, folder string) (*index, error) {
	var paths []string
	var pictures []mixnet.Picture
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths, pictures = append(paths, path), append(pictures, mixnet.File(path))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	x := &index{}
	i := 0
	for v, err := range c.FeaturesBatch(ctx, pictures) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			x.paths, x.vectors = append(x.paths, paths[i]), append(x.vectors, normalized(v))
		}
		i++
	}
	return x, nil
}

// found is a photo, and the cosine of the angle between its features and those
// looked for.
type found struct {
	path     string
	likeness float64
}

// nearest returns the k photos most like a vector, the most alike first.
func (x *index) nearest(query []float32, k int) []found {
	all := make([]found, len(x.paths))
	for i, v := range x.vectors {
		all[i] = found{x.paths[i], dot(query, v)}
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(b.likeness, a.likeness) })
	return all[:min(max(k, 0), len(all))]
}

func dot(a, b []float32) float64 {
	sum := 0.0
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// normalized returns v with length 1.
func normalized(v []float32) []float32 {
	out := slices.Clone(v)
	if length := math.Sqrt(dot(v, v)); length > 0 {
		for i := range out {
			out[i] /= float32(length)
		}
	}
	return out
}
