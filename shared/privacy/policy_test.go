package privacy_test

import (
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/privacy"
	"loch/shared/project"
)

// A setting that cannot be is said by its place, at the start and not when the
// first event comes.
func TestPolicyIsChecked(t *testing.T) {
	for place, s := range map[string]project.Privacy{
		"privacy.scan":       {Scan: map[string]string{"e-mail": "token"}},
		"privacy.scan.email": {Scan: map[string]string{"email": "hash"}},
		"privacy.urls":       {URLs: "all"},
		"privacy.referrers":  {Referrers: "none"},
		"privacy.consent":    {Consent: "yes"},
		"privacy.min_cell":   {MinCell: -1},
	} {
		_, err := privacy.NewPolicy(s)
		if fault.CodeOf(err) != fault.Invalid || fault.From(err).Field != place {
			t.Errorf("%s: got %v", place, err)
		}
	}
	p, err := privacy.NewPolicy(project.Privacy{Scan: map[string]string{"card": "reject"}})
	if err != nil || p.Action(privacy.Card) != privacy.Reject || p.Action(privacy.Email) != privacy.Token || p.Action(privacy.Secret) != privacy.Drop {
		t.Errorf("%v %v", p, err)
	}
	if word := privacy.APIKey.Word(); strings.ContainsAny(word, " @") || word != "[api_key]" {
		t.Errorf("word %q", word)
	}
}
