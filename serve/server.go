package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// ServerOptions says how a server begins and ends.
type ServerOptions struct {
	// CertFile and KeyFile make it speak TLS. They are read again when they
	// change.
	CertFile, KeyFile string
	// Drain is how long requests are still taken after the end was asked for,
	// while the server says that it is not ready: as long as those who send
	// requests take to notice. 0 means not at all.
	Drain time.Duration
	// Grace is how long requests in progress may take after that; 0 means 30
	// seconds.
	Grace time.Duration
}

// Serve answers the requests that come to a listener until ctx ends, and then
// those in progress. It closes the listener.
func (h *Handler) Serve(ctx context.Context, l net.Listener, o ServerOptions) error {
	if o.Grace == 0 {
		o.Grace = 30 * time.Second
	}
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      h.options.BodyTimeout + h.options.MaxWait + time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		Protocols:         protocols(),
		ErrorLog:          slog.NewLogLogger(h.options.Log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(h.end)
	if o.CertFile != "" || o.KeyFile != "" {
		c := &certificate{certFile: o.CertFile, keyFile: o.KeyFile}
		if _, err := c.get(nil); err != nil {
			return errors.Join(err, l.Close())
		}
		server.TLSConfig = &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}
	}
	failed := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			failed <- server.ServeTLS(l, "", "")
		} else {
			failed <- server.Serve(l)
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	h.Drain()
	h.options.Log.Info("draining", "drain", o.Drain.String(), "grace", o.Grace.String())
	select {
	case err := <-failed:
		return err
	case <-time.After(o.Drain):
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Grace)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

// protocols are those that one port speaks: HTTP/2 without TLS is what gRPC's
// clients use.
func protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// certificate is a pair of files that may change.
type certificate struct {
	certFile, keyFile string

	mu     sync.Mutex
	loaded *tls.Certificate
	times  [2]time.Time
}

// get returns the certificate in the files, or if they are being replaced, the
// last one.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var now [2]time.Time
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return c.last(err)
		}
		now[i] = info.ModTime()
	}
	if c.loaded != nil && now == c.times {
		return c.loaded, nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return c.last(err)
	}
	c.loaded, c.times = &pair, now
	return c.loaded, nil
}

func (c *certificate) last(err error) (*tls.Certificate, error) {
	if c.loaded != nil {
		return c.loaded, nil
	}
	return nil, err
}
