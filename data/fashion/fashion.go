// Package fashion embeds a part of Fashion-MNIST, so that a first training
// needs no download: 10,000 training and 2,000 test pictures of clothing, grey
// and 28×28, ten classes in equal shares. They are the first 1,000 and the
// first 200 pictures of each class, in the original order, as IDX files.
//
// Fashion-MNIST is © 2017 Zalando SE, under the MIT licence in the file
// LICENSE. The files were written by the program in gen.
package fashion

import (
	"embed"
	"io/fs"
)

//go:generate go run ./gen -from /usr/share/datasets/fashion-mnist

//go:embed LICENSE *.gz
var files embed.FS

// FS returns the four IDX files, gzipped, under their usual names, and the
// licence.
func FS() fs.FS { return files }
