// Package parts cuts work into parts that other programs schedule, such as
// Slurm and Kubernetes, keeps what each part gives in a file of its own, and
// joins those again.
package parts

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Share is one of several equal parts of a job.
type Share struct{ Index, Of int }

// ErrShare says that something names no share.
var ErrShare = errors.New("not a part of a job")

// maxParts bounds the parts of a job: their names have five digits.
const maxParts = 100_000

// Parse reads I/N, counted from 0; auto/N, where a scheduler's variable says I;
// or auto, where they say both. Said tells which variable it was, "" for none.
func Parse(text string, getenv func(string) string) (s Share, said string, err error) {
	first, last, ok := strings.Cut(text, "/")
	auto := first == "auto"
	if ok {
		if s.Of, err = number(last); err != nil || s.Of < 1 || s.Of > maxParts {
			return s, "", fmt.Errorf("%w: %q: want I/N with an N from 1 to %d", ErrShare, text, maxParts)
		}
	}
	switch {
	case auto:
		s, said, err = fromScheduler(s.Of, getenv)
	case !ok:
		err = fmt.Errorf("%w: %q: want I/N such as 0/4, auto/N or auto", ErrShare, text)
	default:
		s.Index, err = number(first)
	}
	if err == nil && (s.Index < 0 || s.Index >= s.Of) {
		err = fmt.Errorf("%w: %d/%d: parts are counted from 0 to %d", ErrShare, s.Index, s.Of, s.Of-1)
	}
	return s, said, err
}

func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is no number", ErrShare, text)
	}
	return int(n), nil
}

// The variables of schedulers that number the tasks of a job.
const (
	slurmID, slurmCount, slurmMin = "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"
	slurmMax                      = "SLURM_ARRAY_TASK_MAX"
	kubernetesIndex               = "JOB_COMPLETION_INDEX"
)

// fromScheduler returns the share that a scheduler's variables say; of is 0 if
// they are to say that too.
func fromScheduler(of int, getenv func(string) string) (s Share, said string, err error) {
	slurm, kubernetes := getenv(slurmID), getenv(kubernetesIndex)
	switch {
	case slurm != "" && kubernetes != "":
		return s, "", fmt.Errorf("%w: both %s (%s) and %s (%s) are set: say which by I/N", ErrShare, slurmID, slurm, kubernetesIndex, kubernetes)
	case slurm == "" && kubernetes == "":
		return s, "", fmt.Errorf("%w: neither %s nor %s is set, which tasks of Slurm's arrays and of Kubernetes' indexed jobs have", ErrShare, slurmID, kubernetesIndex)
	case kubernetes != "" && of == 0:
		return s, "", fmt.Errorf("%w: Kubernetes does not say how many tasks there are: want auto/N with the job's completions", ErrShare)
	case kubernetes != "":
		index, err := number(kubernetes)
		return Share{index, of}, kubernetesIndex, err
	}
	if s.Index, err = number(slurm); err != nil || of > 0 {
		s.Of = of
		return s, slurmID, err
	}
	// The numbers of an array that was started for some tasks alone do not say
	// how many there are of all.
	if s.Of, err = number(getenv(slurmCount)); err == nil && (getenv(slurmMin) != "0" || getenv(slurmMax) != strconv.Itoa(s.Of-1)) {
		err = fmt.Errorf("%w: the array's tasks are not numbered from 0 to %s less one: start it so, or say the number of parts by auto/N", ErrShare, slurmCount)
	}
	return s, slurmID + " and " + slurmCount, err
}

// Range returns which of n examples the share is of: from to less than to. The
// shares follow each other and differ by one example at most.
func (s Share) Range(n int) (from, to int) {
	at := func(i int) int { return int(int64(n) * int64(i) / int64(s.Of)) }
	return at(s.Index), at(s.Index + 1)
}

// Name returns the name of the share's file, such as part-00017-of-00256.jsonl.
func (s Share) Name(kind, extension string) string {
	return fmt.Sprintf("%s-%05d-of-%05d%s", kind, s.Index, s.Of, extension)
}
