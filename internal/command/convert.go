package command

import (
	"path/filepath"
	"strings"
)

type convertCmd struct {
	From    string `arg:"" help:"Weights: .safetensors, .pth, .onnx, or a name such as mixnet_s.ft_in1k. With --output: a data set, as train --data takes it."`
	To      string `arg:"" optional:"" help:"The file to write, .safetensors."`
	Network string `placeholder:"NAME" help:"The network, where the weights do not say."`
	Half    bool   `help:"Half the bytes: weights of convolutions and of the classifier rounded to 16 bits (float16), biases and batch norms in 32."`
	Merge   bool   `help:"Fold second depthwise convolutions, of networks with parallel kernels, into the first: the same results by fewer operations."`
	Offline bool   `env:"MIXNET_OFFLINE" help:"Never use the internet."`

	Output string `short:"o" placeholder:"DIR" help:"Write the data set as tar shards (WebDataset) into this folder: train-00000-of-00016.tar and so on; with --as, as pictures and boxes."`
	As     string `placeholder:"LAYOUT" enum:",coco,voc,yolo" default:"" help:"With --output: write a data set of boxes in this layout, coco, voc or yolo."`
	JSON   bool   `name:"json" help:"With --as: print JSON."`
	setConversion
	Shard string `placeholder:"I/N" help:"With --output: write part I of N of the shards alone, counted from 0. auto/N takes I from Slurm's or Kubernetes' variables, auto takes N from Slurm's too."`
}

func (c *convertCmd) Run(e *env) error {
	switch {
	case (c.To == "") == (c.Output == ""):
		return usagef("give the .safetensors file to write weights to, or --output DIR to write a data set's shards to")
	case c.As != "" && (c.Output == "" || c.Shards != 0 || c.Resize != 0 || c.Shard != ""):
		return usagef("--as %s writes pictures and boxes as they are to --output DIR: without --shards, --resize and --shard", c.As)
	case c.As != "":
		return c.convertBoxes(e)
	case c.Output != "":
		return c.convertSet(e)
	case c.Shards != 0 || c.Resize != 0 || c.Shard != "":
		return usagef("--shards, --resize and --shard are about data sets, and want --output DIR")
	}
	if !strings.EqualFold(filepath.Ext(c.To), ".safetensors") {
		return usagef("%s: the file to write must end in .safetensors", c.To)
	}
	m, err := (&modelFlags{Model: c.From, Network: c.Network, Offline: c.Offline}).load(e)
	if err != nil {
		return err
	}
	if c.Merge {
		if m, err = m.Merged(); err != nil {
			return err
		}
	}
	save, rounded := m.Save, ""
	if c.Half {
		save, rounded = m.SaveHalf, ", weights of convolutions and of the classifier rounded to 16 bits"
	}
	if err := save(c.To); err != nil {
		return err
	}
	e.printf("%s: %s, %s parameters, %d classes%s\n", c.To, m.Network, thousands(m.Graph.ParamCount()), m.Options.Classes, rounded)
	return nil
}
