package main

import (
	"fmt"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
)

// sampleImage returns an image file to try a model on: the first of a set, or
// a copy of it in dir if the set is not made of files.
func sampleImage(d data.Dataset, dir string) (string, error) {
	var s data.Sample
	if err := d.Read(0, &s); err != nil {
		return "", err
	}
	if s.Pixels == nil {
		return d.Name(0), nil
	}
	class := strings.ToLower(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\ `, r) {
			return '-'
		}
		return r
	}, d.Classes()[d.Label(0)]))
	path := filepath.Join(dir, fmt.Sprintf("sample-%s.png", class))
	return path, atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, s.Pixels.RGBA()) })
}
