package lookup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"loch/functions/lookup"
	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/web"
)

func exported(t *testing.T, body string) (ids []string) {
	t.Helper()
	for line := range strings.Lines(body) {
		var one struct {
			PersonID string `json:"person_id"`
		}
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, one.PersonID)
	}
	return ids
}

// withLakeIDs gives the crowd ids as the vault makes them, many pages of people.
func withLakeIDs(d *lookup.Deps, n int) {
	list := d.Roster.(people)
	var many people
	for i := range n {
		p := list[i%40]
		p.ID = fmt.Sprintf("%032x", i)
		many = append(many, p)
	}
	d.Roster = many
}

func TestExport(t *testing.T) {
	d, e, ledger := crowd()
	withLakeIDs(&d, 1203)
	h := lookup.New(d)
	w := get(h, "/api/profiles.ndjson", "read")
	ids := exported(t, w.Body.String())
	if w.Code != 200 || len(ids) != 1203 || ids[1202] != fmt.Sprintf("%032x", 1202) || w.Header().Get("X-Profiles") != "1203" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d, %d lines, %v", w.Code, len(ids), w.Header())
	}
	for _, personal := range []string{"Person", "phone", "sealed"} {
		if strings.Contains(w.Body.String(), personal) {
			t.Errorf("%q is exported without scope pii", personal)
		}
	}
	if len(ledger.entries) != 0 {
		t.Error("nothing was opened")
	}
	if got := exported(t, get(h, "/api/profiles.ndjson?after="+ids[700], "read").Body.String()); len(got) != 502 || got[0] != ids[701] {
		t.Errorf("%d lines go on from %s", len(got), got[0])
	}
	e.did = []string{ids[3], ids[5]}
	w = get(h, "/api/profiles.ndjson?cohort=%7B%22did%22:%7B%22event%22:%22x%22%7D%7D&where=%5B%7B%22property%22:%22plan%22,%22op%22:%22eq%22,%22value%22:%22pro%22%7D%5D", "read")
	if got := exported(t, w.Body.String()); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

// In clear, an export takes the key's turns as they come, and is whole in the end;
// look-ups of the same key need not wait for it. The owner of the data does not wait.
// The ledger names everybody in either case.
func TestExportInClear(t *testing.T) {
	d, _, ledger := crowd()
	withLakeIDs(&d, 1203)
	now, looked := time.Unix(0, 0), 0
	d.Limit = web.NewRateLimit(func() time.Time { return now })
	key := project.Key{Project: project.Project{ID: "shop"}, Scope: project.PII, Name: "pii"}
	d.Pause = func(_ context.Context, wait time.Duration) error {
		if wait > 30*time.Second {
			t.Fatalf("nothing comes for %v", wait)
		}
		now = now.Add(wait * 3 / 4)
		if looked < 10 && d.Limit.Take(key, 60) == nil {
			looked++
		}
		now = now.Add(wait - wait*3/4)
		return nil
	}
	w := get(lookup.New(d), "/api/profiles.ndjson", "pii")
	if got := exported(t, w.Body.String()); len(got) != 1203 || !strings.Contains(w.Body.String(), `"$name":"Person 00"`) {
		t.Errorf("%d people", len(got))
	}
	if spent := now.Sub(time.Unix(0, 0)).Round(time.Second); looked != 10 || spent != (1203-60+10)*time.Second {
		t.Errorf("it took %v, and there were %d look-ups", spent, looked)
	}
	d.Pause = func(context.Context, time.Duration) error { return context.Canceled }
	func() {
		defer func() {
			if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				t.Error("an export that was stopped looks whole")
			}
		}()
		now = now.Add(time.Hour)
		get(lookup.New(d), "/api/profiles.ndjson", "pii")
	}()
	d.Everybody, ledger.entries = true, nil
	w = get(lookup.New(d), "/api/profiles.ndjson", "pii")
	if got := exported(t, w.Body.String()); len(got) != 1203 || !strings.Contains(w.Body.String(), `"$name":"Person 00"`) {
		t.Errorf("%d people", len(got))
	}
	named := 0
	for _, e := range ledger.entries {
		named += len(e.IDs)
	}
	if named != 1203 || len(ledger.entries) != 3 || strings.Join(ledger.entries[0].Fields, " ") != "$name $phone" {
		t.Errorf("%d rows name %d people", len(ledger.entries), named)
	}
	ledger.err = fault.New(fault.Unavailable, "the ledger has no room")
	if w := get(lookup.New(d), "/api/profiles.ndjson", "pii"); w.Code != 503 || strings.Contains(w.Body.String(), "Person") {
		t.Errorf("opened without an entry: %d", w.Code)
	}
}

func TestExportRefusals(t *testing.T) {
	d, _, _ := crowd()
	h := lookup.New(d)
	for _, c := range []struct {
		query, key string
		status     int
		field      string
	}{
		{"", "", 401, ""}, {"", "erase", 403, ""}, {"?order=name", "pii", 400, "order"}, {"?limit=5", "read", 400, "limit"}, {"?cursor=x", "read", 400, "cursor"},
		{"?after=x", "read", 400, "after"}, {"?after=x&after=y", "read", 400, "after"}, {"?x=1", "read", 400, ""}, {"?x=%zz", "read", 400, ""},
		{"?where=[%7B%22property%22:%22$name%22,%22op%22:%22is_set%22%7D]", "read", 403, "where[0]"},
		{"?where=[%7B%22property%22:%22$name%22,%22op%22:%22is_set%22%7D]", "pii", 400, "where[0]"},
	} {
		w := get(h, "/api/profiles.ndjson"+c.query, c.key)
		if w.Code != c.status || c.field != "" && !strings.Contains(w.Body.String(), `"field":"`+c.field+`"`) {
			t.Errorf("%s: %d %s", c.query, w.Code, w.Body)
		}
	}
}
