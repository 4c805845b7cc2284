package command

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/mixnet-go/mixnet/internal/parts"
)

// shareFlags make a command do one part of its job.
type shareFlags struct {
	Shard  string `placeholder:"I/N" help:"Do part I of N alone, counted from 0, and write it to a file in --output, unless it is there; \"merge\" joins them. auto/N takes I from Slurm's or Kubernetes' variables, auto takes N from Slurm's too."`
	Output string `short:"o" placeholder:"DIR" help:"With --shard: the folder of the parts."`
}

// share returns the part to do, and says which it is if a scheduler's variables
// do. It returns false if the whole job is to be done.
func (f *shareFlags) share(e *env) (s parts.Share, given bool, err error) {
	if (f.Shard == "") != (f.Output == "") {
		return s, false, usagef("--shard I/N and --output DIR belong together")
	}
	if f.Shard == "" {
		return s, false, nil
	}
	s, said, err := parts.Parse(f.Shard, os.Getenv)
	if err != nil {
		return s, false, usagef("--shard: %w", err)
	}
	if said != "" {
		e.note("part %d of %d, as %s says\n", s.Index, s.Of, said)
	}
	return s, true, nil
}

// doShare does the part s of a job: do fills in those of all that belong to it.
// A part that is there already is left.
func doShare[T any](e *env, dir string, s parts.Share, job parts.Job, all []T, do func([]T) error) error {
	if done, err := parts.Done(dir, s, job); err != nil || done {
		if done {
			e.note("%s is there already\n", parts.Path(dir, s))
		}
		return err
	}
	from, to := s.Range(len(all))
	mine := all[from:to:to]
	if err := do(mine); err != nil {
		return err
	}
	if err := parts.Write(dir, s, job, mine); err != nil {
		return err
	}
	e.note("%s: %s\n", parts.Path(dir, s), plural(len(mine), "record"))
	return nil
}

// named says which of n things a job is about.
func named(n int, name func(i int) string) string {
	return fmt.Sprintf("%d, %s", n, parts.Digest(func(yield func(string) bool) {
		for i := range n {
			if !yield(name(i)) {
				return
			}
		}
	}))
}

// weightsID says which weights a name stands for: those of a file by its bytes.
func weightsID(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return name, nil // built in, or fetched by its name
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %s", name, hex.EncodeToString(h.Sum(nil)[:12])), nil
}
