package store

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrCredentials says that what is set to sign requests with cannot be used.
var ErrCredentials = errors.New("credentials")

// access is how a kind of store is reached.
type access struct {
	endpoint string // "" means the public one
	region   string
	keys     keys   // no id: requests are not signed
	bearer   string // sent in place of a signature
}

// amazon returns what the environment and the files of AWS's own tools say:
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION,
// AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_PROFILE and the files below ~/.aws.
// Without keys, requests are anonymous.
func amazon(getenv func(string) string) (access, error) {
	profile, err := readProfile(getenv)
	if err != nil {
		return access{}, err
	}
	a := access{
		endpoint: cmp.Or(getenv("AWS_ENDPOINT_URL_S3"), getenv("AWS_ENDPOINT_URL"), profile["endpoint_url"]),
		region:   cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"), profile["region"], "us-east-1"),
		keys:     keys{getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")},
	}
	if a.keys.id == "" && a.keys.secret == "" {
		a.keys = keys{profile["aws_access_key_id"], profile["aws_secret_access_key"], profile["aws_session_token"]}
	}
	if (a.keys.id == "") != (a.keys.secret == "") {
		return a, fmt.Errorf("%w: of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set", ErrCredentials)
	}
	if a.keys.id == "" {
		for _, key := range []string{"credential_process", "sso_session", "sso_start_url", "role_arn"} {
			if profile[key] != "" {
				return a, fmt.Errorf("%w: the AWS profile gets its keys by %s, which is not done here: set the variables that `aws configure export-credentials --format env` prints", ErrCredentials, key)
			}
		}
	}
	return a, nil
}

// google returns what the environment says of Google Cloud Storage: a token in
// GOOGLE_OAUTH_ACCESS_TOKEN or CLOUDSDK_AUTH_ACCESS_TOKEN, or an HMAC key in
// GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY. Without either, requests are
// anonymous.
func google(getenv func(string) string) (access, error) {
	a := access{
		endpoint: cmp.Or(getenv("STORAGE_EMULATOR_HOST"), "https://storage.googleapis.com"), region: "auto",
		keys:   keys{id: getenv("GS_ACCESS_KEY_ID"), secret: getenv("GS_SECRET_ACCESS_KEY")},
		bearer: cmp.Or(getenv("GOOGLE_OAUTH_ACCESS_TOKEN"), getenv("CLOUDSDK_AUTH_ACCESS_TOKEN")),
	}
	if (a.keys.id == "") != (a.keys.secret == "") {
		return a, fmt.Errorf("%w: of GS_ACCESS_KEY_ID and GS_SECRET_ACCESS_KEY only one is set", ErrCredentials)
	}
	return a, nil
}

// readProfile returns the settings of the profile of AWS_PROFILE, in the files
// credentials and config; those of the first win.
func readProfile(getenv func(string) string) (map[string]string, error) {
	home := getenv("HOME")
	if home == "" {
		home, _ = os.UserHomeDir()
	}
	name := cmp.Or(getenv("AWS_PROFILE"), "default")
	config := "profile " + name
	if name == "default" {
		config = name
	}
	all := map[string]string{}
	found := false
	for _, f := range []struct{ path, section string }{
		{cmp.Or(getenv("AWS_CONFIG_FILE"), filepath.Join(home, ".aws", "config")), config},
		{cmp.Or(getenv("AWS_SHARED_CREDENTIALS_FILE"), filepath.Join(home, ".aws", "credentials")), name},
	} {
		section, err := readSection(f.path, f.section)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", ErrCredentials, err)
		}
		found = found || section != nil
		for k, v := range section {
			all[k] = v
		}
	}
	if !found && getenv("AWS_PROFILE") != "" {
		return nil, fmt.Errorf("%w: no file of AWS has the profile %q of AWS_PROFILE", ErrCredentials, name)
	}
	return all, nil
}

// readSection returns the settings of a section of an INI file; nil if there is
// none. Indented lines, which are settings of a setting, are left out.
func readSection(path, section string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found map[string]string
	within := false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		text := strings.TrimSpace(line)
		switch {
		case text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";"):
		case strings.HasPrefix(text, "["):
			name, _, _ := strings.Cut(text[1:], "]")
			if within = strings.Join(strings.Fields(name), " ") == section; within && found == nil {
				found = map[string]string{}
			}
		case within && line[0] != ' ' && line[0] != '\t':
			key, value, _ := strings.Cut(text, "=")
			found[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return found, nil
}
