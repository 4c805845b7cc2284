package train

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/mixnet-go/mixnet/data"
)

// Ranks are the processes that share the steps of a run, such as those of an
// MPI job: each computes some of the parts of every batch. All call the same
// methods in the same order with arguments of the same lengths, and a call
// returns when all have made it.
type Ranks interface {
	// Rank returns the number of this process, from 0 to Size-1.
	Rank() int
	// Size returns how many there are.
	Size() int
	// Gather fills all with what every rank gives, in the order of the ranks.
	Gather(all, mine []byte) error
	// GatherFloats is Gather for numbers.
	GatherFloats(all, mine []float32) error
	// Exchange cuts send and recv into Size equal pieces. Piece i of send goes to
	// rank i, piece i of recv comes from there.
	Exchange(recv, send []float32) error
}

// Agreed reports whether an error of a run is known to all its ranks: each has
// ended or is about to, and none waits for another.
func Agreed(err error) bool { return errors.As(err, new(agreed)) }

type agreed struct{ error }

func (a agreed) Unwrap() error { return a.error }

// peerError is the error of another rank.
type peerError struct {
	rank int
	text string
	is   error // what it wraps; nil if that is not known
}

func (e peerError) Error() string { return fmt.Sprintf("rank %d: %s", e.rank, e.text) }
func (e peerError) Unwrap() error { return e.is }

// peers are the ranks of a run, with what they tell each other; nil for a run
// of one process.
type peers struct {
	Ranks
	mine, all []byte
}

func newPeers(r Ranks) *peers {
	if r == nil || r.Size() < 2 {
		return nil
	}
	return &peers{Ranks: r, mine: make([]byte, statusSize), all: make([]byte, statusSize*r.Size())}
}

// leads reports whether this process evaluates, records and saves.
func (p *peers) leads() bool { return p == nil || p.Rank() == 0 }

// count returns the number of processes.
func (p *peers) count() int {
	if p == nil {
		return 1
	}
	return p.Size()
}

// rank returns the number of this process.
func (p *peers) rank() int {
	if p == nil {
		return 0
	}
	return p.Rank()
}

// place is where ranks meet, besides the step.
type place byte

const (
	atMeeting place = iota
	atBegin
	atFolder
	atStep
	atStop
	atEpoch
)

// status is what ranks tell each other where they meet: the place, the step, a
// state and the text of an error.
const statusSize = 512

// States of a status: those after stateFailed are errors that wrap one of
// sentinels.
const (
	stateFine = iota
	stateStop
	stateFailed
)

var sentinels = []error{nil, ErrDiverged, data.ErrTooManyBad, ErrOccupied, ErrBusy}

// meet waits for the other ranks. It returns an error that all return if one
// has failed, or is to stop.
func (p *peers) meet(at place, step int, err error) error {
	if p == nil {
		return err
	}
	clear(p.mine)
	p.mine[0] = byte(at)
	binary.LittleEndian.PutUint64(p.mine[1:], uint64(step))
	if err != nil {
		p.mine[9] = stateOf(err)
		copy(p.mine[10:], err.Error())
	}
	if gatherErr := p.Gather(p.all, p.mine); gatherErr != nil {
		return errors.Join(err, fmt.Errorf("train: meeting the other ranks: %w", gatherErr))
	}
	if err != nil {
		return agreed{err}
	}
	for r := range p.Size() {
		s := p.all[r*statusSize:][:statusSize]
		switch state := s[9]; {
		case state == stateStop:
			return agreed{peerError{r, "interrupted", context.Canceled}}
		case state != stateFine:
			return agreed{peerError{r, strings.TrimRight(string(s[10:]), "\x00"), sentinels[int(state-stateFailed)%len(sentinels)]}}
		}
	}
	for r := range p.Size() {
		if s := p.all[r*statusSize:]; string(s[:9]) != string(p.mine[:9]) {
			return agreed{fmt.Errorf("train: rank %d and rank %d are at different points of the run", r, p.Rank())}
		}
	}
	return nil
}

func stateOf(err error) byte {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return stateStop
	}
	for i, s := range sentinels {
		if s != nil && errors.Is(err, s) {
			return byte(stateFailed + i)
		}
	}
	return stateFailed
}

// Meet waits for the other ranks of a program that trains with them, which must
// call it too. It returns an error on all if one gives any.
func Meet(r Ranks, err error) error { return newPeers(r).meet(atMeeting, 0, err) }

// shared returns rank 0's values on every rank.
func (p *peers) shared(values []float64) error {
	if p == nil || len(values) == 0 {
		return nil
	}
	all, err := p.gatherNumbers(values)
	copy(values, all)
	return err
}

// gatherNumbers returns what every rank gives, in the order of the ranks.
func (p *peers) gatherNumbers(mine []float64) ([]float64, error) {
	b := make([]byte, 0, 8*len(mine))
	b, _ = binary.Append(b, binary.LittleEndian, mine) // numbers are no error
	all := make([]byte, len(b)*p.Size())
	if err := p.Gather(all, b); err != nil {
		return nil, err
	}
	values := make([]float64, len(mine)*p.Size())
	_, err := binary.Decode(all, binary.LittleEndian, values)
	return values, err
}
