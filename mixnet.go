// Package mixnet classifies images with networks built on mixed depthwise
// convolution (MixConv), in pure Go on the CPU.
//
// Open makes a Classifier of a model, by the name of a file or of published
// weights. It names what is in a picture:
//
//	c, err := mixnet.Open(ctx, "mixnet_s.ft_in1k", mixnet.OpenOptions{})
//	...
//	found, err := c.ClassifyFile(ctx, "photo.jpg", 5)
//
// Features are what the network sees in a picture before it names it, for
// search or a classifier of one's own. A Classifier may be used by any number
// of goroutines at once; its batches prepare pictures while the network is
// busy with those before.
//
// The packages below are the parts: graph describes networks, zoo lists them,
// engine runs them, vision prepares images, data reads sets of them, weights
// reads and writes weight files, train trains and transfer adapts a trained
// network to other classes. None of the last two is linked by a program that
// only classifies.
package mixnet

import (
	"github.com/mixnet-go/mixnet/engine"
	"github.com/mixnet-go/mixnet/weights/hub"
)

// Options adjusts how a Classifier runs. The zero value is a good choice.
type Options struct {
	// Threads is how many threads work on one call, and how many pictures of a
	// batch are prepared at a time. 0 means all cores.
	Threads int
	// MaxConcurrent is how many calls run at once, each with memory of its
	// own; further ones wait. 0 means as many as cores.
	MaxConcurrent int
	// MaxPixels is the largest width times height of a picture, checked before
	// memory is taken for it; 0 means vision.DefaultMaxPixels. A decoder needs
	// up to 4 bytes for each.
	MaxPixels int64
	// MaxFileBytes is the largest picture file that is read from disk; 0 means
	// vision.MaxFileBytes.
	MaxFileBytes int64
	// Mirror judges a picture by the mean of its logits and those of its mirror
	// image, which takes twice the time and is often a little more accurate.
	Mirror bool
	// Precision is what intermediate results and weights are stored as: with
	// engine.BFloat16 a network takes half the memory, and on processors with AMX
	// or AVX512_BF16 less time. Auto is float32, and 8 bits of quantized weights.
	Precision engine.Precision
	// Maps keeps what Classifier.ExplainPixels needs: a second copy of the
	// classifying layer's weights.
	Maps bool
}

// LoadOptions says where Load finds a model. The zero value will do.
type LoadOptions struct {
	// Network says what a weight file without a description holds, such as
	// "mixnet_s". By default it is found out from the file.
	Network string
	// NewHead is for a model whose classifier is about to be replaced, as by
	// Model.WithClasses: its file may have none, or other layers in its place.
	NewHead bool
	// Hub says where published weights are fetched from and kept.
	Hub hub.Client
}

// OpenOptions are what Open takes: where to find a model and how to run it.
type OpenOptions struct {
	LoadOptions
	Options
}
