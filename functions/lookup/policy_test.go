package lookup_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"loch/functions/lookup"
	"loch/shared/profile"
	"loch/shared/project"
)

// strict is a registry whose project calls further traits personal.
type strict struct{ registry }

func (r strict) ByKey(ctx context.Context, name string) (project.Key, error) {
	key, err := r.registry.ByKey(ctx, name)
	key.Project.Settings.Privacy.PersonalTraits = []string{"Plan", "big"}
	return key, err
}

// A project may come to call a trait personal when many have it in clear already.
// From then on no key without scope pii sees it, and who sees it stands in the
// ledger.
func TestPersonalSinceToday(t *testing.T) {
	d, l := known(), &ledger{}
	d.Registry, d.Audit = strict{}, l
	h := lookup.New(d)
	w := get(h, "/api/profiles/d-1", "read")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"properties":{"plan":"…","$email":"j…@e….com","$name":"A…","big":"…"`) || len(l.entries) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = get(h, "/api/profiles/d-1", "pii")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"plan":"pro"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(l.entries) != 1 || strings.Join(l.entries[0].Fields, " ") != "$email $name plan big $phone" {
		t.Errorf("%+v", l.entries)
	}
}

// What a project calls personal is hidden within other traits too: nobody without
// scope pii filters by it or sees it, in a look-up or in a list.
func TestPersonalMembersSinceToday(t *testing.T) {
	d, _, l := crowd()
	d.Registry = strict{}
	zorro := profile.Profile{Project: "shop", ID: jane, Traits: []profile.Trait{
		{Name: "about", Value: json.RawMessage(`{"of":[{"big":"Zorro"}]}`)},
		{Name: "shoes", Value: json.RawMessage(`{"size":43}`)},
	}}
	d.Roster, d.Profiles = people{zorro}, profiles{jane: zorro}
	h := lookup.New(d)
	for _, property := range []string{"big", "about.big", "about.of.big", "big.of", "about.Big.of", "properties.about.big"} {
		where := `[{"property":"` + property + `","op":"is_set"}]`
		if _, w := ask(t, h, "read", "where", where); w.Code != 403 {
			t.Errorf("%s: %d %s", property, w.Code, w.Body)
		}
	}
	if found, w := ask(t, h, "read", "where", `[{"property":"shoes.size","op":"eq","value":43}]`); found.Count != 1 || strings.Contains(w.Body.String(), "Zorro") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(h, "/api/profiles/"+jane, "read"); w.Code != 200 || !strings.Contains(w.Body.String(), `"properties":{"about":"…","shoes":{"size":43}}`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(l.entries) != 0 {
		t.Errorf("%+v", l.entries)
	}
	if w := get(h, "/api/profiles/"+jane, "pii"); w.Code != 200 || !strings.Contains(w.Body.String(), "Zorro") || len(l.entries) != 1 || strings.Join(l.entries[0].Fields, " ") != "about" {
		t.Errorf("%d %s, %+v", w.Code, w.Body, l.entries)
	}
}

// grouped is a registry whose project has a kind of group.
type grouped struct{ registry }

func (r grouped) ByKey(ctx context.Context, name string) (project.Key, error) {
	key, err := r.registry.ByKey(ctx, name)
	key.Project.Settings.GroupKeys = []string{"company"}
	return key, err
}

// A trait that is called as a kind of group names a group, whether it was sealed or
// set before there was one of the kind.
func TestTraitsThatNameGroups(t *testing.T) {
	d, _, _ := crowd()
	d.Registry = grouped{}
	p := func(id, company string) profile.Profile {
		return profile.Profile{Project: "shop", ID: id, Traits: []profile.Trait{{Name: "company", Value: json.RawMessage(company)}, {Name: "Company", Value: json.RawMessage(`"x"`)}}}
	}
	d.Roster, d.Profiles = people{p(jane, `["Acme"]`), p("sealed", `"sealed:Acme"`), p("other", `"Beta"`)}, profiles{jane: p(jane, `["Acme"]`)}
	h := lookup.New(d)
	where := `[{"property":"company","op":"contains","value":"Acme"}]`
	if _, w := ask(t, h, "read", "where", where); w.Code != 403 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if found, w := ask(t, h, "read"); found.Count != 3 || strings.Contains(w.Body.String(), "Acme") || strings.Contains(w.Body.String(), "Beta") || !strings.Contains(w.Body.String(), "Company") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get(h, "/api/profiles/"+jane, "read"); w.Code != 200 || strings.Contains(w.Body.String(), "Acme") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if found, w := ask(t, h, "pii", "where", where, "order", "person_id"); w.Code != 200 || strings.Join(found.ids(), " ") != jane+" sealed" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
