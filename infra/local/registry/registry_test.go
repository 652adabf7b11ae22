package registry_test

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"loch/infra/local/registry"
	"loch/shared/fault"
	"loch/shared/project"
)

var _ project.Registry = (*registry.Registry)(nil)

type credentials struct {
	Project, Token string
	Keys           map[string]string
	ServiceAccount struct{ Username, Secret string } `json:"service_account"`
}

func open(t *testing.T, dir string, o registry.Options) (*registry.Registry, bool, credentials) {
	t.Helper()
	o.Rand = rand.Reader
	r, created, err := registry.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	var c credentials
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return r, created, c
}

func TestFirstStart(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	r, created, c := open(t, dir, registry.Options{})
	if !created || c.Project != "default" || len(c.Token) != 32 || len(c.Keys) != 3 {
		t.Fatalf("created %v, %+v", created, c)
	}
	again, created, same := open(t, dir, registry.Options{})
	if created || same.Token != c.Token {
		t.Error("the second start made the project anew")
	}
	for _, r := range []*registry.Registry{r, again} {
		if p, err := r.ByToken(ctx, c.Token); err != nil || p.ID != "default" {
			t.Errorf("ByToken: %v %v", p, err)
		}
		for scope, key := range c.Keys {
			if k, err := r.ByKey(ctx, key); err != nil || string(k.Scope) != scope || !strings.HasPrefix(key, "loch_"+scope+"_") {
				t.Errorf("ByKey %s: %v %v", scope, k, err)
			}
		}
		if _, err := r.ByServiceAccount(ctx, c.ServiceAccount.Username, c.ServiceAccount.Secret); err != nil {
			t.Error(err)
		}
		for _, wrong := range []string{"", "x", c.Token + "0", c.Keys["read"]} {
			if _, err := r.ByToken(ctx, wrong); fault.CodeOf(err) != fault.Unauthorized {
				t.Errorf("ByToken of a wrong token: %v", err)
			}
		}
		if _, err := r.ByKey(ctx, c.Token); fault.CodeOf(err) != fault.Unauthorized {
			t.Error("the write token opened the API")
		}
	}
	for _, name := range []string{"credentials.json", "projects.json"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	text, _ := os.ReadFile(filepath.Join(dir, "projects.json"))
	for _, secret := range append([]string{c.ServiceAccount.Secret}, c.Keys["read"], c.Keys["pii"], c.Keys["erase"]) {
		if strings.Contains(string(text), secret) {
			t.Error("a secret stands in projects.json in clear")
		}
	}
}

func TestTokensAndAccountsByFlag(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	r, _, c := open(t, dir, registry.Options{WriteToken: "FIRST", ServiceAccounts: []string{"svc.user:svcsecret"}})
	if c.Token != "FIRST" || r.DefaultToken() != "FIRST" {
		t.Errorf("token %q", c.Token)
	}
	if _, err := r.ByServiceAccount(ctx, "svc.user", "svcsecret"); err != nil {
		t.Error(err)
	}
	if _, err := r.ByServiceAccount(ctx, "svc.user", "other"); fault.CodeOf(err) != fault.Unauthorized {
		t.Error("a wrong secret was taken")
	}
	r, _, c = open(t, dir, registry.Options{WriteToken: "SECOND"})
	if _, err := r.ByToken(ctx, "FIRST"); fault.CodeOf(err) != fault.Unauthorized || c.Token != "SECOND" {
		t.Errorf("the old token still works, or the new is not written: %v %q", err, c.Token)
	}
	if _, _, err := registry.Open(dir, registry.Options{ServiceAccounts: []string{"nocolon"}, Rand: rand.Reader}); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("a service account without a secret: %v", err)
	}
}

func TestGroupKeysStay(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	r, _, c := open(t, dir, registry.Options{})
	for range 2 {
		if err := r.AddGroupKey(ctx, "default", "company"); err != nil {
			t.Fatal(err)
		}
	}
	again, _, _ := open(t, dir, registry.Options{})
	if p, _ := again.ByToken(ctx, c.Token); len(p.Settings.GroupKeys) != 1 || p.Settings.GroupKeys[0] != "company" {
		t.Errorf("group keys %v", p.Settings.GroupKeys)
	}
}

// A file that a person broke is refused with words that help.
func TestBrokenFile(t *testing.T) {
	for text, want := range map[string]string{
		`{"projects":[{"id":"a","tokn":"x"}]}`:                                   `unknown field "tokn"`,
		`{"projects":[]}`:                                                        "holds no project",
		`{"projects":[{"id":"A b","token":"x"}]}`:                                "a project's id",
		`{"projects":[{"id":"a","token":"x"},{"id":"b","token":"x"}]}`:           "same write token",
		`{"projects":[{"id":"a","token":"x","settings":{"group_keys":"wide"}}]}`: "group_keys has the wrong type",
		`{"projects":`: "near byte",
		`{"projects":[{"id":"a","token":"x"}]} {}`:                                    "goes on after its end",
		`{"projects":[{"id":"a","token":"x"},{"id":"a","token":"y"}]}`:                "same id",
		`{"projects":[{"id":"a","token":"x","key_hashes":{"raed":"00"}}]}`:            "scopes of keys",
		`{"projects":[{"id":"a","token":"x","key_hashes":{"read":"AB"}}]}`:            "key_hashes.read: a hash",
		`{"projects":[{"id":"a","token":"x","service_account_hash":"svc:clear"}]}`:    "service_account_hash: a hash",
		`{"projects":[{"id":"a","token":"x","settings":{"timezone":"Europe/Olso"}}]}`: "no such time zone",
		`{"projects":[{"id":"a","token":"x","settings":{"max_event_age_days":-1}}]}`:  "an age is",
		`{"projects":[{"id":"a","token":"x","settings":{"session_minutes":-1}}]}`:     "a session ends",
		`{"projects":[{"id":"a","token":"x","settings":{"identity":"legacy"}}]}`:      "the identity scheme",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "projects.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := registry.Open(dir, registry.Options{Rand: rand.Reader})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// A kind that could not be written is not remembered in memory only: the next
// call must try again, or events would go unsealed after a restart.
func TestGroupKeyThatCannotBeWritten(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	r, _, _ := open(t, dir, registry.Options{})
	inTheWay := filepath.Join(dir, "projects.json.new")
	if err := os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.AddGroupKey(ctx, "default", "company"); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("AddGroupKey to a disk that refuses: %v", err)
		}
	}
	if err := os.RemoveAll(inTheWay); err != nil {
		t.Fatal(err)
	}
	if err := r.AddGroupKey(ctx, "default", "company"); err != nil {
		t.Fatal(err)
	}
	again, _, c := open(t, dir, registry.Options{})
	if p, _ := again.ByToken(ctx, c.Token); len(p.Settings.GroupKeys) != 1 {
		t.Errorf("group keys %v", p.Settings.GroupKeys)
	}
}

// What bounds the kinds of group is told apart, and a setting written while the
// server runs counts.
func TestGroupKeysAreBounded(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	r, _, c := open(t, dir, registry.Options{})
	for i := range project.MaxGroupKeys {
		if err := r.AddGroupKey(ctx, "default", "kind"+strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.AddGroupKey(ctx, "default", "one more"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("over the limit: %v", err)
	}
	path := filepath.Join(dir, "projects.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	closed := strings.Replace(string(text), `"settings": {`, `"settings": {"only_listed_groups": true,`, 1)
	if err := os.WriteFile(path, []byte(closed), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.AddGroupKey(ctx, "default", "one more"); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("closed: %v", err)
	}
	if p, err := r.ByToken(ctx, c.Token); err != nil || !p.Settings.OnlyListedGroups || len(p.Settings.GroupKeys) != project.MaxGroupKeys {
		t.Errorf("%+v, %v", p.Settings, err)
	}
	if err := r.AddGroupKey(ctx, "default", "kind7"); err != nil {
		t.Errorf("a listed kind: %v", err)
	}
}

// What a person edits while the server runs is not overwritten.
func TestGroupKeyKeepsHandEdits(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	r, _, c := open(t, dir, registry.Options{})
	path := filepath.Join(dir, "projects.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), `"settings": {}`, `"settings": {"max_event_age_days": 5}`, 1)
	if edited == string(text) {
		t.Fatalf("nothing to edit in %s", text)
	}
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.AddGroupKey(ctx, "default", "company"); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*registry.Registry{r, func() *registry.Registry { again, _, _ := open(t, dir, registry.Options{}); return again }()} {
		if p, err := r.ByToken(ctx, c.Token); err != nil || p.Settings.MaxEventAgeDays != 5 || len(p.Settings.GroupKeys) != 1 {
			t.Errorf("%+v, %v", p.Settings, err)
		}
	}
	if err := os.WriteFile(path, []byte(`{"projects":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.AddGroupKey(ctx, "default", "team"); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a broken file: %v", err)
	}
}
