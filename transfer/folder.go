package transfer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mixnet-go/mixnet/internal/filelock"
	"github.com/mixnet-go/mixnet/train"
)

// lockFile is there while a job works in its folder.
const lockFile = "finetune.lock"

// below returns the path of something in the job's folder; "" without one.
func (j *Job) below(name string) string {
	if j.dir == "" {
		return ""
	}
	return filepath.Join(j.dir, name)
}

// occupied returns an error if a folder holds a job or a run.
func occupied(dir string) error {
	for _, file := range []string{PlanFile, train.LastFile} {
		if path := filepath.Join(dir, file); dir != "" && exists(path) {
			return fmt.Errorf("%w: %s", train.ErrOccupied, path)
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// records reports whether this process keeps a folder.
func (j *Job) records() bool { return j.dir != "" && (j.Ranks == nil || j.Ranks.Rank() == 0) }

// write stores the plan with what was done of it.
func (j *Job) write() error {
	if !j.records() {
		return nil
	}
	return j.plan.write(j.dir)
}

// openFolder makes the job's folder, keeps other jobs out of it until release
// is called, and writes the plan.
func (j *Job) openFolder() (release func(), err error) {
	if !j.records() {
		return func() {}, nil
	}
	if err := os.MkdirAll(j.dir, 0o777); err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	lock, err := filelock.Try(j.below(lockFile))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("%w: %s", train.ErrBusy, j.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	if err = j.checkFolder(); err == nil {
		err = j.plan.write(j.dir)
	}
	if err != nil {
		lock.Remove()
		return nil, err
	}
	return lock.Remove, nil
}

// checkFolder reports a folder that has changed since the job was prepared.
func (j *Job) checkFolder() error {
	if !j.resumed {
		return occupied(j.dir)
	}
	now, err := ReadPlan(j.dir)
	if err != nil {
		return err
	}
	if !now.same(j.plan) || len(now.Results) != len(j.plan.Results) || len(now.Trials) != len(j.plan.Trials) {
		return fmt.Errorf("%w: %s: it has gone on since it was opened", train.ErrBusy, j.dir)
	}
	return nil
}

// abandon removes the plan of a job that failed before it came to anything, so
// that another may have the folder. One that was interrupted stays, to be
// continued.
func (j *Job) abandon() {
	p := j.plan
	nothing := len(p.Results) == 0 && len(p.Trials) == 0 && !exists(j.below(train.LastFile)) && !exists(j.below(gridDir))
	if j.records() && nothing {
		_ = os.Remove(j.below(PlanFile))
	}
}
