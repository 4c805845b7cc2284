package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
)

// together runs workers at the same time, each with a name of its own among all
// processes, until they are done. The first that fails ends the others, and so
// does the end of the command, whose error goes before theirs.
func (e *env) together(workers int, run func(ctx context.Context, name string) error) error {
	host, _ := os.Hostname()
	ctx, stop := context.WithCancelCause(e.ctx)
	defer stop(nil)
	errs := make([]error, workers)
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			if errs[i] = run(ctx, fmt.Sprintf("%s-%d-%d", host, os.Getpid(), i)); errs[i] != nil {
				stop(errs[i])
			}
		})
	}
	all.Wait()
	if err := e.ctx.Err(); err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return nil
}
