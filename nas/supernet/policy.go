package supernet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/nas"
)

// learned is what learning goes on from.
type learned struct {
	Method  Method      `json:"method"`
	Seed    uint64      `json:"seed"`
	Steps   int         `json:"steps"`
	Step    int         `json:"step"`
	Logits  [][]float64 `json:"logits"`
	First   [][]float64 `json:"first"` // Adam's moments
	Second  [][]float64 `json:"second"`
	Loss    float64     `json:"loss"` // moving mean
	Options []int       `json:"options"`
}

func (l *learner) save() error {
	text, err := json.Marshal(l.state)
	if err != nil {
		return err
	}
	return atomicfile.Write(l.File, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

func (l *learner) restore() error {
	if l.File == "" {
		return nil
	}
	found, err := readLearned(l.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if found.Method != l.Method || found.Seed != l.Seed || found.Steps != l.Steps || !found.fits(l.state.Options) {
		return fmt.Errorf("%w: %s: it was begun with other settings", ErrState, l.File)
	}
	l.state = found
	return nil
}

// fits reports whether the state is of decisions with so many options.
func (s *learned) fits(options []int) bool {
	for _, values := range [][][]float64{s.Logits, s.First, s.Second} {
		if len(values) != len(options) {
			return false
		}
		for i, v := range values {
			if len(v) != options[i] {
				return false
			}
		}
	}
	return s.Step >= 0 && s.Step <= s.Steps
}

func readLearned(path string) (learned, error) {
	var s learned
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%w: %s: %w", ErrState, path, err)
	}
	return s, nil
}

// LoadPolicy returns the policy that Learn has kept in a file, if it has come to
// its end.
func LoadPolicy(path string, space nas.Space) (*nas.Policy, error) {
	s, err := readLearned(path)
	if err != nil {
		return nil, err
	}
	var options []int
	for _, d := range space.Decisions() {
		options = append(options, len(d.Options))
	}
	if !s.fits(options) || s.Step < s.Steps {
		return nil, fmt.Errorf("%w: %s: it is of another space, or not at its end", ErrState, path)
	}
	return &nas.Policy{Logits: s.Logits}, nil
}
