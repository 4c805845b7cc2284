package command

import (
	"fmt"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/input"
	"github.com/mixnet-go/mixnet/tensor"
)

type benchLoadCmd struct {
	Data string `arg:"" name:"folder" help:"A folder of images, as train --data takes it."`
	benchBatch
	benchTime
}

func (c *benchLoadCmd) Run(e *env) error {
	j, err := c.job(e)
	if err != nil {
		return err
	}
	return c.time(e, j, c.Batch)
}

// job is one pass through a folder of images, read as the paper's training
// reads them.
func (c *benchLoadCmd) job(e *env) (*job, error) {
	splits, err := e.openData(c.Data)
	if err != nil {
		return nil, err
	}
	set, _, err := split(splits, "auto")
	if err != nil {
		return nil, err
	}
	size := c.Size
	if size == 0 {
		size = 224
	}
	loader, err := data.NewLoader(set, data.Config{
		Preprocess: input.Preprocess{Size: [2]int{size, size}, Interpolation: input.Bilinear},
		Augment:    &input.Augment{Crop: input.InceptionCrop, Flip: 0.5},
		Batch:      c.Batch, Shuffle: true, Workers: e.cores(),
	})
	if err != nil {
		return nil, err
	}
	j := &job{
		name: "loading " + c.Data, x: &tensor.Tensor{Shape: loader.Shape()},
		threads: e.cores(), images: set.Len(), close: func() {},
	}
	epoch := 0
	j.run = func() error {
		for _, err := range loader.Epoch(e.ctx, epoch, 0) {
			if err != nil {
				return fmt.Errorf("%s: %w", c.Data, err)
			}
		}
		epoch++
		return nil
	}
	return j, nil
}
