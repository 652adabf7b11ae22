package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestCaptures sends every recorded request to a running server. Each must get
// the answer that its SDK needs, and every event in them must be in the lake at
// once, value for value but for what is sealed or dropped: with URLs and values
// kept as they are, and with the default policy, but for what that cleans.
func TestCaptures(t *testing.T) {
	t.Run("kept", func(t *testing.T) {
		keep := map[string]any{"urls": "keep", "scan": map[string]string{
			"email": "keep", "phone": "keep", "card": "keep", "iban": "keep", "ip": "keep", "jwt": "keep", "api_key": "keep", "name": "keep", "secret": "keep",
		}}
		sendCaptures(t, startWith(t, t.TempDir(), keep, "--service-account", "svc.user:svcsecret"), newSeals())
	})
	t.Run("cleaned", func(t *testing.T) {
		seals := newSeals()
		seals.cleaned = true
		sendCaptures(t, start(t, t.TempDir(), "--service-account", "svc.user:svcsecret"), seals)
	})
}

func sendCaptures(t *testing.T, s *server, seals *seals) {
	seen := map[string]bool{}
	events := 0
	for _, c := range captures(t) {
		t.Run(c.name, func(t *testing.T) {
			a := c.send(t, s)
			c.checkAnswer(t, a)
			want := c.events(t)
			if len(want) == 0 {
				return
			}
			events += len(want)
			rows := s.newRows(seen)
			if len(rows) != len(want) {
				t.Fatalf("%d events were sent, %d new ones are in the lake", len(want), len(rows))
			}
			for i, w := range want {
				if rows[i]["event"] != w.Event {
					t.Errorf("event %d is called %v, want %q", i, rows[i]["event"], w.Event)
				}
				seals.checkProperties(t, w.Properties, rows[i])
			}
		})
	}
	if got := s.number("select count(*) from events_raw"); got != int64(events) {
		t.Errorf("%d events were sent in all, %d are in the lake", events, got)
	}
	s.stop()
	seals.checkNobodyNamed(t, s)
}

// send posts the request as it was, but for what belongs to the connection.
func (c *capture) send(t *testing.T, s *server) answer {
	t.Helper()
	var headers []string
	for name, value := range c.Headers {
		switch strings.ToLower(name) {
		case "host", "connection", "content-length", "accept-encoding", "transfer-encoding":
		default:
			headers = append(headers, name, value)
		}
	}
	s.t = t
	return s.send(c.Method, c.URL, c.Body, headers...)
}

// checkAnswer holds an answer against what the SDK was happy with.
func (c *capture) checkAnswer(t *testing.T, a answer) {
	t.Helper()
	origin := c.header("Origin")
	if origin != "" {
		if got := a.header.Get("Access-Control-Allow-Origin"); got != origin && (got != "*" || c.writes()) {
			t.Errorf("Access-Control-Allow-Origin is %q, the page is on %q", got, origin)
		}
		if !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Origin") {
			t.Error("Vary does not name Origin: a cache would give one site's answer to another")
		}
		if c.writes() && a.header.Get("Access-Control-Allow-Credentials") != "true" {
			t.Error("Access-Control-Allow-Credentials is not true: the browser would hide the answer, and the SDK lose the batch")
		}
	}
	if c.Method == http.MethodOptions {
		c.checkPreflight(t, a)
		return
	}
	if a.status != c.Given.Status {
		t.Errorf("status %d, want %d; body %s", a.status, c.Given.Status, a.body)
	}
	if c.writes() {
		if got := string(a.body); got != c.Given.Body {
			t.Errorf("answer %q, want exactly %q", got, c.Given.Body)
		}
		return
	}
	switch c.route() {
	case "flags":
		var flags struct{ Flags map[string]any }
		if decode(t, a.body, &flags); flags.Flags == nil {
			t.Errorf("the answer %s holds no object flags", a.body)
		}
	case "flags/definitions":
		var flags struct{ Flags []any }
		if decode(t, a.body, &flags); flags.Flags == nil {
			t.Errorf("the answer %s holds no list flags", a.body)
		}
	case "settings", "record":
		var object map[string]any
		if decode(t, a.body, &object); object == nil {
			t.Errorf("the answer %s is no object", a.body)
		}
	case "export":
		for line := range strings.Lines(string(a.body)) {
			var e recordedEvent
			decode(t, []byte(line), &e)
			if e.Event != "A" {
				t.Errorf("event %q was exported, A was asked for", e.Event)
			}
		}
	default:
		t.Errorf("no test knows the route %s", c.route())
	}
}

// checkPreflight sees that the browser would go on to send the request.
func (c *capture) checkPreflight(t *testing.T, a answer) {
	t.Helper()
	if a.status/100 != 2 {
		t.Errorf("the preflight is answered %d", a.status)
	}
	if asked := c.header("Access-Control-Request-Method"); !strings.Contains(a.header.Get("Access-Control-Allow-Methods"), asked) {
		t.Errorf("the preflight allows %q, asked for %s", a.header.Get("Access-Control-Allow-Methods"), asked)
	}
	allowed := strings.ToLower(a.header.Get("Access-Control-Allow-Headers"))
	for name := range strings.SplitSeq(c.header("Access-Control-Request-Headers"), ",") {
		if !strings.Contains(allowed, strings.ToLower(strings.TrimSpace(name))) {
			t.Errorf("the preflight allows headers %q, asked for %s", allowed, name)
		}
	}
}

// newRows returns the rows whose request has not been seen yet, in the order in
// which they stood in it.
func (s *server) newRows(seen map[string]bool) []row {
	s.t.Helper()
	var fresh []row
	now := map[string]bool{}
	for _, r := range s.sql("select * from events_raw order by received_time, request_id, batch_index") {
		request, ok := r["request_id"].(string)
		if !ok || request == "" {
			s.t.Fatalf("a row has no request_id: %v", r)
		}
		if !seen[request] {
			now[request] = true
			fresh = append(fresh, r)
		}
	}
	if len(now) > 1 {
		s.t.Fatalf("one request left rows under %d request ids", len(now))
	}
	for request := range now {
		seen[request] = true
	}
	return fresh
}

// properties decodes a row's JSON column.
func properties(t *testing.T, r row) map[string]any {
	t.Helper()
	text, ok := r["properties"].(string)
	if !ok {
		t.Fatalf("properties is %T, want JSON text", r["properties"])
	}
	if !json.Valid([]byte(text)) {
		t.Fatalf("properties is not JSON: %s", text)
	}
	var p map[string]any
	decode(t, []byte(text), &p)
	return p
}
