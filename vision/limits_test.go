package vision

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// scanBomb is a gray progressive JPEG of side×side pixels with any number of
// scans that say nothing in a few bytes each.
func scanBomb(side, scans int) []byte {
	segment := func(marker byte, body ...byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2)), body...)
	}
	table := func(class byte, symbol byte) []byte {
		return segment(0xc4, append(append([]byte{class, 1}, make([]byte, 15)...), symbol)...)
	}
	quant := append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)
	b := append([]byte{0xff, 0xd8}, segment(0xdb, quant...)...)
	b = append(b, segment(0xc2, 8, byte(side>>8), byte(side), byte(side>>8), byte(side), 1, 1, 0x11, 0)...)
	b = append(append(b, table(0, 0)...), table(0x10, 0xe0)...)
	b = append(b, segment(0xda, 1, 1, 0, 0, 0, 0)...)
	blocks := (side / 8) * (side / 8)
	b = append(b, make([]byte, blocks/8)...)
	// A code of one bit, and 14 bits: a run of 16384 blocks.
	runs := make([]byte, (blocks+16383)/16384*15/8+1)
	low := byte(0x01) // the first scan leaves out bit 0,
	for range scans {
		b = append(b, segment(0xda, 1, 1, 0, 1, 63, low)...)
		b = append(b, runs...)
		low = 0x10 // the others refine down to it
	}
	return append(b, 0xff, 0xd9)
}

func TestScanBomb(t *testing.T) {
	const side = 4096 // 2^18 blocks, so that 2^24 visits are 64 scans
	var d Decoder
	var m Image
	if err := d.Decode(&m, scanBomb(side, 60), 1); err != nil {
		t.Errorf("61 scans: %v", err)
	}
	if err := d.Decode(&m, scanBomb(side, 64), 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("65 scans: error %v, want %v", err, ErrTooLarge)
	}
	if err := d.Decode(&m, scanBomb(64, 254), 1); err != nil {
		t.Errorf("255 scans of a small picture: %v", err)
	}
	if err := d.Decode(&m, scanBomb(64, 256), 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("257 scans of a small picture: error %v, want %v", err, ErrTooLarge)
	}
}

func TestContextEndsDecoding(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	d := Decoder{Context: ctx}
	var m Image
	bomb := scanBomb(64, 3)
	if err := d.Decode(&m, bomb, 3); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := d.Decode(&m, bomb, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	for _, name := range []string{"png-2-8.png", "png-2-8-interlaced.png", "webp-animated-lossy-0.webp", "bmp-rle8-0.bmp", "tiff-rgb-raw.tif", "pnm-p6.ppm"} {
		data, err := os.ReadFile(filepath.Join(foreignDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(&m, data, 3); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want %v", name, err, context.Canceled)
		}
	}
}

func TestMaxMemory(t *testing.T) {
	files := append(foreignFiles(t), filepath.Join(pillowDir, "decode", "static.gif"))
	d := Decoder{MaxMemory: 20}
	var m Image
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(&m, data, 3); !errors.Is(err, ErrTooLarge) && !strings.Contains(file, "interlaced-1x1") {
			t.Errorf("%s: error %v, want %v", file, err, ErrTooLarge)
		}
	}
	// Coefficients count: 2 bytes for each of 512×512; a plane, RGB, and the
	// file's bytes.
	bomb := scanBomb(512, 1)
	need := int64(512*512*(2+1+3) + len(bomb))
	if err := (&Decoder{MaxMemory: need - 1}).Decode(&m, bomb, 3); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v, want %v", err, ErrTooLarge)
	}
	if err := (&Decoder{MaxMemory: need}).Decode(&m, bomb, 3); err != nil {
		t.Error(err)
	}
}

// TestInfoOfAnotherFile asks for a part that the picture does not have.
func TestInfoOfAnotherFile(t *testing.T) {
	files := append(foreignFiles(t), filepath.Join(crcDir, "00.jpg"), filepath.Join(pillowDir, "decode", "static.gif"))
	var d Decoder
	var m Image
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		info, err := d.Inspect(data)
		if err != nil {
			t.Fatal(err)
		}
		info.W, info.H = 2*info.W, 2*info.H
		whole := image.Rect(0, 0, info.W, info.H)
		if err := d.Region(&m, data, info, whole, 3); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: error %v", file, err)
		}
	}
}

func TestFromImageRefuses(t *testing.T) {
	huge := image.Rect(math.MinInt32, math.MinInt32, math.MaxInt32, math.MaxInt32)
	if strconv.IntSize == 32 { // whose numbers hold no such width
		huge.Min = image.Point{}
	}
	for name, c := range map[string]struct {
		img  image.Image
		want error
	}{
		"nil":           {nil, ErrImage},
		"nil RGBA":      {(*image.RGBA)(nil), ErrImage},
		"nil Image":     {(*Image)(nil), ErrImage},
		"empty":         {image.NewRGBA(image.Rectangle{}), ErrImage},
		"uniform":       {image.NewUniform(color.White), ErrTooLarge},
		"200000×200000": {&image.Gray{Rect: image.Rect(0, 0, 200000, 200000)}, ErrTooLarge},
		"huge":          {&image.Gray{Rect: huge}, ErrTooLarge},
		"short":         {&Image{W: 9, H: 9, C: 3}, ErrImage},
	} {
		var err error
		n := allocated(func() { _, err = FromImage(c.img, 3) })
		if !errors.Is(err, c.want) || n > 1<<16 {
			t.Errorf("%s: error %v, want %v; %d bytes taken", name, err, c.want, n)
		}
	}
	if _, err := FromImage(image.NewRGBA(image.Rect(0, 0, 2, 2)), 2); !errors.Is(err, ErrImage) {
		t.Errorf("2 channels: error %v", err)
	}
	d := Decoder{MaxPixels: 99}
	if err := d.Convert(new(Image), image.NewRGBA(image.Rect(0, 0, 10, 10)), 3); !errors.Is(err, ErrTooLarge) {
		t.Errorf("100 pixels of at most 99: error %v", err)
	}
}

// TestImageIsAnImage sends pictures through the standard library and back.
func TestImageIsAnImage(t *testing.T) {
	for _, channels := range []int{1, 3} {
		m, err := gradient(31, 17).Convert(channels)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := png.Encode(&file, m); err != nil {
			t.Fatal(err)
		}
		var d Decoder
		var back Image
		if err := d.Decode(&back, file.Bytes(), channels); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.Pix, m.Pix) {
			t.Errorf("%d channels: differs", channels)
		}
		again, err := FromImage(m, channels)
		if err != nil || !bytes.Equal(again.Pix, m.Pix) {
			t.Errorf("%d channels: FromImage differs, %v", channels, err)
		}
		if r, g, b, _ := m.At(-1, 5).RGBA(); r+g+b != 0 {
			t.Errorf("%d channels: a color outside the picture", channels)
		}
	}
}

// endless is a file that never ends.
type endless struct{ head string }

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.head)
	e.head = e.head[n:]
	clear(p[n:])
	return len(p), nil
}

func TestReadFile(t *testing.T) {
	if _, err := ReadFile(&endless{}); !errors.Is(err, ErrFormat) {
		t.Errorf("zeros: error %v", err)
	}
	if _, err := readFile(&endless{"\xff\xd8"}, 1<<20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("an endless JPEG: error %v", err)
	}
	want := append([]byte("\xff\xd8"), make([]byte, 1000)...)
	for n := range 20 {
		if got, err := ReadFile(bytes.NewReader(want[:n+2])); err != nil || len(got) != n+2 {
			t.Errorf("%d bytes: %d, %v", n+2, len(got), err)
		}
	}
	if got, err := readFile(bytes.NewReader(want), len(want)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("as many bytes as allowed: %v", err)
	}
	broken := io.MultiReader(bytes.NewReader(want), errReader{})
	if _, err := ReadFile(broken); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestIsPicture(t *testing.T) {
	for name, want := range map[string]bool{
		"a.jpg": true, "A.JPEG": true, "x/y.Tif": true, ".png": true, "a.jfif": true, "b.ppm": true,
		"a.txt": false, "jpg": false, "a.jpg.txt": false, "": false, "a.heic": false,
	} {
		if IsPicture(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

// TestUnsupportedIsNotCorrupt checks that sound files of kinds that are not read
// are called that.
func TestUnsupportedIsNotCorrupt(t *testing.T) {
	bmp := func(change func(b []byte)) []byte {
		b := append(bmpHeader(2, 2), make([]byte, 100)...)
		change(b)
		return b
	}
	tiff := func(tag, value uint16) []byte {
		b := []byte("II*\x00\x08\x00\x00\x00")
		tags := [][2]uint16{{256, 2}, {257, 2}, {258, 8}, {259, 1}, {262, 1}, {273, 0}, {277, 1}, {278, 2}, {279, 4}, {284, 1}, {339, 1}}
		b = binary.LittleEndian.AppendUint16(b, uint16(len(tags)))
		for _, e := range tags {
			if e[0] == tag {
				e[1] = value
			}
			b = binary.LittleEndian.AppendUint16(b, e[0])
			b = append(b, 3, 0, 1, 0, 0, 0)
			b = append(binary.LittleEndian.AppendUint16(b, e[1]), 0, 0)
		}
		return append(b, make([]byte, 16)...)
	}
	if _, err := Decode(tiff(0, 0)); err != nil {
		t.Fatalf("the TIFF that the others are made from: %v", err)
	}
	for name, data := range map[string][]byte{
		"BMP header":      bmp(func(b []byte) { b[14] = 16 }),
		"BMP holding PNG": bmp(func(b []byte) { b[30] = 5 }),
		"BMP of 5 bits":   bmp(func(b []byte) { b[28] = 5 }),
		"BMP bit fields":  bmp(func(b []byte) { b[28], b[30], b[54] = 32, 3, 5 }),
		"TIFF float":      tiff(339, 3),
		"TIFF JPEG":       tiff(259, 7),
		"TIFF 4 bits":     tiff(258, 4),
		"TIFF CIELab":     tiff(262, 8),
		"JPEG lossless":   []byte("\xff\xd8\xff\xc3\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"),
		"JPEG arithmetic": []byte("\xff\xd8\xff\xc9\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"),
		"JPEG 12 bits":    bytes.Replace(jpegHeader(1, 1), []byte{0, 11, 8}, []byte{0, 11, 12}, 1),
		"HEIC":            []byte("\x00\x00\x00\x18ftypheic"),
	} {
		if _, err := Decode(data); !errors.Is(err, ErrFormat) || errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: error %v, want %v", name, err, ErrFormat)
		}
	}
}

// TestDamagedJPEGIsRefused takes the end off the pixels but not the file, as
// failed downloads that something repaired have it.
func TestDamagedJPEGIsRefused(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(crcDir, "*.jpg"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte{0xff, 0xc2}) {
			continue // progressive: between two scans it may end
		}
		cut := append(data[:len(data)*6/10:len(data)*6/10], 0xff, 0xd9)
		if _, err := Decode(cut); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: error %v", file, err)
		}
	}
}
