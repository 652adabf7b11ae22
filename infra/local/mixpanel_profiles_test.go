package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMixpanelProfiles writes profiles as an SDK does, and reads them as Mixpanel's
// scripts do, with all stores in between.
func TestMixpanelProfiles(t *testing.T) {
	p, err := open(settings{dataDir: t.TempDir(), logger: slog.New(slog.DiscardHandler), serviceAccounts: []string{"svc.user:svcsecret"}, writeToken: "T"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	var credentials struct{ Keys map[string]string }
	text, err := os.ReadFile(filepath.Join(p.settings.dataDir, "credentials.json"))
	if err == nil {
		err = json.Unmarshal(text, &credentials)
	}
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path, user, secret string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		if method == http.MethodGet {
			r = httptest.NewRequest(method, path+"?"+form.Encode(), nil)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if user != "" {
			r.SetBasicAuth(user, secret)
		}
		w := httptest.NewRecorder()
		p.routes.ServeHTTP(w, r)
		return w
	}
	var updates []string
	for n := range 25 {
		updates = append(updates, fmt.Sprintf(`{"$token":"T","$distinct_id":"user-%02d","$set":{"plan":%q,"seats":%d,"$email":"p%02d@example.com","$last_name":"Lee"}}`,
			n, [...]string{"free", "pro"}[n%2], n, n))
	}
	if w := send(http.MethodPost, "/engage", "", "", url.Values{"data": {"[" + strings.Join(updates, ",") + "]"}}); w.Body.String() != "1" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	type answer struct {
		SessionID string `json:"session_id"`
		Total     int
		Results   []struct {
			DistinctID string         `json:"$distinct_id"`
			Properties map[string]any `json:"$properties"`
		}
	}
	ask := func(method, path, user, secret string, form url.Values) (a answer) {
		t.Helper()
		w := send(method, path, user, secret, form)
		if err := json.Unmarshal(w.Body.Bytes(), &a); w.Code != 200 || err != nil {
			t.Fatalf("%s %v: %d %s", path, form, w.Code, w.Body)
		}
		return a
	}
	form := url.Values{"where": {`properties["plan"] == "pro" and properties["seats"] > 2`}, "page_size": {"4"}, "project_id": {"7"}}
	seen := map[string]bool{}
	for page := range 3 {
		form.Set("page", fmt.Sprint(page))
		a := ask(http.MethodPost, "/api/query/engage", "svc.user", "svcsecret", form)
		if a.Total != 11 || len(a.Results) != []int{4, 4, 3}[page] {
			t.Fatalf("page %d: %+v", page, a)
		}
		for _, r := range a.Results {
			if r.Properties["plan"] != "pro" || r.Properties["$email"] != nil || r.Properties["$last_name"] != nil || r.Properties["$last_seen"] == nil || seen[r.DistinctID] {
				t.Errorf("%+v", r)
			}
			seen[r.DistinctID] = true
		}
		form.Set("session_id", a.SessionID)
	}
	pii := credentials.Keys["pii"]
	a := ask(http.MethodGet, "/api/2.0/engage", pii, "", url.Values{"where": {`properties["$email"] == "p03@example.com"`}, "output_properties": {`["$email","seats"]`}})
	if len(a.Results) != 1 || !seen[a.Results[0].DistinctID] || fmt.Sprint(a.Results[0].Properties) != "map[$email:p03@example.com seats:3]" {
		t.Errorf("%+v", a)
	}
	// The id of a list finds the same person.
	b := ask(http.MethodGet, "/api/2.0/engage/", pii, "", url.Values{"distinct_ids": {`["` + a.Results[0].DistinctID + `","user-03","user-04"]`}, "output_properties": {`["seats"]`}})
	if len(b.Results) != 2 || b.Results[0].DistinctID != a.Results[0].DistinctID || b.Results[1].DistinctID != "user-04" || b.Results[1].Properties["seats"] != 4.0 {
		t.Errorf("%+v", b)
	}
	if w := send(http.MethodPost, "/api/query/engage", "svc.user", "svcsecret", url.Values{"where": {`properties["$email"] == "p03@example.com"`}}); w.Code != 403 || !strings.Contains(w.Body.String(), `"status":"error"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := send(http.MethodPost, "/api/query/engage", "svc.user", "wrong", nil); w.Code != 401 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// The same path without a key's right is never taken for an update.
	if w := send(http.MethodPost, "/api/2.0/engage/", "", "", url.Values{"data": {updates[0]}}); w.Code != 401 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
