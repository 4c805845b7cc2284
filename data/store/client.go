package store

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet/internal/fetch"
)

// Errors that those of the package wrap.
var (
	// ErrNotFound says that there is no such bucket or object.
	ErrNotFound = errors.New("the store has no such object")
	// ErrDenied says that the store refuses the keys, or to be read without.
	ErrDenied = errors.New("the store refuses")
	// ErrChanged says that an object is no longer the one that was opened.
	ErrChanged = errors.New("the object has changed since it was opened")
	// ErrDamaged says that what came is not what the store states.
	ErrDamaged = errors.New("what came is damaged")
)

// object is what the store says of an object.
type object struct {
	address
	size int64
	tag  string // ETag as it came, or the time of the last change
	sums sums
}

// client sends requests to stores.
type client struct {
	http   *http.Client
	getenv func(string) string
	amazon *access
	google *access
	now    func() time.Time
}

// prepare reads the credentials that the addresses need.
func (c *client) prepare(addresses []address) error {
	for _, a := range addresses {
		target, read := &c.amazon, amazon
		switch {
		case a.scheme == "gs":
			target, read = &c.google, google
		case a.scheme != "s3":
			continue
		}
		if *target != nil {
			continue
		}
		found, err := read(c.getenv)
		if err != nil {
			return err
		}
		*target = &found
	}
	return nil
}

// request makes a request, signed if there are keys.
func (c *client) request(ctx context.Context, method string, a address, header http.Header) (*http.Request, error) {
	u, by := a.url, (*access)(nil)
	if u == nil {
		by = c.amazon
		if a.scheme == "gs" {
			by = c.google
		}
		var err error
		if u, err = by.locate(a); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrAddress, a)
	}
	req.URL = u
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("User-Agent", "mixnet")
	req.Header.Set("Accept-Encoding", "identity") // sizes and ranges are of the object as it is
	switch {
	case by == nil:
	case by.bearer != "":
		req.Header.Set("Authorization", "Bearer "+by.bearer)
	case by.keys.id != "":
		sign(req, by.keys, by.region, emptyHash, c.now())
	}
	return req, nil
}

// locate returns the URL of an object: with an endpoint of its own, or a bucket
// whose name is no host's, with the bucket in the path.
func (by *access) locate(a address) (*url.URL, error) {
	path := "/" + a.bucket + "/" + a.key
	base := &url.URL{Scheme: "https", Host: "s3." + by.region + ".amazonaws.com"}
	switch {
	case by.endpoint != "":
		endpoint := by.endpoint
		if !strings.Contains(endpoint, "://") {
			endpoint = "http://" + endpoint // as an emulator's
		}
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("%w: the endpoint of %s:// cannot be read: want http://HOST:PORT", ErrAddress, a.scheme)
		}
		base.Scheme, base.Host = u.Scheme, u.Host
		path = strings.TrimRight(u.Path, "/") + path
	case !strings.Contains(a.bucket, "."):
		base.Host, path = a.bucket+"."+base.Host, "/"+a.key
	}
	base.Path, base.RawPath = path, escape(path, true)
	return base, nil
}

const maxRedirects = 10

// do sends a request. Only plain https addresses are followed elsewhere: what is
// signed is for one host.
func (c *client) do(req *http.Request, a address) (*http.Response, error) {
	h := *c.http
	h.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		switch from := via[len(via)-1].URL; {
		case a.url == nil:
			return http.ErrUseLastResponse
		case len(via) >= maxRedirects:
			return fetch.Permanent(errors.New("redirects without end"))
		case from.Scheme == "https" && next.URL.Scheme != "https":
			return fetch.Permanent(errors.New("a redirect to a connection that is not encrypted"))
		}
		return nil
	}
	resp, err := h.Do(req)
	var bad *url.Error
	if errors.As(err, &bad) {
		err = bad.Err // without the address, which may hold a password
	}
	return resp, err
}

// stat asks for what an object is.
func (c *client) stat(ctx context.Context, a address) (object, error) {
	o := object{address: a}
	header := http.Header{}
	if a.scheme == "s3" {
		header.Set("X-Amz-Checksum-Mode", "ENABLED")
	}
	req, err := c.request(ctx, http.MethodHead, a, header)
	if err != nil {
		return o, fetch.Permanent(err)
	}
	resp, err := c.do(req, a)
	if err != nil {
		return o, err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return o, c.reason(ctx, a, resp)
	}
	o.size, o.tag, o.sums = resp.ContentLength, tagOf(resp), sumsOf(a.scheme == "s3", a.scheme == "s3" && c.amazon.endpoint == "", resp.Header)
	if o.size < 0 {
		return o, fetch.Permanent(errors.New("the server does not say how large the object is"))
	}
	return o, nil
}

// tagOf returns what tells one content of an object from another; "" if the
// server says nothing.
func tagOf(resp *http.Response) string {
	if tag := resp.Header.Get("ETag"); tag != "" {
		return tag
	}
	return resp.Header.Get("Last-Modified")
}

// reason asks again, for an answer to HEAD has no text that says why.
func (c *client) reason(ctx context.Context, a address, head *http.Response) error {
	req, err := c.request(ctx, http.MethodGet, a, http.Header{"Range": {"bytes=0-0"}})
	if err != nil {
		return fetch.Permanent(err)
	}
	resp, err := c.do(req, a)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 300 {
		resp = head
	}
	return c.refusal(a, resp)
}

// refusal says what an unwelcome answer means.
func (c *client) refusal(a address, resp *http.Response) error {
	var said struct{ Code, Message string }
	const most = 64 << 10
	if text, err := io.ReadAll(io.LimitReader(resp.Body, most)); err == nil {
		_ = xml.Unmarshal(text, &said)
	}
	what := resp.Status
	if said.Code != "" {
		what = fmt.Sprintf("%s, %s: %s", strconv.Itoa(resp.StatusCode), said.Code, said.Message)
	}
	region := resp.Header.Get("X-Amz-Bucket-Region")
	switch code := resp.StatusCode; {
	case region != "" && c.amazon != nil && region != c.amazon.region:
		return fetch.Permanent(fmt.Errorf("the bucket is in the region %s, and %s was asked: set AWS_REGION=%s", region, c.amazon.region, region))
	case code == http.StatusNotFound:
		return fetch.Permanent(fmt.Errorf("%w (%s)", ErrNotFound, what))
	case code == http.StatusForbidden, code == http.StatusUnauthorized:
		return fetch.Permanent(fmt.Errorf("%w (%s): %s", ErrDenied, what, c.credentialsHint(a)))
	case code == http.StatusPreconditionFailed:
		return fetch.Permanent(ErrChanged)
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return fmt.Errorf("the store answers %s", what)
	}
	return fetch.Permanent(fmt.Errorf("the store answers %s", what))
}

// credentialsHint says with what a request was signed.
func (c *client) credentialsHint(a address) string {
	by, names := c.amazon, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	switch {
	case a.url != nil:
		return "the address needs a signature or password that it does not have"
	case a.scheme == "gs":
		by, names = c.google, "GOOGLE_OAUTH_ACCESS_TOKEN, or GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY"
	}
	switch {
	case by.bearer != "":
		return "a token was sent, which may have run out"
	case by.keys.id == "":
		return "it was asked without keys: set " + names
	}
	return "the request was signed with the key " + by.keys.id
}
