package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	erasedUser   = "erased-user-7788"
	erasedDevice = "erased-device-1234-abcd"
	erasedEmail  = "erased.person@example.test"
	keptUser     = "kept-user-9911"
)

// TestErase forgets one of two people, and then tries to have them back: by the
// profile store from before, and by a whole backup without the key file of its
// time. Only the backup with that key file tells, as shared/vault/DESIGN.md says.
func TestErase(t *testing.T) {
	data := t.TempDir()
	s := start(t, data)
	person := personWithTraits(t, s)
	s.stop()
	backup := t.TempDir()
	copyFolder(t, data, backup)

	s = start(t, data)
	a := s.send("DELETE", "/api/profiles/"+erasedUser+"?why=ticket+4711", nil, "Authorization", "Bearer "+s.keys["erase"])
	if a.status != 200 || !strings.Contains(string(a.body), `"erased":true`) || strings.Contains(string(a.body), erasedUser) {
		t.Fatalf("erased: %d %s", a.status, a.body)
	}
	for _, id := range []string{erasedUser, "$device:" + erasedDevice, person, erasedEmail + "?by=email"} {
		if a := s.send("GET", "/api/profiles/"+id, nil, "Authorization", "Bearer "+s.keys["pii"]); a.status != 404 {
			t.Errorf("%s is still found: %d %s", id, a.status, a.body)
		}
	}
	if a := s.profile("pii", keptUser); !strings.Contains(string(a.body), "kept.person@example.test") {
		t.Errorf("somebody else is gone, too: %d %s", a.status, a.body)
	}
	if a := s.send("DELETE", "/api/profiles/"+erasedUser, nil, "Authorization", "Bearer "+s.keys["erase"]); a.status != 200 || !strings.Contains(string(a.body), `"erased":false`) {
		t.Errorf("a second time: %d %s", a.status, a.body)
	}
	track(t, s, erasedUser, erasedDevice)
	if again := personOf(t, s, "After"); again == person {
		t.Error("they came back as who they were")
	}
	s.stop()
	if out, code := loch(t, "verify", "--data", data); code != 0 {
		t.Errorf("verify: %d %s", code, out)
	}

	t.Run("the profile store from before", func(t *testing.T) { restoreProfiles(t, data, backup, person) })
	t.Run("a backup without its key file", func(t *testing.T) {
		restored := t.TempDir()
		copyFolder(t, backup, restored)
		if err := os.Remove(filepath.Join(restored, "vault.key")); err != nil {
			t.Fatal(err)
		}
		refusesToStart(t, restored, "vault.key is missing")
	})
	t.Run("a backup with the key file of after a rotation", func(t *testing.T) {
		s := start(t, data)
		if out, code := loch(t, "rotate", "--data", data); code != 0 {
			t.Fatalf("rotate: %d %s", code, out)
		}
		if a := s.profile("pii", keptUser); !strings.Contains(string(a.body), "kept.person@example.test") {
			t.Errorf("after the rotation: %d %s", a.status, a.body)
		}
		s.stop()
		start(t, data).stop()
		restored := t.TempDir()
		copyFolder(t, backup, restored)
		copyFile(t, filepath.Join(data, "vault.key"), filepath.Join(restored, "vault.key"))
		refusesToStart(t, restored, "key file of the same moment")
	})
	t.Run("a backup with its key file tells", func(t *testing.T) {
		restored := t.TempDir()
		copyFolder(t, backup, restored)
		s := start(t, restored)
		if a := s.profile("pii", erasedUser); !strings.Contains(string(a.body), erasedEmail) {
			t.Errorf("the threat model says that it is readable: %d %s", a.status, a.body)
		}
	})
}

// TestEraseRemovesRows orders a person's events to go while some are compacted, some
// have landed and some are in the log, kills the server right after the answer, and
// has the lake compacted.
func TestEraseRemovesRows(t *testing.T) {
	data := t.TempDir()
	s := start(t, data, "--compact-every", "1h")
	person := personWithTraits(t, s)
	track(t, s, keptUser, "kept-device-4444")
	for range 2 {
		if out, code := loch(t, "compact", "--data", data); code != 0 {
			t.Fatalf("compact: %d %s", code, out)
		}
		track(t, s, erasedUser, erasedDevice)
	}
	count := func(condition string) string {
		t.Helper()
		return fmt.Sprint(s.sql("select count(*) as n from events where %s", condition)[0]["n"])
	}
	hers := "'" + person + "' in (person_id, user_id, device_id)"
	all := count("true")
	if got := count(hers); got != "3" {
		t.Fatalf("before the order there are %s rows", got)
	}
	a := s.send("DELETE", "/api/profiles/"+erasedUser+"?remove_rows=true", nil, "Authorization", "Bearer "+s.keys["erase"])
	if a.status != 200 || !strings.Contains(string(a.body), `"rows":"removed at the next compaction"`) {
		t.Fatalf("erased: %d %s", a.status, a.body)
	}
	s.kill()
	s = start(t, data, "--compact-every", "1h")
	if got, left := count(hers), count("true"); got != "0" || left == all || left == "0" {
		t.Errorf("after the order there are %s of the person's rows, and %s of %s at all", got, left, all)
	}
	if inFiles(t, data, person) == 0 {
		t.Fatal("the files hold nothing of the person already: the test proves little")
	}
	if out, code := loch(t, "compact", "--data", data, "--json"); code != 0 || !strings.Contains(string(out), `"rows_removed":3`) {
		t.Errorf("compact: %d %s", code, out)
	}
	s.stop()
	if n := inFiles(t, data, person); n != 0 {
		t.Errorf("the files hold the person %d times", n)
	}
	if a := verify(t, data); a.Removed != 3 {
		t.Errorf("the account is %+v", a)
	}
	// Not because they are hidden.
	if err := os.RemoveAll(filepath.Join(data, "removals")); err != nil {
		t.Fatal(err)
	}
	s = start(t, data)
	if got := count(hers); got != "0" {
		t.Errorf("%s rows are back", got)
	}
	if rows := s.sql("select distinct person_id from events where event = 'After'"); len(rows) != 1 {
		t.Errorf("of somebody else there is %v", rows)
	}
}

// TestSuppressOverEveryWay erases a person with suppress, and then sends each of the
// identifiers again, in every place in which a client may put it.
func TestSuppressOverEveryWay(t *testing.T) {
	s := start(t, t.TempDir())
	personWithTraits(t, s)
	if a := s.send("DELETE", "/api/profiles/"+erasedUser, []byte(`{"suppress":true}`), "Authorization", "Bearer "+s.keys["erase"]); a.status != 200 || !strings.Contains(string(a.body), `"suppressed":true`) {
		t.Fatalf("erased: %d %s", a.status, a.body)
	}
	for _, id := range []string{erasedUser, erasedDevice, "$device:" + erasedDevice} {
		for _, properties := range []map[string]any{{}, {"$user_id": id}, {"$device_id": id}} {
			a := s.send("POST", "/track?verbose=1", encode(t, []any{newEvent("Again", id, properties)}), "Content-Type", "application/json")
			if a.status != 200 {
				t.Errorf("%s: %d %s", id, a.status, a.body)
			}
		}
		a := s.send("POST", "/engage?verbose=1", encode(t, []any{map[string]any{"$token": token, "$distinct_id": id, "$set": map[string]any{"plan": "pro"}}}),
			"Content-Type", "application/json")
		if a.status != 200 {
			t.Errorf("%s: %d %s", id, a.status, a.body)
		}
		if a := s.profile("pii", id); a.status != 404 {
			t.Errorf("%s has a profile: %s", id, a.body)
		}
	}
	track(t, s, keptUser, "kept-device-4444")
	if rows := s.sql("select event, count(*) as n from events group by 1 order by 1"); len(rows) != 2 || rows[0]["event"] != "After" || rows[1]["event"] != "Before" {
		t.Errorf("SQL shows %v", rows)
	}
}

// inFiles counts how often a lake id stands in the lake's Parquet files.
func inFiles(t *testing.T, data, id string) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(data, "lake"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".parquet") {
			return err
		}
		return eachValue(path, func(value []byte) { n += bytes.Count(value, []byte(id)) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// personWithTraits makes the two people, and returns the lake id of the one who
// is to be erased.
func personWithTraits(t *testing.T, s *server) string {
	t.Helper()
	for user, email := range map[string]string{erasedUser: erasedEmail, keptUser: "kept.person@example.test"} {
		a := s.send("POST", "/engage?verbose=1", encode(t, []any{map[string]any{
			"$token": token, "$distinct_id": user, "$set": map[string]any{"$email": email, "plan": "pro"},
		}}), "Content-Type", "application/json")
		if a.status != 200 || !strings.Contains(string(a.body), `"status":1`) {
			t.Fatalf("traits: %d %s", a.status, a.body)
		}
	}
	post := func(name string, properties map[string]any) {
		t.Helper()
		if a := s.send("POST", "/track?verbose=1", encode(t, []any{newEvent(name, erasedUser, properties)}), "Content-Type", "application/json"); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	post("Before", map[string]any{"$user_id": erasedUser, "$device_id": erasedDevice, "friend": erasedEmail})
	return personOf(t, s, "Before")
}

func track(t *testing.T, s *server, user, device string) {
	t.Helper()
	if a := s.send("POST", "/track?verbose=1", encode(t, []any{newEvent("After", user, map[string]any{"$user_id": user, "$device_id": device})}),
		"Content-Type", "application/json"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

func personOf(t *testing.T, s *server, event string) string {
	t.Helper()
	rows := s.sql("select distinct person_id from events where event = '%s'", event)
	if len(rows) != 1 {
		t.Fatalf("%s has %d people", event, len(rows))
	}
	return fmt.Sprint(rows[0]["person_id"])
}

// restoreProfiles puts the profile store of a backup into a data folder from
// after the erasure. The traits that are not personal are there again, under a
// lake id to which no identifier leads.
func restoreProfiles(t *testing.T, data, backup, person string) {
	restored := t.TempDir()
	copyFolder(t, data, restored)
	if err := os.RemoveAll(filepath.Join(restored, "profiles")); err != nil {
		t.Fatal(err)
	}
	copyFolder(t, filepath.Join(backup, "profiles"), filepath.Join(restored, "profiles"))
	s := start(t, restored)
	// What is found under the identifier is the person who came after.
	if a := s.profile("pii", erasedUser); strings.Contains(string(a.body), erasedEmail) || strings.Contains(string(a.body), `"plan"`) || strings.Contains(string(a.body), person) {
		t.Errorf("linked again: %s", a.body)
	}
	if a := s.profile("pii", person); strings.Contains(string(a.body), erasedEmail) || strings.Contains(string(a.body), "$email") {
		t.Errorf("read again: %s", a.body)
	}
	if a := s.send("GET", "/api/profiles/"+erasedEmail+"?by=email", nil, "Authorization", "Bearer "+s.keys["pii"]); a.status != 404 {
		t.Errorf("found by e-mail again: %d %s", a.status, a.body)
	}
}

func refusesToStart(t *testing.T, data, words string) {
	t.Helper()
	out, code := lochWithErrors(t, "serve", "--data", data, "--addr", "127.0.0.1:0")
	if code == 0 || !strings.Contains(out, words) {
		t.Errorf("exit %d, want a refusal with %q: %s", code, words, out)
	}
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
