package hub

import (
	"context"
	"fmt"
	"os"
	"time"
)

// lock waits until no other process holds the lock at path, takes it, and
// returns the function that gives it back. The system gives back the locks of
// processes that end.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	for {
		ok, err := tryLock(f)
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if ok {
			return func() { _ = f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("waiting for another process to finish the download: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
