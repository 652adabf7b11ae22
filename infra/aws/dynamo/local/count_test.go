package local_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"loch/infra/aws/dynamo"
	"loch/shared/profile"
	"loch/shared/vault"
)

// counter counts calls.
type counter struct {
	mu     sync.Mutex
	calls  map[string]int // by table and kind; with a ! behind it those that failed
	reads  float64
	writes float64
}

func (c *counter) count(call dynamo.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	name := call.Table + "." + call.Kind
	if call.Failed {
		name += "!"
	}
	c.calls[name]++
	c.reads += call.Reads
	c.writes += call.Writes
}

// told are the calls since it was asked last, and what they cost.
func (c *counter) told() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.calls)) {
		parts = append(parts, fmt.Sprintf("%d %s", c.calls[name], name))
	}
	parts = append(parts, fmt.Sprintf("R%g W%g", c.reads, c.writes))
	c.calls, c.reads, c.writes = nil, 0, 0
	return strings.Join(parts, ", ")
}

// What a request costs, in calls and in units of DynamoDB's bill.
func TestCosts(t *testing.T) {
	t.Parallel()
	c, now := &counter{}, time.UnixMilli(1_795_435_200_000)
	o := options()
	o.Count, o.Now = c.count, func() time.Time { return now }
	api := account(t, nil)
	one, two := dynamo.NewProfiles(api, o), dynamo.NewProfiles(api, o)

	at := func(id, insertID string, ops ...profile.Op) profile.Update {
		return profile.Update{Project: "shop", ID: id, InsertID: insertID, TimeMS: now.UnixMilli(), Ops: ops}
	}
	update := func(id, insertID string, ops ...profile.Op) func() profile.Changes {
		return func() profile.Changes {
			now = now.Add(time.Second)
			return profile.Changes{Updates: []profile.Update{at(id, insertID, ops...)}}
		}
	}
	op := func(kind profile.OpKind, name, value string) profile.Op {
		return profile.Op{Kind: kind, Name: name, Value: json.RawMessage(value)}
	}
	seen := func(id string, after time.Duration) func() profile.Changes {
		return func() profile.Changes {
			now = now.Add(after)
			return profile.Changes{Sightings: []profile.Sighting{{
				Project: "shop", ID: id, Seen: profile.SeenAt(now.UnixMilli(), profile.Place{Country: "NO"}, profile.DeviceInfo{OS: "iOS"}, profile.Arrival{Channel: "Direct"}),
			}}}
		}
	}
	both := func() profile.Changes {
		c := update("ann", "", op(profile.Add, "visits", "1"))()
		c.Sightings = seen("ann", 0)().Sightings
		return c
	}
	linked := func() profile.Changes {
		return profile.Changes{Links: []profile.Link{{Project: "shop", Device: "phone", User: "ann", TimeMS: now.UnixMilli()}}}
	}

	for _, step := range []struct {
		what string
		s    *dynamo.Profiles
		c    func() profile.Changes
		want string
	}{
		{"somebody new: the call that expects them fails, and brings what is there", one,
			update("ann", "", op(profile.Set, "plan", `"free"`), op(profile.Set, "visits", "1"), op(profile.Set, "bought", "[]")),
			"1 profiles.PutItem, 1 profiles.UpdateItem!, R0 W2"},
		{"traits that are there", one, update("ann", "", op(profile.Set, "plan", `"pro"`), op(profile.SetOnce, "visits", "9")), "1 profiles.UpdateItem, R0 W1"},
		{"a counter and a list", one, update("ann", "", op(profile.Add, "visits", "1"), op(profile.Append, "bought", `"hat"`)), "1 profiles.UpdateItem, R0 W1"},
		{"by another instance, which knows nothing", two, update("ann", "", op(profile.Add, "visits", "1")), "1 profiles.UpdateItem, R0 W1"},
		{"one with a name", one, update("ann", "a", op(profile.Add, "visits", "1")), "1 profiles.UpdateItem, R0 W1"},
		{"the same again", one, update("ann", "a", op(profile.Add, "visits", "1")), "1 profiles.UpdateItem!, R0 W1"},
		{"an update and an event of one person", one, both, "1 profiles.UpdateItem, R0 W1"},
		{"a trait goes", one, update("ann", "", op(profile.Unset, "plan", "")), "1 profiles.UpdateItem, R0 W1"},
		{"a trait that is new", one, update("ann", "", op(profile.Set, "city", `"Oslo"`)), "1 profiles.PutItem, 1 profiles.UpdateItem!, R0 W2"},
		{"$union cannot be one call", one, update("ann", "", op(profile.Union, "bought", `["hat","tie"]`)), "1 profiles.GetItem, 1 profiles.PutItem, R1 W1"},
		{"a visitor's first event", one, seen("phone", 0), "1 profiles.GetItem, 1 profiles.UpdateItem, R1 W1"},
		{"and the next", one, seen("phone", time.Second), "R0 W0"},
		{"and one a minute later", one, seen("phone", time.Minute), "1 profiles.GetItem, 1 profiles.UpdateItem, R1 W1"},
		{"by another instance", two, seen("phone", time.Second), "1 profiles.GetItem, R1 W0"},
		{"the visitor signs up", one, linked, "1 profiles.BatchGetItem, 1 profiles.TransactWriteItems, R2 W6"},
		{"the link again", one, linked, "R0 W0"},
		{"an event of the user", one, seen("ann", time.Second), "R0 W0"},
		{"of a linked device", one, seen("phone", time.Second), "R0 W0"},
	} {
		if refused, err := step.s.Apply(t.Context(), step.c()); err != nil || len(refused) != 0 {
			t.Fatal(step.what, refused, err)
		}
		if got := c.told(); got != step.want {
			t.Errorf("%s: %s, want %s", step.what, got, step.want)
		}
	}

	v := dynamo.NewVault(api, o)
	ann := vault.Entry{Key: vault.Key{1}, ID: vault.ID{1}, Owner: vault.ID{1}}
	for _, step := range []struct {
		what string
		do   func() error
		want string
	}{
		{"identifiers that are known, in one call", func() error { _, _, err := v.Find(t.Context(), []vault.Key{{1}, {2}, {3}}); return err }, "1 vault.BatchGetItem, R3 W0"},
		{"a new identifier", func() error { _, err := v.Create(t.Context(), []vault.Entry{ann}); return err }, "1 vault.PutItem, 1 vault.UpdateItem, R0 W2"},
		{"their key", func() error {
			_, err := v.CreatePersonKeys(t.Context(), []vault.PersonKey{{Owner: ann.ID, Wrapped: make([]byte, 60)}})
			return err
		}, "1 vault.UpdateItem, R0 W1"},
		{"a token of theirs", func() error {
			_, err := v.Create(t.Context(), []vault.Entry{{Key: vault.Key{2}, ID: vault.ID{2}, Owner: ann.ID}})
			return err
		}, "1 vault.TransactWriteItems, R0 W6"},
	} {
		if err := step.do(); err != nil {
			t.Fatal(step.what, err)
		}
		if got := c.told(); got != step.want {
			t.Errorf("%s: %s, want %s", step.what, got, step.want)
		}
	}
}
