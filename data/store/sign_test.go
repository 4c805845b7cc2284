package store

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The examples of "Authenticating Requests: Using the Authorization Header" in
// the reference of Amazon S3's API.
func TestSignPublishedExamples(t *testing.T) {
	k := keys{id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	now := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		method, url, hash string
		header            map[string]string
		want              string
	}{
		{"GET", "/test.txt", emptyHash, map[string]string{"Range": "bytes=0-9"}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		{
			"PUT", "/test%24file.text", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			map[string]string{"Date": "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY"},
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		},
		{"GET", "/?lifecycle", emptyHash, nil, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
		{"GET", "/?max-keys=2&prefix=J", emptyHash, nil, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		req, err := http.NewRequest(c.method, "https://examplebucket.s3.amazonaws.com"+c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range c.header {
			req.Header.Set(name, v)
		}
		sign(req, k, "us-east-1", c.hash, now)
		if got := req.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+c.want) || !strings.Contains(got, "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,") {
			t.Errorf("%s %s: %s, want the signature %s", c.method, c.url, got, c.want)
		}
	}
}

// A path is escaped as AWS's UriEncode does.
func TestEscape(t *testing.T) {
	if got := escape("a b/ü+~%.tar", true); got != "a%20b/%C3%BC%2B~%25.tar" {
		t.Error(got)
	}
}
