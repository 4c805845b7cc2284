package hub

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// No name leads out of the cache, and every name that is taken has one place.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"mixnet_s.ft_in1k", "hf-hub:timm/mixnet_s.ft_in1k", "hf_hub:a/b", "../../etc", "a/..", "a//b", "a\\..\\b", "C:x", "a b", strings.Repeat("a", 97)} {
		f.Add(name)
	}
	c := &Client{Cache: "/cache"}
	f.Fuzz(func(t *testing.T, name string) {
		path, err := c.Path(name)
		if err != nil {
			return
		}
		rel, err := filepath.Rel(filepath.FromSlash("/cache/hub"), path)
		if err != nil || strings.Contains(rel, "..") || strings.Count(rel, string(filepath.Separator)) != 2 || filepath.Base(path) != fileName {
			t.Fatalf("%q is kept as %s", name, path)
		}
		if url, err := c.URL(name); err != nil || !strings.HasPrefix(url, "http") || strings.ContainsAny(strings.TrimPrefix(url, "https://"), "?#\\ ") {
			t.Fatalf("%q is at %s, %v", name, url, err)
		}
	})
}

// Whatever a hub states of a file is an error or within bounds.
func FuzzStatement(f *testing.F) {
	f.Add(`"0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"`, "1000", `W/"x"`, int64(-1))
	f.Add("", "-5", "", int64(12))
	f.Add("x", "99999999999999999999", `""`, int64(1<<62))
	f.Fuzz(func(t *testing.T, linked, size, tag string, length int64) {
		resp := &http.Response{ContentLength: length, Header: http.Header{"X-Linked-Etag": {linked}, "X-Linked-Size": {size}, "Etag": {tag}}}
		r, err := recordOf("http://user:secret@hub/file", resp)
		if err != nil {
			return
		}
		if r.Size > maxSize || r.SHA256 != "" && (len(r.SHA256) != 64 || r.SHA256 != strings.ToLower(r.SHA256)) || strings.Contains(r.URL, "secret") {
			t.Fatalf("%+v", r)
		}
	})
}
