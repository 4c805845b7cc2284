package command

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mixnet-go/mixnet/detect"
	"github.com/mixnet-go/mixnet/evaluate/coco"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

// writeCOCO writes what was found as a COCO results file. Images are numbered
// by their names where all of those are numbers, else from 1 in their order.
func writeCOCO(path string, results []detection) error {
	ids := imageIDs(results)
	var found []coco.Detection
	for i, r := range results {
		if r.Found == nil {
			continue
		}
		for _, o := range r.Objects {
			found = append(found, coco.Detection{
				Image: ids[i], Category: category(o.Label, o.Class), Score: o.Score,
				Box: coco.Box{X: o.X1, Y: o.Y1, W: o.X2 - o.X1, H: o.Y2 - o.Y1},
			})
		}
	}
	return atomicfile.Write(path, func(w io.Writer) error { return coco.WriteResults(w, found) })
}

// writeCOCOFiles writes what is there and what was found into a folder. Boxes are
// in pixels of the upright images.
func writeCOCOFiles(dir string, j *judgedObjects) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	err := atomicfile.Write(filepath.Join(dir, "annotations.json"), func(w io.Writer) error { return coco.WriteSet(w, j.set) })
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, "results.json"), func(w io.Writer) error { return coco.WriteResults(w, j.found) })
}

func imageIDs(results []detection) []int64 {
	ids := make([]int64, len(results))
	for i, r := range results {
		id, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(r.Image), filepath.Ext(r.Image)), 10, 64)
		if err != nil || slices.Contains(ids[:i], id) {
			for i := range ids {
				ids[i] = int64(i + 1)
			}
			return ids
		}
		ids[i] = id
	}
	return ids
}

// category returns COCO's number of a class, or one more than the class's where
// COCO has none of its name.
func category(label string, class int) int64 {
	if i := slices.Index(detect.COCOCategories(), label); i >= 0 && label != "" {
		return int64(i + 1)
	}
	return int64(class + 1)
}
