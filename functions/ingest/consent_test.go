package ingest_test

import (
	"slices"
	"strings"
	"testing"

	"loch/shared/profile"
	"loch/shared/project"
)

// Who opts out can still delete: what only takes away passes, and nothing of the
// person is written with it.
func TestOptedOutPeopleMayTakeAway(t *testing.T) {
	for _, policy := range []string{"no_profile", "drop"} {
		for body, want := range map[string][]profile.OpKind{
			`"$delete":""`:                               {profile.Delete},
			`"$unset":["a","b"]`:                         {profile.Unset, profile.Unset},
			`"$remove":{"list":"x"}`:                     {profile.Remove},
			`"$set":{"a":"xmarker"},"$unset":["b"]`:      {profile.Unset},
			`"$set":{"a":"xmarker"}`:                     nil,
			`"$set_once":{"a":1}`:                        nil,
			`"$add":{"a":1}`:                             nil,
			`"$append":{"a":1}`:                          nil,
			`"$union":{"a":[1]}`:                         nil,
			`"$set":{}`:                                  nil,
			`"$set":{"a":"x"},"$remove":{"refuse":"yy"}`: {profile.Remove},
		} {
			b := newBench(t)
			b.projects.privacy = project.Privacy{Consent: policy}
			b.send("POST", "/engage", `[{"$token":"T","$distinct_id":"u-1",`+body+`}]`,
				"Content-Type", "application/json", "Sec-GPC", "1", "User-Agent", browser)
			var kinds []profile.OpKind
			for _, u := range b.people.updates() {
				if !u.KeepLastSeen || !u.KeepPlace || u.Place != (profile.Place{}) || u.DeviceInfo != (profile.DeviceInfo{}) {
					t.Errorf("%s %s: something of the person is written: %+v", policy, body, u)
				}
				for _, op := range u.Ops {
					kinds = append(kinds, op.Kind)
				}
			}
			_, rejected, _ := b.sink.rows()
			refused := strings.Contains(body, "refuse")
			if !slices.Equal(kinds, want) || len(rejected) != 1 && (want == nil || refused) || len(rejected) != 0 && want != nil && !refused {
				t.Errorf("%s %s: %v, %d rejected", policy, body, kinds, len(rejected))
			}
			for _, r := range rejected {
				if r.PayloadBytes != 0 {
					t.Errorf("%s %s: the record is kept", policy, body)
				}
			}
		}
	}
}
