package jpeg

import (
	"fmt"

	"github.com/mixnet-go/mixnet/vision/internal/codec"
)

// A scan may cost a pass over all coefficients while its own bytes are few.
// Encoders write about ten scans; these bounds leave room for any that is meant.
const (
	maxScans   = 256     // of one picture
	maxPasses  = 32      // over all blocks,
	freeVisits = 1 << 24 // or as many visits of a block as cost nothing to speak of
)

// allow reports an error if the picture has too many scans.
func (d *Decoder) allow(s *scanHeader) error {
	all, visited := 0, 0
	for i := range d.comp {
		all += d.comp[i].paddedX * d.comp[i].paddedY
	}
	for _, c := range s.comp {
		visited += c.paddedX * c.paddedY
	}
	d.scans++
	d.visits += visited
	if d.scans > maxScans || d.visits > max(maxPasses*all, freeVisits) {
		return fmt.Errorf("%w: %d scans of %d×%d pixels", codec.ErrTooLarge, d.scans, d.w, d.h)
	}
	return nil
}

// readScan reads SOS and the scan after it. It reports whether the picture is
// complete: a sequential one whose components all came in this scan.
func (d *Decoder) readScan(b []byte, p *parser) (whole bool, err error) {
	var s scanHeader
	if err := d.readScanHeader(&s, b); err != nil {
		return false, err
	}
	if err := d.allow(&s); err != nil {
		return false, err
	}
	p.rest = d.entropy.unstuff(p.rest)
	whole = !d.progressive && len(s.comp) == len(d.comp)
	if !d.progressive && !whole {
		for _, c := range s.comp {
			if c.seen {
				continue
			}
			d.memory += 2 * 64 * int64(c.paddedX) * int64(c.paddedY)
		}
		if err := d.limits.Memory(d.memory); err != nil {
			return false, err
		}
	}
	for _, c := range s.comp {
		if !whole && !c.seen {
			c.coef = resized(c.coef, 64*c.paddedX*c.paddedY)
			clear(c.coef)
		}
		if !c.seen {
			c.setSteps(&d.quant[c.tq])
			c.seen = true
		}
	}
	return whole, d.decodeScan(&s, whole)
}

// decodeScan decodes the MCUs. If the scan is the whole picture, wanted blocks
// become samples at once and others are passed over.
func (d *Decoder) decodeScan(s *scanHeader, whole bool) error {
	m := mcus{d: d, scan: s, whole: whole, x: d.mcusX, y: d.mcusY}
	if !s.interleaved {
		m.x, m.y = s.comp[0].blocksX, s.comp[0].blocksY
	}
	stop := m.y
	if whole && d.entropy.ended {
		stop = d.lastRow(s)
	}
	for y := range stop {
		if err := d.limits.Stopped(); err != nil {
			return err
		}
		if err := m.row(y); err != nil {
			return err
		}
		if m.overrun() {
			return codec.ErrTruncated
		}
	}
	return nil
}

// mcus is where a scan is.
type mcus struct {
	reader
	d        *Decoder
	scan     *scanHeader
	whole    bool
	x, y     int   // the number of MCUs
	interval int   // the next
	left     int   // MCUs in the current one
	eobRun   int32 // blocks, the next included, that have no more coefficients
}

// row decodes a row of MCUs.
func (m *mcus) row(y int) error {
	s := m.scan
	for x := 0; x < m.x; x++ {
		if m.left == 0 {
			if err := m.restart(); err != nil {
				return err
			}
		}
		if m.eobRun > 1 && s.from > 0 && s.high == 0 {
			// Blocks in a run of ends of bands stay as they are.
			n := min(int(m.eobRun), m.left, m.x-x)
			x, m.left, m.eobRun = x+n-1, m.left-n, m.eobRun-int32(n)
			continue
		}
		m.left--
		var ok bool
		switch {
		case m.whole:
			ok = s.samples(&m.reader, x, y)
		case m.d.progressive:
			ok = s.refine(&m.reader, x, y, &m.eobRun)
		default:
			ok = s.coefficients(&m.reader, x, y)
		}
		if !ok {
			if m.overrun() {
				return codec.ErrTruncated
			}
			return codec.Corrupt("entropy-coded data of MCU (%d, %d)", x, y)
		}
	}
	return nil
}

// restart goes to the next restart interval.
func (m *mcus) restart() error {
	if m.interval > 0 && m.overrun() {
		return codec.ErrTruncated
	}
	var err error
	if m.reader, err = m.d.entropy.reader(m.interval); err != nil {
		return err
	}
	m.interval++
	m.eobRun = 0
	if m.left = m.d.restart; m.left == 0 {
		m.left = m.x * m.y
	}
	for _, c := range m.scan.comp {
		c.pred = 0
	}
	return nil
}

// lastRow returns the row of MCUs after the last one with a wanted block.
func (d *Decoder) lastRow(s *scanHeader) int {
	last := 0
	for _, c := range s.comp {
		v := c.v
		if !s.interleaved {
			v = 1
		}
		last = max(last, ceilDiv(c.y1, v))
	}
	return last
}
