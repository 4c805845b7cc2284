package parquet

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/mixnet-go/mixnet/internal/reuse"
)

// Reader reads values of one column, keeping the last page and dictionary. It
// serves one goroutine at a time. Reset it before use.
type Reader struct {
	column     *Column
	page, dict unpacked
	raw        []byte
	unpacker   unpacker
	// rank is how many values are there before row rankRow of the page.
	rankRow, rank int
}

// unpacked is a page's content.
type unpacked struct {
	number int // of the page, -1 for none
	buf    []byte
	levels []int32 // definition levels
	index  []int32 // into the dictionary
	byDict bool    // the values are those of index, not of body
	body   []byte  // plain values
	starts []int   // of byte strings in body, and the end of the last
}

// Reset makes r a reader of the column, reusing its memory.
func (r *Reader) Reset(c *Column) error {
	if r.column == c {
		return nil
	}
	if err := c.index(); err != nil {
		return err
	}
	r.column, r.page.number, r.dict.number = c, -1, -1
	return nil
}

// locate makes the page that holds a row the current one, and returns the place
// of the row's value among those that are there; ok is false for a null.
func (r *Reader) locate(row int64) (value int, ok bool, err error) {
	pages := r.column.pages
	n, found := slices.BinarySearchFunc(pages, row, func(p page, row int64) int {
		switch {
		case p.kind == pageDictionary && p.firstRow <= row:
			return -1
		case p.firstRow+p.values <= row:
			return -1
		case p.firstRow > row:
			return 1
		}
		return 0
	})
	if !found {
		return 0, false, fmt.Errorf("row %d of %d", row, r.column.file.Rows)
	}
	p := &pages[n]
	if r.page.number != n {
		r.rankRow, r.rank = 0, 0
		if err := r.load(n, &r.page); err != nil {
			return 0, false, fmt.Errorf("column %s, row %d: %w", r.column.Path, row, err)
		}
	}
	if r.page.byDict {
		if p.dictionary < 0 {
			return 0, false, fmt.Errorf("%w: column %s: no dictionary", ErrCorrupt, r.column.Path)
		}
		if r.dict.number != p.dictionary {
			if err := r.load(p.dictionary, &r.dict); err != nil {
				return 0, false, fmt.Errorf("column %s, dictionary: %w", r.column.Path, err)
			}
		}
	}
	at := int(row - p.firstRow)
	if r.column.maxDef == 0 {
		return at, true, nil
	}
	if int(r.page.levels[at]) != r.column.maxDef {
		return 0, false, nil
	}
	if at < r.rankRow {
		r.rankRow, r.rank = 0, 0
	}
	for _, l := range r.page.levels[r.rankRow:at] {
		if int(l) == r.column.maxDef {
			r.rank++
		}
	}
	r.rankRow = at
	return r.rank, true, nil
}

// load unpacks page n.
func (r *Reader) load(n int, u *unpacked) error {
	u.number = -1
	p := &r.column.pages[n]
	raw, err := r.read(p)
	if err != nil {
		return err
	}
	body, levels, err := r.unpack(p, raw, u)
	if err != nil {
		return err
	}
	present := int(p.values)
	if r.column.maxDef > 0 && p.kind != pageDictionary {
		width := bitWidth(r.column.maxDef)
		if p.kind == pageData {
			if levels, body, err = prefixed(body); err != nil {
				return err
			}
		}
		if u.levels, err = runLengths(u.levels[:0], levels, width, int(p.values)); err != nil {
			return err
		}
		present = 0
		for _, l := range u.levels {
			if int(l) == r.column.maxDef {
				present++
			}
		}
	}
	if err := u.values(p, body, present, r.column.Type); err != nil {
		return err
	}
	u.number = n
	return nil
}

// read gets a page's compressed body.
func (r *Reader) read(p *page) ([]byte, error) {
	r.raw = reuse.Slice(r.raw, int(p.packed))
	if _, err := r.column.file.r.ReadAt(r.raw, p.at); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return r.raw, nil
}

// unpack decompresses a page's body into u; the levels of a page V2 come apart.
func (r *Reader) unpack(p *page, raw []byte, u *unpacked) (body, levels []byte, err error) {
	length, codec := p.length, p.codec
	if p.kind == pageDataV2 {
		if p.levels > int64(len(raw)) || p.levels > length {
			return nil, nil, fmt.Errorf("%w: levels of %d bytes", ErrCorrupt, p.levels)
		}
		levels, raw = raw[:p.defLevels], raw[p.levels:]
		length -= p.levels
		if p.plain {
			codec = codecNone
		}
	}
	u.buf, err = r.unpacker.decompress(u.buf, raw, codec, int(length))
	return u.buf, slices.Clone(levels), err
}

// values finds the values in a page's body.
func (u *unpacked) values(p *page, body []byte, n int, kind Type) error {
	u.byDict = false
	switch p.encoding {
	case encodingPlain:
		return u.plain(body, n, kind)
	case encodingPlainDict, encodingRLEDictionary:
		if p.kind == pageDictionary {
			return u.plain(body, n, kind)
		}
		u.byDict, u.index = true, u.index[:0]
		if n == 0 {
			return nil
		}
		if len(body) == 0 || body[0] > 31 {
			return fmt.Errorf("%w: dictionary indices", ErrCorrupt)
		}
		var err error
		u.index, err = runLengths(u.index, body[1:], int(body[0]), n)
		return err
	}
	return fmt.Errorf("%w: encoding %d", ErrUnsupported, p.encoding)
}

// plain finds n plain values.
func (u *unpacked) plain(body []byte, n int, kind Type) error {
	u.body = body
	if kind != ByteArray {
		if size := kind.size(); size == 0 || len(body)/size < n {
			return fmt.Errorf("%w: %d values of type %d in %d bytes", ErrCorrupt, n, kind, len(body))
		}
		return nil
	}
	if n > len(body)/4 {
		return fmt.Errorf("%w: %d strings in %d bytes", ErrCorrupt, n, len(body))
	}
	u.starts = u.starts[:0]
	at := 0
	for range n {
		length, rest, err := uint32At(body[at:])
		if err != nil || int64(length) > int64(len(rest)) {
			return fmt.Errorf("%w: a string of %d bytes", ErrCorrupt, length)
		}
		u.starts = append(u.starts, at+4)
		at += 4 + int(length)
	}
	u.starts = append(u.starts, at+4)
	return nil
}

// size is that of a number.
func (t Type) size() int {
	switch t {
	case Int32:
		return 4
	case Int64:
		return 8
	}
	return 0
}

// plainAt returns the place of value i in the page of plain values, which may be
// the dictionary.
func (r *Reader) plainAt(i int) (u *unpacked, at int, err error) {
	if !r.page.byDict {
		return &r.page, i, nil
	}
	at = int(r.page.index[i])
	n := len(r.dict.starts) - 1
	if size := r.column.Type.size(); size > 0 {
		n = len(r.dict.body) / size
	}
	if at >= n {
		return nil, 0, fmt.Errorf("%w: column %s: entry %d of a dictionary of %d", ErrCorrupt, r.column.Path, at, n)
	}
	return &r.dict, at, nil
}

// Bytes returns the byte string of a row, nil for a null. It is valid until the
// next call.
func (r *Reader) Bytes(row int64) ([]byte, error) {
	if r.column.Type != ByteArray {
		return nil, fmt.Errorf("%w: column %s holds no byte strings", ErrUnsupported, r.column.Path)
	}
	i, ok, err := r.locate(row)
	if err != nil || !ok {
		return nil, err
	}
	u, at, err := r.plainAt(i)
	if err != nil {
		return nil, err
	}
	return u.body[u.starts[at] : u.starts[at+1]-4], nil
}

// Int returns the number of a row; ok is false for a null.
func (r *Reader) Int(row int64) (v int64, ok bool, err error) {
	size := r.column.Type.size()
	if size == 0 {
		return 0, false, fmt.Errorf("%w: column %s holds no integers", ErrUnsupported, r.column.Path)
	}
	i, ok, err := r.locate(row)
	if err != nil || !ok {
		return 0, false, err
	}
	u, at, err := r.plainAt(i)
	if err != nil {
		return 0, false, err
	}
	return littleEndian(u.body[at*size : (at+1)*size]), true, nil
}
