package serve

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

//go:embed openapi.json
var openAPI []byte

// policy lets the page load nothing from elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// policy is the page's. Browsers that run networks must be allowed to.
func (h *Handler) policy() string {
	if h.options.Browser == nil {
		return policy
	}
	return strings.Replace(policy, "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'", 1)
}

// pageFile answers with a file of the page.
func (h *Handler) pageFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "" {
		name = "index.html"
	}
	content, err := pageFiles.ReadFile(path.Join("page", path.Base(name)))
	if err != nil {
		h.fail(w, r, failf(http.StatusNotFound, "there is no such file"))
		return
	}
	w.Header().Set("Content-Security-Policy", h.policy())
	w.Header().Set("Referrer-Policy", "no-referrer")
	writeFile(w, r, name, content)
}

// description answers with the OpenAPI description.
func (h *Handler) description(w http.ResponseWriter, r *http.Request) {
	writeFile(w, r, "openapi.json", openAPI)
}

// writeFile answers with a file that clients may keep, but ask after.
func writeFile(w http.ResponseWriter, r *http.Request, name string, content []byte) {
	sum := sha256.Sum256(content)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
