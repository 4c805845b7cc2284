package command

import (
	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/data/fashion"
)

// openData opens the set at a path, or the built-in one for "".
func openData(path string) (*data.Splits, error) {
	if path == "" {
		return data.OpenIDX(fashion.FS(), "fashion-mnist")
	}
	return data.Open(path)
}

// source names the set at a path.
func source(path string) string {
	if path == "" {
		return "built-in Fashion-MNIST subset"
	}
	return path
}

// tell says how a set was understood where that is not plain, and what of the
// folder is no part of it.
func (e *env) tell(s *data.Splits) {
	for _, n := range s.Notes {
		e.note("note: %s\n", n)
	}
	for _, l := range s.LeftOut {
		e.note("left out: %v\n", oneLine(l.String()))
	}
}

// tellOneClass warns of a set that teaches nothing.
func (e *env) tellOneClass(s *data.Splits) {
	if classes := s.Classes(); len(classes) == 1 {
		e.warn("all images are of one class, %s: there is nothing to tell apart", oneLine(classes[0]))
	}
}
