package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever AWS's files hold, there are both keys, none, or an error that says
// what is wrong with the credentials.
func FuzzProfile(f *testing.F) {
	f.Add("[default]\naws_access_key_id = A\naws_secret_access_key=B\n", "[default]\nregion=eu-west-1\n[profile work]\nsso_session=x\n", "")
	f.Add("[work]\naws_access_key_id=C\n", "[profile  work]\ns3 =\n  addressing_style = path\nendpoint_url = http://localhost:9000\n", "work")
	f.Add("[\n=\n]\n;\n#[default]\n\taws_access_key_id", "\ufeff[default]\r\nrole_arn=\r\n", "default")
	f.Fuzz(func(t *testing.T, credentials, config, profile string) {
		dir := t.TempDir()
		for name, text := range map[string]string{"credentials": credentials, "config": config} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		a, err := amazon(func(name string) string {
			return map[string]string{
				"AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "credentials"), "AWS_CONFIG_FILE": filepath.Join(dir, "config"),
				"AWS_PROFILE": profile, "HOME": dir,
			}[name]
		})
		switch {
		case err != nil && !errors.Is(err, ErrCredentials):
			t.Fatalf("%v is no %v", err, ErrCredentials)
		case err == nil && (a.keys.id == "") != (a.keys.secret == ""):
			t.Fatalf("one key of two: %+v", a)
		case err == nil && a.region == "":
			t.Fatal("no region")
		}
		for _, v := range []string{a.keys.id, a.keys.secret, a.keys.token, a.region, a.endpoint} {
			if v != strings.TrimSpace(v) || strings.Contains(v, "\n") {
				t.Fatalf("%q is not one value", v)
			}
		}
	})
}
