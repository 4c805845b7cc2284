// Package filelock holds locks that processes see of each other. The system
// gives back the locks of processes that end, however they do.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Lock is a lock that is held.
type Lock struct {
	file *os.File
	path string
}

// ErrHeld says that another process, or another part of this one, holds a lock.
var ErrHeld = errors.New("the lock is held by another process")

// Try takes the lock of the file at path, which is made if there is none. The
// error wraps [ErrHeld] if somebody else has it.
func Try(path string) (*Lock, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		ok, err := tryLock(f)
		if err == nil && !ok {
			err = ErrHeld
		}
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		// Whoever held the lock may have removed the file after it was opened.
		if current, err := os.Stat(path); err == nil {
			if own, err := f.Stat(); err == nil && os.SameFile(own, current) {
				return &Lock{f, path}, nil
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			_ = f.Close()
			return nil, err
		}
		_ = f.Close()
	}
}

// Wait is Try that waits for the lock until ctx is done.
func Wait(ctx context.Context, path string) (*Lock, error) {
	for {
		l, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", err, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Release gives the lock back. The file stays.
func (l *Lock) Release() { _ = l.file.Close() }

// Remove gives the lock back and removes the file, where the system removes
// files that are open.
func (l *Lock) Remove() {
	_ = os.Remove(l.path)
	_ = l.file.Close()
}
