package serve

import (
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// upload is the body of a request, with the memory that is reserved for it.
type upload struct {
	content  []byte
	reserved int64
	handler  *Handler
}

// free gives the memory back.
func (u *upload) free() {
	u.handler.memory.Release(u.reserved)
	u.reserved = 0
}

// read reads the body of a request, decompressed, if it is let in. The caller
// must free it, whatever the error.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (*upload, error) {
	u := &upload{handler: h}
	if err := h.admission.check(); err != nil {
		return u, err
	}
	most := h.options.MaxBodyBytes
	if r.ContentLength > most {
		return u, tooLarge(most)
	}
	start := time.Now()
	body, err := decompressed(r, http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		return u, err
	}
	if err := u.fill(io.LimitReader(body, most+1), most); err != nil {
		return u, reading(err, h.options.BodyTimeout)
	}
	received(w)
	visitOf(r).times[stageRead] = time.Since(start)
	return u, nil
}

// expect gives a client the time to send its request. If it does not, the
// server waits no longer for the rest before it answers.
func (h *Handler) expect(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// Writers without deadlines, which are no connections, say so.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.options.BodyTimeout))
	}
}

// received ends what expect began: the answer may take longer.
func received(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
}

// decompressed undoes the encoding of a body.
func decompressed(r *http.Request, body io.Reader) (io.Reader, error) {
	var err error
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		body, err = gzip.NewReader(body)
	case "deflate":
		body, err = zlib.NewReader(body)
	default:
		return nil, failf(http.StatusUnsupportedMediaType, "Content-Encoding %q: only gzip and deflate are known", encoding)
	}
	if err != nil {
		return nil, reading(err, 0)
	}
	return body, nil
}

// reading says whose fault it is that a body cannot be read.
func reading(err error, patience time.Duration) error {
	var large *http.MaxBytesError
	var busy *busyError
	var own *statusError
	switch {
	case errors.As(err, &large):
		return tooLarge(large.Limit)
	case errors.As(err, &busy), errors.As(err, &own):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return failf(http.StatusRequestTimeout, "the request did not arrive within %v", patience)
	}
	return &statusError{http.StatusBadRequest, fmt.Errorf("reading the request: %w", err)}
}

// fill reads to the end of r. It takes memory as bytes come, so that who only
// announces many holds none.
func (u *upload) fill(r io.Reader, most int64) error {
	for {
		if n := len(u.content); n == cap(u.content) {
			size := min(max(2*int64(n), 64<<10), most+1)
			if !u.handler.memory.TryAcquire(size - u.reserved) {
				return &busyError{why: "the requests in progress take all memory there is for them", retry: time.Second}
			}
			u.reserved = size
			u.content = append(make([]byte, 0, size), u.content...)
		}
		n, err := r.Read(u.content[len(u.content):cap(u.content)])
		u.content = u.content[:len(u.content)+n]
		switch {
		case int64(len(u.content)) > most:
			return tooLarge(most)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

func tooLarge(most int64) error {
	return failf(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", most)
}
