package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPeople lists people by what they are and did, sees them in SQL, exports them and
// brings back one who was deleted, and forgets one of them.
func TestPeople(t *testing.T) {
	data := t.TempDir()
	s := start(t, data)
	for n := range 6 {
		id := fmt.Sprintf("person-%d-of-six", n)
		plan := []string{"free", "pro"}[n%2]
		update := fmt.Sprintf(`[{"$token":%q,"$distinct_id":%q,"$set":{"plan":%q,"seats":%d,"$email":"%s@example.test"}}]`, token, id, plan, n, id)
		if a := s.send("POST", "/engage", []byte(update), "Content-Type", "application/json"); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for range n {
			s.track(newEvent("Purchase", id, map[string]any{"time": time.Now().Unix(), "$user_id": id}))
		}
	}
	pro := url.QueryEscape(`[{"property":"plan","op":"eq","value":"pro"},{"property":"last_seen","op":"is_set"}]`)
	thrice := url.QueryEscape(`{"did":{"event":"Purchase","at_least":3,"within_days":7}}`)
	list := func(key, query string) (ids []string, body string) {
		t.Helper()
		a := s.send("GET", "/api/profiles?"+query, nil, "Authorization", "Bearer "+s.keys[key])
		if a.status != 200 {
			t.Fatalf("%s: %d %s", query, a.status, a.body)
		}
		var l struct {
			Profiles []struct {
				PersonID string `json:"person_id"`
			}
			Count int
		}
		decode(t, a.body, &l)
		for _, p := range l.Profiles {
			ids = append(ids, p.PersonID)
		}
		if l.Count < len(ids) {
			t.Errorf("%d are counted, %d listed", l.Count, len(ids))
		}
		return ids, string(a.body)
	}
	if ids, body := list("read", "where="+pro); len(ids) != 3 || strings.Contains(body, "email") || strings.Contains(body, "person-") {
		t.Errorf("%d are pro: %s", len(ids), body)
	}
	ids, _ := list("read", "where="+pro+"&cohort="+thrice)
	if len(ids) != 2 {
		t.Fatalf("%d are pro and bought three times", len(ids))
	}
	if _, body := list("pii", "where="+url.QueryEscape(`[{"property":"$email","op":"starts_with","value":"person-5"}]`)); !strings.Contains(body, "person-5-of-six@example.test") || strings.Contains(body, "person-4") {
		t.Errorf("by e-mail: %s", body)
	}
	if a := s.send("GET", "/api/profiles?order=name", nil, "Authorization", "Bearer "+s.keys["read"]); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}

	if out, code := loch(t, "compact", "--data", data); code != 0 {
		t.Fatalf("%d %s", code, out)
	}
	if n := s.number("SELECT count(*) FROM profiles p JOIN events e USING (person_id) WHERE p.traits->>'plan' = 'pro' AND e.event = 'Purchase'"); n != 1+3+5 {
		t.Errorf("%d purchases by people on the plan pro", n)
	}
	s.restore(t, data, ids[0])

	if a := s.send("DELETE", "/api/profiles/"+ids[0], nil, "Authorization", "Bearer "+s.keys["erase"]); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if n := s.number("SELECT count(*) FROM profiles WHERE person_id = '%s'", ids[0]); n != 0 {
		t.Error("SQL still sees somebody who was erased")
	}
	if ids, _ := list("read", "where="+pro); len(ids) != 2 {
		t.Errorf("%d are pro after one was erased", len(ids))
	}
	s.stop()
	if out, code := loch(t, "verify", "--data", data); code != 0 {
		t.Errorf("verify: %d %s", code, out)
	}
}

// restore exports everybody in clear, deletes a profile, and imports the file: whom
// this server knows is back. Another server knows nobody, and says so of each.
func (s *server) restore(t *testing.T, data, person string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "people.ndjson")
	if out, code := loch(t, "profiles", "export", "--data", data, "--pii", "--why", "a copy", "-o", file); code != 0 {
		t.Fatalf("%d %s", code, out)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "\n") != 6 || !strings.Contains(string(text), "person-3-of-six@example.test") {
		t.Errorf("%d lines, %v", strings.Count(string(text), "\n"), err)
	}
	for n := range 6 {
		gone := fmt.Sprintf(`[{"$token":%q,"$distinct_id":"person-%d-of-six","$delete":""}]`, token, n)
		if a := s.send("POST", "/engage", []byte(gone), "Content-Type", "application/json"); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	look := []string{"profiles", "--data", data, "--json", "--pii", "--where", "person_id eq " + person, "--where", "plan is_set"}
	if out, code := loch(t, look...); code != 0 || strings.Contains(string(out), "@example.test") {
		t.Errorf("once it is deleted: %d %s", code, out)
	}
	for range 2 { // the second time changes nothing
		if out, code := loch(t, "profiles", "import", "--data", data, file); code != 0 {
			t.Fatalf("%d %s", code, out)
		}
	}
	if out, code := loch(t, look...); code != 0 || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "@example.test") {
		t.Errorf("once it is imported: %d %s", code, out)
	}
	other := t.TempDir()
	start(t, other).stop() // makes the folder; the command opens it itself
	if out, code := loch(t, "profiles", "import", "--data", other, "--json", file); code != 3 || strings.Count(string(out), "unknown_person") != 6 {
		t.Errorf("by another server: %d %s", code, out)
	}
}
