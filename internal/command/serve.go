package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/mixnet-go/mixnet"
	"github.com/mixnet-go/mixnet/serve"
)

// serveCmd answers HTTP requests.
type serveCmd struct {
	Model     []string `arg:"" optional:"" name:"model" help:"Models to serve: weight files, run folders, or names as --model of predict and detect takes them; NAME=MODEL serves one under another name. Default: photo and person, which are built in."`
	Models    string   `placeholder:"DIR" help:"Serve the models of a folder laid out as Triton's: NAME/VERSION/FILE, the highest version of each."`
	Listen    string   `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address and port. Only this machine reaches ${default}; :8080 is all networks."`
	TokenFile string   `type:"existingfile" placeholder:"FILE" help:"Answer only requests that bear the token in this file: Authorization: Bearer TOKEN."`
	TLSCert   string   `name:"tls-cert" type:"existingfile" placeholder:"FILE" help:"Speak TLS with this certificate (PEM), read again when it changes."`
	TLSKey    string   `name:"tls-key" type:"existingfile" placeholder:"FILE" help:"The certificate's key (PEM)."`
	Host      []string `placeholder:"NAME" help:"A further name by which clients on this machine call the server, besides localhost."`
	AllowLoad bool     `help:"Let clients load and unload models."`
	Mirror    bool     `help:"Let classifiers judge a picture and its mirror image, and take the mean."`
	Browser   string   `type:"existingdir" placeholder:"DIR" help:"Let browsers run the models themselves, with what \"go run github.com/mixnet-go/mixnet/cmd/mixnet-wasm DIR\" wrote: pictures then stay where they are, and who may use the server may have the models' weights."`
	precisionFlag
	Poll      time.Duration `placeholder:"TIME" help:"Look this often whether a model of --models has a new version, and load it."`
	MaxBody   int64         `default:"64" placeholder:"MIB" help:"The largest request, in MiB. Default: ${default}."`
	MaxPixels int64         `default:"50" placeholder:"N" help:"The largest picture, in millions of pixels. Default: ${default}."`
	MaxMemory int64         `default:"1024" placeholder:"MIB" help:"What all requests in progress may take, in MiB. Default: ${default}."`
	MaxWait   time.Duration `default:"1s" placeholder:"TIME" help:"Refuse requests that would wait longer. Default: ${default}."`
	Drain     time.Duration `default:"0s" placeholder:"TIME" help:"After SIGTERM, still take requests for so long, while saying that it is not ready: 5s behind a load balancer. Default: ${default}."`
	Grace     time.Duration `default:"30s" placeholder:"TIME" help:"How long requests in progress may take to end. Default: ${default}."`
	Verbose   bool          `short:"v" help:"Log questions about health and metrics too."`
	JSON      bool          `name:"json" help:"Log in JSON."`
}

func (c *serveCmd) Run(e *env) error {
	if err := c.check(); err != nil {
		return err
	}
	options, err := c.options(e)
	if err != nil {
		return err
	}
	if f, ok := options.Repository.(*serve.Folder); ok {
		defer f.Close()
	}
	l, err := (&net.ListenConfig{}).Listen(e.ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	h, err := serve.New(e.ctx, options)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	// So many threads are busy with networks. Others answer those that are
	// refused meanwhile: the kernel wakes them sooner than Go's scheduler would.
	runtime.GOMAXPROCS(2 * options.Concurrent)
	release := e.hold() // an interruption waits for requests in progress
	defer release()
	c.welcome(e, l.Addr())
	if c.Poll > 0 {
		go c.poll(e.ctx, h, options.Repository.(*serve.Folder))
	}
	err = h.Serve(e.ctx, l, serve.ServerOptions{CertFile: c.TLSCert, KeyFile: c.TLSKey, Drain: c.Drain, Grace: c.Grace})
	if err != nil {
		return err // with requests in progress, whose models must not be closed
	}
	if err := h.Close(); err != nil {
		return err
	}
	return e.ctx.Err()
}

func (c *serveCmd) check() error {
	switch {
	case len(c.Model) > 0 && c.Models != "":
		return usagef("models are named, or those of --models: not both")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return usagef("--tls-cert and --tls-key belong together")
	case c.Poll != 0 && c.Models == "":
		return usagef("--poll looks into the folder of --models")
	case c.Poll < 0 || c.MaxWait <= 0 || c.Drain < 0 || c.Grace <= 0:
		return usagef("a time is negative, or --max-wait or --grace is 0")
	case c.MaxBody < 1 || c.MaxPixels < 1 || c.MaxMemory < 1 || max(c.MaxBody, c.MaxPixels, c.MaxMemory) > 1<<20:
		return usagef("--max-body, --max-pixels and --max-memory are between 1 and %d", 1<<20)
	}
	return nil
}

// options turns the flags into what the handler takes.
func (c *serveCmd) options(e *env) (serve.Options, error) {
	o := serve.Options{
		Hosts: c.Host, AllowLoad: c.AllowLoad, MaxBodyBytes: c.MaxBody << 20, MaxPixels: c.MaxPixels * 1_000_000,
		MaxMemory: c.MaxMemory << 20, MaxWait: c.MaxWait, Concurrent: e.cores(), Version: version(), Log: c.logger(e),
	}
	if c.TokenFile != "" {
		text, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return o, err
		}
		if o.Token = string(bytes.TrimSpace(text)); o.Token == "" {
			return o, fmt.Errorf("%s: there is no token in it", c.TokenFile)
		}
	}
	if c.Browser != "" {
		o.Browser = os.DirFS(c.Browser)
	}
	if c.Models != "" {
		f, err := serve.OpenFolder(c.Models, c.running(e))
		o.Repository = f
		return o, err
	}
	list, err := c.list(e)
	o.Repository = list
	return o, err
}

// running are the options of the networks.
func (c *serveCmd) running(e *env) mixnet.Options {
	o := e.running()
	o.Mirror, o.Maps, o.MaxConcurrent, o.Precision = c.Mirror, true, e.cores(), c.Precision
	return o
}

func (c *serveCmd) logger(e *env) *slog.Logger {
	o := &slog.HandlerOptions{}
	if c.Verbose {
		o.Level = slog.LevelDebug
	}
	if c.JSON {
		return slog.New(slog.NewJSONHandler(e.stderr, o))
	}
	return slog.New(slog.NewTextHandler(e.stderr, o))
}

// welcome says where the server is.
func (c *serveCmd) welcome(e *env, at net.Addr) {
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	host := at.String()
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		host = fmt.Sprintf("localhost:%d", tcp.Port)
		if c.TokenFile == "" {
			e.warn("everyone who reaches this machine may use the server: --token-file restricts it")
		}
	}
	e.note("serving on %s://%s/ (Ctrl-C ends it); try:\n  curl --data-binary @photo.jpg %[1]s://%[2]s/v1/classify\n", scheme, host)
}

// poll loads models whose version has changed.
func (c *serveCmd) poll(ctx context.Context, h *serve.Handler, f *serve.Folder) {
	tick := time.NewTicker(c.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h.Update(ctx, f)
	}
}
