package e2e

import (
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
	see("rolled")
	compact()
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
