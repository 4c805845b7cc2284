package serve_test

import (
	"context"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/pretrained/photo"
	"github.com/mixnet-go/mixnet/serve"
)

// A service that names what is in photos, until it is told to end. The Handler
// is an http.Handler, so a program with other routes can mount it in its own
// server instead.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	h, err := serve.New(ctx, serve.Options{
		Repository: serve.List{{Name: "photo", Open: func(context.Context) (mixnet.Network, error) {
			m, err := photo.Model()
			if err != nil {
				return nil, err
			}
			return mixnet.New(m, mixnet.Options{Maps: true})
		}}},
		Log: slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", "localhost:8080")
	if err != nil {
		log.Fatal(err)
	}
	if err := h.Serve(ctx, l, serve.ServerOptions{Drain: 5 * time.Second}); err != nil {
		log.Fatal(err)
	}
	if err := h.Close(); err != nil {
		log.Fatal(err)
	}
}
