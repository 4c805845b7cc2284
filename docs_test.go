package mixnet_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	mdLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mdHeading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
)

// TestDocumentLinks follows every relative link of the documents, and the
// headings that they point to.
func TestDocumentLinks(t *testing.T) {
	anchors := map[string]map[string]bool{}
	var files []string
	for _, pattern := range []string{"*.md", "*/*.md", "*/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	text := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text[f] = string(b)
		anchors[f] = map[string]bool{}
		for _, m := range mdHeading.FindAllStringSubmatch(text[f], -1) {
			anchors[f][anchor(m[1])] = true
		}
	}
	links := 0
	for _, f := range files {
		for _, m := range mdLink.FindAllStringSubmatch(text[f], -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			path, heading, _ := strings.Cut(m[1], "#")
			target := f
			if path != "" {
				target = filepath.Join(filepath.Dir(f), filepath.FromSlash(path))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which does not exist", f, m[1])
			} else if heading != "" && !anchors[target][heading] {
				t.Errorf("%s links to %s, which has no such heading", f, m[1])
			}
		}
	}
	if links == 0 {
		t.Error("no link found")
	}
}

// TestRationaleIndex finds every question in the index above it.
func TestRationaleIndex(t *testing.T) {
	for _, f := range []string{"RATIONALE.md", "engine/RATIONALE.md", "internal/kernel/RATIONALE.md"} {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mdHeading.FindAllStringSubmatch(string(b), -1) {
			if strings.HasSuffix(m[1], "?") && !strings.Contains(string(b), "["+m[1]+"](#"+anchor(m[1])+")") {
				t.Errorf("%s: the index lacks %q", f, m[1])
			}
		}
	}
}

// anchor returns the fragment that a heading has on the web.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}
