package lookup_test

import (
	"context"
	"strings"
	"testing"

	"loch/functions/lookup"
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
