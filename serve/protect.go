package serve

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// visit is what is known of a request while it is answered.
type visit struct {
	id, trace string // X-Request-Id, and the trace of traceparent
	route     string
	model     string
	pictures  int
	times     times
	err       error
	status    int
}

type visitKey struct{}

func visitOf(r *http.Request) *visit {
	if v, ok := r.Context().Value(visitKey{}).(*visit); ok {
		return v
	}
	return new(visit)
}

var (
	requestID   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$`)
)

// protect gives each request an identity, refuses those that a browser was
// tricked into sending, and logs and counts all.
func (h *Handler) protect(next http.Handler) http.Handler {
	sameSite := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		v := &visit{id: r.Header.Get("X-Request-Id"), route: "none"}
		if !requestID.MatchString(v.id) {
			v.id = rand.Text()
		}
		w.Header().Set("X-Request-Id", v.id)
		if t := r.Header.Get("Traceparent"); traceparent.MatchString(t) {
			v.trace = traceparent.FindStringSubmatch(t)[1]
			w.Header().Set("Traceparent", t)
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !h.ready() {
			// The client leaves the connection, before the server's end could cut
			// off a request that is on its way.
			w.Header().Set("Connection", "close")
		}
		noted := &statusWriter{ResponseWriter: w, visit: v}
		h.expect(w, r)
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		switch err := sameSite.Check(r); {
		case !h.hostAllowed(r):
			h.fail(noted, r, failf(http.StatusMisdirectedRequest, "this server is not called %q: start it with that name among its hosts", r.Host))
		case err != nil:
			h.fail(noted, r, failf(http.StatusForbidden, "%w", err))
		default:
			next.ServeHTTP(noted, r)
		}
		h.counters.answered(v.route, v.status)
		h.log(r, v, time.Since(start))
	})
}

// log writes the line of a request: of those that only ask how the server is,
// at a lower level.
func (h *Handler) log(r *http.Request, v *visit, took time.Duration) {
	level := slog.LevelInfo
	if v.status >= 500 && v.status != http.StatusServiceUnavailable {
		level = slog.LevelError
	} else if v.pictures == 0 && v.err == nil && r.Method == http.MethodGet {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("id", v.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", v.status), slog.Float64("seconds", took.Seconds()), slog.String("client", r.RemoteAddr),
	}
	if v.trace != "" {
		attrs = append(attrs, slog.String("trace", v.trace))
	}
	if v.model != "" {
		attrs = append(attrs, slog.String("model", v.model), slog.Int("pictures", v.pictures))
	}
	if v.err != nil {
		attrs = append(attrs, slog.String("error", v.err.Error()))
	}
	h.options.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	visit *visit
}

func (w *statusWriter) WriteHeader(status int) {
	if w.visit.status == 0 {
		w.visit.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.visit.status == 0 {
		w.visit.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// hostAllowed reports whether a request that came over loopback names this
// machine. One that names another host is sent by a page of that host, whose
// name was made to point here.
func (h *Handler) hostAllowed(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return true
	}
	if tcp, ok := local.(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return true
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || slices.Contains(h.options.Hosts, host)
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(h.options.Hosts, host)
}

// authorized asks for the token.
func (h *Handler) authorized(next http.HandlerFunc) http.HandlerFunc {
	if h.options.Token == "" {
		return next
	}
	want := sha256.Sum256([]byte(h.options.Token))
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(token))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			h.fail(w, r, &statusError{http.StatusUnauthorized, errors.New("no valid token: send the header Authorization: Bearer TOKEN")})
			return
		}
		next(w, r)
	}
}

var errNoLeave = failf(http.StatusForbidden, "models are not loaded and unloaded by clients here: the server was started without leave")

// changing refuses what changes the server unless that is allowed.
func (h *Handler) changing(next http.HandlerFunc) http.HandlerFunc {
	if h.options.AllowLoad {
		return next
	}
	return func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, errNoLeave)
	}
}
