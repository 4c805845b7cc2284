package command

import (
	"path/filepath"
	"strings"
)

type convertCmd struct {
	From    string `arg:"" help:"Weights: .safetensors, .pth, .onnx, or a name such as mixnet_s.ft_in1k."`
	To      string `arg:"" help:"The file to write, .safetensors."`
	Network string `placeholder:"NAME" help:"The network, where the weights do not say."`
	Half    bool   `help:"Half the bytes: weights of convolutions and of the classifier rounded to 16 bits (float16), biases and batch norms in 32."`
	Offline bool   `env:"MIXNET_OFFLINE" help:"Never use the internet."`
}

func (c *convertCmd) Run(e *env) error {
	if !strings.EqualFold(filepath.Ext(c.To), ".safetensors") {
		return usagef("%s: the file to write must end in .safetensors", c.To)
	}
	m, err := (&modelFlags{Model: c.From, Network: c.Network, Offline: c.Offline}).load(e)
	if err != nil {
		return err
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
