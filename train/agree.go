package train

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"strings"

	"github.com/mixnet-go/mixnet/graph"
	"github.com/mixnet-go/mixnet/internal/cpu"
)

// fact is something that all ranks of a run must have in common.
type fact struct{ name, value string }

// factSize is the length of a fact's value as ranks tell it each other.
const factSize = 96

// facts returns what makes the steps of a run what they are. Values are equal
// to the bit on all ranks, or they would drift apart.
func (t *Trainer) facts() ([]fact, error) {
	r, err := json.Marshal(t.cfg.Recipe)
	if err != nil {
		return nil, err
	}
	h := fnv.New64a()
	_, _ = h.Write(r) // a hash has no errors
	val := "none"
	if t.cfg.Val != nil {
		val = fmt.Sprintf("%d images, labels %s", t.cfg.Val.Len(), hashLabels(t.cfg.Val))
	}
	return []fact{
		{"network", t.cfg.Model.Network},
		{"recipe", fmt.Sprintf("%s (%x)", t.cfg.Recipe.Name, h.Sum64())},
		{"training data", fmt.Sprintf("%d images, labels %s", t.cfg.Train.Len(), t.labels)},
		{"validation data", val},
		{"state", fmt.Sprintf("epoch %d, step %d", t.epoch(), t.state.Step)},
		{"parameters", fmt.Sprintf("%x", hashValues(t.step.Values(), t.step.ema))},
		{"end", fmt.Sprintf("%d epochs, %d steps at most, best kept: %t", t.length.epochs(), t.cfg.MaxSteps, t.cfg.KeepBest)},
		{"threads", fmt.Sprint(t.step.Threads())},
		{"kernels", cpu.Current().String()},
	}, nil
}

// agree compares the facts of all ranks.
func (p *peers) agree(facts []fact) error {
	if p == nil {
		return nil
	}
	mine := make([]byte, factSize*len(facts))
	for i, f := range facts {
		copy(mine[i*factSize:(i+1)*factSize], f.value)
	}
	all := make([]byte, len(mine)*p.Size())
	if err := p.Gather(all, mine); err != nil {
		return fmt.Errorf("train: meeting the other ranks: %w", err)
	}
	read := func(rank, i int) string {
		return strings.TrimRight(string(all[rank*len(mine)+i*factSize:][:factSize]), "\x00")
	}
	for i, f := range facts {
		for r := 1; r < p.Size(); r++ {
			if a, b := read(0, i), read(r, i); a != b {
				return agreed{fmt.Errorf("train: the ranks differ in their %s: rank 0 has %s, rank %d has %s: give all the same files and settings", f.name, a, r, b)}
			}
		}
	}
	return nil
}

// hashValues tells values from others.
func hashValues(all ...graph.Values[float32]) uint64 {
	h := fnv.New64a()
	var b [4]byte
	for _, values := range all {
		for _, v := range values {
			for _, x := range v {
				binary.LittleEndian.PutUint32(b[:], math.Float32bits(x))
				_, _ = h.Write(b[:]) // a hash has no errors
			}
		}
	}
	return h.Sum64()
}
