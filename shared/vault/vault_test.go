package vault_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
	"loch/shared/wire/mixpanel"
)

// counting counts what a store is asked to make.
type counting struct {
	vault.Store
	created int
}

func (c *counting) Create(ctx context.Context, entries []vault.Entry) ([]vault.ID, error) {
	c.created += len(entries)
	return c.Store.Create(ctx, entries)
}

func newVault(t testing.TB, store vault.Store) *vault.Vault {
	t.Helper()
	return openVault(t, store, vault.MasterKey{1, 2, 3}, func() time.Time { return time.Unix(1_795_465_200, 0) })
}

func openVault(t testing.TB, store vault.Store, key vault.MasterKey, now func() time.Time) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), store, vault.NewKeyFile(key), vault.Options{Rand: rand.Reader, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sealed decodes events as the Mixpanel SDK sends them and seals them.
func sealed(t testing.TB, v *vault.Vault, hide []vault.Hidden, groupKeys []string, records ...string) []event.Event {
	t.Helper()
	b, _, err := mixpanel.Decode(mixpanel.Request{
		Route: mixpanel.Track, ContentType: "application/json",
		Body: []byte("[" + strings.Join(records, ",") + "]"), Received: time.Unix(1_795_465_200, 0),
	})
	if err != nil || len(b.Rejected) > 0 {
		t.Fatalf("%v %+v", err, b.Rejected)
	}
	for i := range b.Events {
		b.Events[i].Row.Project = "p"
		event.FindGroups(&b.Events[i], groupKeys)
	}
	if err := v.SealEvents(t.Context(), b.Events, hide); err != nil {
		t.Fatal(err)
	}
	event.FillInsertIDs(b.Events, v.InsertID)
	for _, e := range b.Events {
		if !e.Suppressed && !json.Valid([]byte(e.Row.Properties)) {
			t.Fatalf("sealing made something that is not JSON: %s", e.Row.Properties)
		}
	}
	return b.Events
}

// all is everything that a sink would get of an event.
func all(e event.Event) string {
	var b strings.Builder
	for _, c := range event.Columns {
		if c.Str != nil {
			b.WriteString(*c.Str(&e.Row) + "\n")
		}
	}
	return b.String()
}

// No identifier is left anywhere in a row, however the website spread it.
func TestNoIdentifierIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		record string
		gone   []string
	}{
		"the browser's own properties": {
			`{"event":"$identify","properties":{"distinct_id":"ann@example.test","$device_id":"98ab3dc4-4223","$user_id":"ann@example.test","$anon_distinct_id":"$device:98ab3dc4-4223","token":"T"}}`,
			[]string{"ann@example", "98ab3dc4"}},
		"an alias":             {`{"event":"$create_alias","properties":{"alias":"ann2","distinct_id":"user-one-1"}}`, []string{"ann2", "user-one-1"}},
		"merged ids":           {`{"event":"$merge","properties":{"$distinct_ids":["user-one-1","user-two-2"]}}`, []string{"user-one-1", "user-two-2"}},
		"in a URL":             {`{"event":"e","properties":{"distinct_id":"ann@example.test","$current_url":"https://x.test/u/ann%40example.test?e=ann@example.test"}}`, []string{"ann@", "ann%40"}},
		"in a super property":  {`{"event":"e","properties":{"distinct_id":"user-12345","uid":"user-12345","deep":{"a":["user-12345"]}}}`, []string{"user-12345"}},
		"in a property's name": {`{"event":"e","properties":{"distinct_id":"user-12345","seen user-12345":true}}`, []string{"user-12345"}},
		"in the event's name":  {`{"event":"Opened user-12345","properties":{"distinct_id":"user-12345"}}`, []string{"user-12345"}},
		"as a number":          {`{"event":"e","properties":{"distinct_id":1234567890123,"uid":1234567890123}}`, []string{"1234567890123"}},
		"escaped":              {`{"event":"e","properties":{"distinct_id":"\u00e9lise@example.test","x":"élise@example.test","y":"\u00e9lise@example.test"}}`, []string{"lise@"}},
		"escaped elsewhere":    {`{"event":"e","properties":{"distinct_id":"josé-muñoz-9","x":"jos\u00e9-mu\u00F1oz-9","y":{"z":"by jos\u00e9-mu\u00f1oz-9"}}}`, []string{"muñoz", `mu\u00`}},
		"escaped throughout":   {`{"event":"e","properties":{"distinct_id":"jos\u00e9-mu\u00f1oz-9","x":"jos\u00e9-mu\u00f1oz-9"}}`, []string{"muñoz", `mu\u00`}},
		"escaped needlessly":   {`{"event":"e","properties":{"distinct_id":"cust-00123","x":"cust\u002d00123"}}`, []string{"cust"}},
		"beyond the BMP":       {`{"event":"e","properties":{"distinct_id":"ann\ud83d\ude00x","x":"ann\ud83d\ude00x","y":"a\\\ud83d\ude00x"}}`, []string{"ann"}},
		"a number of five":     {`{"event":"e","properties":{"distinct_id":12345,"x":12345}}`, []string{"12345"}},
		"a text as a number":   {`{"event":"e","properties":{"distinct_id":"76543","customer":[76543]}}`, []string{"76543"}},
		"a short number":       {`{"event":"e","properties":{"distinct_id":"777","a":{"user_ids":[1,777]},"accountId":777}}`, []string{"777"}},
		"in our columns": {`{"event":"e","properties":{"distinct_id":"user-12345","$browser":"user-12345","$city":"user-12345","$region":"user-12345","$os":"user-12345","$os_version":"user-12345",
			"$browser_version":"user-12345","$model":"user-12345","$brand":"user-12345","$locale":"user-12345","$currency":"user-12345","mp_lib":"user-12345","$lib_version":"user-12345",
			"$app_version":"user-12345","$timezone":"user-12345","mp_country_code":"user-12345"}}`, []string{"user-12345", "USER-12345"}},
		"slashes escaped":      {`{"event":"e","properties":{"distinct_id":"org\/team\/ann","x":"org\/team\/ann","y":"org/team/ann"}}`, []string{"team/ann", `team\/ann`}},
		"short, a whole value": {`{"event":"e","properties":{"distinct_id":"ann7","who":"ann7"}}`, []string{"ann7"}},
		"short, in a URL":      {`{"event":"e","properties":{"$user_id":"77001","$current_url":"https://s.test/users/77001?uid=77001"}}`, []string{"77001"}},
		"a word, in a URL":     {`{"event":"e","properties":{"distinct_id":"jane","$current_url":"https://s.test/u/jane/edit"}}`, []string{"/jane"}},
		"an escaped name":      {`{"event":"e","properties":{"$us\u0065r_id":"leak-esc3@x.test","i\u0070":"203.0.113.77"}}`, []string{"leak-esc3", "203.0.113.77"}},
		"the event's address":  {`{"event":"e","properties":{"ip":"203.0.113.78","addr":"203.0.113.78","$current_url":"http://x.test/?ip=203.0.113.78"}}`, []string{"203.0.113.78"}},
		"twice":                {`{"event":"e","properties":{"distinct_id":"user-12345","distinct_id":"user-67890"}}`, []string{"user-12345", "user-67890"}},
		"an address":           {`{"event":"e","properties":{"ip":"203.0.113.9","$ip":"203.0.113.9","seen":"from 198.51.100.7.","v":"1198.51.100.7"}}`, []string{"203.0.113.9", "m 198.51.100.7"}},
		"the agent":            {`{"event":"e","properties":{"ua":"Mozilla/5.0 (Test)","$user_agent":"Mozilla/5.0 (Test)"}}`, []string{"Mozilla"}},
		"the agent, escaped":   {`{"event":"e","properties":{"ua":"Mozilla\/5.0 (Test)"}}`, []string{"Mozilla"}},
		"the agent in a name":  {`{"event":"by Mozilla/5.0 (Test)","properties":{}}`, []string{"Mozilla"}},
		"the token":            {`{"event":"e","properties":{"token":"SECRETTOKEN","a":1}}`, []string{"SECRETTOKEN"}},
		"a group":              {`{"event":"e","properties":{"company":["Acme Inc.","Beta"],"distinct_id":"u"}}`, []string{"Acme", "Beta"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVault(t, vaulttest.NewMemory())
			hide := []vault.Hidden{{Text: "198.51.100.7", Word: "[address]"}, {Text: "Mozilla/5.0 (Test)", Word: "[agent]"}}
			row := all(sealed(t, v, hide, []string{"company"}, c.record)[0])
			for _, g := range c.gone {
				if strings.Contains(row, g) {
					t.Errorf("%q is left in\n%s", g, row)
				}
			}
		})
	}
}

// Identifiers of a request's other events are taken out as well.
func TestOthersAreSwept(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	events := sealed(t, v, nil, nil,
		`{"event":"typed","properties":{"$device_id":"dev-aaa-111","username":"user-zed99"}}`,
		`{"event":"$identify","properties":{"$device_id":"dev-aaa-111","$user_id":"user-zed99"}}`,
		`{"event":"e","properties":{"$user_id":"bob-1","friend":"user-zed99","n":"$device:dev-aaa-111"}}`)
	for _, e := range events {
		if row := all(e); strings.Contains(row, "zed99") || strings.Contains(row, "aaa-111") {
			t.Errorf("left in %s", row)
		}
	}
}

// What is not an identifier stays as it was sent, byte for byte.
func TestTheRestIsVerbatim(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	for in, want := range map[string]string{
		`{"a":1.10,"b":12345678901234567890123,"a":2,"c":"<b>&\u00e9"}`: `{"a":1.10,"b":12345678901234567890123,"a":2,"c":"<b>&\u00e9"}`,
		`{ "token" : "T" , "a" : 1 }`:                                   `{  "a" : 1 }`,
		`{"a":1,"token":"T"}`:                                           `{"a":1}`,
		`{"token":"T"}`:                                                 `{}`,
		`{"token":"T","ip":"1","x":2,"$ip":3}`:                          `{"x":2}`,
		`{"distinct_id":null,"b":1}`:                                    `{"distinct_id":null,"b":1}`,
		`{"distinct_id":"100","price":100,"n":[100]}`:                   `{"distinct_id":"*","price":100,"n":[100]}`,
		`{"distinct_id":"42","plan":"42"}`:                              `{"distinct_id":"*","plan":"42"}`,
	} {
		e := sealed(t, v, nil, nil, `{"event":"e","properties":`+in+`}`)[0]
		got := e.Row.Properties
		if e.Row.UserID != "" {
			got = strings.ReplaceAll(got, e.Row.UserID, "*")
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

// The same identifier has the same lake id in every place and for ever; another
// kind, project or identifier has another.
func TestLakeIDsAreStable(t *testing.T) {
	store := &counting{Store: vaulttest.NewMemory()}
	first := sealed(t, newVault(t, store), nil, nil,
		`{"event":"a","properties":{"distinct_id":"$device:d1","$device_id":"d1"}}`,
		`{"event":"b","properties":{"distinct_id":"u1","$user_id":"u1","$device_id":"d1","$anon_distinct_id":"$device:d1"}}`)
	again := sealed(t, newVault(t, store), nil, nil, `{"event":"c","properties":{"distinct_id":"u1","$device_id":"d1","$user_id":"u1"}}`)[0]
	a, b := first[0].Row, first[1].Row
	if a.DeviceID == "" || a.DeviceID != b.DeviceID || a.DeviceID != again.Row.DeviceID || b.UserID != again.Row.UserID || b.UserID == b.DeviceID {
		t.Errorf("device %q %q %q, user %q %q", a.DeviceID, b.DeviceID, again.Row.DeviceID, b.UserID, again.Row.UserID)
	}
	if !strings.Contains(a.Properties, `"$device:`+a.DeviceID+`"`) || !strings.Contains(b.Properties, `"$anon_distinct_id":"$device:`+a.DeviceID+`"`) {
		t.Errorf("the prefix is lost: %s %s", a.Properties, b.Properties)
	}
	if store.created != 2 {
		t.Errorf("%d entries made, want 2", store.created)
	}
	v := newVault(t, store)
	if id, ok, err := v.Lookup(t.Context(), "p", event.IDUser, "u1"); err != nil || !ok || id != b.UserID {
		t.Errorf("Lookup: %q %v %v", id, ok, err)
	}
	if _, ok, _ := v.Lookup(t.Context(), "other", event.IDUser, "u1"); ok {
		t.Error("another project found the identifier")
	}
	if store.created != 2 {
		t.Error("a look-up made an entry")
	}
}

// An insert id must not let anyone try identifiers against it, whoever made it.
// One that we make tells two records of a request apart, and one that a client made
// stays the same when the event is sent again.
func TestHashedInsertIDs(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	same := `{"event":"e","properties":{"distinct_id":"u"}}`
	e := sealed(t, v, nil, nil, same, same,
		`{"event":"e","properties":{"$insert_id":"i-1"}}`, `{"event":"f","properties":{"a":1,"$insert_id":"i-1"}}`)
	if e[0].Row.InsertID == e[1].Row.InsertID || e[0].Row.InsertIDSource != "hash" || e[2].Row.InsertID != e[3].Row.InsertID || e[2].Row.InsertIDSource != "client" {
		t.Errorf("got %q %q %q", e[0].Row.InsertID, e[1].Row.InsertID, e[2].Row.InsertID)
	}
	if len(e[2].Row.InsertID) != 32 || e[3].Row.Properties != `{"a":1}` {
		t.Errorf("the insert id is in clear: %q %s", e[2].Row.InsertID, e[3].Row.Properties)
	}
	other := sealed(t, newVault(t, vaulttest.NewMemory()), nil, nil, same, `{"event":"e","properties":{"$insert_id":"i-1"}}`)
	if other[1].Row.InsertID == e[2].Row.InsertID {
		t.Error("the insert id is sealed without the vault's key")
	}
	if other[0].Row.InsertID == e[0].Row.InsertID {
		t.Error("the hash depends on the identifier in clear, not on its lake id")
	}
}

// Sealing stops between events when the time is over, also where nothing has to be
// read.
func TestSealingStops(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	batch, _, err := mixpanel.Decode(mixpanel.Request{Route: mixpanel.Track, ContentType: "application/json",
		Body: []byte(`[{"event":"e"},{"event":"e"}]`), Received: time.Unix(1_795_465_200, 0)})
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.SealEvents(over, batch.Events, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSealedRejections(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	r := event.Rejected{Project: "p", RequestID: "r", BatchIndex: 3, Reason: event.ReasonBadTime}
	r.Sealed = v.SealRejected(&r, []byte("ann@example.test"))
	if strings.Contains(string(r.Sealed), "ann") {
		t.Error("the payload is in clear")
	}
	if got, err := v.OpenRejected(&r); err != nil || string(got) != "ann@example.test" {
		t.Errorf("opened %q, %v", got, err)
	}
	r.BatchIndex = 4
	if _, err := v.OpenRejected(&r); err == nil {
		t.Error("a payload that was moved to another row was opened")
	}
}

// FuzzSeal looks for properties that sealing breaks: the result must be JSON,
// without the identifier.
func FuzzSeal(f *testing.F) {
	f.Add(`"a":1,"token":"T"`, "user-12345")
	f.Add(`"url":"/u/user-12345?x=1","ip":"1.2.3.4"`, "user-12345")
	f.Add(`"$distinct_ids":["a-long-one",5],"n":[1,{"k":"v"}]`, "a-long-one")
	v := newVault(f, vaulttest.NewMemory())
	f.Fuzz(func(t *testing.T, members, id string) {
		quoted, err := json.Marshal(id)
		if err != nil || len(id) < 12 {
			return
		}
		record := `{"event":"e","properties":{"distinct_id":` + string(quoted) + `,` + members + `}}`
		if !json.Valid([]byte(record)) {
			return
		}
		b, _, err := mixpanel.Decode(mixpanel.Request{Route: mixpanel.Track, ContentType: "application/json", Body: []byte(record), Received: time.Unix(1_795_465_200, 0)})
		if err != nil || len(b.Events) != 1 {
			return
		}
		b.Events[0].Row.Project = "p"
		if err := v.SealEvents(t.Context(), b.Events, nil); err != nil {
			t.Fatal(err)
		}
		var out any
		if err := json.Unmarshal([]byte(b.Events[0].Row.Properties), &out); err != nil {
			t.Fatalf("not JSON: %q from %q", b.Events[0].Row.Properties, record)
		}
	})
}

func BenchmarkSealEvents(b *testing.B) {
	v := newVault(b, vaulttest.NewMemory())
	record := `{"event":"Page","properties":{"token":"T","distinct_id":"$device:98ab3dc4-4223-4009-8737-b95c8d9f702e","$device_id":"98ab3dc4-4223-4009-8737-b95c8d9f702e","$insert_id":"abc","x":"` + strings.Repeat("y", 800) + `"}}`
	body := []byte("[" + strings.Repeat(record+",", 49) + record + "]")
	b.ReportAllocs()
	for b.Loop() {
		batch, _, err := mixpanel.Decode(mixpanel.Request{Route: mixpanel.Track, ContentType: "application/json", Body: body, Received: time.Unix(1_795_465_200, 0)})
		if err != nil {
			b.Fatal(err)
		}
		if err := v.SealEvents(b.Context(), batch.Events, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/50, "µs/event")
}
