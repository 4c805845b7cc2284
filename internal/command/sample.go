package command

import (
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"github.com/mixnet-go/mixnet/data"
	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/vision"
)

// sampleImage returns an image file to try a model on: the first of a set, or
// a copy of it in dir if it is not a file of its own. It returns "" if the
// first ones cannot be read.
func sampleImage(d data.Dataset, dir string) (string, error) {
	const tries = 10
	var s data.Sample
	at := 0
	for d.Read(at, &s) != nil || !decodes(s.Picture) {
		if at++; at == min(tries, d.Len()) {
			return "", nil
		}
	}
	if s.Pixels == nil && exists(d.Name(at)) {
		return d.Name(at), nil
	}
	class := strings.ToLower(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\ `, r) {
			return '-'
		}
		return r
	}, d.Classes()[d.Label(at)]))
	if s.Pixels == nil {
		path := filepath.Join(dir, "sample-"+class+filepath.Ext(d.Name(at)))
		return path, atomicfile.WriteBytes(path, s.File)
	}
	path := filepath.Join(dir, "sample-"+class+".png")
	return path, atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, s.Pixels) })
}

// next says what can be done with the model of a run.
func (e *env) next(run, sample string) {
	e.printf("Next:\n")
	if sample != "" {
		e.printf("  %s\n", e.command("predict", "--model", run, sample))
	}
	e.printf("  %s\n\n", e.command("eval", "--model", run, "--per-class"))
}

// decodes reports whether a picture can be read.
func decodes(p vision.Picture) bool {
	if p.Pixels != nil {
		return true
	}
	_, err := vision.Decode(p.File)
	return err == nil
}
