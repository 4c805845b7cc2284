package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/mixnet-go/mixnet/internal/fetch"
	"github.com/mixnet-go/mixnet/internal/filelock"
)

// How long a store that does not answer is waited for: some two minutes.
const (
	maxTries   = 10
	firstDelay = 500 * time.Millisecond
	longest    = 30 * time.Second
)

// downloader brings objects into a cache.
type downloader struct {
	client
	cache
	retry    fetch.Retry
	patience time.Duration
}

// bring returns the open file of an object, which is fetched if the cache does
// not have it. Of several processes that want it, one fetches.
func (d *downloader) bring(ctx context.Context, o *object) (*os.File, error) {
	path := d.path(o.address)
	if f, err := d.complete(path, o); f != nil || err != nil {
		return f, err
	}
	lock, err := filelock.Wait(ctx, path+lockSuffix)
	if err != nil {
		return nil, fmt.Errorf("waiting for another process to fetch %s: %w", o.address, err)
	}
	defer lock.Release()
	if f, err := d.complete(path, o); f != nil || err != nil {
		return f, err
	}
	if err := d.retry.Do(ctx, func(ctx context.Context) (bool, error) { return d.attempt(ctx, path, o) }); err != nil {
		return nil, fmt.Errorf("%s: %w", o.address, err)
	}
	f, err := d.complete(path, o)
	if f == nil && err == nil {
		err = fmt.Errorf("%s: %w: thrown out before it was read: let the cache %s hold more", o.address, ErrFull, d.dir)
	}
	return f, err
}

// attempt fetches what of an object is not here yet, and reports whether it got
// any further.
func (d *downloader) attempt(ctx context.Context, path string, o *object) (further bool, err error) {
	further, err = d.advance(ctx, path, o)
	switch {
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrChanged):
		return false, fetch.Permanent(errors.Join(err, removeAll(path+partSuffix, path+recordSuffix)))
	case errors.Is(err, syscall.ENOSPC):
		if d.freeUp(ctx, path) {
			return true, err
		}
		_ = removeAll(path+partSuffix, path+recordSuffix)
		return false, fetch.Permanent(fmt.Errorf("%w: the disk has no room left for the %d bytes that the cache %s may hold: let it hold less, or keep it elsewhere: %w", ErrFull, d.max, d.dir, err))
	}
	return further, err
}

// advance is attempt without what follows from some errors.
func (d *downloader) advance(ctx context.Context, path string, o *object) (further bool, err error) {
	r := record{Address: o.String(), Size: o.size, Tag: o.tag}
	if old, err := readRecord(path); err != nil || o.tag == "" || old.Tag != o.tag || old.Size != o.size {
		if err := removeAll(path, path+partSuffix); err != nil {
			return false, fetch.Permanent(err)
		}
	}
	if err := d.reserve(ctx, path, r); err != nil {
		if !errors.Is(err, errBusy) {
			err = final(err)
		}
		return false, err
	}
	p, err := openPart(path+partSuffix, o)
	if err != nil {
		return false, final(err)
	}
	defer p.file.Close()
	before := p.size
	if err = d.receive(ctx, p); err == nil {
		if r.SHA256, err = p.check(); err == nil {
			return true, final(p.finish(path, r))
		}
	}
	return p.size > before, err
}

// final marks an error of the disk as one that trying again does not help
// against, unless making room may.
func final(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return fetch.Permanent(err)
}

func removeAll(paths ...string) error {
	var all error
	for _, p := range paths {
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// receive makes one request for what is missing and copies its body.
func (d *downloader) receive(ctx context.Context, p *part) error {
	if p.size == p.object.size {
		return nil
	}
	ctx, dog := fetch.Watch(ctx, d.patience)
	defer dog.Stop()
	header := http.Header{}
	if p.size > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", p.size))
	}
	if strings.HasPrefix(p.object.tag, `"`) {
		header.Set("If-Match", p.object.tag)
	}
	req, err := d.request(ctx, http.MethodGet, p.object.address, header)
	if err != nil {
		return fetch.Permanent(err)
	}
	resp, err := d.do(req, p.object.address)
	if err != nil {
		return dog.Cause(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode != http.StatusPartialContent && resp.StatusCode != http.StatusOK:
		if resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			return fmt.Errorf("%w: it is shorter than its %d bytes", ErrChanged, p.object.size)
		}
		return d.refusal(p.object.address, resp)
	case tagOf(resp) != p.object.tag:
		return fmt.Errorf("%w: its ETag is %s, it was %s", ErrChanged, tagOf(resp), p.object.tag)
	case resp.StatusCode == http.StatusOK:
		err = p.restart() // the server sends the object from its beginning
	case !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", p.size)):
		return errors.Join(errors.New("the server sends another part of the object"), p.restart())
	}
	if err != nil {
		return fetch.Permanent(err)
	}
	_, err = io.Copy(p, alive{resp.Body, dog})
	if err == nil && p.size < p.object.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && p.size < p.object.size {
		err = fmt.Errorf("the connection ended after %d of %d bytes: %w", p.size, p.object.size, err)
	}
	return dog.Cause(err)
}

// alive tells a watchdog of what comes.
type alive struct {
	io.Reader
	dog *fetch.Watchdog
}

func (a alive) Read(b []byte) (int, error) {
	n, err := a.Reader.Read(b)
	if n > 0 {
		a.dog.Alive()
	}
	return n, err
}

// part is an object's beginning.
type part struct {
	object *object
	file   *os.File
	size   int64
	*summing
}

// openPart opens what was fetched before, or starts anew.
func openPart(path string, o *object) (*part, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	p := &part{object: o, file: f, summing: newSumming(o.sums)}
	p.size, err = io.Copy(p.summing, f)
	if err == nil && p.size > o.size {
		err = p.restart()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

// restart throws away what was received.
func (p *part) restart() error {
	p.size, p.summing = 0, newSumming(p.object.sums)
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err := p.file.Seek(0, io.SeekStart)
	return err
}

// Write appends received bytes.
func (p *part) Write(b []byte) (int, error) {
	if int64(len(b)) > p.object.size-p.size {
		return 0, fmt.Errorf("%w: more than its %d bytes came", ErrChanged, p.object.size)
	}
	n, err := p.file.Write(b)
	p.size += int64(n)
	_, _ = p.summing.Write(b[:n])
	return n, final(err)
}

// finish moves a complete object to its place.
func (p *part) finish(path string, r record) error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	r.Modified = info.ModTime().UnixNano()
	if err := p.file.Close(); err != nil {
		return err
	}
	if err := writeRecord(path, r); err != nil {
		return err
	}
	return os.Rename(path+partSuffix, path)
}
