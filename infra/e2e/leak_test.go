package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The markers: what a careless log line or error text would give away.
const (
	leakUser    = "leak-user-4471"
	leakDevice  = "leak-device-9920-77aa"
	leakAlias   = "leak-alias-8812"
	leakGroup   = "leak-group-3141"
	leakEmail   = "leak.mail@example.test"
	leakTrait   = "leak-trait-value-5150"
	leakAgent   = "LeakAgent/77.1 (leak-agent-6021)"
	leakAddress = "198.51.100.77"
	leakOther   = "198.51.100.78" // in properties
	leakToken   = "leak-token-2718"
	leakSecret  = "leak-secret-1618"
	leakKey     = "leak-key-1414"
	leakBroken  = "leak-broken-9999" // inside what cannot be read
	leakCookie  = "leak-cookie-0042"
)

var leaks = []string{
	leakUser, leakDevice, leakAlias, leakGroup, leakEmail, leakTrait, leakAgent, leakAddress, leakOther,
	leakToken, leakSecret, leakKey, leakBroken, leakCookie,
}

// TestLeaks plants markers wherever a client can put something, well-formed and
// not, and searches all that Loch says and keeps for them: answers, metrics,
// logs, temporary files and the data folder, in which only a trait that no policy
// calls personal may stand, and only in the profile store.
func TestLeaks(t *testing.T) {
	data, temporary := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	s := start(t, data, "--trust-proxy", "127.0.0.0/8", "--rollover-every", "500ms", "--compact-every", "1s",
		"--service-account", "svc.user:svcsecret")

	for _, l := range leakRequests(t) {
		headers := append([]string{
			"User-Agent", leakAgent, "X-Forwarded-For", leakAddress, "Cookie", "id=" + leakCookie,
			"Origin", "http://localhost:1", "Content-Type", "application/json",
		}, l.headers...)
		a := s.send(l.method, l.target, l.body, headers...)
		if l.status != 0 && a.status != l.status {
			t.Errorf("%s is answered %d, want %d: %s", l.name, a.status, l.status, a.body)
		}
		whole := fmt.Sprintf("%v\n%s", a.header, a.body)
		for _, marker := range leaks {
			if strings.Contains(whole, marker) {
				t.Errorf("%s: the answer holds %s: %s", l.name, marker, whole)
			}
		}
	}
	malformedHTTP(t, s)
	// Once more after a crash: what was in memory is nowhere, what was being
	// written is cut.
	before := s
	s.kill()
	s = start(t, data, "--trust-proxy", "127.0.0.0/8", "--rollover-every", "500ms", "--compact-every", "1s",
		"--service-account", "svc.user:svcsecret")
	if a := s.send("POST", "/track?verbose=1", encode(t, []any{newEvent("Again", leakUser, nil)}), "Content-Type", "application/json"); a.status != 200 {
		t.Errorf("after the crash: %d %s", a.status, a.body)
	}
	metrics := s.send("GET", "/metrics", nil)

	await(t, "the log has become Parquet", func() bool {
		events, err := filepath.Glob(filepath.Join(data, "lake", "*", "*", "*", "*.parquet"))
		return err == nil && len(events) > 0
	})
	s.stop()
	// What was rejected is kept too, sealed, or there would be nothing to find.
	if a := verify(t, data); a.Rejected < 12 || a.Stored < 4 {
		t.Errorf("only %d rejected inputs and %d events are kept", a.Rejected, a.Stored)
	}
	for where, text := range map[string][]byte{"the metrics": metrics.body, "the log": s.log.bytes(), "the log before the crash": before.log.bytes()} {
		for _, marker := range leaks {
			if at := bytes.Index(text, []byte(marker)); at >= 0 {
				t.Errorf("%s holds %s: %q", where, marker, text[max(0, at-200):min(len(text), at+100)])
			}
		}
	}
	searchFolder(t, data, leaks, leakTrait)
	searchTemporary(t, temporary)
}

// searchTemporary searches what the server left where temporary files go.
func searchTemporary(t *testing.T, dir string) {
	t.Helper()
	needles := map[string][]string{}
	for _, marker := range leaks {
		needles[marker] = forms(marker)
	}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		report(t, path, content, needles)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// leakRequest is one request full of markers.
type leakRequest struct {
	name, method, target string
	body                 []byte
	headers              []string
	status               int // that it must have; 0 for any
}

func leakRequests(t *testing.T) []leakRequest {
	good := newEvent("Good", leakUser, map[string]any{
		"$user_id": leakUser, "$device_id": leakDevice, "ip": leakOther, "company": leakGroup, "$insert_id": "i-1",
	})
	jsonOf := func(v any) []byte { return encode(t, v) }
	event := func(properties map[string]any) []byte { return jsonOf([]any{newEvent("Bad", leakUser, properties)}) }
	query := func(v any) string {
		return url.QueryEscape(base64.StdEncoding.EncodeToString(jsonOf(v)))
	}
	update := func(operator string, value any) []byte {
		return jsonOf([]any{map[string]any{"$token": token, "$distinct_id": leakUser, operator: value}})
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(`[{"event":"x","properties":{"distinct_id":"` + leakBroken + `"`))
	_ = z.Close()

	return []leakRequest{
		{name: "a group", method: "POST", target: "/groups?verbose=1", status: 200,
			body: jsonOf([]any{map[string]any{"$token": token, "$group_key": "company", "$group_id": leakGroup, "$set": map[string]any{"$name": leakTrait}}})},
		{name: "a good event", method: "POST", target: "/track?verbose=1", body: jsonOf([]any{good}), status: 200},
		{name: "an event in the query", method: "GET", target: "/track?ip=1&data=" + query(good), status: 200},
		{name: "an alias", method: "POST", target: "/track", status: 200,
			body: jsonOf([]any{map[string]any{"event": "$create_alias", "properties": map[string]any{"token": token, "distinct_id": leakUser, "alias": leakAlias}}})},
		{name: "an identify", method: "POST", target: "/track", status: 200,
			body: jsonOf([]any{map[string]any{"event": "$identify", "properties": map[string]any{"token": token, "distinct_id": leakUser, "$anon_distinct_id": "$device:" + leakDevice}}})},
		{name: "traits", method: "POST", target: "/engage?verbose=1", status: 200,
			body: update("$set", map[string]any{"$email": leakEmail, "hobby": leakTrait})},
		{name: "personal values everywhere", method: "POST", target: "/track?verbose=1", status: 200,
			body: jsonOf([]any{newEvent("Mail to "+leakEmail, leakUser, map[string]any{
				"to": leakEmail, "nested": map[string]any{"a": []any{"x " + leakEmail + ", y", leakOther}}, leakEmail: true,
				"$current_url": "https://user:" + leakSecret + "@shop.example/u/" + leakEmail + "/?token=" + leakToken + "&email=" + url.QueryEscape(leakEmail) + "#" + leakBroken,
				"$referrer":    "https://mail.example/" + leakEmail + "?q=" + leakKey, "current_page_title": leakEmail + " writes", "utm_term": leakEmail,
			})})},
		{name: "personal traits", method: "POST", target: "/engage?verbose=1", status: 200,
			body: update("$set", map[string]any{"$name": leakSecret, "$phone": leakKey, "contact": "ask " + leakEmail, "me": leakUser, "addresses": []any{leakOther, leakEmail}})},
		{name: "more personal traits", method: "POST", target: "/engage?verbose=1", status: 200,
			body: update("$union", map[string]any{"emails": []any{leakEmail, "other." + leakEmail}})},
		{name: "broken JSON", method: "POST", target: "/track?verbose=1", body: []byte(`[{"event":"x","properties":{"distinct_id":"` + leakBroken + `"`), status: 200},
		{name: "broken base64", method: "POST", target: "/track?verbose=1", body: []byte("data=%%%" + leakBroken), headers: []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{name: "base64 of nonsense", method: "GET", target: "/track?verbose=1&data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("nonsense "+leakBroken)))},
		{name: "not gzip", method: "POST", target: "/track", body: []byte(leakBroken), headers: []string{"Content-Encoding", "gzip"}},
		{name: "gzip of broken JSON", method: "POST", target: "/track", body: zipped.Bytes(), headers: []string{"Content-Encoding", "gzip"}},
		{name: "not UTF-8", method: "POST", target: "/track", body: []byte("[{\"event\":\"x\",\"properties\":{\"token\":\"" + token + "\",\"distinct_id\":\"" + leakBroken + "\xff\"}}]")},
		{name: "an id that is an object", method: "POST", target: "/track?verbose=1", body: event(map[string]any{"distinct_id": map[string]any{leakUser: leakUser}})},
		{name: "a time that is text", method: "POST", target: "/track?verbose=1", body: event(map[string]any{"time": leakBroken})},
		{name: "a name that is an object", method: "POST", target: "/track", body: jsonOf([]any{map[string]any{"event": map[string]any{leakBroken: 1}, "properties": good["properties"]}})},
		{name: "properties that are a list", method: "POST", target: "/track", body: jsonOf([]any{map[string]any{"event": "x", "properties": []any{leakBroken}}})},
		{name: "too deep", method: "POST", target: "/track", body: []byte(`[{"event":"x","properties":{"token":"` + token + `","distinct_id":"` + leakUser + `","deep":` + strings.Repeat(`{"`+leakBroken+`":`, 2000) + "1" + strings.Repeat("}", 2000) + "}}]")},
		{name: "too large", method: "POST", target: "/track", body: append([]byte(`["`+leakBroken), bytes.Repeat([]byte(" "), 12<<20)...), status: 413},
		{name: "an unknown token", method: "POST", target: "/track?verbose=1", body: jsonOf([]any{map[string]any{"event": "x", "properties": map[string]any{"token": leakToken, "distinct_id": leakUser}}})},
		{name: "no token", method: "POST", target: "/track?verbose=1", body: jsonOf([]any{map[string]any{"event": "x", "properties": map[string]any{"distinct_id": leakUser}}})},
		{name: "an unknown operator", method: "POST", target: "/engage?verbose=1", body: update("$"+leakBroken, map[string]any{"a": leakTrait})},
		{name: "adding to a text", method: "POST", target: "/engage?verbose=1", body: update("$add", map[string]any{"hobby": 1})},
		{name: "adding a text", method: "POST", target: "/engage?verbose=1", body: update("$add", map[string]any{"n": leakTrait})},
		{name: "import with a wrong secret", method: "POST", target: "/import?strict=1", body: jsonOf([]any{good}), headers: []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("svc.user:"+leakSecret))}},
		{name: "import of bad records", method: "POST", target: "/import?strict=1&project_id=1", status: 400,
			body:    jsonOf([]any{newEvent("x", leakUser, map[string]any{"time": leakBroken, "$insert_id": "i-2"})}),
			headers: []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("svc.user:svcsecret"))}},
		{name: "a route that is not there", method: "POST", target: "/nowhere/at/all/" + leakUser, body: jsonOf(good), status: 404},
		{name: "a session recording", method: "POST", target: "/record/?distinct_id=" + leakUser, body: []byte(leakBroken), status: 200},
		{name: "flags", method: "GET", target: "/flags?context=" + url.QueryEscape(`{"distinct_id":"`+leakUser+`"}`), status: 200},
		{name: "a look-up without a key", method: "GET", target: "/api/profiles/" + leakUser, status: 401, headers: []string{"Authorization", "Bearer " + leakKey}},
		{name: "a look-up by query", method: "GET", target: "/api/profiles/" + leakUser + "?key=" + leakKey, status: 401},
		{name: "SQL without a key", method: "POST", target: "/api/sql", body: jsonOf(map[string]any{"sql": "select '" + leakUser + "'"}), status: 401, headers: []string{"Authorization", "Bearer " + leakKey}},
	}
}

// malformedHTTP sends what is no HTTP, and SQL and look-ups with markers by
// somebody who may ask: only the log may not repeat those.
func malformedHTTP(t *testing.T, s *server) {
	t.Helper()
	for _, text := range []string{
		"GET /" + leakUser + " HTTP/9.9\r\n\r\n",
		"GET /track?data=" + leakUser + " HTTP/1.1\r\nHost: x\r\nX-" + leakBroken + "\x01: 1\r\n\r\n",
		"POST /track HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + leakBroken,
		leakBroken + "\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		half, ok := conn.(*net.TCPConn)
		if !ok {
			t.Fatal("not a TCP connection")
		}
		if err := half.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		var answer bytes.Buffer
		_, _ = answer.ReadFrom(conn) // a reset is an answer as well
		if strings.Contains(answer.String(), "leak-") {
			t.Errorf("the answer to malformed HTTP repeats it: %s", answer.String())
		}
		_ = conn.Close()
	}
	for _, statement := range []string{
		"select '" + leakUser + "' from nowhere", "select * from read_csv('" + leakBroken + "')", "selec " + leakEmail,
		"select * from events where json_extract_string(properties, '$.distinct_id') = '" + leakUser + "'",
	} {
		s.send("POST", "/api/sql", encode(t, map[string]string{"sql": statement}), "Authorization", "Bearer "+s.keys["read"])
	}
	for _, id := range []string{leakUser, leakAlias, leakBroken} {
		if a := s.profile("pii", id); a.status != http.StatusOK && a.status != http.StatusNotFound {
			t.Errorf("looking up a profile is answered %d", a.status)
		}
	}
}
