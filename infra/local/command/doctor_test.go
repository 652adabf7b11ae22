package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"loch/shared/checkup"
)

// ward is a server that has what the doctor looks at. Its fields spoil one thing each.
type ward struct {
	t         *testing.T
	mu        sync.Mutex
	asked     []string
	sent      map[string]any // the properties of the event that came
	looks     int            // how often SQL was asked
	visible   int            // from which look on SQL has the event; 0 is never
	copies    int
	country   string
	known     bool // people are found by their id
	track     string
	doubled   int
	export    int
	erased    string
	sqlStatus int
	refuses   string // the key that is not taken
	fails     string // the key with which look-ups fail
	open      bool   // without a key, too
}

func newWard(t *testing.T) *ward {
	return &ward{t: t, visible: 3, copies: 1, country: `"SE"`, known: true, track: `{"error":null,"status":1}`, doubled: 200, export: 401, erased: "true", sqlStatus: 200}
}

func (w *ward) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	w.asked = append(w.asked, r.Method+" "+r.URL.RequestURI()+" "+key)
	say := func(status int, body string) { out.WriteHeader(status); _, _ = io.WriteString(out, body) }
	const id = "loch-doctor/0123456789abcdef"
	stranger := r.URL.Query().Get("id") != id
	none := `{"error":{"code":"not_found","message":"no profile with this id"}}`
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Error(err)
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /api/profile", "GET /api/profile/export":
		switch {
		case key == "" || key == w.refuses:
			say(401, `{"error":{"code":"unauthorized","message":"no"}}`)
		case key == w.fails:
			say(403, `{"error":{"code":"forbidden","message":"the vault is shut"}}`)
		case stranger && r.URL.Query().Get("id") != id+"/none":
			w.t.Errorf("asked for %q", r.URL.Query().Get("id"))
		case w.sent == nil || !w.known || stranger:
			say(404, none)
		default:
			say(200, `{"person_id":"00a3237395b323c60efc3d8578729965"}`)
		}
	case "GET /api/schema":
		if !w.open && key == "" {
			say(401, "")
		}
	case "POST //track/":
		say(w.doubled, "1")
	case "GET /api/2.0/export/":
		say(w.export, "")
	case "POST /track":
		form, err := url.ParseQuery(string(body))
		var list []struct {
			Event      string
			Properties map[string]any
		}
		if err != nil || json.Unmarshal([]byte(form.Get("data")), &list) != nil || len(list) != 1 || list[0].Event != doctorEvent {
			w.t.Errorf("sent %s", body)
		}
		w.sent = list[0].Properties
		say(200, w.track)
	case "POST /api/sql":
		if w.looks++; !strings.Contains(string(body), "person_id = '00a3237395b323c60efc3d8578729965'") || !strings.Contains(string(body), "= date '2026-11-22'") {
			w.t.Errorf("asked %s", body)
		}
		n, country := 0, "null"
		if w.visible > 0 && w.looks >= w.visible {
			n, country = w.copies, w.country
		}
		say(w.sqlStatus, fmt.Sprintf(`{"columns":[],"rows":[[%d,%s]],"error":{"code":"internal","message":"broken"}}`, n, country))
	case "DELETE /api/profile":
		if string(body) != `{"remove_rows":true,"why":"loch doctor"}` {
			w.t.Errorf("ordered %s", body)
		}
		say(200, `{"erased":`+w.erased+`,"person_id":"x","ledger_entry":12}`)
	default:
		w.t.Errorf("asked %s %s", r.Method, r.URL.Path)
	}
}

// patientOf is a world with a stack of one part, whose server is the ward.
func patientOf(t *testing.T, w *ward) *fake {
	f := newFake(t, w.ServeHTTP)
	f.found = &Deployment{Region: "eu-north-1", URL: f.server.URL, FlushTime: time.Minute, Checks: []checkup.Check{
		{Name: "functions", Look: func(context.Context) checkup.Finding { return checkup.Well("on arm64") }},
	}}
	return f
}

// aws are the arguments for the stack shop, whose keys are there.
func aws(t *testing.T, more ...string) []string {
	return append([]string{"--aws", "shop", "--data", folderOfKeys(t, "aws-shop.credentials.json", stackKeys)}, more...)
}

// findings reads what was printed as JSON.
func findings(t *testing.T, stdout string) (diagnosis, map[string]looked) {
	t.Helper()
	var d diagnosis
	if err := json.Unmarshal([]byte(stdout), &d); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	all := map[string]looked{}
	for _, c := range d.Checks {
		all[c.Name] = c
	}
	return d, all
}

// TestDoctorOfAStack holds what is looked at of a stack that is well, in which order and
// with which keys, and that nothing stays.
func TestDoctorOfAStack(t *testing.T) {
	w := newWard(t)
	f := patientOf(t, w)
	stdout, stderr, code := f.run(newDoctor, aws(t, "--json")...)
	d, _ := findings(t, stdout)
	if code != 0 || !d.OK || d.Wrong+d.Warnings+d.Unknown != 0 || d.Of != "the stack shop in eu-north-1" {
		t.Errorf("exit code %d, %s\n%s", code, stdout, stderr)
	}
	var names []string
	for _, c := range d.Checks {
		names = append(names, c.Name)
	}
	if want := []string{"credentials", "API", "doubled slashes", "export's route", "an event", "its person", "keys", "functions", "the event in SQL", "its country", "erasing it"}; !slices.Equal(names, want) {
		t.Errorf("looked at %q", names)
	}
	if w.sent["token"] != "AWSTOKEN" || w.sent["$insert_id"] != "loch-doctor-0123456789abcdef" || w.sent["distinct_id"] != "loch-doctor/0123456789abcdef" {
		t.Errorf("sent %v", w.sent)
	}
	if last := w.asked[len(w.asked)-1]; last != "DELETE /api/profile?id=loch-doctor%2F0123456789abcdef AWSERASE" {
		t.Errorf("last came %s", last)
	}
	if w.looks != 3 || !slices.Equal(f.slept, []time.Duration{firstLook, 2 * firstLook}) {
		t.Errorf("SQL was asked %d times, after waits of %v", w.looks, f.slept)
	}
}

// TestDoctorFindsWhatIsWrong spoils one thing after the other.
func TestDoctorFindsWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		check string
		spoil func(w *ward, f *fake)
		state checkup.State
		words string
		code  int
	}{
		{"keys", func(w *ward, _ *fake) { w.refuses = "AWSPII" }, checkup.Wrong, "the one for pii is not known", exitFailed},
		{"keys", func(w *ward, _ *fake) { w.fails = "AWSERASE" }, checkup.Wrong, "fails: the vault is shut", exitFailed},
		{"API", func(w *ward, _ *fake) { w.open = true }, checkup.Wrong, "answered with 200 in place of 401", exitFailed},
		{"API", func(_ *ward, f *fake) { f.server.Close() }, checkup.Wrong, "no server answers there", exitFailed},
		{"doubled slashes", func(w *ward, _ *fake) { w.doubled = 404 }, checkup.Wrong, "answered with 404", exitFailed},
		{"export's route", func(w *ward, _ *fake) { w.export = 404 }, checkup.Wrong, "answers 404 in place of 401", exitFailed},
		{"an event", func(w *ward, _ *fake) { w.track = `{"error":"no such token","status":0}` }, checkup.Wrong, "no such token", exitFailed},
		{"its person", func(w *ward, _ *fake) { w.known = false }, checkup.Wrong, "not found by an id with a slash", exitFailed},
		{"the event in SQL", func(w *ward, _ *fake) { w.visible = 0 }, checkup.Wrong, "not there after 6 min 0 s", exitFailed},
		{"the event in SQL", func(w *ward, _ *fake) { w.copies = 2 }, checkup.Wrong, "there 2 times", exitFailed},
		{"the event in SQL", func(w *ward, _ *fake) { w.sqlStatus = 500 }, checkup.Wrong, "SQL does not answer: broken", exitFailed},
		{"its country", func(w *ward, _ *fake) { w.country = "null" }, checkup.Warning, "none is known", 0},
		{"erasing it", func(w *ward, _ *fake) { w.erased = "false" }, checkup.Wrong, "nobody was erased", exitFailed},
		{"erasing it", func(w *ward, _ *fake) { w.erased = `"pending"` }, checkup.Warning, "not carried out yet", 0},
		{"functions", func(_ *ward, f *fake) {
			f.found.Checks[0].Look = func(context.Context) checkup.Finding { return checkup.Bad("ingest is not there", "deploy again") }
		}, checkup.Wrong, "ingest is not there", exitFailed},
		{"functions", func(_ *ward, f *fake) {
			f.found.Checks[0].Look = func(context.Context) checkup.Finding {
				return checkup.Unseen("no right to lambda:GetAlias", "ask for it")
			}
		}, checkup.Unknown, "no right", exitPartly},
	} {
		w := newWard(t)
		f := patientOf(t, w)
		c.spoil(w, f)
		stdout, stderr, code := f.run(newDoctor, aws(t, "--json")...)
		_, all := findings(t, stdout)
		got := all[c.check]
		if got.State != c.state || !strings.Contains(got.Words, c.words) || got.Do == "" || code != c.code {
			t.Errorf("%s: exit code %d, %+v\n%s", c.check, code, got, stderr)
		}
		if w.sent != nil && w.track == newWard(t).track && !slices.ContainsFunc(w.asked, func(a string) bool { return strings.HasPrefix(a, "DELETE ") }) {
			t.Errorf("%s: the event stays", c.check)
		}
	}
}

// TestDoctorWithoutKeys holds that a stack is looked at all the same.
func TestDoctorWithoutKeys(t *testing.T) {
	w := newWard(t)
	f := patientOf(t, w)
	stdout, _, code := f.run(newDoctor, "--aws", "shop", "--data", t.TempDir(), "--json")
	_, all := findings(t, stdout)
	if code != exitPartly || all["functions"].State != checkup.OK || all["credentials"].State != checkup.Unknown || all["API"].State != checkup.OK || all["an event"].State != checkup.Unknown {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	dir := folderOfKeys(t, "aws-shop.credentials.json", stackKeys)
	if err := os.Chmod(filepath.Join(dir, "aws-shop.credentials.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, _, code = f.run(newDoctor, "--aws", "shop", "--data", dir, "--json", "--no-event")
	d, all := findings(t, stdout)
	if code != 0 || all["credentials"].State != checkup.Warning || !strings.HasPrefix(all["credentials"].Do, "chmod 600 ") || len(d.Checks) != 6 || w.sent != nil {
		t.Errorf("exit code %d: %s", code, stdout)
	}
}

// TestDoctorInterrupted holds that whoever stops it is told what stays behind.
func TestDoctorInterrupted(t *testing.T) {
	w := newWard(t)
	w.visible = 0
	f := patientOf(t, w)
	ctx, stop := context.WithCancel(t.Context())
	f.found.Checks[0].Look = func(context.Context) checkup.Finding { stop(); return checkup.Well("") }
	_, stderr, code := f.runWith(ctx, "", newDoctor, aws(t)...)
	if code != exitInterrupted || !strings.Contains(stderr, "loch erase loch-doctor/0123456789abcdef --remove-rows --yes --aws shop") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestDoctorForPeople holds how it looks.
func TestDoctorForPeople(t *testing.T) {
	w := newWard(t)
	f := patientOf(t, w)
	f.found.Checks = append(f.found.Checks,
		checkup.Check{Name: "alarms", Look: func(context.Context) checkup.Finding {
			return checkup.Bad("ringing: events-delivery, spills", "see infra/aws/README.md#events-delivery")
		}},
		checkup.Check{Name: "who is told", Look: func(context.Context) checkup.Finding {
			return checkup.Warn("alarms reach nobody", "make deploy STACK=shop EMAIL=ops@example.com, or subscribe to arn:aws:sns:eu-north-1:123456789012:shop-Alarms")
		}},
		checkup.Check{Name: "tag of costs", Look: func(context.Context) checkup.Finding {
			return checkup.Unseen("no right to ce:ListCostAllocationTags", "whoever pays for the account may look")
		}})
	f.found.URL = f.server.URL
	for name, look := range map[string]screen{"doctor.txt": {}, "doctor-narrow.txt": {width: 72}, "doctor-colour.txt": {width: 100, colour: true}} {
		f.look = look
		w.mu.Lock()
		w.sent, w.looks = nil, 2
		w.mu.Unlock()
		args := aws(t)
		stdout, _, code := f.run(newDoctor, args...)
		if code != exitFailed {
			t.Errorf("exit code %d", code)
		}
		stdout = strings.ReplaceAll(strings.ReplaceAll(stdout, args[len(args)-1], "./data"), f.server.URL, "https://events.example.com")
		if look.width == 0 { // where lines are cut depends on the folder's name
			golden(t, name, stdout)
			continue
		}
		for line := range strings.Lines(stdout) {
			if !look.colour && cells.StringWidth(strings.TrimRight(line, "\n")) > look.width && !strings.Contains(line, "/") {
				t.Errorf("%s: too wide: %s", name, line)
			}
		}
		if look.colour != strings.Contains(stdout, "\x1b[31m✗\x1b[0m") {
			t.Errorf("%s: %q", name, stdout)
		}
	}
}

// TestDoctorOfAFolder holds that the main's checks are made and shown.
func TestDoctorOfAFolder(t *testing.T) {
	f := newFake(t, func(http.ResponseWriter, *http.Request) { t.Error("somebody was asked") })
	f.checks = []checkup.Check{{Name: "disk", Look: func(context.Context) checkup.Finding { return checkup.Well("12.0 GB free") }}}
	stdout, _, code := f.run(newDoctor)
	if want := "the data folder ./data\n\n✓ disk  12.0 GB free\n\n✓ All is well: 1 check\n"; stdout != want || code != 0 {
		t.Errorf("exit code %d: %q", code, stdout)
	}
	for _, args := range [][]string{{"x"}, {"--wait", "-1s"}, {"--region", "x"}} {
		if _, _, code := f.run(newDoctor, args...); code != exitUsage {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

// TestDoctorOfAServer holds that --url needs a key and a token alone.
func TestDoctorOfAServer(t *testing.T) {
	w := newWard(t)
	f := newFake(t, w.ServeHTTP)
	stdout, stderr, code := f.run(newDoctor, "--url", f.server.URL, "--key", "KEY", "--token", "TOKEN", "--json")
	d, _ := findings(t, stdout)
	if code != 0 || len(d.Checks) != 10 || w.sent["token"] != "TOKEN" {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}
