package accounttest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"loch/infra/aws/accounttest"
	"loch/infra/aws/athena/athenatest"
	"loch/shared/project"
)

// TestSlowStatements: the deployed function answers a statement that takes longer than
// a request may with a place, under which its answer is in the end, for this project
// alone, and which can be ended there.
func TestSlowStatements(t *testing.T) {
	goOn := make(chan struct{})
	var log transcript
	a := accounttest.Deploy(t, accounttest.Options{Functions: []string{"Query"}, Log: &log, Athena: func(ctx context.Context, _, statement string) (athenatest.Answer, error) {
		answer := athenatest.Answer{Columns: athenatest.Columns("n integer"), Rows: [][]any{{json.Number("7")}}}
		switch {
		case strings.Contains(statement, "a while"):
			select {
			case <-goOn:
			case <-ctx.Done():
			}
		case strings.Contains(statement, "forever"):
			<-ctx.Done()
		}
		return answer, ctx.Err()
	}})
	other := a.Create(t, "other")
	send := func(method, path, key, body string) (status int, location, text string) {
		r, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return 0, "", ""
		}
		r.Header.Set("Authorization", "Bearer "+key)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			return 0, "", ""
		}
		defer response.Body.Close()
		all, err := io.ReadAll(response.Body)
		if err != nil {
			t.Error(err)
		}
		return response.StatusCode, response.Header.Get("Location"), string(all)
	}
	read := a.Project.Keys[project.Read]
	const answered = `"rows":[[7]],"row_count":1`
	if status, _, text := send("POST", "/api/sql", read, `{"sql":"SELECT 7 AS n"}`); status != 200 || !strings.Contains(text, answered) {
		t.Fatalf("a quick one: %d %s", status, text)
	}
	// Each is an instance of its own, and waits for as long as a request may.
	places := map[string]string{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, which := range []string{"a while", "forever"} {
		all.Go(func() {
			status, place, text := send("POST", "/api/sql", read, `{"sql":"SELECT '`+which+`' AS n"}`)
			if status != http.StatusAccepted || !strings.HasPrefix(place, "/api/queries/") || !strings.Contains(text, `"running"`) {
				t.Errorf("%s: %d to %q %s", which, status, place, text)
			}
			mu.Lock()
			defer mu.Unlock()
			places[which] = place
		})
	}
	all.Wait()
	if t.Failed() {
		t.Fatal(log.String())
	}
	while, forever := places["a while"], places["forever"]
	if while == forever {
		t.Errorf("the places are %q and %q", while, forever)
	}
	for _, c := range []struct {
		method, path, key string
		status            int
	}{
		{"GET", while, other.Keys[project.Read], 404}, // another project's
		{"DELETE", while, other.Keys[project.PII], 404},
		{"GET", while, a.Project.Keys[project.Erase], 403},
		{"DELETE", while, "nobody", 401},
		{"GET", "/api/queries/00000000-0000-4000-8000-000000000000", read, 404}, // Athena knows it no more
		{"GET", "/api/queries/nonsense", read, 404},
		{"DELETE", forever, read, 204},
	} {
		if status, _, text := send(c.method, c.path, c.key, ""); status != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, status, text, c.status)
		}
	}
	if n := a.Athena["Query"].Stopped(); n != 1 {
		t.Errorf("%d statements were ended", n)
	}
	if status, _, text := send("GET", forever, read, ""); status < 400 || strings.Contains(text, "rows") {
		t.Errorf("one that was ended: %d %s", status, text)
	}
	close(goOn)
	for range 2 { // as often as it is asked for
		if status, _, text := send("GET", while, read, ""); status != 200 || !strings.Contains(text, answered) {
			t.Errorf("in the end: %d %s", status, text)
		}
	}
	if status, _, text := send("GET", while, a.Project.Keys[project.PII], ""); status != 200 {
		t.Errorf("by another key of the project: %d %s", status, text)
	}
	a.Athena["Query"].Expire()
	if status, _, text := send("GET", while, read, ""); status != 404 || !strings.Contains(text, "send the statement again") {
		t.Errorf("after its answer was kept no more: %d %s", status, text)
	}
	if refused := a.Guards["Query"].Refused(); len(refused) > 0 {
		t.Errorf("query was refused %q", refused)
	}
}
