package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// A visitor whose events were acknowledged is known after a crash, with how they came,
// though a server lets such things wait in memory before it writes them.
func TestSeenBeforeACrash(t *testing.T) {
	data := t.TempDir()
	s := start(t, data)
	s.track(newEvent("Page View", "", map[string]any{"$device_id": "recalled", "current_url": "https://shop.test/?utm_source=news&utm_campaign=spring"}))
	before := s.profile("read", "$device:recalled")
	if before.status != 200 || !strings.Contains(string(before.body), "spring") {
		t.Fatalf("before the crash: %d %s", before.status, before.body)
	}
	s.kill()
	s = start(t, data)
	await(t, "the visitor is known after the crash, by campaign", func() bool {
		a := s.profile("read", "$device:recalled")
		return a.status == 200 && strings.Contains(string(a.body), "spring")
	})
}

// Nor does somebody get lost whose events left the log for the lake just before the
// crash, by a roll-over or by hand; and not where the server was killed before, too.
func TestSeenBeforeARollOverAndACrash(t *testing.T) {
	data := t.TempDir()
	s := start(t, data)
	known := func(id string) bool {
		a := s.profile("read", "$device:"+id)
		return a.status == 200 && strings.Contains(string(a.body), "spring")
	}
	see := func(id string) {
		s.track(newEvent("Page View", "", map[string]any{"$device_id": id, "current_url": "https://shop.test/?utm_source=news&utm_campaign=spring"}))
		if !known(id) {
			t.Fatalf("%s is not known before the crash", id)
		}
	}
	compact := func() {
		if out, code := loch(t, "compact", "--data", data); code != 0 {
			t.Fatalf("compact: %d %s", code, out)
		}
	}
	s.kill()
	s = start(t, data, "--rollover-every", "10ms")
	see("rolled")
	await(t, "the event has left the log", func() bool {
		files, err := filepath.Glob(filepath.Join(data, "lake", "landing", "*", "*", "*.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		return len(files) > 0
	})
	s.kill()
	s = start(t, data)
	if !known("rolled") {
		t.Error("who was seen before a roll-over is not known after the crash")
	}
	see("stopped")
	s.kill()
	compact() // by itself, without a server
	s = start(t, data)
	if !known("stopped") {
		t.Error("who was seen before a crash is not known after a roll-over without a server")
	}
}

// A profile whose deletion was acknowledged stays deleted, however the server ends.
func TestDeletedBeforeARestart(t *testing.T) {
	data := t.TempDir()
	s := start(t, data)
	update := func(id, member string, value any) {
		t.Helper()
		a := s.send("POST", "/engage", encode(t, []map[string]any{{"$token": token, "$distinct_id": id, member: value}}), "Content-Type", "application/json")
		if a.status != 200 || string(a.body) != "1" {
			t.Fatalf("%s: %d %s", member, a.status, a.body)
		}
	}
	for how, end := range map[string]func(){"killed": func() { s.kill() }, "stopped": func() { s.stop() }} {
		s.track(newEvent("Page View", "gone "+how, nil), newEvent("Page View", "kept "+how, nil))
		update("gone "+how, "$set", map[string]any{"plan": "pro"})
		update("gone "+how, "$delete", "")
		end()
		s = start(t, data)
		// What the log holds is told again before a segment leaves it.
		if out, code := loch(t, "compact", "--data", data); code != 0 {
			t.Fatalf("compact: %d %s", code, out)
		}
		for id, want := range map[string]int{"gone " + how: 404, "kept " + how: 200} {
			if a := s.profile("read", id); a.status != want {
				t.Errorf("%s: %d %s, want %d", id, a.status, a.body, want)
			}
		}
	}
}
