package erase_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"loch/functions/erase"
	"loch/shared/audit"
	"loch/shared/report"
	"loch/shared/web"
)

// annsEvents are n events of ann on her devices, with and without a user, and
// between them what bob did on her laptop.
func annsEvents(n int) []row {
	var rows []row
	for i := range n {
		// Several events share a time, and several a request.
		at := noonMS - 90*86_400_000 + int64(i/3)*3_600_000
		r := row{timeMS: at, requestID: fmt.Sprintf("r%05d", i/2), index: i, properties: fmt.Sprintf(`{"i": %d,"big":1.50}`, i)}
		switch i % 3 {
		case 0:
			r.user, r.device = ann, laptop
		case 1:
			r.device = phone
		case 2:
			r.user = ann
		}
		rows = append(rows, r, row{user: bob, device: laptop, timeMS: at, requestID: fmt.Sprintf("r%05d", i/2), index: i, properties: `{"i":-1}`})
	}
	return rows
}

// exported is what an export is expected to hold.
type exported struct {
	DistinctID  string         `json:"distinct_id"`
	PersonID    string         `json:"person_id"`
	Profile     map[string]any `json:"profile"`
	Identifiers []string       `json:"identifiers"`
	Links       []struct {
		DeviceID string `json:"device_id"`
		UserID   string `json:"user_id"`
	} `json:"links"`
	Events []struct {
		Event      string
		Time       time.Time
		Properties struct {
			I   int
			Big json.Number
		}
	} `json:"events"`
	EventCount int `json:"event_count"`
	Reads      []struct {
		LedgerEntry uint64   `json:"ledger_entry"`
		Kind        string   `json:"kind"`
		Key         string   `json:"key"`
		Fields      []string `json:"fields"`
		Why         string   `json:"why"`
	} `json:"reads"`
}

func TestExportText(t *testing.T) {
	w := newWorld()
	w.rows = annsEvents(1)
	got := w.ask("GET", "/api/profiles/$device:phone-77/export?why=phone-77+asked", "erase", "")
	want := `{"distinct_id":"$device:phone-77","person_id":"` + ann + `","project":"shop","exported":"2026-11-23T12:00:00.000Z","request_id":"",` +
		`"profile":{"first_seen":"2026-11-22T12:00:00.000Z","last_seen":"2026-11-23T12:00:00.000Z","updated":"2026-11-23T12:00:00.000Z",` +
		`"properties":{"plan":"pro","$email":"ann@x.test","$name":"Ann Lee","n":12345678901234567890123},` +
		`"geo":{"country":"SE","region":null,"city":null,"timezone":null},"device":{"browser":"Firefox","os":null,"device_type":null,"device_brand":null,"device_model":null},"first_arrival":{"referrer_host":null,"channel":null,"source":null,"utm_source":null,"utm_medium":null,"utm_campaign":null,"utm_term":null,"utm_content":null,"click_id_kind":null}},` +
		`"identifiers":["` + ann + `","` + phone + `","` + laptop + `"],` +
		`"links":[{"device_id":"` + phone + `","user_id":"` + ann + `"},{"device_id":"` + laptop + `","user_id":"` + ann + `"}],` + "\n" +
		`"events":[` + "\n" +
		`{"project":"shop","date":"2026-08-25","event":"Page","device_id":"` + laptop + `","user_id":"` + ann + `","time":"2026-08-25T12:00:00.000Z","is_bot":false,"revenue":1.5,` +
		`"properties":{"i":0,"big":1.50},"request_id":"r00000","batch_index":0}` + "\n],\n" +
		`"event_count":1,` + "\n" + `"reads":[` + "\n" +
		`{"ledger_entry":1,"time":"2026-11-23T12:00:00.000Z","kind":"export","key":"erase","fields":["$email","$name"],"why":"[id] asked"}` + "\n]}\n"
	if got.Code != 200 || got.Body.String() != want {
		t.Errorf("%d got\n%s\nwant\n%s", got.Code, got.Body, want)
	}
	head := got.Header()
	if head.Get("Content-Disposition") != `attachment; filename="loch-export-a1a1a1a1a1a1.json"` || head.Get("Cache-Control") != "no-store" || head.Get("X-Events") != "1" {
		t.Errorf("%v", head)
	}
}

func TestExportIsComplete(t *testing.T) {
	const n = 5000
	for _, most := range []int{0, 90} {
		w := newWorld()
		w.rows = annsEvents(n)
		w.most = most
		w.ledger = []audit.Entry{
			{Seq: 1, Project: "shop", Kind: audit.Read, Key: "pii", Person: ann, Fields: []string{"$email"}, Why: "support"},
			{Seq: 2, Project: "shop", Kind: audit.Read, Key: "pii", Person: bob},
			{Seq: 3, Project: "other", Kind: audit.Read, Person: ann},
			{Seq: 4, Project: "shop", Kind: audit.Read, Person: phone}, // before it was linked
			{Seq: 5, Project: "shop", Kind: audit.EraseBegun, Person: bob, IDs: []string{bob, laptop}},
		}
		got := w.ask("GET", "/api/profiles/ann-lee/export", "erase", "")
		var doc exported
		if err := json.Unmarshal(got.Body.Bytes(), &doc); err != nil || got.Code != 200 {
			t.Fatalf("%d %v", got.Code, err)
		}
		if len(doc.Events) != n || doc.EventCount != n {
			t.Fatalf("%d events, counted %d, want %d", len(doc.Events), doc.EventCount, n)
		}
		for i, e := range doc.Events {
			if e.Properties.I != i || e.Properties.Big != "1.50" || e.Time.IsZero() {
				t.Fatalf("event %d is %+v", i, e)
			}
		}
		if len(w.statements) < 4 || most > 0 && len(w.statements) < n/most {
			t.Errorf("only %d statements: pages were not tried", len(w.statements))
		}
		var kinds []string
		for _, r := range doc.Reads {
			kinds = append(kinds, fmt.Sprint(r.LedgerEntry, r.Kind))
		}
		if fmt.Sprint(kinds) != "[1read 4read 5erase_begun 6export]" {
			t.Errorf("reads: %v", kinds)
		}
	}
}

func TestExportOfOthers(t *testing.T) {
	w := newWorld()
	w.rows = append(annsEvents(3), row{device: kiosk, timeMS: noonMS, requestID: "k", properties: `{"i":1}`})
	for path, events := range map[string]int{
		"bob": 3, "kiosk-99": 1, "acme-inc/export?group_key=company": 0, "ANN@x.test/export?by=email": 3, ann + "/export?by=person": 3,
	} {
		if !strings.Contains(path, "/") {
			path += "/export"
		}
		got := w.ask("GET", "/api/profiles/"+path, "erase", "")
		var doc exported
		if err := json.Unmarshal(got.Body.Bytes(), &doc); err != nil || got.Code != 200 || len(doc.Events) != events {
			t.Errorf("%s: %d, %v, %d events\n%s", path, got.Code, err, len(doc.Events), got.Body)
		}
	}
	w.entries["device bob"] = kiosk
	if got := w.ask("GET", "/api/profiles/bob/export", "erase", ""); got.Code != 409 || !strings.Contains(got.Body.String(), "by=device") || len(w.ledger) != 7 {
		t.Errorf("two people in one document: %d %s", got.Code, got.Body)
	}
	if got := w.ask("GET", "/api/profiles/bob/export?by=device", "erase", ""); got.Code != 200 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// TestExportFailure: before the first byte there is a status and nothing of the
// person, after it the connection is cut, so that a part never looks like the
// whole.
func TestExportFailure(t *testing.T) {
	for failQuery := 1; failQuery <= 2; failQuery++ {
		w := newWorld()
		w.rows = annsEvents(1000)
		w.failQuery = failQuery
		if got := w.ask("GET", "/api/profiles/ann-lee/export", "erase", ""); got.Code != 503 || len(w.ledger) > 0 {
			t.Errorf("statement %d failed: %d, ledger %s", failQuery, got.Code, w.ledgerText())
		}
	}
	w := newWorld()
	w.failAt = 1 // the ledger
	got := w.ask("GET", "/api/profiles/ann-lee/export", "erase", "")
	if got.Code != 503 {
		t.Errorf("an export that is not in the ledger: %d", got.Code)
	}
	silent(t, "the answer", got.Body.String())

	w = newWorld()
	w.rows = annsEvents(1000)
	w.failQuery = 3
	d := w.deps()
	d.Now = time.Now // of which the connection's deadlines are made
	srv := httptest.NewServer(erase.New(d))
	defer srv.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/api/profiles/ann-lee/export", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer erase")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	part, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err == nil || resp.StatusCode != 200 || len(part) == 0 {
		t.Fatalf("half an export looks whole: %d, %d bytes", resp.StatusCode, len(part))
	}
}

// slow is an engine that takes all the time there is.
type slow struct{}

func (slow) Query(ctx context.Context, _, _ string, _ report.Limits) (report.Result, error) {
	<-ctx.Done()
	return report.Result{}, ctx.Err()
}

func TestExportLimits(t *testing.T) {
	w := newWorld()
	d := w.deps()
	d.Limit = web.NewRateLimit(d.Now)
	d.Engine, d.MaxTime = slow{}, time.Millisecond
	h := erase.New(d)
	codes := map[int]int{}
	for range 61 {
		r := httptest.NewRequest(http.MethodGet, "/api/profiles/ann-lee/export", nil)
		r.Header.Set("Authorization", "Bearer erase")
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		codes[got.Code]++
	}
	if codes[504] != 60 || codes[429] != 1 {
		t.Errorf("%v", codes)
	}
}
