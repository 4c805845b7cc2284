package store

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
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

// Patterns stand for what a shell makes of them.
func TestExpand(t *testing.T) {
	for pattern, want := range map[string]string{
		"a.tar":                  "a.tar",
		"x-{08..11}.tar":         "x-08.tar x-09.tar x-10.tar x-11.tar",
		"x-{8..11}.tar":          "x-8.tar x-9.tar x-10.tar x-11.tar",
		"{train,val}-{0..1}.tar": "train-0.tar train-1.tar val-0.tar val-1.tar",
	} {
		if got, err := Expand(pattern); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v; want %s", pattern, got, err, want)
		}
	}
	for _, pattern := range []string{"{", "}", "{a}", "{1..}", "{2..1}", "{001..10}", "{0..9999999}", "{a,{b,c}}", "{0..1023}{0..1023}{0..1}"} {
		if got, err := Expand(pattern); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %d names, %v", pattern, len(got), err)
		}
	}
}

// Keys come from the environment, else from AWS's files.
func TestCredentials(t *testing.T) {
	home := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(home, ".aws", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("credentials", "# keys\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n[work]\naws_access_key_id=C\naws_secret_access_key=D\naws_session_token=E\n")
	write("config", "[default]\nregion = eu-west-1\n[profile work]\nregion=us-west-2\nendpoint_url = http://here:1\ns3 =\n  region = nowhere\n[profile sso]\nsso_session = s\n")
	for _, c := range []struct {
		env  map[string]string
		want access
		err  string
	}{
		{nil, access{region: "eu-west-1", keys: keys{"A", "B", ""}}, ""},
		{map[string]string{"AWS_PROFILE": "work"}, access{endpoint: "http://here:1", region: "us-west-2", keys: keys{"C", "D", "E"}}, ""},
		{map[string]string{"AWS_ACCESS_KEY_ID": "X", "AWS_SECRET_ACCESS_KEY": "Y", "AWS_REGION": "r", "AWS_ENDPOINT_URL": "http://e"}, access{endpoint: "http://e", region: "r", keys: keys{"X", "Y", ""}}, ""},
		{map[string]string{"AWS_PROFILE": "sso"}, access{}, "export-credentials"},
		{map[string]string{"AWS_PROFILE": "none"}, access{}, `"none"`},
		{map[string]string{"AWS_ACCESS_KEY_ID": "X"}, access{}, "only one is set"},
	} {
		got, err := amazon(func(name string) string {
			if name == "HOME" {
				return home
			}
			return c.env[name]
		})
		if c.err == "" && (err != nil || got != c.want) || c.err != "" && (!errors.Is(err, ErrCredentials) || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%v: %+v, %v; want %+v, %q", c.env, got, err, c.want, c.err)
		}
	}
}

// Patterns from anywhere make no panic, and no more names than they may.
func FuzzExpand(f *testing.F) {
	f.Add("s3://b/train-{0000..0003}.tar")
	f.Add("{a,b}{1..2}")
	f.Fuzz(func(t *testing.T, pattern string) {
		names, err := Expand(pattern)
		if err != nil {
			return
		}
		if len(names) == 0 || len(names) > maxNames {
			t.Error(len(names))
		}
		_, _ = parse(names[0])
	})
}
