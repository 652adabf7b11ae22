package local_test

import (
	"encoding/json"
	"strings"
	"testing"

	"loch/infra/aws/dynamo"
	"loch/shared/profile"
	"loch/shared/roster"
	"loch/shared/roster/rostertest"
)

func TestRoster(t *testing.T) {
	t.Parallel()
	rostertest.Run(t, func(t *testing.T) rostertest.Store {
		return dynamo.NewProfiles(account(t, nil), options())
	}, nil)
}

// A profile whose traits stand in pieces is listed, and asked by them.
func TestLargeProfilesAreListed(t *testing.T) {
	t.Parallel()
	s := dynamo.NewProfiles(account(t, nil), options())
	for _, id := range []string{"large", "small"} {
		u := profile.Update{Project: "shop", ID: id, TimeMS: 1, Ops: []profile.Op{{Kind: profile.Set, Name: "plan", Value: json.RawMessage(`"pro"`)}}}
		for _, name := range []string{"a", "b", "c"} {
			value := json.RawMessage(`"` + strings.Repeat("x", 250_000) + `"`)
			if id == "small" {
				value = json.RawMessage(`1`)
			}
			u.Ops = append(u.Ops, profile.Op{Kind: profile.Set, Name: name, Value: value})
		}
		if refused, err := s.Apply(t.Context(), profile.Changes{Updates: []profile.Update{u}}); err != nil || len(refused) != 0 {
			t.Fatal(refused, err)
		}
	}
	page, err := s.List(t.Context(), roster.Query{Project: "shop", Order: roster.PersonID, Limit: 10})
	if err != nil || page.Count != 2 || len(page.Profiles[0].Traits) != 4 {
		t.Errorf("%d people, %v", page.Count, err)
	}
}
