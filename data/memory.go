package data

import (
	"fmt"

	"github.com/mixnet-go/mixnet/vision"
)

// Memory is a set of small pictures of one size held in memory.
type Memory struct {
	// Source names the set, for messages.
	Source string
	// H, W and C are the size of every picture; C is 1 or 3.
	H, W, C int
	// Pixels are the pictures one after the other, each height × width ×
	// channels.
	Pixels []uint8
	// Labels are indices into Names.
	Labels []int
	// Names are the classes.
	Names []string
}

// Check reports an error unless m's parts fit each other.
func (m *Memory) Check() error {
	img := vision.Image{W: m.W, H: m.H, C: m.C}
	if m.H < 1 || m.W < 1 || (m.C != 1 && m.C != 3) {
		return fmt.Errorf("%s: %w: pictures of %d×%d with %d channels", m.Source, ErrCorrupt, img.W, img.H, img.C)
	}
	if size := m.H * m.W * m.C; len(m.Pixels)/size != len(m.Labels) || len(m.Pixels)%size != 0 {
		return fmt.Errorf("%s: %w: %d bytes of pictures of %d bytes each, %d labels", m.Source, ErrCorrupt, len(m.Pixels), size, len(m.Labels))
	}
	for i, l := range m.Labels {
		if l < 0 || l >= len(m.Names) {
			return fmt.Errorf("%w: %s has label %d, there are %d classes", ErrLabel, m.Name(i), l, len(m.Names))
		}
	}
	return nil
}

// Len implements [Dataset].
func (m *Memory) Len() int { return len(m.Labels) }

// Classes implements [Dataset].
func (m *Memory) Classes() []string { return m.Names }

// Label implements [Dataset].
func (m *Memory) Label(i int) int { return m.Labels[i] }

// Name implements [Dataset].
func (m *Memory) Name(i int) string { return fmt.Sprintf("%s[%d]", m.Source, i) }

// Size implements [Sized].
func (m *Memory) Size() (h, w, c int) { return m.H, m.W, m.C }

// Read implements [Dataset]. It shares m's memory and never fails for
// an example of the set.
func (m *Memory) Read(i int, s *Sample) error {
	if i < 0 || i >= len(m.Labels) {
		return fmt.Errorf("%s: example %d of %d", m.Source, i, len(m.Labels))
	}
	n := m.H * m.W * m.C
	s.setPixels(m.W, m.H, m.C, m.Pixels[i*n:(i+1)*n])
	return nil
}
