package parquet

import (
	"errors"
	"fmt"
	"io"
)

const (
	pageData       = 0
	pageDictionary = 2
	pageDataV2     = 3

	encodingPlain         = 0
	encodingPlainDict     = 2
	encodingRLEDictionary = 8
)

// page is a page of values, or of a dictionary.
type page struct {
	codec          int64
	at             int64 // of its body
	packed, length int64 // bytes of the body, compressed and not
	kind           int64
	values         int64
	encoding       int64
	levels         int64 // bytes of levels before the values of a page V2
	defLevels      int64 // those of them that are definition levels
	plain          bool  // a page V2 that is not compressed
	firstRow       int64
	dictionary     int // index of the dictionary among the column's, -1
}

// header reads a page header at offset at, which lies before end.
func (f *File) header(at, end int64) (page, error) {
	for size := int64(256); ; size *= 8 {
		b := make([]byte, min(size, end-at))
		if _, err := f.r.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
			return page{}, err
		}
		d := &decoder{b: b}
		p := d.pageHeader()
		if d.err != nil {
			if int64(len(b)) < end-at && size < maxHeader {
				continue // statistics may be long
			}
			return page{}, d.err
		}
		p.at = at + int64(len(b)-len(d.b))
		if p.packed < 0 || p.packed > end-p.at || p.length < 0 || p.length > maxPage || p.values < 0 || p.values > maxValues {
			return page{}, fmt.Errorf("%w: page of %d values in %d bytes, %d unpacked", ErrCorrupt, p.values, p.packed, p.length)
		}
		return p, nil
	}
}

func (d *decoder) pageHeader() page {
	p := page{dictionary: -1, kind: -1}
	d.fields(func(id int, kind byte) {
		switch {
		case id == 1 && kind == typeI32:
			p.kind = d.int()
		case id == 2 && kind == typeI32:
			p.length = d.int()
		case id == 3 && kind == typeI32:
			p.packed = d.int()
		case (id == 5 || id == 7) && kind == typeStruct:
			d.fields(func(id int, kind byte) {
				switch {
				case id == 1 && kind == typeI32:
					p.values = d.int()
				case id == 2 && kind == typeI32:
					p.encoding = d.int()
				default:
					d.skip(kind, false)
				}
			})
		case id == 8 && kind == typeStruct:
			d.headerV2(&p)
		default:
			d.skip(kind, false)
		}
	})
	return p
}

func (d *decoder) headerV2(p *page) {
	repLevels := int64(0)
	d.fields(func(id int, kind byte) {
		switch {
		case id == 1 && kind == typeI32:
			p.values = d.int()
		case id == 4 && kind == typeI32:
			p.encoding = d.int()
		case id == 5 && kind == typeI32:
			p.defLevels = d.int()
		case id == 6 && kind == typeI32:
			repLevels = d.int()
		case id == 7:
			p.plain = kind == typeFalse
		default:
			d.skip(kind, false)
		}
	})
	p.levels = p.defLevels + repLevels
	if p.defLevels < 0 || repLevels != 0 {
		d.fail("levels of %d and %d bytes in a column that is not repeated", p.defLevels, repLevels)
	}
}

// index lists the column's pages by reading their headers.
func (c *Column) index() error {
	if c.pages != nil {
		return nil
	}
	pages := []page{}
	for _, k := range c.chunks {
		dictionary := -1
		row := k.firstRow
		for at := k.start; at < k.end && row < k.firstRow+k.rows; {
			p, err := c.file.header(at, k.end)
			if err != nil {
				return fmt.Errorf("column %s: %w", c.Path, err)
			}
			at = p.at + p.packed
			p.codec, p.firstRow, p.dictionary = k.codec, row, dictionary
			switch p.kind {
			case pageDictionary:
				dictionary = len(pages)
				p.firstRow, p.dictionary = row, -1
			case pageData, pageDataV2:
				if p.values > k.firstRow+k.rows-row {
					return fmt.Errorf("%w: column %s has more values than rows", ErrCorrupt, c.Path)
				}
				row += p.values
			default:
				continue // an index page
			}
			pages = append(pages, p)
		}
		if row != k.firstRow+k.rows {
			return fmt.Errorf("%w: column %s lacks rows from %d on", ErrCorrupt, c.Path, row)
		}
	}
	c.pages = pages
	return nil
}
