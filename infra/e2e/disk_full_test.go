package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"loch/infra/local/disk/disktest"
)

// TestDiskFull fills the disk under a running server. Clients must be turned
// away with 503, in a way that a browser understands, so that their SDKs keep
// the events; nothing that was acknowledged may be lost; and the server must
// take events again as soon as there is room.
func TestDiskFull(t *testing.T) {
	t.Setenv("LOCH_BINARY", binary(t)) // for the child process in which the rest runs
	disktest.OnSmallDisk(t, 96<<20, func(t *testing.T, dir string) {
		data := filepath.Join(dir, "data")
		flags := []string{"--disk-reserve-mib", "16", "--rollover-every", "300ms", "--compact-every", "500ms"}
		s := start(t, data, flags...)
		d := &drip{s: s}
		for range 100 {
			if !d.post() {
				t.Fatal("an event was refused though there is room")
			}
		}

		for round := range 3 {
			ballast := disktest.Fill(t, dir)
			await(t, "events are refused", func() bool { return !d.post() })
			for range 20 {
				if d.post() {
					t.Fatal("an event was taken though the disk is full")
				}
			}
			d.checkRefused()
			ballast.Shrink(8 << 20) // less than the reserve
			if d.post() {
				t.Error("an event was taken out of the reserve")
			}
			// The reserve is what reading lives on.
			if n := s.number("select count(*) from events where event = 'Drip'"); n < int64(len(d.acknowledged)) {
				t.Errorf("out of the reserve SQL counts %d events, %d were acknowledged", n, len(d.acknowledged))
			}
			if round == 2 {
				s.kill() // while there is no room
				ballast.Remove()
				s.check()
				break
			}
			ballast.Remove()
			await(t, "events are taken again", d.post)
			for range 50 {
				if !d.post() {
					t.Fatal("an event was refused though there is room again")
				}
			}
		}

		verify(t, data)
		s = start(t, data, flags...)
		d.s = s
		await(t, "events are taken after the new start", d.post)
		found := map[string]bool{}
		for _, r := range s.all("select properties->>'number' as number from events where event = 'Drip' order by 1") {
			id, _ := r["number"].(string)
			found[id] = true
		}
		for _, id := range d.acknowledged {
			if !found[id] {
				t.Errorf("event %s was acknowledged and is lost", id)
			}
			delete(found, id)
		}
		// An event that was refused while the last room went may have been kept: its
		// client sends it again, and it still counts once. It must not be the rule.
		if len(found) > 2 {
			t.Errorf("%d events are there whose clients were turned away", len(found))
		}
		s.stop()
		verify(t, data)
	})
}

// drip posts one event at a time.
type drip struct {
	s            *server
	next         int
	acknowledged []string
}

const dripOrigin = "http://shop.example.test"

// post says whether the event was taken. Every answer is 200 or 503.
func (d *drip) post() bool {
	d.s.t.Helper()
	id := fmt.Sprintf("drip-%06d", d.next)
	d.next++
	event := newEvent("Drip", fmt.Sprintf("person-%d", d.next), map[string]any{"$insert_id": id, "number": id, "$device_id": fmt.Sprintf("device-%d", d.next)})
	a := d.s.send("POST", "/track/?verbose=1", encode(d.s.t, []any{event}), "Content-Type", "text/plain", "Origin", dripOrigin)
	switch {
	case a.status == http.StatusOK && string(a.body) == `{"error":null,"status":1}`:
		d.acknowledged = append(d.acknowledged, id)
		return true
	case a.status == http.StatusServiceUnavailable:
		return false
	}
	d.s.t.Fatalf("an event was answered %d %s", a.status, a.body)
	return false
}

// checkRefused looks at how clients are turned away.
func (d *drip) checkRefused() {
	t := d.s.t
	t.Helper()
	body := encode(t, []any{newEvent("Refused", "someone", nil)})
	update := encode(t, []any{map[string]any{"$token": token, "$distinct_id": "someone", "$set": map[string]any{"a": 1}}})
	for target, body := range map[string][]byte{
		"/track/?verbose=1": body, "/track": body, "/import?strict=1": body, "/engage/": update, "/engage/?verbose=1": update,
	} {
		a := d.s.send("POST", target, body, "Content-Type", "application/json", "Origin", dripOrigin)
		if a.status != http.StatusServiceUnavailable {
			t.Errorf("%s is answered %d %s on a full disk, want 503", target, a.status, a.body)
		}
		if a.header.Get("Access-Control-Allow-Origin") != dripOrigin || a.header.Get("Access-Control-Allow-Credentials") != "true" {
			t.Errorf("%s: the 503 has no CORS headers, so that an SDK takes it for a success and drops the events: %v", target, a.header)
		}
	}
	if a := d.s.send("GET", "/healthz", nil); a.status != http.StatusServiceUnavailable {
		t.Errorf("healthz is answered %d on a full disk, want 503", a.status)
	}
}
