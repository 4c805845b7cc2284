package main

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
