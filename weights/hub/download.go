package hub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/mixnet-go/mixnet/internal/atomicfile"
	"github.com/mixnet-go/mixnet/internal/fetch"
	"github.com/mixnet-go/mixnet/internal/filelock"
	"github.com/mixnet-go/mixnet/weights"
)

const (
	maxSize  = 16 << 30 // bytes of a file: more than any weights the networks have
	maxTries = 5        // in a row that bring the download no further
	maxDials = 2        // of them where the hub cannot even be reached
)

// record is what is kept of a file beside it, as JSON.
type record struct {
	URL      string `json:"url"`                // without a password
	Size     int64  `json:"size"`               // -1 if the hub did not say
	SHA256   string `json:"sha256,omitempty"`   // hexadecimal, small letters; empty if the hub did not say
	Tag      string `json:"etag,omitempty"`     // identifies the content
	Commit   string `json:"commit,omitempty"`   // of the repository
	Compared int64  `json:"compared,omitempty"` // time of the file's last change when its SHA-256 was compared, in nanoseconds
}

func recordPath(path string) string { return path + ".json" }

func readRecord(path string) (record, error) {
	var r record
	data, err := os.ReadFile(recordPath(path))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	return r, err
}

func writeRecord(path string, r record) error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(recordPath(path), data)
}

// download fetches url to path. The bytes gather in PATH.part, beside a record
// of what they are the beginning of.
func (c *Client) download(ctx context.Context, url, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	lock, err := filelock.Wait(ctx, path+".lock")
	if err != nil {
		return fmt.Errorf("waiting for another process to finish the download: %w", err)
	}
	defer lock.Release()
	if ok, err := complete(path); ok || err != nil { // another process was faster
		return err
	}
	var r record
	if err := c.retry(ctx, func(context.Context) (_ bool, err error) {
		r, err = c.stat(ctx, url)
		return false, err
	}); err != nil {
		return err
	}
	part, err := c.openPart(path+".part", r)
	if err != nil {
		return err
	}
	defer part.file.Close()
	err = c.retry(ctx, func(ctx context.Context) (bool, error) { return c.fetch(ctx, url, part) })
	if err != nil {
		return err
	}
	return part.finish(path)
}

// retry runs f until it succeeds, fails for good, or has failed several times
// in a row without getting any further.
func (c *Client) retry(ctx context.Context, f func(context.Context) (further bool, err error)) error {
	r := fetch.Retry{Tries: maxTries, Dials: maxDials, Delay: cmp.Or(c.retryDelay, 500*time.Millisecond), Waiting: c.Waiting}
	return r.Do(ctx, f)
}

func (c *Client) httpClient() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return fetch.Client()
}

// part is a download in progress.
type part struct {
	record record
	file   *os.File
	size   int64
	most   int64 // that size ever was, restarts included
	sum    hash.Hash
}

// openPart opens the beginning of a file, or starts one if there is none or
// it is of another content.
func (c *Client) openPart(path string, r record) (*part, error) {
	old, err := readRecord(path)
	if err != nil || r.Tag == "" || old.Tag != r.Tag || old.Size != r.Size || old.URL != r.URL {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if err := writeRecord(path, r); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	p := &part{record: r, file: f, sum: sha256.New()}
	p.size, err = io.Copy(p.sum, f)
	p.most = p.size
	if err == nil && r.Size >= 0 && p.size > r.Size {
		err = p.restart()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

// restart throws away what was received.
func (p *part) restart() error {
	p.size = 0
	p.sum.Reset()
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	_, err := p.file.Seek(0, io.SeekStart)
	return err
}

// Write appends received bytes.
func (p *part) Write(b []byte) (int, error) {
	if p.record.Size >= 0 && int64(len(b)) > p.record.Size-p.size || p.size+int64(len(b)) > maxSize {
		return 0, fetch.Permanent(fmt.Errorf("%w: more than %d bytes came", ErrDamaged, p.record.Size))
	}
	n, err := p.file.Write(b)
	p.size += int64(n)
	p.most = max(p.most, p.size)
	p.sum.Write(b[:n])
	return n, fetch.Permanent(err)
}

// check compares size and checksum with what the hub stated.
func (p *part) check() error {
	if p.record.Size >= 0 && p.size != p.record.Size {
		return fmt.Errorf("the connection ended after %d of %d bytes", p.size, p.record.Size)
	}
	if sum := hex.EncodeToString(p.sum.Sum(nil)); p.record.SHA256 != "" && sum != p.record.SHA256 {
		return fmt.Errorf("%w: its SHA-256 is %s, the hub's %s", ErrDamaged, sum, p.record.SHA256)
	}
	return nil
}

// finish moves a complete download to its place.
func (p *part) finish(path string) error {
	if err := p.file.Sync(); err != nil {
		return err
	}
	name := p.file.Name()
	if err := p.file.Close(); err != nil {
		return err
	}
	f, err := weights.Open(name)
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrDamaged, err), p.discard())
	}
	if err := f.Close(); err != nil {
		return err
	}
	if info, err := os.Stat(name); err == nil {
		p.record.Compared = info.ModTime().UnixNano()
	}
	if err := writeRecord(path, p.record); err != nil {
		return err
	}
	if err := os.Rename(name, path); err != nil {
		return err
	}
	return os.Remove(recordPath(name))
}

// discard removes a download that is no use.
func (p *part) discard() error {
	_ = p.file.Close()
	return errors.Join(os.Remove(p.file.Name()), os.Remove(recordPath(p.file.Name())))
}
