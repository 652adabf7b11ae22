package command

import (
	"net/http"
	"strings"
	"testing"
)

const profileAnswer = `{"distinct_id":"usr_41ec840df459","person_id":"9f2b6c0e84ba4a5e9f6c0c7a9b0f2d11","first_seen":"2026-10-25T09:14:03.120Z","last_seen":"2026-11-23T20:19:34.500Z","updated":"2026-11-22T08:00:00.000Z",
"properties":{"$os":"Mac OS X","$browser_version":156,"$name":"R…","$email":"r…@o….example","plan":"team","seats":11,"company":["onyx-finance-19"],"$transactions":[{"$amount":209,"$time":"2026-11-02T10:11:12"}],"initial_utm_medium":null,"motto":"a sentence that goes on for much longer than a card of this width has any room to show to anybody who looks"},
"geo":{"country":"AU","region":null,"city":null,"timezone":"Australia/Sydney"},"device":{"browser":"Chrome","os":"Mac OS X","device_type":"desktop","device_brand":"Apple","device_model":null},"first_arrival":{"referrer_host":"www.google.com","channel":"Organic Search","source":"google","utm_source":null,"utm_medium":null,"utm_campaign":null,"utm_term":null,"utm_content":null,"click_id_kind":null}}`

func TestProfileCard(t *testing.T) {
	for name, look := range map[string]screen{
		"profile.txt":        {width: 80, live: true},
		"profile-colour.txt": {width: 100, live: true, colour: true},
	} {
		f := newFake(t, answers(t, "GET", "/api/profiles/usr_41ec840df459", "READ", 200, profileAnswer))
		f.look = look
		out, errs, code := f.run(newProfile, "usr_41ec840df459")
		if code != 0 || errs != "" {
			t.Errorf("%s: code %d, %q", name, code, errs)
		}
		golden(t, name, out)
	}
}

func TestProfileInClear(t *testing.T) {
	clear := strings.ReplaceAll(profileAnswer, "…", "uby")
	f := newFake(t, answers(t, "GET", "/api/profile?id=a%2Fb+c", "PII", 200, clear))
	out, _, code := f.run(newProfile, "--pii", "a/b c")
	if code != 0 || !strings.Contains(out, "Ruby") || strings.Contains(out, "masked") {
		t.Errorf("code %d\n%s", code, out)
	}
	out, _, code = f.run(newProfile, "--pii", "--json", "a/b c")
	if code != 0 || out != clear+"\n" {
		t.Errorf("code %d\n%s", code, out)
	}
}

func TestGroupProfile(t *testing.T) {
	f := newFake(t, answers(t, "GET", "/api/profiles/onyx?group_key=company", "READ", 200,
		`{"distinct_id":"onyx","person_id":"aa","group_key":"company","first_seen":null,"last_seen":null,"updated":null,"properties":{"$name":"Onyx Finance","seats":14},"geo":{},"device":{}}`))
	out, _, code := f.run(newProfile, "onyx", "--group", "company")
	if code != 0 {
		t.Errorf("code %d", code)
	}
	golden(t, "profile-group.txt", out)
}

func TestProfileOfNobody(t *testing.T) {
	f := newFake(t, answers(t, "GET", "/api/profiles/x", "READ", 404, `{"error":{"code":"not_found","message":"no profile with this id"}}`))
	if _, errs, code := f.run(newProfile, "x"); code != exitNotFound || errs != "loch: no profile with this id\n" {
		t.Errorf("code %d, %q", code, errs)
	}
	for _, args := range [][]string{{}, {"a", "b"}, {""}} {
		if _, _, code := f.run(newProfile, args...); code != exitUsage {
			t.Errorf("%q: code %d", args, code)
		}
	}
}

// TestProfileSaysWhy holds that the reason goes along, on one line, and that an
// e-mail is looked up with the key that may.
func TestProfileSaysWhy(t *testing.T) {
	why := ""
	next := answers(t, "GET", "/api/profiles/jane@example.com?by=email", "PII", 200, profileAnswer)
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		why = r.Header.Get("X-Reason")
		next(w, r)
	})
	if _, errs, code := f.run(newProfile, "jane@example.com", "--email", "--why", " ticket\r\n4711 \x1b"); code != 0 || why != `ticket 4711 \x1b` {
		t.Errorf("code %d, %q, why %q", code, errs, why)
	}
	if _, _, code := f.run(newProfile, "x", "--email", "--group", "company"); code != exitUsage {
		t.Errorf("code %d", code)
	}
	// Masks are in no ledger, so a reason for them would be lost.
	if _, errs, code := f.run(newProfile, "x", "--why", "ticket 4711"); code != exitUsage || !strings.Contains(errs, "--pii") {
		t.Errorf("code %d, %q", code, errs)
	}
}
