package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/vision"
)

// busyError refuses a request that would wait too long.
type busyError struct {
	why   string
	retry time.Duration
}

func (e *busyError) Error() string { return "busy: " + e.why + "; try again later" }

// statusError is an error with a status of its own.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

func failf(status int, format string, args ...any) error {
	return &statusError{status, fmt.Errorf(format, args...)}
}

// statusGone is what the log says of a request whose client went away.
const statusGone = 499

// statusOf returns the status that says whose fault an error is, and the reason
// that counters give for it.
func statusOf(err error) (status int, reason string) {
	var own *statusError
	var busy *busyError
	switch {
	case errors.As(err, &busy):
		return http.StatusServiceUnavailable, rejected
	case errors.As(err, &own):
		return own.status, other
	case errors.Is(err, vision.ErrTooLarge):
		return http.StatusRequestEntityTooLarge, rejected
	case errors.Is(err, errUnavailable):
		return http.StatusServiceUnavailable, other
	case errors.Is(err, ErrUnknownModel):
		return http.StatusNotFound, other
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, canceled
	case errors.Is(err, context.Canceled):
		return statusGone, canceled
	case errors.Is(err, vision.ErrFormat), errors.Is(err, vision.ErrTruncated), errors.Is(err, vision.ErrCorrupt), errors.Is(err, vision.ErrImage):
		return http.StatusBadRequest, other
	case errors.Is(err, mixnet.ErrNotFinite):
		return http.StatusInternalServerError, backend
	}
	return http.StatusInternalServerError, backend
}

// fail answers a request with an error, in the words and the form that clients
// of the Open Inference Protocol expect.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, _ := statusOf(err)
	visitOf(r).err = err
	if isGRPC(r) {
		writeGRPCError(w, status, err)
		return
	}
	var busy *busyError
	if errors.As(err, &busy) {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(busy.retry.Seconds())))))
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, status, map[string]string{"error": err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(text, '\n')) // an error means that the client has gone
}
