package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildLoch builds the server that is attacked.
func buildLoch(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "loch")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "loch/infra/local").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// TestRun plays the attack small: the promise holds, each planted weakness is
// found, and one that is put into the lake breaks the run.
func TestRun(t *testing.T) {
	loch := buildLoch(t)
	run := func(args ...string) (list []answer, err error) {
		t.Helper()
		var out, progress bytes.Buffer
		c := root()
		c.SetOut(&out)
		c.SetErr(&progress)
		c.SetArgs(append([]string{"run", "--loch", loch, "--people", "150", "--present", "40", "--json"}, args...))
		err = c.ExecuteContext(t.Context())
		if problem := json.Unmarshal(out.Bytes(), &list); problem != nil {
			t.Fatalf("%v, %v: %s", problem, err, out.Bytes())
		}
		return list, err
	}
	list, err := run()
	if err != nil {
		t.Errorf("%v: %+v", err, list)
	}
	for _, a := range list {
		want := "kept"
		switch {
		case strings.HasPrefix(a.Theft, "planted"):
			want = "caught"
		case a.Theft == "… and the key file":
			want = "reported"
			if a.Persons != 40 || a.Opened == 0 {
				t.Errorf("with the key file everybody can be named, not %d of 40; %d profiles opened", a.Persons, a.Opened)
			}
		}
		if a.Verdict != want || a.Files == 0 || a.Values == 0 {
			t.Errorf("%s: %s, want %s: %+v", a.Theft, a.Verdict, want, a)
		}
	}
	for _, weak := range []string{"hash-id", "email-url"} {
		list, err := run("--plant", weak)
		if !errors.Is(err, errBroken) || list[0].Verdict != "BROKEN" || list[0].Persons != 40 {
			t.Errorf("%s is not noticed: %v, %+v", weak, err, list[0])
		}
	}
}

// A thief who has lists and a folder of somebody else's needs no truth.
func TestAttackCommand(t *testing.T) {
	dir := t.TempDir()
	crowd := makeCrowd(7, 30)
	if err := crowd.lists.write(filepath.Join(dir, "lists")); err != nil {
		t.Fatal(err)
	}
	lake := filepath.Join(dir, "stolen")
	if err := plant(lake, "email-url", crowd.people[:5]); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := root()
	c.SetOut(&out)
	c.SetArgs([]string{"attack", "--lake", lake, "--lists", filepath.Join(dir, "lists")})
	if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(out.String(), "page_url: e-mails") {
		t.Errorf("%v: %s", err, out.String())
	}
}
