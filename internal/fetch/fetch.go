// Package fetch is what downloads have in common: requests that are tried
// again, and given up when nothing comes.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// permanentError is one that trying again does not help against.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent marks an error that trying again does not help against; nil stays
// nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

// Retry says how often something is tried.
type Retry struct {
	// Tries is how many in a row may bring the work no further, and Dials how
	// many of them where the other side cannot even be reached.
	Tries, Dials int
	// Delay is the time before the second try; it doubles up to Longest, if that
	// is set.
	Delay, Longest time.Duration
	// Waiting, if set, is called before a try that follows a failed one, with
	// what failed and how long it waits.
	Waiting func(err error, wait time.Duration)
}

// Do runs f until it succeeds, fails for good, or has failed several times in a
// row without getting any further.
func (r Retry) Do(ctx context.Context, f func(context.Context) (further bool, err error)) error {
	wait := r.Delay
	for tries := 1; ; tries++ {
		further, err := f(ctx)
		var final permanentError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &final):
			return final.error
		case ctx.Err() != nil:
			return ctx.Err()
		case further:
			tries, wait = 1, r.Delay
		case tries >= r.Tries || tries >= r.Dials && unreachable(err):
			return fmt.Errorf("after %d tries: %w", tries, err)
		}
		if r.Waiting != nil {
			r.Waiting(err, wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
			wait *= 2
		}
		if r.Longest > 0 {
			wait = min(wait, r.Longest)
		}
	}
}

// unreachable reports whether the other side's name has no address or nothing
// answers there, as on a machine without the internet.
func unreachable(err error) bool {
	var dns *net.DNSError
	var dial *net.OpError
	return errors.As(err, &dns) || errors.As(err, &dial) && dial.Op == "dial"
}

// Client returns one with sensible time limits for all but the body, which is
// for [Watch].
func Client() *http.Client { return client }

var client = &http.Client{Transport: &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
	TLSHandshakeTimeout:   15 * time.Second,
	ResponseHeaderTimeout: 30 * time.Second,
	ForceAttemptHTTP2:     true,
	DisableCompression:    true,
	MaxIdleConnsPerHost:   16,
}}

// Watchdog ends a context when nothing has come for some time.
type Watchdog struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	patience time.Duration
}

// Watch returns a context that ends after patience, unless Alive is called
// before; 0 means 30 seconds. Stop must be called at the end.
func Watch(ctx context.Context, patience time.Duration) (context.Context, *Watchdog) {
	if patience <= 0 {
		patience = 30 * time.Second
	}
	ctx, cancel := context.WithCancelCause(ctx)
	w := &Watchdog{ctx: ctx, cancel: cancel, patience: patience}
	w.timer = time.AfterFunc(patience, func() { cancel(fmt.Errorf("nothing came for %v", patience)) })
	return ctx, w
}

// Alive says that something came.
func (w *Watchdog) Alive() { w.timer.Reset(w.patience) }

// Stop gives the watchdog's memory back.
func (w *Watchdog) Stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// Cause replaces an error by the reason why the request was given up, if it was.
func (w *Watchdog) Cause(err error) error {
	if cause := context.Cause(w.ctx); err != nil && cause != nil {
		return cause
	}
	return err
}
