package accounttest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"loch/infra/aws/accounttest"
	"loch/infra/aws/firehose/firehosetest"
	"loch/shared/project"
)

// TestProduct has the binaries that are deployed take events and profile updates, and
// look them up, within the rights that template.yaml gives them and no more.
func TestProduct(t *testing.T) {
	var log transcript
	a := accounttest.Deploy(t, accounttest.Options{Functions: []string{"Ingest", "Lookup", "Erase", "Redrive"}, Log: &log})
	defer func() {
		if t.Failed() {
			t.Log(log.String())
			for name, g := range a.Guards {
				t.Logf("%s was refused %q and used %v", name, g.Refused(), g.Calls())
			}
		}
	}()
	event := func(name, id, distinct string, more string) string {
		return fmt.Sprintf(`{"event":%q,"properties":{"token":%q,"time":%d,"$insert_id":%q,"distinct_id":%q%s}}`,
			name, a.Project.Token, time.Now().Unix(), id, distinct, more)
	}
	body := "[" + event("Visited", "i-1", "$device:d/1", `,"$device_id":"d/1"`) + "," +
		event("Signed Up", "i-2", "ann/lee", `,"$device_id":"d/1","$user_id":"ann/lee"`) + `,{"event":"","properties":{}}]`
	if said := a.Post(t, "/track?verbose=1", "application/json", body); !strings.Contains(said, `"status"`) {
		t.Errorf("the answer: %s", said)
	}
	a.Post(t, "//track/", "application/x-www-form-urlencoded", "data="+event("Clicked", "i-3", "ann/lee", ""))
	a.Post(t, "/engage", "application/json", fmt.Sprintf(`[{"$token":%q,"$distinct_id":"ann/lee","$set":{"plan":"pro","$email":"ann@example.com"}}]`, a.Project.Token))

	// By query, since the API undoes the escapes of the path.
	var found struct {
		PersonID   string         `json:"person_id"`
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal([]byte(a.Ask(t, "GET", "/api/profile?id=ann%2Flee", project.PII, 200)), &found); err != nil {
		t.Fatal(err)
	}
	if found.Properties["plan"] != "pro" || found.Properties["$email"] != "ann@example.com" || len(found.PersonID) != 32 {
		t.Errorf("the profile is %+v", found)
	}
	a.Ask(t, "GET", "/api/profile?id=ann%2Flee", project.Erase, 403)
	a.Ask(t, "GET", "/api/profiles/nobody", project.Read, 404)
	if listed := a.Ask(t, "GET", "/api/profiles?limit=10", project.Read, 200); !strings.Contains(listed, found.PersonID) || strings.Contains(listed, "ann@") {
		t.Errorf("a list: %s", listed)
	}

	// A script that asks Mixpanel for profiles, which asks without rights to personal ones.
	asked := "/api/query/engage?" + url.Values{"where": {`properties["plan"] == "pro"`}}.Encode()
	if said := a.Ask(t, "GET", asked, project.Read, 200); !strings.Contains(said, `"total":1,"results":[{"$distinct_id":"`+found.PersonID) || strings.Contains(said, "ann@") {
		t.Errorf("the profiles: %s", said)
	}
	if said := a.Ask(t, "POST", "/api/2.0/engage/?distinct_id=ann%2Flee", project.PII, 200); !strings.Contains(said, `"$email":"ann@example.com"`) {
		t.Errorf("the profile by identifier: %s", said)
	}

	a.Deliver(t)
	rows := map[string]map[string]any{}
	for key, file := range a.Lake.Objects(t, "landing/") {
		lines, err := firehosetest.ReadParquet(file)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		for _, line := range lines {
			rows[fmt.Sprint(line["event"])] = line
		}
	}
	if len(rows) != 3 || rows["Signed Up"]["user_id"] != found.PersonID || rows["Visited"]["device_id"] != rows["Signed Up"]["device_id"] {
		t.Errorf("the lake has %d rows: %v", len(rows), rows)
	}
	for _, kind := range []string{"landing/", "rejected/"} {
		for key, file := range a.Lake.Objects(t, kind) {
			for _, secret := range []string{"ann/lee", "ann@example.com", "d/1"} {
				if bytes.Contains(file, []byte(secret)) {
					t.Errorf("%s holds %q", key, secret)
				}
			}
		}
	}
	if n := len(a.Lake.Objects(t, "rejected/")); n != 1 {
		t.Errorf("%d files of rejected input", n)
	}
	if said := a.Ask(t, "DELETE", "/api/profile?id=ann%2Flee&remove_rows=true&suppress=true", project.Erase, 200); !strings.Contains(said, `"erased":true`) {
		t.Errorf("the erasure: %s", said)
	}
	a.Ask(t, "DELETE", "/api/profile?id=ann%2Flee", project.Read, 403)
	a.Ask(t, "GET", "/api/profile?id=ann%2Flee", project.Read, 404)
	for key, order := range a.Lake.Objects(t, "removals/") {
		if !bytes.Contains(order, []byte(found.PersonID)) {
			t.Errorf("%s: %s", key, order)
		}
	}
	if n := len(a.Lake.Objects(t, "removals/")); n == 0 {
		t.Error("no order to remove the rows")
	}
	if said := a.Run(t, "Erase", `{"job":"resume"}`); said != `{"resumed":0}` {
		t.Errorf("the clock's turn: %s", said)
	}
	if said := a.Run(t, "Redrive", "{}"); !strings.Contains(said, `"waiting":0`) {
		t.Errorf("redrive: %s", said)
	}
	for name, g := range a.Guards {
		if refused := g.Refused(); len(refused) > 0 {
			t.Errorf("%s was refused %q", name, refused)
		}
	}
	if asks := a.KMS.Asks(); asks > 8 {
		t.Errorf("KMS was asked %d times for %d requests", asks, a.API.Requests())
	}
	used := a.Guards["Ingest"].Calls()
	for _, sid := range []string{"Stream", "Profiles", "Vault", "Projects", "OpenVault"} {
		if used[sid] == 0 {
			t.Errorf("ingest has a right that it does not use: %s; used are %v", sid, used)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines == 0 || strings.Contains(log.String(), "ann/lee") || strings.Contains(log.String(), `"msg":"request"`) {
		t.Errorf("the log has %d lines:\n%s", lines, log.String())
	}
}

// A function that is killed after it wrote and before it answered leaves nothing half
// done: the client sends again, and each event is there once by its insert id.
func TestKilledBeforeTheAnswer(t *testing.T) {
	kill := true
	a := accounttest.Deploy(t, accounttest.Options{Functions: []string{"Ingest"}, DieBeforeAnswer: func(string) bool {
		killed := kill
		kill = false
		return killed
	}})
	body := fmt.Sprintf(`[{"$token":%q,"$distinct_id":"bob","$insert_id":"once","$add":{"n":1}}]`, a.Project.Token)
	for _, status := range []int{500, 200} {
		got := post(t, a.URL+"/engage", body)
		if got != status {
			t.Fatalf("the answer is %d, want %d", got, status)
		}
	}
	if u := a.Functions["Ingest"].Usage(); u.Requests != 2 || len(u.Starts) != 2 {
		t.Errorf("%d requests on %d instances", u.Requests, len(u.Starts))
	}
	var events []string
	for range 2 {
		events = append(events, fmt.Sprintf(`{"event":"E","properties":{"token":%q,"time":%d,"$insert_id":"same","distinct_id":"bob"}}`, a.Project.Token, time.Now().Unix()))
	}
	kill = true
	for _, status := range []int{500, 200} {
		if got := post(t, a.URL+"/track", "["+strings.Join(events[:1], ",")+"]"); got != status {
			t.Fatalf("the answer is %d, want %d", got, status)
		}
	}
	a.Deliver(t)
	ids := map[string]bool{}
	count := 0
	for key, file := range a.Lake.Objects(t, "landing/") {
		lines, err := firehosetest.ReadParquet(file)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		for _, line := range lines {
			ids[fmt.Sprint(line["insert_id"])] = true
			count++
		}
	}
	if len(ids) != 1 || count != 2 {
		t.Errorf("%d rows with the insert ids %v", count, slices.Collect(maps.Keys(ids)))
	}
}

func post(t *testing.T, address, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// transcript is what functions print. They go on while the test reads it.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
