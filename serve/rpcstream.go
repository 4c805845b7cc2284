package serve

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// stream answers ModelStreamInfer: one request after the other, each with a
// message of its own, until the client ends.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request) {
	if !isGRPC(r) {
		h.fail(w, r, failf(http.StatusUnsupportedMediaType, "this address is for gRPC"))
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.WriteHeader(http.StatusOK)
	connection := http.NewResponseController(w)
	defer context.AfterFunc(h.ending, func() { _ = connection.SetReadDeadline(time.Now()) })() // writers without deadlines are no connections
	err := connection.Flush()
	body := bufio.NewReader(r.Body)
	for err == nil {
		_ = connection.SetWriteDeadline(time.Time{})
		if err = h.streamed(w, r, body); err == nil {
			err = connection.Flush()
		}
	}
	if h.ending.Err() != nil {
		err = failf(http.StatusServiceUnavailable, "the server ends")
	}
	code, text := "0", ""
	if !errors.Is(err, io.EOF) {
		status, _ := statusOf(err)
		visitOf(r).err = err
		code, text = fmt.Sprint(grpcCode(status, err)), grpcMessage(err)
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", code)
	if text != "" {
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", text)
	}
}

// streamed answers the next message. What is wrong with a request is part of
// its answer; an error ends the stream, io.EOF as the client wants.
func (h *Handler) streamed(w http.ResponseWriter, r *http.Request, body *bufio.Reader) error {
	u, err := h.readMessage(w, r, body)
	defer u.free()
	if err != nil {
		return err
	}
	answer, problem := h.rpcInfer(r, u.content)
	frame := written(func(m *message) {
		if problem != nil {
			m.text(1, problem.Error())
		} else {
			m.bytes(2, answer)
		}
	})
	head := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(frame)))
	_, err = w.Write(append(head, frame...))
	return err
}

// readMessage reads one message of a stream. The client may take its time
// before it begins one.
func (h *Handler) readMessage(w http.ResponseWriter, r *http.Request, body *bufio.Reader) (*upload, error) {
	u := &upload{handler: h}
	if err := h.ending.Err(); err != nil {
		return u, err
	}
	var head [5]byte
	if _, err := io.ReadFull(body, head[:1]); err != nil {
		return u, err
	}
	h.expect(w, r)
	defer received(w)
	if _, err := io.ReadFull(body, head[1:]); err != nil {
		return u, reading(io.ErrUnexpectedEOF, h.options.BodyTimeout)
	}
	size, most := int64(binary.BigEndian.Uint32(head[1:])), h.options.MaxBodyBytes
	switch {
	case head[0] != 0:
		return u, failf(http.StatusNotImplemented, "the message is compressed: send it as it is")
	case size > most:
		return u, tooLarge(most)
	}
	err := u.fill(io.LimitReader(body, size), most)
	if err == nil && int64(len(u.content)) < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = reading(err, h.options.BodyTimeout)
	}
	return u, err
}
