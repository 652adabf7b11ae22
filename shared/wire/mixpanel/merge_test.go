package mixpanel_test

import (
	"fmt"
	"testing"

	"loch/shared/event"
	"loch/shared/wire/mixpanel"
)

// Only $identify may name somebody who was seen, and only by an identifier that an SDK
// made up: a version 4 UUID. What a user is called, or a UUID of another kind, is no
// visitor's.
func TestWhoMayBeAVisitor(t *testing.T) {
	const visitor = "0e3c1a52-6c1f-4b8e-9d2a-51f2c07b7a10"
	identify := func(anon string) string {
		return fmt.Sprintf(`{"event":"$identify","properties":{"token":"T","$identified_id":"ann","$anon_id":%q}}`, anon)
	}
	browser := `{"event":"$identify","properties":{"token":"T","distinct_id":"ann","$anon_distinct_id":"` + visitor + `"}}`
	for record, want := range map[string]bool{
		identify(visitor): true,
		browser:           true,
		identify("0E3C1A52-6C1F-4B8E-BD2A-51F2C07B7A10"):                                                     true,
		identify("victim42"):                                                                                 false,
		identify("0e3c1a52-6c1f-1b8e-9d2a-51f2c07b7a10"):                                                     false, // version 1
		identify("0e3c1a52-6c1f-4b8e-cd2a-51f2c07b7a10"):                                                     false, // not of RFC 9562
		identify("0e3c1a526c1f-4b8e-9d2a-51f2c07b7a10a"):                                                     false,
		identify("0e3c1a52-6c1f-4b8e-9d2a-51f2c07b7a1g"):                                                     false,
		identify("0e3c1a52-6c1f-4b8e-9d2a-51f2c07b7a101"):                                                    false,
		identify("{0e3c1a52-6c1f-4b8e-9d2a-51f2c07b7a10}"):                                                   false,
		`{"event":"$create_alias","properties":{"token":"T","distinct_id":"ann","alias":"` + visitor + `"}}`: false,
	} {
		b, _, err := decode(t, mixpanel.Track, "", "application/json", record)
		if err != nil || len(b.Events) != 1 || b.Events[0].Merge == nil {
			t.Fatalf("%s: %+v, %v", record, b, err)
		}
		if m := b.Events[0].Merge; !m.OnlyNew || m.OrVisitor != want || m.From.Kind != event.IDUser {
			t.Errorf("%s asks for %+v, want a visitor: %v", record, m, want)
		}
	}
}
