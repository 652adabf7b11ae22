package vault_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"loch/shared/event"
	"loch/shared/profile"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

func id(t testing.TB, text string) (id vault.ID) {
	t.Helper()
	if _, err := hex.Decode(id[:], []byte(text)); err != nil {
		t.Fatal(err)
	}
	return id
}

func random() io.Reader { return rand.Reader }

type countingWrapper struct {
	*vault.KeyFile
	unwraps int
}

func (c *countingWrapper) Unwrap(ctx context.Context, wrapped []byte, context map[string]string) ([]byte, error) {
	c.unwraps++
	return c.KeyFile.Unwrap(ctx, wrapped, context)
}

// Who is erased and comes back is somebody new, and nothing of theirs opens.
func TestErase(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	record := `{"event":"e","properties":{"distinct_id":"u1","$user_id":"u1","$device_id":"d1"}}`
	before := sealed(t, v, nil, nil, record)[0].Row
	traits := traitsOf(t, v, "p", before.UserID, op(profile.Set, "$email", `"ann@example.test"`))
	if err := v.IndexEmail(t.Context(), "p", []vault.Value{{Owner: before.UserID, Value: "ann@example.test"}}); err != nil {
		t.Fatal(err)
	}
	mine, err := v.Tokens(t.Context(), []vault.Value{{Project: "p", Owner: before.UserID, Rule: "email", Value: "ann@example.test"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Erase(t.Context(), "p", []string{before.UserID, before.DeviceID}, false); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := v.Lookup(t.Context(), "p", event.IDUser, "u1"); ok {
		t.Error("the user's identifier still leads somewhere")
	}
	if got := opened(t, v, "p", []string{before.UserID}, traits); got != "" {
		t.Errorf("a trait opens: %s", got)
	}
	if ids, _ := v.ByEmail(t.Context(), "p", "ann@example.test"); len(ids) > 0 {
		t.Error("the e-mail still leads somewhere")
	}
	after := sealed(t, v, nil, nil, record)[0].Row
	if after.UserID == before.UserID || after.DeviceID == before.DeviceID || after.UserID == "" {
		t.Errorf("they came back as themselves: %s %s", after.UserID, after.DeviceID)
	}
	again, err := v.Tokens(t.Context(), []vault.Value{{Project: "p", Owner: after.UserID, Rule: "email", Value: "ann@example.test"}})
	if err != nil || again[0] == mine[0] {
		t.Errorf("the old token can be made again: %v %v", again, err)
	}
	if err := v.SealUpdates(t.Context(), []profile.Update{{Project: "p", ID: before.UserID, Ops: []profile.Op{op(profile.Set, "$email", `"x"`)}}}); err == nil {
		t.Error("a key was made for somebody who is gone")
	}
}

// A token goes with any of those who sent the value, not only with the first.
func TestEraseTakesSharedTokens(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	value := func(owner string) []vault.Value {
		return []vault.Value{{Project: "p", Owner: owner, Rule: "phone", Value: "+46701234567"}}
	}
	first, err := v.Tokens(t.Context(), value(ann))
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := v.Tokens(t.Context(), value(bob)); second[0] != first[0] {
		t.Fatal("equal values have different tokens")
	}
	if other, _ := v.Tokens(t.Context(), []vault.Value{{Project: "q", Owner: ann, Rule: "phone", Value: "+46701234567"}}); other[0] == first[0] {
		t.Error("two projects share a token")
	}
	if err := v.Erase(t.Context(), "p", []string{bob}, false); err != nil {
		t.Fatal(err)
	}
	if after, _ := v.Tokens(t.Context(), value(ann)); after[0] == first[0] {
		t.Error("the token that stands in the erased person's rows can still be told")
	}
}

// A token that went with one of its senders is a new one when another sends the
// value again; it then goes with each who sends it from then on, also with one who
// had sent the old.
func TestEraseTakesNewTokensToo(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	cai := strings.Repeat("c", 32)
	token := func(owner string) vault.ID {
		ids, err := v.Tokens(t.Context(), []vault.Value{{Project: "p", Owner: owner, Rule: "phone", Value: "+46701234567"}})
		if err != nil {
			t.Fatal(err)
		}
		return ids[0]
	}
	old := token(ann)
	token(bob)
	token(cai)
	if err := v.Erase(t.Context(), "p", []string{bob}, false); err != nil {
		t.Fatal(err)
	}
	fresh := token(ann)
	if fresh == old || token(cai) != fresh {
		t.Fatal("the value has not one new token")
	}
	if err := v.Erase(t.Context(), "p", []string{cai}, false); err != nil {
		t.Fatal(err)
	}
	if token(ann) == fresh {
		t.Error("the token that stands in the erased person's rows can still be told")
	}
}

// A suppressed identifier is known by its keyed hash alone, and marks every
// event that names it.
func TestSuppress(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	record := `{"event":"e","properties":{"distinct_id":"u1","$user_id":"u1","$device_id":"d1"}}`
	row := sealed(t, v, nil, nil, record)[0].Row
	if err := v.Erase(t.Context(), "p", []string{row.UserID}, true); err != nil {
		t.Fatal(err)
	}
	if e := sealed(t, v, nil, nil, record)[0]; !e.Suppressed || e.Row.UserID != "" || e.Row.DeviceID != "" || e.Row.Properties != "" {
		t.Errorf("taken all the same: %+v", e.Row)
	}
	other := `{"event":"e","properties":{"distinct_id":"u2","$user_id":"u2","$device_id":"d1"}}`
	if e := sealed(t, v, nil, nil, other)[0]; e.Suppressed || e.Row.UserID == "" {
		t.Error("somebody else is suppressed")
	}
	if _, ok, _ := v.Lookup(t.Context(), "p", event.IDUser, "u1"); ok {
		t.Error("a look-up finds somebody")
	}
	if err := v.Suppress(t.Context(), "p", event.IDUser, "never seen"); err != nil {
		t.Fatal(err)
	}
	if yes, _ := v.IsSuppressed(t.Context(), "p", event.IDUser, "never seen"); !yes {
		t.Error("an identifier that was never seen cannot be suppressed")
	}
}

// What another process erased, this one forgets when its memory's time is over, at
// the latest: ids and keys alike.
func TestErasedElsewhere(t *testing.T) {
	store, now := vaulttest.NewMemory(), time.Unix(1_795_465_200, 0)
	open := func() *vault.Vault {
		v, err := vault.Open(t.Context(), store, vault.NewKeyFile(vault.MasterKey{1}), vault.Options{Rand: random(), Now: func() time.Time { return now }, CacheFor: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	here, elsewhere := open(), open()
	who := []vault.Identifier{{Project: "p", Kind: event.IDUser, Value: "u1"}}
	ids, err := here.IDs(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	old := ids[0].String()
	traits := traitsOf(t, here, "p", old, op(profile.Set, "$email", `"ann@example.test"`))
	if err := elsewhere.Erase(t.Context(), "p", []string{old}, false); err != nil {
		t.Fatal(err)
	}
	now = now.Add(61 * time.Second)
	if ids, err := here.IDs(t.Context(), who); err != nil || ids[0].String() == old {
		t.Errorf("the id is still known: %v", err)
	}
	if got := opened(t, here, "p", []string{old}, traits); got != "" {
		t.Errorf("a trait opens: %s", got)
	}
}

// A device's id that comes where a user's stands does not bring back who was
// suppressed, nor the reverse, nor what was suppressed before it was ever seen. An
// id that was somebody's already stays theirs.
func TestSuppressAsTheOtherKind(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	ids := func(kind, value string) vault.ID {
		t.Helper()
		made, err := v.IDs(t.Context(), []vault.Identifier{{Project: "p", Kind: kind, Value: value}})
		if err != nil {
			t.Fatal(err)
		}
		return made[0]
	}
	named := ids(event.IDUser, "both")
	for kind, value := range map[string]string{event.IDUser: "u1", event.IDDevice: "d1"} {
		if err := v.Erase(t.Context(), "p", []string{ids(kind, value).String()}, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Erase(t.Context(), "p", []string{ids(event.IDDevice, "both").String()}, true); err != nil {
		t.Fatal(err)
	}
	if err := v.Suppress(t.Context(), "p", event.IDDevice, "never seen"); err != nil {
		t.Fatal(err)
	}
	for value, kind := range map[string]string{"d1": event.IDUser, "u1": event.IDDevice, "never seen": event.IDUser} {
		if yes, err := v.IsSuppressed(t.Context(), "p", kind, value); !yes || err != nil {
			t.Errorf("%s is not suppressed as a %s: %v", value, kind, err)
		}
		if id := ids(kind, value); id != vault.Suppressed {
			t.Errorf("%s came back as a %s", value, kind)
		}
		if _, ok, err := v.Lookup(t.Context(), "p", kind, value); ok || err != nil {
			t.Errorf("%s is found as a %s: %v", value, kind, err)
		}
	}
	for value, kind := range map[string]string{"d1": event.IDGroup + "company", "other": event.IDUser} {
		if ids(kind, value) == vault.Suppressed {
			t.Errorf("%s is suppressed as a %s", value, kind)
		}
	}
	if got := ids(event.IDUser, "both"); got != named {
		t.Error("somebody who was known is suppressed by a device of the same text")
	}
	if yes, err := v.IsSuppressed(t.Context(), "p", event.IDUser, "both"); yes || err != nil {
		t.Errorf("somebody who is known is suppressed: %v", err)
	}
	if e := sealed(t, v, nil, nil, `{"event":"e","properties":{"distinct_id":"d1"}}`)[0]; !e.Suppressed {
		t.Error("an event whose distinct_id is a suppressed device's id is taken")
	}
}

// slowFind is a store whose next Find is held up between reading and returning.
type slowFind struct {
	vault.Store
	read, goOn chan struct{}
}

func (s *slowFind) Find(ctx context.Context, keys []vault.Key) ([]vault.ID, []bool, error) {
	ids, found, err := s.Store.Find(ctx, keys)
	if s.read != nil {
		close(s.read)
		<-s.goOn
		s.read = nil
	}
	return ids, found, err
}

// A request that read an id before an erasure and goes on after it must not
// bring the old id back into memory.
func TestEraseBesideARequest(t *testing.T) {
	store := &slowFind{Store: vaulttest.NewMemory()}
	old := sealed(t, newVault(t, store), nil, nil, `{"event":"e","properties":{"distinct_id":"u1"}}`)[0].Row.UserID
	v := newVault(t, store)
	store.read, store.goOn = make(chan struct{}), make(chan struct{})
	read, done := store.read, make(chan error)
	who := []vault.Identifier{{Project: "p", Kind: event.IDUser, Value: "u1"}}
	go func() {
		_, err := v.IDs(context.WithoutCancel(t.Context()), who)
		done <- err
	}()
	<-read
	if err := v.Erase(t.Context(), "p", []string{old}, false); err != nil {
		t.Fatal(err)
	}
	close(store.goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if ids, err := v.IDs(t.Context(), who); err != nil || ids[0].String() == old {
		t.Errorf("the old id came back: %v", err)
	}
}

// Salts of other days are gone: what was hashed with them cannot be told again.
func TestDailySalt(t *testing.T) {
	store := vaulttest.NewMemory()
	v := newVault(t, store)
	day := time.Date(2026, 11, 23, 23, 59, 59, 0, time.UTC)
	first, err := v.DailySalt(t.Context(), "p", day)
	if err != nil {
		t.Fatal(err)
	}
	if same, _ := newVault(t, store).DailySalt(t.Context(), "p", day.Add(-12*time.Hour)); string(same) != string(first) {
		t.Error("another process has another salt on the same day")
	}
	if _, err := v.DailySalt(t.Context(), "q", day); err != nil {
		t.Fatal(err)
	}
	next, err := v.DailySalt(t.Context(), "p", day.Add(time.Second))
	if err != nil || string(next) == string(first) {
		t.Errorf("the salt stayed: %v", err)
	}
	var left []string
	if err := store.Secrets(t.Context(), "salt/", func(name string, _ []byte) error {
		left = append(left, name)
		return nil
	}); err != nil || len(left) != 1 || left[0] != "salt/p/2026-11-24" {
		t.Errorf("salts left: %v %v", left, err)
	}
}
