package vision

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// pngHeader is a PNG of w×h RGB pixels with next to no data.
func pngHeader(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		at := len(b)
		b = append(append(b, kind...), data...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[at:]))
	}
	ihdr := binary.BigEndian.AppendUint32(nil, w)
	chunk("IHDR", append(binary.BigEndian.AppendUint32(ihdr, h), 8, 2, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1})
	chunk("IEND", nil)
	return b
}

// jpegHeader is a grey JPEG of w×h pixels that ends where its scan begins.
func jpegHeader(w, h uint16) []byte {
	b := []byte{0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 1, 1, 0x11, 0}
	return append(b, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0)
}

// bmpHeader is a BMP of w×h pixels of 24 bits without any.
func bmpHeader(w, h uint32) []byte {
	b := append([]byte("BM"), make([]byte, 52)...)
	b[10], b[14], b[26], b[28] = 54, 40, 1, 24
	binary.LittleEndian.PutUint32(b[18:], w)
	binary.LittleEndian.PutUint32(b[22:], h)
	return b
}

func gifHeader(w, h uint16) []byte {
	b := append([]byte("GIF89a"), byte(w), byte(w>>8), byte(h), byte(h>>8), 0x80, 0, 0, 0, 0, 0, 255, 255, 255)
	return append(b, 0x2c, 0, 0, 0, 0, byte(w), byte(w>>8), byte(h), byte(h>>8), 0, 2, 1, 0x44, 0, 0x3b)
}

func webpHeader(w, h uint32) []byte {
	b := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8L"), 0, 0, 0, 0, 0x2f)
	b = binary.LittleEndian.AppendUint32(b, w-1|(h-1)<<14)
	b = append(b, make([]byte, 9)...)
	binary.LittleEndian.PutUint32(b[16:], uint32(len(b)-20))
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// allocated returns how many bytes f takes from the heap.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestOversizedHeaders(t *testing.T) {
	for name, data := range map[string][]byte{
		"png":  pngHeader(50000, 50000),
		"jpeg": jpegHeader(50000, 50000),
		"bmp":  bmpHeader(50000, 50000),
		"gif":  gifHeader(50000, 50000),
		"webp": webpHeader(16384, 16384),
	} {
		var err error
		n := allocated(func() { _, err = Decode(data) })
		if !errors.Is(err, ErrTooLarge) || n > 1<<20 {
			t.Errorf("%s: %d bytes taken, error %v", name, n, err)
		}
		if err != nil && !strings.Contains(err.Error(), "limit is 100000000") {
			t.Errorf("%s: the error does not state the limit: %v", name, err)
		}
	}
	// Under the limit, but with too little data to hold so many pixels.
	for name, data := range map[string][]byte{
		"png": pngHeader(9000, 9000), "jpeg": jpegHeader(9000, 9000), "bmp": bmpHeader(9000, 9000), "gif": gifHeader(9000, 9000),
	} {
		var err error
		n := allocated(func() { _, err = Decode(data) })
		if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrCorrupt) || n > 1<<20 {
			t.Errorf("%s: %d bytes taken, error %v", name, n, err)
		}
	}
}

func TestMaxPixels(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(pillowDir, "decode", "rgb.png")) // 47×30
	if err != nil {
		t.Fatal(err)
	}
	var m Image
	if err := (&Decoder{MaxPixels: 47*30 - 1}).Decode(&m, data, 3); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if err := (&Decoder{MaxPixels: 47 * 30}).Decode(&m, data, 3); err != nil {
		t.Error(err)
	}
}

func TestNoPicture(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want error
	}{
		"empty":     {"", ErrTruncated},
		"one byte":  {"\xff", ErrFormat},
		"html":      {"<!DOCTYPE html>", ErrFormat},
		"magic png": {"\x89PNG\r\n\x1a\n", ErrTruncated},
		"magic gif": {"GIF89a", ErrTruncated},
		"magic bmp": {"BM", ErrTruncated},
		"magic jpg": {"\xff\xd8\xff", ErrTruncated},
		"no frame":  {"\xff\xd8\xff\xd9", ErrTruncated},
		"lossless":  {"\xff\xd8\xff\xc3\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00", ErrFormat},
	} {
		_, err := DecodeReader(strings.NewReader(c.data))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

// TestCutShort decodes every prefix of every reference file. Half a file is
// never a picture.
func TestCutShort(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(pillowDir, "decode", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var d Decoder
	var m Image
	for _, file := range append(files, foreignFiles(t)...) {
		if strings.HasSuffix(file, ".ref.png") {
			continue
		}
		// The first of several pictures may end before the file's middle.
		first := regexp.MustCompile("animated|offset|opaque|pages|more-data").MatchString(file)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(data); n += 1 + len(data)/200 {
			err := d.Decode(&m, data[:n], 3)
			if err == nil && n < len(data)/2 && !first {
				t.Errorf("%s: the first %d of %d bytes make a picture", file, n, len(data))
			}
			if err != nil && !known(err) {
				t.Errorf("%s: the first %d bytes: unnamed error, or named twice: %v", file, n, err)
			}
		}
	}
}

// known says whether err is one of those that the package names, said once.
func known(err error) bool {
	for _, k := range []error{ErrTruncated, ErrCorrupt, ErrFormat, ErrTooLarge, ErrImage} {
		if errors.Is(err, k) {
			return strings.Count(err.Error(), k.Error()) == 1
		}
	}
	return false
}
