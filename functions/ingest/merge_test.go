package ingest_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/project"
)

// Merge answers as the test says, and notes what it was asked.
func (p *people) Merge(_ context.Context, list []profile.Merging) ([]profile.Merged, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, list...)
	out := make([]profile.Merged, len(list))
	for i := range out {
		out[i] = p.merged
		if p.merged.Outcome == profile.MergeDone && p.merged.IDs == nil {
			out[i].Person, out[i].IDs = list[i].Into.ID, []string{list[i].From.ID, list[i].Into.ID}
		}
	}
	return out, p.mergeErr
}

func (b *bench) stored() []event.Row {
	rows, _, _ := b.sink.rows()
	return rows
}

const (
	aliasCall    = `{"event":"$create_alias","properties":{"token":"T","distinct_id":"ann-user","alias":"ann-alias","$insert_id":"i1"}}`
	deviceCall   = `{"event":"$create_alias","properties":{"token":"T","distinct_id":"$device:ann-phone","alias":"ann-user","$insert_id":"i2"}}`
	identifyCall = `{"event":"$identify","properties":{"token":"T","$identified_id":"ann-user","$anon_id":"0e3c1a52-6c1f-4b8e-9d2a-51f2c07b7a10","$insert_id":"i3"}}`
	browserCall  = `{"event":"$identify","properties":{"token":"T","distinct_id":"ann-user","$anon_distinct_id":"$device:ann-phone","$device_id":"ann-phone","$user_id":"ann-user"}}`
	mergeCall    = `{"event":"$merge","properties":{"token":"T","$distinct_ids":["ann-user","ann-old"]}}`
)

func basic(credential string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credential))
}

var serviceAccount = basic("svc:secret")

// In the simplified scheme identity events merge nobody, and their rows say so;
// the one that has a device's and a user's id links them as any event does.
func TestSimplifiedMergesNobody(t *testing.T) {
	for _, scheme := range []string{"", project.IdentitySimplified} {
		b := newBench(t)
		b.projects.scheme = scheme
		b.send("POST", "/track", "["+aliasCall+","+identifyCall+","+browserCall+"]", "Content-Type", "application/json")
		b.send("POST", "/import", "["+mergeCall+"]", "Content-Type", "application/json")
		if len(b.people.asked) > 0 {
			t.Errorf("the store was asked %+v", b.people.asked)
		}
		rows := b.stored()
		if len(rows) != 4 {
			t.Fatalf("%d rows", len(rows))
		}
		for i, want := range []string{event.FlagNotMerged, event.FlagNotMerged, "", event.FlagNotMerged} {
			if rows[i].Flags != want || rows[i].Context != "" {
				t.Errorf("%s: flags %q, context %q, want %q", rows[i].Name, rows[i].Flags, rows[i].Context, want)
			}
		}
		if links := b.people.links; len(links) != 1 || links[0].Device != rows[2].DeviceID {
			t.Errorf("links %+v", links)
		}
	}
}

// In the original scheme the store is asked in lake ids, and the row says what
// came of it.
func TestOriginalMerges(t *testing.T) {
	b := newBench(t)
	b.projects.scheme = project.IdentityOriginal
	b.people.merged = profile.Merged{Outcome: profile.MergeDone}
	b.send("POST", "/track", "["+aliasCall+","+identifyCall+"]", "Content-Type", "application/json")
	b.send("POST", "/import", "["+mergeCall+"]", "Content-Type", "application/json", "Authorization", serviceAccount)
	rows := b.stored()
	if len(b.people.asked) != 3 || len(rows) != 3 {
		t.Fatalf("asked %+v", b.people.asked)
	}
	for i, onlyNew := range []bool{true, true, false} {
		m := b.people.asked[i]
		if m.Project != "p" || m.OnlyNew != onlyNew || m.OrVisitor != (i == 1) || len(m.Into.ID) != 32 || len(m.From.ID) != 32 || m.Into.Device || m.From.Device {
			t.Errorf("asked %+v", m)
		}
		want := `{"loch_merged":{"person":"` + m.Into.ID + `","ids":["` + m.From.ID + `","` + m.Into.ID + `"]}}`
		if rows[i].Context != want || rows[i].UserID != m.Into.ID || rows[i].Flags != event.FlagMerged {
			t.Errorf("%s: context %s, user %s, flags %q; want %s", rows[i].Name, rows[i].Context, rows[i].UserID, rows[i].Flags, want)
		}
		if strings.Contains(rows[i].Context+rows[i].Properties, "ann") {
			t.Errorf("an identifier in clear: %+v", rows[i])
		}
	}
}

// A $merge cannot be undone, so it takes more than the token of every page: a service
// account's secret, of the project whose people they are.
func TestMergeNeedsASecret(t *testing.T) {
	for name, authorization := range map[string]string{"nothing": "", "the token alone": basic("T:"), "the secret on another route": serviceAccount} {
		b := newBench(t)
		b.projects.scheme = project.IdentityOriginal
		b.people.merged = profile.Merged{Outcome: profile.MergeDone}
		target := "/import"
		if authorization == serviceAccount {
			target = "/track"
		}
		b.send("POST", target, "["+mergeCall+"]", "Content-Type", "application/json", "Authorization", authorization)
		if rows := b.stored(); len(b.people.asked) > 0 || len(rows) != 1 || rows[0].Flags != event.FlagMergeRefused {
			t.Errorf("with %s: asked %+v, rows %+v", name, b.people.asked, rows)
		}
	}
}

// A device of nobody and a user are linked by the row itself, and a refusal stands
// in the row's flags.
func TestOriginalLinksAndRefuses(t *testing.T) {
	b := newBench(t)
	b.projects.scheme = project.IdentityOriginal
	b.people.merged = profile.Merged{Outcome: profile.MergeLinks}
	b.send("POST", "/track", "["+deviceCall+"]", "Content-Type", "application/json")
	row, m := b.stored()[0], b.people.asked[0]
	if !m.Into.Device || m.From.Device || row.DeviceID != m.Into.ID || row.UserID != m.From.ID || row.Context != "" {
		t.Errorf("%+v of %+v", row, m)
	}
	if links := b.people.links; len(links) != 1 || links[0].Device != m.Into.ID || links[0].User != m.From.ID {
		t.Errorf("links %+v", links)
	}
	b.people.merged = profile.Merged{Outcome: profile.MergeRefused}
	b.send("POST", "/track", "["+aliasCall+"]", "Content-Type", "application/json")
	// A $merge needs more than the token that every page carries.
	b.send("POST", "/track", "["+mergeCall+"]", "Content-Type", "application/json")
	for _, row := range b.stored()[1:] {
		if row.Flags != event.FlagMergeRefused || row.Context != "" {
			t.Errorf("%s: flags %q", row.Name, row.Flags)
		}
	}
	if len(b.people.asked) != 2 {
		t.Errorf("asked %+v", b.people.asked)
	}
}

// Who asks not to be tracked is tied to nobody, and when the store cannot answer
// nothing is kept.
func TestMergeNeedsConsentAndTheStore(t *testing.T) {
	b := newBench(t)
	b.projects.scheme = project.IdentityOriginal
	b.send("POST", "/track", "["+aliasCall+"]", "Content-Type", "application/json", "Sec-GPC", "1")
	if row := b.stored()[0]; len(b.people.asked) > 0 || !strings.Contains(row.Flags, event.FlagNotMerged) {
		t.Errorf("asked %+v, flags %q", b.people.asked, row.Flags)
	}
	b.people.mergeErr = fault.New(fault.Unavailable, "the store cannot be reached")
	w := b.send("POST", "/track", "["+aliasCall+"]", "Content-Type", "application/json")
	if w.Code != 503 || len(b.stored()) != 1 {
		t.Errorf("%d, %d rows", w.Code, len(b.stored()))
	}
}

// What a record says of its context and what came of a merge are one object, and
// nobody can say the latter for Loch.
func TestMergesBesideContext(t *testing.T) {
	b := newBench(t)
	b.projects.scheme = project.IdentityOriginal
	b.people.merged = profile.Merged{Outcome: profile.MergeDone}
	record := strings.TrimSuffix(aliasCall, "}") + `,"$mp_metadata":{"$mp_event_id":"e"},"loch_merged":{"person":"mallory","ids":["a"]},"n":1}`
	b.send("POST", "/track", "["+record+"]", "Content-Type", "application/json")
	m, rows := b.people.asked[0], b.stored()
	want := `{"loch_merged":{"person":"` + m.Into.ID + `","ids":["` + m.From.ID + `","` + m.Into.ID + `"]},"$mp_metadata":{"$mp_event_id":"e"},"n":1}`
	if len(rows) != 1 || rows[0].Context != want {
		t.Errorf("%+v\nwant the context %s", rows, want)
	}
}
