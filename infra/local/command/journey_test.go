package command

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const journeyAnswer = `{"distinct_id":"usr_41ec840df459","person_id":"9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11","events":[
{"time":"2026-11-23T20:19:34.500Z","event":"Purchase","kind":"event","page_path":"/billing/confirm","country":"AU","city":"Sydney","browser":"Chrome","os":"Mac OS X","device_type":"desktop","revenue":209,"currency":"EUR","properties":{}},
{"time":"2026-11-23T20:17:02.120Z","event":"Page View","kind":"page","page_path":"/docs/:id/a-long-way-down/into/the/pages/about/billing","country":"AU","browser":"Chrome","os":"Mac OS X","device_type":"desktop","properties":{}},
{"time":"2026-11-22T08:00:00.000Z","event":"Invoice Sent\u001b[31m","kind":"event","lib":"go","properties":{}},
{"time":"2026-11-20T07:30:10.000Z","event":"App Open","kind":"event","page_title":"設定","os":"iOS","device_type":"mobile","country":"AU","properties":{}}],
"next":"AYDw5_"}`

func TestJourneyTable(t *testing.T) {
	for name, look := range map[string]screen{
		"journey.txt":        {width: 100, live: true},
		"journey-60.txt":     {width: 60, live: true},
		"journey-colour.txt": {width: 130, live: true, colour: true},
	} {
		f := newFake(t, answers(t, "GET", "/api/profiles/usr_41ec840df459/events?limit=100", "READ", 200, journeyAnswer))
		f.look = look
		out, errs, code := f.run(newJourney, "usr_41ec840df459")
		if code != 0 || errs != "" {
			t.Errorf("%s: code %d, %q", name, code, errs)
		}
		golden(t, name, out)
	}
}

func TestJourneyGoesOn(t *testing.T) {
	f := newFake(t, answers(t, "GET", "/api/profile/events?id=a%2Fb+c&cursor=AYDw5_&limit=2", "READ", 200, `{"events":[],"next":null}`))
	if out, _, code := f.run(newJourney, "a/b c", "--limit", "2", "--cursor", "AYDw5_"); code != 0 || out != "No events.\n" {
		t.Errorf("code %d\n%s", code, out)
	}
	why := ""
	next := answers(t, "GET", "/api/profiles/jane@example.com/events?by=email&limit=100", "PII", 200, journeyAnswer)
	f = newFake(t, func(w http.ResponseWriter, r *http.Request) {
		why = r.Header.Get("X-Reason")
		next(w, r)
	})
	out, errs, code := f.run(newJourney, "jane@example.com", "--email", "--why", "ticket 4711")
	if code != 0 || why != "ticket 4711" || !strings.Contains(out, "loch journey jane@example.com --cursor AYDw5_ --email\n") {
		t.Errorf("code %d, %q, why %q\n%s", code, errs, why, out)
	}
	f = newFake(t, answers(t, "GET", "/api/profiles/x/events?limit=100", "READ", 200, journeyAnswer))
	if out, _, code := f.run(newJourney, "x", "--json"); code != 0 || out != journeyAnswer+"\n" {
		t.Errorf("code %d\n%s", code, out)
	}
}

func TestJourneyOfNobody(t *testing.T) {
	f := newFake(t, answers(t, "GET", "/api/profiles/x/events?limit=100", "READ", 404, `{"error":{"code":"not_found","message":"no profile with this id"}}`))
	if _, errs, code := f.run(newJourney, "x"); code != exitNotFound || errs != "loch: no profile with this id\n" {
		t.Errorf("code %d, %q", code, errs)
	}
	for _, args := range [][]string{{}, {"a", "b"}, {""}} {
		if _, _, code := f.run(newJourney, args...); code != exitUsage {
			t.Errorf("%q: code %d", args, code)
		}
	}
}

func TestProfileWithEvents(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") {
			answers(t, "GET", "/api/profiles/usr_41ec840df459/events?limit=20", "READ", 200, journeyAnswer)(w, r)
			return
		}
		answers(t, "GET", "/api/profiles/usr_41ec840df459", "READ", 200, profileAnswer)(w, r)
	})
	f.look = screen{width: 80, live: true}
	out, errs, code := f.run(newProfile, "usr_41ec840df459", "--events")
	if code != 0 || errs != "" {
		t.Errorf("code %d, %q", code, errs)
	}
	golden(t, "profile-events.txt", out)
	out, _, code = f.run(newProfile, "usr_41ec840df459", "--events", "--json")
	var both struct{ Profile, Journey json.RawMessage }
	if err := json.Unmarshal([]byte(out), &both); code != 0 || err != nil || len(both.Profile) == 0 || len(both.Journey) == 0 {
		t.Errorf("code %d, %v\n%s", code, err, out)
	}
	if _, _, code := f.run(newProfile, "acme", "--events", "--group", "company"); code != exitUsage {
		t.Errorf("code %d", code)
	}
}
