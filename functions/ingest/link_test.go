package ingest_test

import (
	"context"
	"testing"

	"loch/functions/ingest"
	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/vault"
)

// Whom a device belongs to is decided by the profile store, and the rows say so: a
// row whose device had been somebody else's links nobody in SQL either.
func TestRowsSayWhatLinks(t *testing.T) {
	b := newBench(t)
	call := func(user, device, ms string) string {
		return `{"event":"e","properties":{"token":"T","$user_id":"` + user + `","$device_id":"` + device + `","time":` + ms + `}}`
	}
	const json = "application/json"
	b.send("POST", "/track", "["+call("ann", "tv", "1795465174000")+"]", "Content-Type", json)
	// bob's turn at the tv; a radio that cai had before dee, though dee's event stands first; ann again.
	b.send("POST", "/track", "["+call("bob", "tv", "1795465175000")+","+call("dee", "radio", "1795465175000")+","+
		call("cai", "radio", "1795465174000")+","+call("ann", "tv", "1795465176000")+"]", "Content-Type", json)
	rows := b.stored()
	if len(rows) != 5 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, want := range []string{"", event.FlagNotLinked, event.FlagNotLinked, "", ""} {
		if rows[i].Flags != want {
			t.Errorf("row %d has flags %q, want %q", i, rows[i].Flags, want)
		}
	}
	if links := b.people.links; len(links) != 3 || links[0].User != rows[0].UserID || links[1].User != rows[3].UserID {
		t.Errorf("links %+v", links)
	}
}

// noLinks cannot keep links.
type noLinks struct{ *people }

func (p noLinks) Apply(ctx context.Context, c profile.Changes) ([]profile.Refusal, error) {
	if len(c.Links) > 0 {
		return nil, fault.New(fault.Unavailable, "no room")
	}
	return p.people.Apply(ctx, c)
}

// A row whose link is not known is not kept: it could not say whom it links.
func TestRowsWaitForLinks(t *testing.T) {
	b := newBench(t)
	b.rebuild(func(d *ingest.Deps) { d.Profiles = noLinks{b.people} })
	b.keptNothing(t, "/track/?verbose=1", `[{"event":"e","properties":{"token":"T","$user_id":"ann","$device_id":"tv"}}]`)
}

// The same value is the same to $union under each of a person's ids: it is sealed
// for the person.
func TestSealedForThePerson(t *testing.T) {
	b := newBench(t)
	b.send("POST", "/track", `[{"event":"e","properties":{"token":"T","$user_id":"ann","$device_id":"tv"}}]`, "Content-Type", "application/json")
	for _, id := range []string{"ann", "$device:tv"} {
		b.send("POST", "/engage", `[{"$token":"T","$distinct_id":"`+id+`","$union":{"emails":["a@example.com"]}}]`, "Content-Type", "application/json")
	}
	updates := b.people.updates()
	if len(updates) != 2 {
		t.Fatalf("%d updates", len(updates))
	}
	p := profile.Profile{Project: "p", ID: updates[0].ID}
	for i := range updates {
		if _, refused := profile.Apply(&p, &updates[i], 1); refused != nil {
			t.Fatal(refused)
		}
	}
	opened, _, err := b.deps.Vault.OpenTraits(t.Context(), "p", []string{updates[0].ID, updates[1].ID}, p.Traits)
	if err != nil || len(opened) != 1 || string(opened[0].Value) != `["a@example.com"]` {
		t.Errorf("%v %s", err, opened)
	}
	if updates[1].ID == updates[0].ID || !vault.IsID(updates[1].ID) {
		t.Error("the update does not name the id that it was sent for")
	}
}

// merged is a store in which everybody has the profile that somebody once had.
type merged struct {
	*people
	profile *profile.Profile
}

func (m merged) Get(_ context.Context, project, id string) (profile.Profile, error) {
	p := *m.profile
	p.Project, p.ID = project, id
	return p, nil
}

// What was sealed for somebody who was merged into a person since is the same to the
// person's $union and $remove.
func TestListsOfTheMerged(t *testing.T) {
	b := newBench(t)
	p := profile.Profile{Project: "p"}
	b.rebuild(func(d *ingest.Deps) { d.Profiles = merged{b.people, &p} })
	send := func(id, operators string) {
		t.Helper()
		b.send("POST", "/engage", `[{"$token":"T","$distinct_id":"`+id+`",`+operators+`}]`, "Content-Type", "application/json")
		all := b.people.updates()
		last := all[len(all)-1]
		if _, refused := profile.Apply(&p, &last, 1); refused != nil {
			t.Fatal(refused)
		}
	}
	send("before", `"$union":{"emails":["a@example.com","b@example.com"]}`)
	before := b.people.updates()[0].ID
	see := func(want string) {
		t.Helper()
		all := b.people.updates()
		opened, _, err := b.deps.Vault.OpenTraits(t.Context(), "p", []string{before, all[len(all)-1].ID}, p.Traits)
		if err != nil || len(opened) != 1 || string(opened[0].Value) != want {
			t.Errorf("%v %s, want %s", err, opened, want)
		}
	}
	see(`["a@example.com","b@example.com"]`)
	send("after", `"$union":{"emails":["a@example.com","c@example.com"]}`)
	see(`["a@example.com","b@example.com","c@example.com"]`)
	send("after", `"$remove":{"emails":"b@example.com"}`)
	see(`["a@example.com","c@example.com"]`)
}
