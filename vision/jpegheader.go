package vision

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// inspectJPEG reads the markers up to the frame header.
func inspectJPEG(data []byte) (w, h int, o Orientation, err error) {
	const (
		markerSOF0 = 0xc0
		markerDHT  = 0xc4
		markerSOF9 = 0xc9
		markerJPG  = 0xc8
		markerDAC  = 0xcc
		markerEOI  = 0xd9
		markerSOS  = 0xda
		markerAPP1 = 0xe1
	)
	o = Upright
	rest := data[2:]
	for {
		at := bytes.IndexByte(rest, 0xff)
		if at < 0 {
			return 0, 0, 0, ErrTruncated
		}
		for rest = rest[at:]; len(rest) > 0 && rest[0] == 0xff; {
			rest = rest[1:]
		}
		if len(rest) < 3 {
			return 0, 0, 0, ErrTruncated
		}
		marker := rest[0]
		switch {
		case marker <= 0x01 || marker >= 0xd0 && marker <= 0xd8:
			rest = rest[1:] // stuffing, TEM, RSTn, SOI: no segment
			continue
		case marker == markerEOI || marker == markerSOS:
			return 0, 0, 0, fmt.Errorf("%w: no frame header", ErrCorrupt)
		}
		n := int(binary.BigEndian.Uint16(rest[1:]))
		if n < 2 {
			return 0, 0, 0, fmt.Errorf("%w: segment of %d bytes", ErrCorrupt, n)
		}
		if len(rest) < 1+n {
			return 0, 0, 0, ErrTruncated
		}
		body := rest[3 : 1+n]
		switch {
		case marker == markerAPP1 && o == Upright:
			if exif, ok := bytes.CutPrefix(body, []byte("Exif\x00")); ok && len(exif) > 0 {
				o = orientationTIFF(exif[1:])
			}
		case marker >= markerSOF0 && marker < 0xd0 && marker != markerDHT && marker != markerJPG && marker != markerDAC:
			if marker >= markerSOF9 || marker > markerSOF0+2 {
				return 0, 0, 0, fmt.Errorf("%w: coding process SOF%d is not read (baseline and progressive Huffman are)", ErrFormat, marker-markerSOF0)
			}
			if len(body) < 6 {
				return 0, 0, 0, fmt.Errorf("%w: frame header of %d bytes", ErrCorrupt, len(body))
			}
			return int(binary.BigEndian.Uint16(body[3:])), int(binary.BigEndian.Uint16(body[1:])), o, nil
		}
		rest = rest[1+n:]
	}
}
