package dynamotest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"loch/infra/aws/dynamo"
	"loch/shared/profile"
)

// Everybody with a profile is told once, large ones whole, and nobody who is linked or
// was erased.
func TestAll(t *testing.T) {
	s := dynamo.NewProfiles(account(t), options())
	set := func(project, id, value string) profile.Update {
		u := profile.Update{Project: project, ID: id, TimeMS: 1}
		for i := range 3 {
			u.Ops = append(u.Ops, profile.Op{Kind: profile.Set, Name: fmt.Sprint("t", i), Value: json.RawMessage(value)})
		}
		return u
	}
	large := `"` + strings.Repeat("x", 250_000) + `"`
	for _, c := range []profile.Changes{
		{Updates: []profile.Update{set("one", "a", "1"), set("one", "gone", "1"), set("two", "large", large), set("two", "user", "1")}},
		{Links: []profile.Link{{Project: "two", Device: "device", User: "user", TimeMS: 1}}},
	} {
		if refused, err := s.Apply(t.Context(), c); err != nil || len(refused) != 0 {
			t.Fatal(refused, err)
		}
	}
	if err := s.Erase(t.Context(), "one", []string{"gone"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := s.All(t.Context(), func(p *profile.Profile) error {
		got = append(got, fmt.Sprint(p.Project, " ", p.ID, " ", len(p.Traits), " ", len(p.Traits[0].Value)))
		return nil
	})
	slices.Sort(got)
	if want := []string{"one a 3 1", "two large 3 250002", "two user 3 1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}
