package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loch/shared/profile"
	sharedreport "loch/shared/report"
)

// TestTraitsThatBecamePersonal sets privacy.personal_traits and group_keys when profiles are in the
// lake already: once the folder is open again, SQL does not show them.
func TestTraitsThatBecamePersonal(t *testing.T) {
	dir := t.TempDir()
	opened := func() *product {
		t.Helper()
		p, err := open(settings{dataDir: dir, logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := opened()
	id := p.registry.IDs()[0]
	if _, err := p.profiles.Apply(t.Context(), profile.Changes{Updates: []profile.Update{{Project: id, ID: strings.Repeat("a", 32), TimeMS: 1,
		Ops: []profile.Op{{Kind: profile.Set, Name: "Shoe size", Value: json.RawMessage("43")}, {Kind: profile.Set, Name: "feet", Value: json.RawMessage(`{"shoeSize":43}`)},
			{Kind: profile.Set, Name: "club", Value: json.RawMessage(`"Acme"`)}}}}}); err != nil {
		t.Fatal(err)
	}
	see := func(want string) {
		t.Helper()
		r, err := p.engine.Query(context.Background(), id, `SELECT traits->>'Shoe size', traits->'feet'->>'shoeSize', traits->>'club' FROM profiles`, sharedreport.Limits{})
		if err != nil || fmt.Sprint(r.Rows) != want {
			t.Errorf("SQL sees %v, %v, want %s", r.Rows, err, want)
		}
	}
	if err := p.snapshots.Full(t.Context()); err != nil {
		t.Fatal(err)
	}
	see("[[43 43 Acme]]")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "projects.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var content map[string]any
	if err := json.Unmarshal(text, &content); err != nil {
		t.Fatal(err)
	}
	content["projects"].([]any)[0].(map[string]any)["settings"] = map[string]any{
		"privacy": map[string]any{"personal_traits": []string{"shoe_size"}}, "group_keys": []string{"club"},
	}
	if text, err = json.Marshal(content); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p = opened()
	see("[[<nil> <nil> <nil>]]")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
