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
