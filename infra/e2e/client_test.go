package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// client is one for all tests; a server that hangs fails them.
var client = &http.Client{Timeout: patience, Transport: &http.Transport{
	DisableCompression: true, MaxIdleConnsPerHost: 32,
}}

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes a request; headers come in pairs.
func (s *server) send(method, target string, body []byte, headers ...string) answer {
	s.t.Helper()
	a, err := s.trySend(method, target, body, headers...)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	return a
}

// trySend is send for a server that may be gone.
func (s *server) trySend(method, target string, body []byte, headers ...string) (answer, error) {
	r, err := http.NewRequest(method, s.url+target, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{response.StatusCode, response.Header, text}, nil
}

// track posts events as a browser SDK in JSON does, and fails the test unless
// they are taken.
func (s *server) track(events ...map[string]any) {
	s.t.Helper()
	a := s.send("POST", "/track?verbose=1", encode(s.t, events), "Content-Type", "application/json")
	if a.status != http.StatusOK || string(a.body) != `{"error":null,"status":1}` {
		s.t.Fatalf("POST /track: %d %s", a.status, a.body)
	}
}

// newEvent makes an event of the test's project.
func newEvent(name, distinctID string, properties map[string]any) map[string]any {
	p := map[string]any{"token": token, "distinct_id": distinctID}
	maps.Copy(p, properties)
	return map[string]any{"event": name, "properties": p}
}

// row is one line of an SQL answer, by column name.
type row map[string]any

// sql asks the server and fails the test when it does not answer. Numbers are
// json.Number.
func (s *server) sql(statement string, args ...any) []row {
	s.t.Helper()
	rows, truncated := s.ask(fmt.Sprintf(statement, args...))
	if truncated {
		s.t.Fatalf("the answer to %q was cut", statement)
	}
	return rows
}

func (s *server) ask(statement string) (rows []row, truncated bool) {
	s.t.Helper()
	a := s.send("POST", "/api/sql", encode(s.t, map[string]string{"sql": statement}),
		"Content-Type", "application/json", "Authorization", "Bearer "+s.keys["read"])
	if a.status != http.StatusOK {
		s.t.Fatalf("%s\nanswered %d: %s", statement, a.status, a.body)
	}
	var result struct {
		Columns   []struct{ Name string }
		Rows      [][]any
		RowCount  int `json:"row_count"`
		Truncated bool
	}
	decode(s.t, a.body, &result)
	if result.RowCount != len(result.Rows) {
		s.t.Fatalf("row_count is %d, but there are %d rows", result.RowCount, len(result.Rows))
	}
	for _, values := range result.Rows {
		r := row{}
		for i, c := range result.Columns {
			r[c.Name] = values[i]
		}
		rows = append(rows, r)
	}
	return rows, result.Truncated
}

// all is sql for answers beyond the limit of one statement, which must have an
// order.
func (s *server) all(statement string) []row {
	s.t.Helper()
	const page = 5000
	var rows []row
	for {
		part := s.sql("%s limit %d offset %d", statement, page, len(rows))
		rows = append(rows, part...)
		if len(part) < page {
			return rows
		}
	}
}

// number is one number that a statement answers.
func (s *server) number(statement string, args ...any) int64 {
	s.t.Helper()
	rows := s.sql(statement, args...)
	if len(rows) != 1 || len(rows[0]) != 1 {
		s.t.Fatalf("%q did not answer one number but %v", statement, rows)
	}
	for _, v := range rows[0] {
		if n, ok := v.(json.Number); ok {
			i, err := n.Int64()
			if err != nil {
				s.t.Fatal(err)
			}
			return i
		}
	}
	s.t.Fatalf("%q did not answer a number but %v", statement, rows)
	return 0
}

// profile looks a person up with a key of the given scope.
func (s *server) profile(scope, distinctID string) answer {
	s.t.Helper()
	return s.send("GET", "/api/profiles/"+url.PathEscape(distinctID), nil, "Authorization", "Bearer "+s.keys[scope])
}

// await asks again and again until met is true.
func await(t testing.TB, what string, met func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(20 * time.Millisecond); !met(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decode(t testing.TB, text []byte, to any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		t.Fatalf("%v in %s", err, strings.TrimSpace(string(text)))
	}
}
