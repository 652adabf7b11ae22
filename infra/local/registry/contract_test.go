package registry_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"loch/infra/local/registry"
	"loch/shared/project"
	"loch/shared/project/projecttest"
)

func TestContract(t *testing.T) {
	projecttest.Run(t, func(t *testing.T) projecttest.World {
		dir := t.TempDir()
		r, _, c := open(t, dir, registry.Options{})
		w := projecttest.World{
			Registry: r, Project: c.Project, Token: c.Token, Keys: map[project.Scope]string{},
			Username: c.ServiceAccount.Username, Secret: c.ServiceAccount.Secret,
			Reopen: func() project.Registry { r, _, _ := open(t, dir, registry.Options{}); return r },
		}
		for scope, key := range c.Keys {
			w.Keys[project.Scope(scope)] = key
		}
		w.Set = func(change func(*project.Settings)) { editSettings(t, filepath.Join(dir, "projects.json"), change) }
		return w
	})
}

// editSettings edits the file as a person would.
func editSettings(t *testing.T, path string, change func(*project.Settings)) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f map[string][]map[string]json.RawMessage
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	var s project.Settings
	if err := json.Unmarshal(f["projects"][0]["settings"], &s); err != nil {
		t.Fatal(err)
	}
	change(&s)
	if f["projects"][0]["settings"], err = json.Marshal(s); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(f); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
