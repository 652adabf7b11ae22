package command

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

const (
	annID    = "9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11"
	planOf   = `{"erased":false,"dry_run":true,"person_id":"` + annID + `","identifiers":3,"suppressed":false,"rows":"kept under an id that nobody can tell","holds":{"traits":12,"first_seen":"2026-10-25T09:14:03.120Z","last_seen":"2026-11-23T20:19:34.500Z","events":48211},"message":"nothing was done","request_id":"r"}`
	erasedIt = `{"erased":true,"person_id":"` + annID + `","identifiers":3,"suppressed":false,"rows":"kept under an id that nobody can tell","ledger_entry":1017,"request_id":"r"}`
	nobody   = `{"erased":false,"suppressed":false,"message":"nothing is known of this id","request_id":"r"}`
)

// eraser is a server that answers dry runs with plan and orders with done.
type eraser struct {
	t          *testing.T
	path       string
	plan, done string
	status     int
	orders     []erasure
}

func (e *eraser) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodDelete || r.URL.RequestURI() != e.path || r.Header.Get("Authorization") != "Bearer ERASE" {
		e.t.Errorf("asked %s %s with %q", r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"))
	}
	var o erasure
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &o)
	}
	if err != nil {
		e.t.Error(err)
	}
	e.orders = append(e.orders, o)
	answer := e.done
	if o.DryRun {
		answer = e.plan
	} else if e.status > 0 {
		w.WriteHeader(e.status)
	}
	_, _ = io.WriteString(w, answer)
}

func newEraser(t *testing.T, path string) (*eraser, *fake) {
	e := &eraser{t: t, path: path, plan: planOf, done: erasedIt}
	f := newFake(t, e.serve)
	f.typing = true
	return e, f
}

func TestEraseAsks(t *testing.T) {
	e, f := newEraser(t, "/api/profiles/user-1")
	f.look = screen{width: 80, live: true}
	out, errs, code := f.runWith(context.Background(), "Yes\n", newErase, "user-1", "--why", "letter")
	if code != 0 || len(e.orders) != 2 || e.orders[0] != (erasure{DryRun: true, Why: "letter"}) || e.orders[1] != (erasure{Why: "letter"}) {
		t.Errorf("code %d, %+v", code, e.orders)
	}
	golden(t, "erase.txt", errs+"---\n"+out)

	for _, answer := range []string{"y\n", "\n", "", "no\n", "yes please\n"} {
		e, f = newEraser(t, "/api/profiles/user-1")
		out, errs, code = f.runWith(context.Background(), answer, newErase, "user-1")
		if code != exitFailed || len(e.orders) != 1 || out != "" || !strings.Contains(errs, "nothing was done") {
			t.Errorf("%q: code %d, %+v, %q", answer, code, e.orders, out)
		}
	}
}

func TestEraseInColour(t *testing.T) {
	e, f := newEraser(t, "/api/profiles/jane@example.com?by=email")
	e.plan = strings.Replace(planOf, `"holds"`, `"people":[{"person_id":"a","identifiers":3},{"person_id":"b","identifiers":1}],"holds"`, 1)
	e.done = strings.Replace(strings.Replace(erasedIt, `"suppressed":false`, `"suppressed":true`, 1), `"suppressed"`, `"people":[{"person_id":"a","identifiers":3},{"person_id":"b","identifiers":1}],"suppressed"`, 1)
	f.look = screen{width: 100, live: true, colour: true}
	out, errs, code := f.runWith(context.Background(), "yes\n", newErase, "jane@example.com", "--email", "--suppress", "--remove-rows", "--all")
	if code != 0 || len(e.orders) != 2 || e.orders[1] != (erasure{Suppress: true, RemoveRows: true, All: true}) {
		t.Errorf("code %d, %+v", code, e.orders)
	}
	golden(t, "erase-colour.txt", errs+"---\n"+out)
}

func TestEraseUnasked(t *testing.T) {
	e, f := newEraser(t, "/api/profiles/user-1")
	f.typing = false
	if _, errs, code := f.run(newErase, "user-1"); code != exitUsage || !strings.Contains(errs, "--yes") || len(e.orders) > 0 {
		t.Errorf("nobody was asked: code %d, %q, %+v", code, errs, e.orders)
	}
	out, errs, code := f.run(newErase, "user-1", "--yes", "--json")
	if code != 0 || errs != "" || out != erasedIt+"\n" || len(e.orders) != 1 {
		t.Errorf("code %d, %q, %q, %+v", code, out, errs, e.orders)
	}
	e.orders = nil
	out, _, code = f.run(newErase, "user-1", "--dry-run", "--remove-rows")
	if code != 0 || !strings.Contains(out, "48,211, removed at the next compaction") || len(e.orders) != 1 || !e.orders[0].DryRun {
		t.Errorf("code %d, %+v\n%s", code, e.orders, out)
	}
	if out, _, code = f.run(newErase, "user-1", "--dry-run", "--json"); code != 0 || out != planOf+"\n" {
		t.Errorf("code %d, %s", code, out)
	}
}

func TestEraseOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		plan, done string
		status     int
		args       []string
		code       int
		words      string
	}{
		"nobody":             {nobody, nobody, 0, nil, exitNotFound, "nothing is known"},
		"nobody, unasked":    {nobody, nobody, 0, []string{"--yes"}, exitNotFound, "nothing is known"},
		"suppressed":         {nobody, strings.Replace(nobody, `"suppressed":false`, `"suppressed":true`, 1), 0, []string{"--suppress"}, 0, "✓ Suppressed"},
		"pending":            {planOf, strings.Replace(erasedIt, "true", `"pending"`, 1), 202, nil, exitPartly, "not carried out yet"},
		"refused":            {planOf, `{"error":{"code":"invalid","message":"2 people have it","field":"all"}}`, 400, nil, exitFailed, "2 people"},
		"somebody else's":    {"<html>", "", 0, nil, exitFailed, "not Loch's"},
		"somebody else's ii": {planOf, "{}", 0, nil, exitFailed, "not Loch's"},
		"not the scope":      {planOf, `{"error":{"code":"forbidden","message":"needs erase"}}`, 403, nil, exitFailed, "needs erase"},
	} {
		e, f := newEraser(t, "/api/profiles/user-1")
		e.plan, e.done, e.status = c.plan, c.done, c.status
		out, errs, code := f.runWith(context.Background(), "yes\n", newErase, append([]string{"user-1"}, c.args...)...)
		if code != c.code || !strings.Contains(out+errs, c.words) {
			t.Errorf("%s: code %d, want %d with %q\n%s%s", name, code, c.code, c.words, errs, out)
		}
	}
}

func TestEraseWhom(t *testing.T) {
	for path, args := range map[string][]string{
		"/api/profile?id=a%2Fb+c":               {"a/b c"},
		"/api/profile?id=..":                    {".."},
		"/api/profile?by=device&id=50%25":       {"50%", "--device"},
		"/api/profiles/$device:d1":              {"$device:d1"},
		"/api/profiles/d1?by=device":            {"d1", "--device"},
		"/api/profiles/acme?group_key=my+team":  {"acme", "--group", "my team"},
		"/api/profiles/" + annID + "?by=person": {annID, "--person"},
	} {
		e, f := newEraser(t, path)
		if _, errs, code := f.run(newErase, append(args, "--yes")...); code != 0 || len(e.orders) != 1 {
			t.Errorf("%q: code %d, %q", args, code, errs)
		}
	}
	for _, args := range [][]string{{}, {"a", "b"}, {""}, {"a", "--device", "--email"}, {"a", "--group", "x", "--person"}, {"a", "--all"}} {
		e, f := newEraser(t, "")
		if _, _, code := f.run(newErase, append(args, "--yes")...); code != exitUsage || len(e.orders) > 0 {
			t.Errorf("%q: code %d", args, code)
		}
	}
}

// quiet is somebody who types nothing until they press Ctrl-C.
type quiet struct{ stop context.CancelFunc }

func (q quiet) Read([]byte) (int, error) {
	q.stop()
	select {}
}

func TestEraseInterrupted(t *testing.T) {
	e, f := newEraser(t, "/api/profiles/user-1")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	c := newErase(f, f.tools())
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetIn(quiet{stop})
	c.SetOut(io.Discard)
	c.SetErr(io.Discard)
	c.SetArgs([]string{"user-1"})
	if code := ExitCode(c.ExecuteContext(ctx)); code != exitInterrupted || len(e.orders) != 1 {
		t.Errorf("code %d, %+v", code, e.orders)
	}
}
