// Package imagenet names the thousand classes of ImageNet-1k (ILSVRC 2012) in
// the order in which published networks number them: that of their WordNet
// synset identifiers.
//
// The names are those of torchvision (BSD 3-Clause licence), the identifiers
// ImageNet's.
package imagenet

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed classes.txt
var classes string

// table is classes.txt by column.
type table struct {
	names, synsets []string
}

var load = sync.OnceValue(func() table {
	var t table
	for line := range strings.Lines(classes) {
		synset, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		t.synsets = append(t.synsets, synset)
		t.names = append(t.names, name)
	}
	return t
})

// Names returns the names of the classes, such as "tench".
func Names() []string { return slices.Clone(load().names) }

// Synsets returns the WordNet identifiers of the classes, such as "n01440764".
func Synsets() []string { return slices.Clone(load().synsets) }
