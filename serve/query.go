package serve

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mixnet-go/mixnet"
)

// query is that of an address that takes a picture.
type query struct {
	model   string
	timeout time.Duration
	input   bool // return the network's input

	top     int  // classes to name
	explain bool // return a map of the first

	objects mixnet.DetectOptions
}

// reader reads the value of a key.
type reader func(q *query, text string) error

// common are the keys of every such address.
var common = map[string]reader{
	"model": func(q *query, text string) error { q.model = text; return nil },
	"input": func(q *query, text string) (err error) { q.input, err = yes(text); return err },
	"timeout": func(q *query, text string) (err error) {
		if q.timeout, err = time.ParseDuration(text); err != nil || q.timeout <= 0 {
			err = wanted("a time such as 500ms")
		}
		return err
	},
}

// with returns the keys of an address, the common ones among them.
func with(own map[string]reader) map[string]reader {
	maps.Copy(own, common)
	return own
}

type wanted string

func (w wanted) Error() string { return "want " + string(w) }

func yes(text string) (bool, error) {
	v, err := strconv.ParseBool(text)
	if err != nil {
		err = wanted("1 or 0")
	}
	return v, err
}

func atLeast1(text, what string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		err = wanted("a number of " + what + ", at least 1")
	}
	return n, err
}

func fraction(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 && v < 1) {
		err = wanted("a number between 0 and 1")
	}
	return v, err
}

// parseQuery reads a query that may have some keys, each once except class.
func parseQuery(values url.Values, keys map[string]reader) (*query, error) {
	q := &query{top: 5}
	for key, texts := range values {
		read := keys[key]
		if read == nil {
			return q, failf(http.StatusBadRequest, "%q is none of %s", key, strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
		}
		if len(texts) > 1 && key != "class" {
			return q, failf(http.StatusBadRequest, "%s is given %d times", key, len(texts))
		}
		for _, text := range texts {
			if err := read(q, text); err != nil {
				return q, &statusError{http.StatusBadRequest, fmt.Errorf("%s=%q: %w", key, text, err)}
			}
		}
	}
	return q, nil
}
