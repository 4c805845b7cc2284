package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/internal/fetch"
)

const maxRedirects = 10

var sha256Tag = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

// stat asks the hub for the size and the SHA-256 of a file. For large files
// the hub answers with a redirection to another host and states both itself,
// in headers of its own; that host's headers need not have them.
func (c *Client) stat(ctx context.Context, address string) (record, error) {
	client := *c.httpClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	at := address
	for range maxRedirects {
		req, err := newRequest(ctx, http.MethodHead, at)
		if err != nil {
			return record{}, fetch.Permanent(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return record{}, err
		}
		_ = resp.Body.Close()
		moved := resp.StatusCode >= 300 && resp.StatusCode < 400
		if !moved && resp.StatusCode != http.StatusOK {
			return record{}, statusError(resp)
		}
		if moved && resp.Header.Get("X-Linked-Etag") == "" {
			next, err := redirection(req.URL, resp)
			if err != nil {
				return record{}, fetch.Permanent(err)
			}
			at = next
			continue
		}
		return recordOf(address, resp)
	}
	return record{}, fetch.Permanent(errors.New("the hub redirects without end"))
}

func recordOf(address string, resp *http.Response) (record, error) {
	h := resp.Header
	r := record{URL: redacted(address), Size: resp.ContentLength, Commit: h.Get("X-Repo-Commit")}
	tag := h.Get("ETag")
	if linked := h.Get("X-Linked-Etag"); linked != "" {
		tag = linked
		r.Size = -1
	}
	if s := h.Get("X-Linked-Size"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 {
			return record{}, fetch.Permanent(fmt.Errorf("the hub states the size %q", s))
		}
		r.Size = n
	}
	if r.Size > maxSize {
		return record{}, fetch.Permanent(fmt.Errorf("the file has %d bytes, more than is allowed (%d)", r.Size, int64(maxSize)))
	}
	r.Tag = strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
	if sha256Tag.MatchString(r.Tag) {
		r.SHA256 = strings.ToLower(r.Tag)
	}
	return r, nil
}

// redacted returns an address without the password in it.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the hub's address, which cannot be read"
	}
	return u.Redacted()
}

// redirection returns where a response sends the client. It does not go from
// an encrypted connection to a plain one.
func redirection(from *url.URL, resp *http.Response) (string, error) {
	to, err := resp.Location()
	if err != nil {
		return "", fmt.Errorf("the hub redirects nowhere: %w", err)
	}
	if from.Scheme == "https" && to.Scheme != "https" {
		return "", fmt.Errorf("the hub redirects to %s, which is not encrypted", to.Redacted())
	}
	return to.String(), nil
}

func newRequest(ctx context.Context, method, address string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		var bad *url.Error
		if errors.As(err, &bad) {
			err = bad.Err // without the address, which may hold a password
		}
		return nil, fmt.Errorf("the hub's address: %w", err)
	}
	if req.URL.Scheme != "https" && req.URL.Scheme != "http" {
		return nil, fmt.Errorf("the hub's address %q is not one of http or https", req.URL.Redacted())
	}
	req.Header.Set("User-Agent", "mixnet")
	req.Header.Set("Accept-Encoding", "identity") // sizes and ranges are of the plain file
	return req, nil
}

// statusError says what an unwelcome status means.
func statusError(resp *http.Response) error {
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound, code == http.StatusUnauthorized, code == http.StatusForbidden:
		// The hub answers 401 for repositories that do not exist.
		return fetch.Permanent(fmt.Errorf("%w (status %s)", ErrNotFound, resp.Status))
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return fmt.Errorf("the hub answers %s", resp.Status)
	default:
		return fetch.Permanent(fmt.Errorf("the hub answers %s", resp.Status))
	}
}

// fetch downloads what part lacks, and reports whether it got any further.
func (c *Client) fetch(ctx context.Context, address string, p *part) (further bool, err error) {
	before := p.most
	if p.record.Size < 0 || p.size < p.record.Size {
		err = c.receive(ctx, address, p)
	}
	if err == nil {
		err = p.check()
	}
	if errors.Is(err, ErrDamaged) {
		err = fetch.Permanent(errors.Join(err, p.discard()))
	}
	return p.most > before, err
}

// receive makes one request and copies its body.
func (c *Client) receive(ctx context.Context, address string, p *part) error {
	ctx, dog := fetch.Watch(ctx, c.Patience)
	defer dog.Stop()

	req, err := newRequest(ctx, http.MethodGet, address)
	if err != nil {
		return fetch.Permanent(err)
	}
	if p.size > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
	}
	client := *c.httpClient()
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) >= maxRedirects {
			return fetch.Permanent(errors.New("the hub redirects without end"))
		}
		_, err := redirection(via[len(via)-1].URL, req.Response)
		return fetch.Permanent(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return dog.Cause(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusPartialContent && startsAt(resp, p.size):
	case resp.StatusCode == http.StatusOK:
		err = p.restart() // the server sends the file from its beginning
	case resp.StatusCode == http.StatusPartialContent, resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return errors.Join(errors.New("the server sends another part of the file"), p.restart())
	default:
		return statusError(resp)
	}
	if err != nil {
		return fetch.Permanent(err)
	}
	return dog.Cause(c.copy(p, resp.Body, dog.Alive))
}

// startsAt reports whether a partial response begins at offset.
func startsAt(resp *http.Response, offset int64) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset))
}

// copy copies a body to part, reporting progress and calling alive whenever
// something came.
func (c *Client) copy(p *part, body io.Reader, alive func()) error {
	buf := make([]byte, 256<<10)
	var reported time.Time
	for {
		n, err := body.Read(buf)
		if n > 0 {
			alive()
			if _, err := p.Write(buf[:n]); err != nil {
				return err
			}
		}
		done := err == io.EOF
		if c.Progress != nil && (done || time.Since(reported) > 100*time.Millisecond) {
			reported = time.Now()
			c.Progress(p.size, p.record.Size)
		}
		if done {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
