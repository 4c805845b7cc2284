package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal syscall.Signal }

func (i interrupted) Error() string { return fmt.Sprintf("interrupted (%v)", i.signal) }

// Is makes an interruption count as a cancellation.
func (i interrupted) Is(target error) bool { return target == context.Canceled }

// exitCode is the one that shells give a program which a signal ends.
func (i interrupted) exitCode() int { return 128 + int(i.signal) }

// signalContext returns a context that the first SIGINT, SIGTERM, SIGHUP or
// SIGUSR1 ends, with an [interrupted] as its cause; a second one, half a second later or
// more, ends the process at once. A program started by nohup goes on when the
// terminal closes. Writing to a pipe that nobody reads becomes an error instead of the end.
func signalContext() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	wanted := append(launcherSignals(), os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		wanted = append(wanted, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, wanted...)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		cancel(interruption(<-signals))
		os.Exit(interruption(nextSignal(signals)).exitCode())
	}()
	return ctx
}

// sameSignal is how long after a signal others are taken to be the same one:
// timeout signals the process and then its group, a terminal that closes sends
// two kinds.
const sameSignal = 500 * time.Millisecond

// nextSignal waits for a signal other than the one that has just come.
func nextSignal(signals <-chan os.Signal) os.Signal {
	same := time.After(sameSignal)
	for {
		select {
		case <-signals:
		case <-same:
			return <-signals
		}
	}
}

func interruption(s os.Signal) interrupted {
	if n, ok := s.(syscall.Signal); ok {
		return interrupted{n}
	}
	return interrupted{syscall.SIGINT}
}

// interruptCode returns the exit code of a context that was ended.
func interruptCode(ctx context.Context) int {
	var i interrupted
	if errors.As(context.Cause(ctx), &i) {
		return i.exitCode()
	}
	return exitInterrupted
}
