package store

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"net/http"
	"regexp"
	"strings"
)

// sums are checksums of a whole object that a store states, in hexadecimal; ""
// where it states none.
type sums struct{ md5, crc32c, sha256 string }

var md5Tag = regexp.MustCompile(`^"[0-9a-f]{32}"$`)

// sumsOf returns what an answer states. The ETag of an object of S3 is its MD5,
// unless that came in parts, or is encrypted; Amazon's own encryption leaves it.
func sumsOf(s3, byAmazon bool, h http.Header) sums {
	var s sums
	encryption := h.Get("X-Amz-Server-Side-Encryption")
	plain := encryption == "" || encryption == "AES256" && byAmazon
	if tag := h.Get("ETag"); s3 && plain && md5Tag.MatchString(tag) && h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") == "" {
		s.md5 = strings.Trim(tag, `"`)
	}
	if h.Get("X-Amz-Checksum-Type") != "COMPOSITE" {
		s.sha256 = fromBase64(h.Get("X-Amz-Checksum-Sha256"), sha256.Size)
		s.crc32c = fromBase64(h.Get("X-Amz-Checksum-Crc32c"), crc32.Size)
	}
	for _, v := range strings.Split(strings.Join(h.Values("X-Goog-Hash"), ","), ",") {
		switch name, sum, _ := strings.Cut(strings.TrimSpace(v), "="); name {
		case "crc32c":
			s.crc32c = fromBase64(sum, crc32.Size)
		case "md5":
			s.md5 = fromBase64(sum, md5.Size)
		}
	}
	return s
}

// fromBase64 returns a checksum of so many bytes in hexadecimal; "" if it is
// none.
func fromBase64(text string, size int) string {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != size {
		return ""
	}
	return hex.EncodeToString(b)
}

// summing computes the checksums of what is written to it: the SHA-256 always,
// the others where the store states them.
type summing struct {
	want   sums
	sha256 hash.Hash
	md5    hash.Hash
	crc32c hash.Hash
}

func newSumming(want sums) *summing {
	s := &summing{want: want, sha256: sha256.New()}
	if want.md5 != "" {
		s.md5 = md5.New()
	}
	if want.crc32c != "" {
		s.crc32c = crc32.New(crc32.MakeTable(crc32.Castagnoli))
	}
	return s
}

// Write never fails.
func (s *summing) Write(b []byte) (int, error) {
	for _, h := range []hash.Hash{s.sha256, s.md5, s.crc32c} {
		if h != nil {
			h.Write(b)
		}
	}
	return len(b), nil
}

// check compares with what the store states, and returns the SHA-256.
func (s *summing) check() (string, error) {
	own := hex.EncodeToString(s.sha256.Sum(nil))
	for _, c := range []struct {
		name, want string
		hash       hash.Hash
	}{{"SHA-256", s.want.sha256, s.sha256}, {"MD5", s.want.md5, s.md5}, {"CRC32C", s.want.crc32c, s.crc32c}} {
		if c.want == "" {
			continue
		}
		if got := hex.EncodeToString(c.hash.Sum(nil)); got != c.want {
			return own, fmt.Errorf("%w: its %s is %s, the store's %s", ErrDamaged, c.name, got, c.want)
		}
	}
	return own, nil
}
