package serve

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
)

// mostLent is the largest weight file that browsers are given, in bytes.
const mostLent = 64 << 20

// Lender is a Repository whose weight files browsers may have, to run the
// networks themselves. They are asked for by the names of models.
type Lender interface {
	// Lends reports whether the weights of a model may be had.
	Lends(name string) bool
	// Weights returns the weight file of a version of it.
	Weights(ctx context.Context, name, version string) ([]byte, error)
}

// Lends reports whether there is a function for a model's weights.
func (l List) Lends(name string) bool { return l.weights(name) != nil }

// Weights returns the weights of a model, of which there is one version.
func (l List) Weights(ctx context.Context, name, _ string) ([]byte, error) {
	weights := l.weights(name)
	if weights == nil {
		return nil, unknownModel(name)
	}
	return weights(ctx)
}

func (l List) weights(name string) func(context.Context) ([]byte, error) {
	for _, m := range l {
		if m.Name == name {
			return m.Weights
		}
	}
	return nil
}

// Lends reports that every model is lent: the server has the last word.
func (f *Folder) Lends(string) bool { return true }

// Weights returns the weight file of a version.
func (f *Folder) Weights(_ context.Context, name, version string) ([]byte, error) {
	if !modelName.MatchString(name) || !modelName.MatchString(version) {
		return nil, unknownModel(name)
	}
	dir := path.Join(name, version)
	file, err := f.weightFile(dir)
	if err != nil {
		return nil, err
	}
	r, err := f.root.Open(path.Join(dir, file))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, mostLent+1))
	if err == nil && len(content) > mostLent {
		err = fmt.Errorf("%s: more than %d bytes are not lent", file, mostLent)
	}
	return content, err
}

// lends reports whether browsers can run a model.
func (h *Handler) lends(i *instance) bool {
	l, ok := h.options.Repository.(Lender)
	return ok && h.options.Browser != nil && l.Lends(i.name)
}

// weights answers with the weight file of a model, if it is lent.
func (h *Handler) weights(w http.ResponseWriter, r *http.Request) {
	i, err := h.models.acquire(r.PathValue("model"), "")
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer i.release()
	if !h.lends(i) {
		h.fail(w, r, failf(http.StatusForbidden, "the weights of %s are not lent", i.name))
		return
	}
	content, err := h.options.Repository.(Lender).Weights(r.Context(), i.name, i.version)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeFile(w, r, "weights", content)
}

// The files of Options.Browser.
const (
	programFile = "mixnet.wasm"
	supportFile = "wasm_exec.js"
)

// browserFile answers with a file that lets a browser run networks.
func (h *Handler) browserFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	stored := map[string]string{programFile: programFile + ".gz", supportFile: supportFile}[name]
	if h.options.Browser == nil || stored == "" {
		h.fail(w, r, failf(http.StatusNotFound, "there is no such file"))
		return
	}
	content, err := fs.ReadFile(h.options.Browser, stored)
	if err != nil {
		h.fail(w, r, fmt.Errorf("what browsers run: %w", err))
		return
	}
	if stored != name {
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Security-Policy", h.policy())
	writeFile(w, r, name, content)
}
