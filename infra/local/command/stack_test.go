package command

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const stackKeys = `{"project":"default","token":"AWSTOKEN","keys":{"read":"AWSREAD","pii":"AWSPII","erase":"AWSERASE"}}`

// folderOfKeys is a data folder as `make deploy` leaves it.
func folderOfKeys(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestCommandsAskAStack holds that a stack's name alone finds its address, and the key
// that the command needs.
func TestCommandsAskAStack(t *testing.T) {
	dir := folderOfKeys(t, "aws-shop.credentials.json", stackKeys)
	for _, c := range []struct {
		make func(Connector, tools) *cobra.Command
		args []string
		path string
		key  string
	}{
		{newSQL, []string{"select 1"}, "/api/sql", "AWSREAD"},
		{newSchema, nil, "/api/schema", "AWSREAD"},
		{newProfile, []string{"user-1", "--pii"}, "/api/profiles/user-1", "AWSPII"},
		{newJourney, []string{"user-1"}, "/api/profiles/user-1/events", "AWSREAD"},
		{newProfiles, nil, "/api/profiles", "AWSREAD"},
		{newExport, []string{"user-1"}, "/api/profiles/user-1/export", "AWSERASE"},
		{newErase, []string{"user-1", "--yes"}, "/api/profiles/user-1", "AWSERASE"},
		{newSeed, []string{"--events", "1"}, "", ""},
	} {
		asked := false
		f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			if asked = true; c.path != "" && r.URL.Path != c.path {
				t.Errorf("asked %s, want %s", r.URL.Path, c.path)
			}
			if got := r.Header.Get("Authorization"); c.key != "" && got != "Bearer "+c.key {
				t.Errorf("%s: authorised with %q, want the key %s", c.path, got, c.key)
			}
			w.WriteHeader(http.StatusTeapot) // what is answered is another test's
		})
		f.found = &Deployment{URL: f.server.URL}
		_, stderr, _ := f.run(c.make, append(c.args, "--aws", "shop", "--region", "eu-north-1", "--profile", "work", "--data", dir)...)
		if !asked || f.stack != (Stack{"shop", "eu-north-1", "work"}) {
			t.Errorf("%q: the stack %+v was looked for; asked: %t; %s", c.args, f.stack, asked, stderr)
		}
	}
}

// TestKeysOfAStack holds which key is used, and that a missing one is told.
func TestKeysOfAStack(t *testing.T) {
	whole := folderOfKeys(t, "aws-shop.credentials.json", stackKeys)
	for _, c := range []struct {
		args []string
		key  string
		code int
		says string
	}{
		{[]string{"--data", whole}, "AWSREAD", 0, ""},
		{[]string{"--data", whole, "--key", "MINE"}, "MINE", 0, ""},
		{[]string{"--data", t.TempDir(), "--key", "MINE"}, "MINE", 0, ""},
		{[]string{"--data", t.TempDir()}, "", exitFailed, "aws-shop.credentials.json, into which the first `make deploy`"},
		{[]string{"--data", folderOfKeys(t, "aws-shop.credentials.json", `{"token":""}`)}, "", exitFailed, "does not hold a token and keys"},
		{[]string{"--data", folderOfKeys(t, "aws-other.credentials.json", stackKeys)}, "", exitFailed, "there is no"},
	} {
		asked := ""
		f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			asked = r.Header.Get("Authorization")
			_, _ = w.Write([]byte(sqlAnswer))
		})
		f.found = &Deployment{URL: f.server.URL}
		_, stderr, code := f.run(newSQL, append(c.args, "select 1", "--aws", "shop")...)
		if code != c.code || strings.TrimPrefix(asked, "Bearer ") != c.key || !strings.Contains(stderr, c.says) {
			t.Errorf("%q: exit code %d, key %q, said %q", c.args, code, asked, stderr)
		}
	}
}

// TestStackFlagsThatCannotBeMeant holds what is refused before anybody is asked.
func TestStackFlagsThatCannotBeMeant(t *testing.T) {
	f := newFake(t, func(http.ResponseWriter, *http.Request) { t.Error("somebody was asked") })
	for _, c := range []struct {
		make func(Connector, tools) *cobra.Command
		args []string
		says string
	}{
		{newSQL, []string{"select 1", "--aws", "shop", "--url", "x"}, "leave one out"},
		{newSQL, []string{"select 1", "--region", "eu-north-1"}, "go with --aws"},
		{newSQL, []string{"select 1", "--profile", "work"}, "go with --aws"},
		{newSQL, []string{"select 1", "--aws", "../shop"}, "letters, digits and dashes"},
		{newCompact, []string{"--aws", "shop"}, "compact takes no --aws: a stack compacts by itself every hour. To have it now: aws lambda invoke --function-name shop-compact"},
		{newVerify, []string{"--aws", "shop"}, "loch doctor --aws shop"},
		{newRotate, []string{"--aws", "shop", "--region", "x"}, "rotate takes no --aws"},
		{newAudit, []string{"--aws", "shop"}, "the table shop-ledger"},
		{func(_ Connector, t tools) *cobra.Command { return newCost(t) }, []string{"--aws", "shop"}, "cost takes no --aws"},
	} {
		_, stderr, code := f.run(c.make, c.args...)
		if code != exitUsage || !strings.Contains(stderr, c.says) {
			t.Errorf("%q: exit code %d, %s", c.args, code, stderr)
		}
	}
	f.found = nil
	if _, stderr, code := f.run(newSQL, "select 1", "--aws", "shop"); code != exitFailed || stderr != "loch: there is no stack shop\n" {
		t.Errorf("a stack that is not there: %d, %s", code, stderr)
	}
}
