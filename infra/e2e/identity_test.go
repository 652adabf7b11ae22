package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// importer is the service account that the tables import with.
const importer = "svc.user:svcsecret"

var importerHeader = "Basic " + base64.StdEncoding.EncodeToString([]byte(importer))

var rewrite = flag.Bool("rewrite", false, "write pages that are made of tests anew")

// TestIdentity sends every line of testdata/identity.txt to a server, and asks for
// whom it counts: in SQL, in a look-up of every identifier and in every journey;
// while all is in the log, and when it is compacted.
func TestIdentity(t *testing.T) {
	_, cases := identityCases(t)
	for _, scheme := range []string{"simplified", "original"} {
		t.Run(scheme, func(t *testing.T) {
			data := t.TempDir()
			settings := map[string]any{"group_keys": []string{"company"}}
			if scheme == "original" {
				settings["identity"] = scheme
			}
			s := startSet(t, data, settings, "--service-account", importer)
			var mine []*identityCase
			for _, c := range cases {
				if c.scheme == "both" || c.scheme == scheme {
					mine = append(mine, c)
					c.send(s)
				}
			}
			check := func(when string) {
				rows := map[string]row{}
				for _, r := range s.all("select properties->>'step' as step, person_id, coalesce(user_id, '') as user_id, coalesce(device_id, '') as device_id, " +
					"coalesce(flags, '') as flags from events order by step") {
					rows[fmt.Sprint(r["step"])] = r
				}
				for _, c := range mine {
					t.Run(c.title+" "+when, func(t *testing.T) { c.check(t, s, rows) })
				}
			}
			check("in the log")
			if out, code := loch(t, "compact", "--data", data); code != 0 {
				t.Fatalf("compact: %d %s", code, out)
			}
			check("compacted")
			if out, code := loch(t, "verify", "--data", data); code != 0 {
				t.Errorf("verify: %d %s", code, out)
			}
		})
	}
}

// of is an identifier of a case, which no other case has. A visit's is a version 4
// UUID, as SDKs make them.
func (c *identityCase) of(id string) string {
	if device, ok := strings.CutPrefix(id, "$device:"); ok {
		return "$device:" + c.of(device)
	}
	if strings.HasPrefix(id, "visit-") {
		made := fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%d %s", c.number, id)))
		return made[:8] + "-" + made[8:12] + "-4" + made[12:15] + "-a" + made[15:18] + "-" + made[18:30]
	}
	return fmt.Sprintf("case%02d.%s", c.number, id)
}

// step names an event of a case.
func (c *identityCase) step(i int) string { return fmt.Sprintf("case%02d.%02d", c.number, i+1) }

// send sends the lines of a case, one request each.
func (c *identityCase) send(s *server) {
	began := time.Now().Add(-time.Hour)
	for i, step := range c.steps {
		if step.line != "" {
			c.sendTraits(s, step.line)
			continue
		}
		name, rest, _ := strings.Cut(step.name, " ")
		p := map[string]any{"token": token, "step": c.step(i), "time": began.Add(time.Duration(i) * time.Second).UnixMilli()}
		if step.device != "" {
			p["$device_id"] = c.of(step.device)
		}
		if step.user != "" {
			p["$user_id"] = c.of(step.user)
		}
		path := "/track"
		first, second, _ := strings.Cut(rest, ", ")
		switch name {
		case "$create_alias":
			p["distinct_id"], p["alias"] = c.of(first), c.of(second)
		case "$identify":
			p["$identified_id"], p["$anon_id"] = c.of(first), c.of(second)
		case "$merge":
			p["$distinct_ids"], path = []string{c.of(first), c.of(second)}, "/import"
		default:
			name = step.name
			if at := strings.Index(name, " company="); at >= 0 {
				p["company"], name = c.of(name[at+len(" company="):]), name[:at]
			}
		}
		event := []map[string]any{{"event": name, "properties": p}}
		header := []string{"Content-Type", "application/json"}
		if name == "$merge" {
			header = append(header, "Authorization", importerHeader)
		}
		if a := s.send("POST", path, encode(s.t, event), header...); a.status != 200 {
			s.t.Fatalf("%s: line %d: %d %s", c.title, i+1, a.status, a.body)
		}
	}
}

// sendTraits sends "profile ID: name value; …" or "group KIND ID: …".
func (c *identityCase) sendTraits(s *server, line string) {
	verb, rest, _ := strings.Cut(line, " ")
	id, list, _ := strings.Cut(rest, ": ")
	update, path := map[string]any{"$token": token}, "/engage"
	if verb == "group" {
		kind, one, _ := strings.Cut(id, " ")
		update["$group_key"], update["$group_id"], path = kind, c.of(one), "/groups"
	} else {
		update["$distinct_id"] = c.of(id)
	}
	set := map[string]any{}
	for trait := range strings.SplitSeq(list, "; ") {
		name, value, _ := strings.Cut(trait, " ")
		set[name] = jsonValue(value)
		update["$set"] = set
		if a := s.send("POST", path, encode(s.t, []map[string]any{update}), "Content-Type", "application/json"); a.status != 200 || string(a.body) != "1" {
			s.t.Fatalf("%s: %s: %d %s", c.title, line, a.status, a.body)
		}
	}
}

// jsonValue passes a value on as it is written.
type jsonValue string

func (v jsonValue) MarshalJSON() ([]byte, error) { return []byte(v), nil }

// check asks for whom each line of a case counts.
func (c *identityCase) check(t *testing.T, s *server, rows map[string]row) {
	persons := map[string]string{} // by the name that the table has
	journeys := map[string][]string{}
	for i, step := range c.steps {
		if step.line != "" {
			continue
		}
		r := rows[c.step(i)]
		if r == nil {
			t.Fatalf("line %d is not in the lake", i+1)
		}
		if got := fmt.Sprint(r["flags"]); got != step.flag {
			t.Errorf("line %d has the flags %q, want %q", i+1, got, step.flag)
		}
		got := fmt.Sprint(r["person_id"])
		if step.person == "nobody" {
			if r["person_id"] != nil {
				t.Errorf("line %d counts for %s, want nobody", i+1, got)
			}
			continue
		}
		if persons[step.person] == "" {
			persons[step.person] = got
		}
		if persons[step.person] != got {
			t.Errorf("line %d counts for somebody else than the lines of %s before it", i+1, step.person)
		}
		// The person's lake id is that of the identifier they are called by.
		if step.user == step.person && fmt.Sprint(r["user_id"]) != got {
			t.Errorf("line %d of the user %s counts for another lake id", i+1, step.user)
		}
		journeys[step.person] = append([]string{c.step(i)}, journeys[step.person]...)
	}
	for one, id := range persons {
		for other, theirs := range persons {
			if one != other && id == theirs {
				t.Errorf("%s and %s are one person", one, other)
			}
		}
		if got := lookedUp(t, s, c.of(one)); got != id {
			t.Errorf("looking %s up finds %s, in SQL they are %s", one, got, id)
		}
		c.checkJourney(t, s, one, journeys[one])
	}
	for _, r := range c.results {
		switch r.verb {
		case "find":
			if got := lookedUp(t, s, c.of(r.id)); got != persons[r.want] {
				t.Errorf("looking %s up does not find %s", r.id, r.want)
			}
			c.checkJourney(t, s, r.id, journeys[r.want])
		case "holds":
			path, query := c.of(r.id), ""
			if kind, one, ok := strings.Cut(r.id, " "); ok {
				path, query = c.of(one), "?group_key="+kind
			}
			a := s.send("GET", "/api/profiles/"+url.PathEscape(path)+query, nil, "Authorization", "Bearer "+s.keys["pii"])
			var traits []string
			for trait := range strings.SplitSeq(r.want, "; ") {
				name, value, _ := strings.Cut(trait, " ")
				traits = append(traits, `"`+name+`":`+value)
			}
			if want := `"properties":{` + strings.Join(traits, ",") + "}"; !strings.Contains(string(a.body), want) {
				t.Errorf("the profile of %s is %s, want %s", r.id, a.body, want)
			}
		}
	}
}

// lookedUp is the person whom a look-up finds.
func lookedUp(t *testing.T, s *server, id string) string {
	t.Helper()
	a := s.profile("read", id)
	var p struct {
		PersonID string `json:"person_id"`
	}
	if a.status != 200 {
		t.Errorf("looking %s up: %d %s", id, a.status, a.body)
		return ""
	}
	decode(t, a.body, &p)
	return p.PersonID
}

// checkJourney reads somebody's journey in pages of two.
func (c *identityCase) checkJourney(t *testing.T, s *server, id string, want []string) {
	t.Helper()
	var got []string
	for cursor := ""; ; {
		a := s.send("GET", "/api/profiles/"+url.PathEscape(c.of(id))+"/events?limit=2"+cursor, nil, "Authorization", "Bearer "+s.keys["read"])
		if a.status != 200 {
			t.Fatalf("the journey of %s: %d %s", id, a.status, a.body)
		}
		var page struct {
			Events []struct{ Properties struct{ Step string } }
			Next   string
		}
		decode(t, a.body, &page)
		for _, e := range page.Events {
			got = append(got, e.Properties.Step)
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if !slices.Equal(got, want) {
		t.Errorf("the journey of %s is %v, want %v", id, got, want)
	}
}

// merge makes two users one, as a script does that has the secret.
func (s *server) merge(one, other string) {
	event := newEvent("$merge", "", map[string]any{"$distinct_ids": []string{one, other}, "time": time.Now().UnixMilli()})
	if a := s.send("POST", "/import", encode(s.t, []any{event}), "Content-Type", "application/json", "Authorization", importerHeader); a.status != 200 {
		s.t.Fatalf("%d %s", a.status, a.body)
	}
}

// A person who was merged is exported and erased as a whole, by any identifier.
func TestMergedPersonIsErased(t *testing.T) {
	s := startSet(t, t.TempDir(), map[string]any{"identity": "original"}, "--service-account", importer)
	s.track(newEvent("Log In", "", map[string]any{"$user_id": "merged-ann", "$device_id": "merged-phone"}),
		newEvent("Log In", "", map[string]any{"$user_id": "merged-ann-work", "$device_id": "merged-laptop"}),
		newEvent("Log In", "kept-bob", nil))
	s.merge("merged-ann", "merged-ann-work")
	s.track(newEvent("$create_alias", "merged-ann", map[string]any{"alias": "merged-ann-mail"}))
	all := []string{"merged-ann", "merged-ann-work", "merged-ann-mail", "$device:merged-phone", "$device:merged-laptop"}
	a := s.send("GET", "/api/profiles/merged-ann-mail/export", nil, "Authorization", "Bearer "+s.keys["erase"])
	var document struct {
		Identifiers []string `json:"identifiers"`
		EventCount  int      `json:"event_count"`
	}
	decode(t, a.body, &document)
	if len(document.Identifiers) != len(all) || document.EventCount != 4 {
		t.Errorf("exported: %d %s", a.status, a.body)
	}
	a = s.send("DELETE", "/api/profiles/"+url.PathEscape("$device:merged-laptop"), nil, "Authorization", "Bearer "+s.keys["erase"])
	if a.status != 200 || !strings.Contains(string(a.body), `"erased":true`) || !strings.Contains(string(a.body), `"identifiers":5`) {
		t.Fatalf("erased: %d %s", a.status, a.body)
	}
	for _, id := range all {
		for _, below := range []string{"", "/events"} {
			if a := s.send("GET", "/api/profiles/"+url.PathEscape(id)+below, nil, "Authorization", "Bearer "+s.keys["pii"]); a.status != 404 {
				t.Errorf("%s%s: %d %s", id, below, a.status, a.body)
			}
		}
	}
	if a := s.profile("read", "kept-bob"); a.status != 200 {
		t.Errorf("somebody else is gone, too: %d", a.status)
	}
	// Who comes back under one of the identifiers is somebody new.
	s.track(newEvent("Log In", "merged-ann-work", nil))
	if a := s.profile("read", "merged-ann"); a.status != 404 {
		t.Errorf("they came back as a whole: %d %s", a.status, a.body)
	}
}
