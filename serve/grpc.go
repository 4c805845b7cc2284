package serve

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// gRPC over HTTP/2, as far as calls need it: a message
// has a byte that says whether it is compressed and four with its length before
// it, and the status of a call comes in trailers.

// grpcMethod answers one message with another.
type grpcMethod func(r *http.Request, message []byte) ([]byte, error)

// call returns a handler of a method.
func (h *Handler) call(f grpcMethod) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !isGRPC(r) {
			h.fail(w, r, failf(http.StatusUnsupportedMediaType, "this address is for gRPC"))
			return
		}
		answer, err := h.called(w, r, f)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.WriteHeader(http.StatusOK)
		head := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(answer)))
		if _, err := w.Write(append(head, answer...)); err == nil {
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		}
	}
}

func (h *Handler) called(w http.ResponseWriter, r *http.Request, f grpcMethod) ([]byte, error) {
	if text := r.Header.Get("Grpc-Timeout"); text != "" {
		d, err := grpcTimeout(text)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(r.Context(), d)
		defer cancel()
		r = r.WithContext(ctx)
	}
	u, err := h.read(w, r)
	defer u.free()
	if err != nil {
		return nil, err
	}
	b := u.content
	switch {
	case len(b) < 5 || int64(binary.BigEndian.Uint32(b[1:])) != int64(len(b)-5):
		return nil, failf(http.StatusBadRequest, "the call is not one message")
	case b[0] != 0:
		return nil, failf(http.StatusNotImplemented, "the message is compressed: send it as it is")
	}
	return f(r, b[5:])
}

func isGRPC(r *http.Request) bool {
	return r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

// grpcTimeout reads a header such as "100m", which is 100 ms.
func grpcTimeout(text string) (time.Duration, error) {
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': 1}
	last := len(text) - 1
	n, err := strconv.ParseUint(text[:last], 10, 64)
	unit := units[text[last]]
	if err != nil || unit == 0 || last > 8 {
		return 0, failf(http.StatusBadRequest, "grpc-timeout: %q", text)
	}
	const most = 24 * time.Hour
	if n > uint64(most/unit) {
		return most, nil
	}
	return time.Duration(n) * unit, nil
}

// writeGRPCError ends a call with a status.
func writeGRPCError(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Grpc-Status", strconv.Itoa(grpcCode(status, err)))
	w.Header().Set("Grpc-Message", grpcMessage(err))
	w.WriteHeader(http.StatusOK)
}

// grpcMessage is an error as a header has it.
func grpcMessage(err error) string { return url.PathEscape(err.Error()) }

// grpcCode returns gRPC's code for a status.
func grpcCode(status int, err error) int {
	if errors.As(err, new(*busyError)) {
		return 8 // RESOURCE_EXHAUSTED
	}
	codes := map[int]int{
		statusGone: 1, http.StatusGatewayTimeout: 4, http.StatusNotFound: 5, http.StatusForbidden: 7, http.StatusMisdirectedRequest: 7,
		http.StatusRequestEntityTooLarge: 8, http.StatusNotImplemented: 12, http.StatusServiceUnavailable: 14, http.StatusUnauthorized: 16,
	}
	if code, ok := codes[status]; ok {
		return code
	}
	if status < 500 {
		return 3 // INVALID_ARGUMENT
	}
	return 13 // INTERNAL
}
