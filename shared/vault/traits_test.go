package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/vault"
	"loch/shared/vault/vaulttest"
)

const (
	ann = "000102030405060708090a0b0c0d0e0f"
	bob = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
)

// traitsOf seals operators as one update of a person and applies them to a
// profile.
func traitsOf(t testing.TB, v *vault.Vault, project, id string, ops ...profile.Op) []profile.Trait {
	t.Helper()
	u := []profile.Update{{Project: project, ID: id, Ops: ops}}
	if err := v.SealUpdates(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	p := profile.Profile{Project: project, ID: id}
	if _, refused := profile.Apply(&p, &u[0], 1); refused != nil {
		t.Fatalf("refused: %+v", refused)
	}
	return p.Traits
}

func op(kind profile.OpKind, name, value string) profile.Op {
	return profile.Op{Kind: kind, Name: name, Value: json.RawMessage(value), Personal: true}
}

func opened(t testing.TB, v *vault.Vault, project string, owners []string, traits []profile.Trait) string {
	t.Helper()
	clear, names, err := v.OpenTraits(t.Context(), project, owners, traits)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range clear {
		mark := ""
		if slices.Contains(names, c.Name) {
			mark = "*"
		}
		b.WriteString(c.Name + mark + "=" + string(c.Value) + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestSealedTraits(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	traits := traitsOf(t, v, "p", ann,
		op(profile.Set, "$email", `"ann@example.test"`),
		op(profile.Set, "phones", `["+46701234567", {"home":"08 123 456"}]`),
		op(profile.Append, "phones", `"+46709999999"`),
		op(profile.Union, "phones", `["+46709999999","+46708888888"]`),
		op(profile.Remove, "phones", `"+46701234567"`),
		op(profile.Set, "$name", `null`),
		profile.Op{Kind: profile.Set, Name: "plan", Value: json.RawMessage(`"pro"`)},
	)
	stored := ""
	for _, trait := range traits {
		stored += trait.Name + string(trait.Value)
	}
	for _, secret := range []string{"ann@", "4670", "123 456", "home"} {
		if strings.Contains(stored, secret) {
			t.Errorf("%q is in clear in %s", secret, stored)
		}
	}
	want := `$email*="ann@example.test" phones*=[{"home":"08 123 456"},"+46709999999","+46708888888"] $name=null plan="pro"`
	if got := opened(t, v, "p", []string{ann}, traits); got != want {
		t.Errorf("opened\n got %s\nwant %s", got, want)
	}
}

// Equal values seal to different texts each time: a fresh nonce for each.
func TestNoncesAreFresh(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	boxes := map[string]bool{}
	for range 100 {
		s, ok := profile.ParseSealed(traitsOf(t, v, "p", ann, op(profile.Set, "$email", `"ann@example.test"`))[0].Value)
		if !ok {
			t.Fatal("not sealed")
		}
		boxes[string(s.Box)] = true
	}
	if len(boxes) != 100 {
		t.Errorf("%d different boxes of 100", len(boxes))
	}
}

// A ciphertext opens in its own place only: project, person, field and key
// version are bound to it.
func TestSealedTraitsCannotBeMoved(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	trait := traitsOf(t, v, "p", ann, op(profile.Set, "$email", `"ann@example.test"`))[0]
	traitsOf(t, v, "p", bob, op(profile.Set, "$email", `"bob@example.test"`))
	if got := opened(t, v, "p", []string{ann}, []profile.Trait{trait}); !strings.Contains(got, "ann@") {
		t.Fatalf("in its place: %s", got)
	}
	change := func(f func(s *profile.Sealed)) []profile.Trait {
		s, _ := profile.ParseSealed(trait.Value)
		s.Box = bytes.Clone(s.Box)
		f(&s)
		return []profile.Trait{{Name: trait.Name, Value: s.Append(nil)}}
	}
	for name, c := range map[string]struct {
		project string
		owners  []string
		traits  []profile.Trait
	}{
		"another project":           {"q", []string{ann}, []profile.Trait{trait}},
		"another person's profile":  {"p", []string{bob}, []profile.Trait{trait}},
		"another person's name":     {"p", []string{ann, bob}, change(func(s *profile.Sealed) { s.Owner = bob })},
		"another field":             {"p", []string{ann}, []profile.Trait{{Name: "nickname", Value: trait.Value}}},
		"another key version":       {"p", []string{ann}, change(func(s *profile.Sealed) { s.Version = 2 })},
		"a changed ciphertext":      {"p", []string{ann}, change(func(s *profile.Sealed) { s.Box[20] ^= 1 })},
		"nobody's":                  {"p", nil, []profile.Trait{trait}},
		"somebody who has no key":   {"p", []string{strings.Repeat("77", 16)}, []profile.Trait{trait}},
		"a value that looks sealed": {"p", []string{ann}, change(func(s *profile.Sealed) { s.Box = nil })},
	} {
		if got := opened(t, v, c.project, c.owners, c.traits); got != "" {
			t.Errorf("%s: opened as %s", name, got)
		}
	}
}

// A person's key that was copied to another person's place does not open.
func TestPersonKeysCannotBeMoved(t *testing.T) {
	store := vaulttest.NewMemory()
	traits := traitsOf(t, newVault(t, store), "p", ann, op(profile.Set, "$email", `"ann@example.test"`))
	keys, err := store.FindPersonKeys(t.Context(), []vault.ID{id(t, ann)})
	if err != nil || keys[0] == nil {
		t.Fatal(err)
	}
	if _, err := store.CreatePersonKeys(t.Context(), []vault.PersonKey{{Owner: id(t, bob), Wrapped: keys[0]}}); err != nil {
		t.Fatal(err)
	}
	s, _ := profile.ParseSealed(traits[0].Value)
	s.Owner = bob
	_, _, err = newVault(t, store).OpenTraits(t.Context(), "p", []string{bob}, []profile.Trait{{Name: "$email", Value: s.Append(nil)}})
	if err == nil || fault.CodeOf(err) != fault.Internal {
		t.Errorf("got %v", err)
	}
}

// The store alone opens nothing: without the key file's key, or with another.
func TestTheStoreAloneOpensNothing(t *testing.T) {
	store := vaulttest.NewMemory()
	traitsOf(t, newVault(t, store), "p", ann, op(profile.Set, "$email", `"ann@example.test"`))
	_, err := vault.Open(t.Context(), store, vault.NewKeyFile(vault.MasterKey{9}), vault.Options{Now: time.Now})
	if fault.CodeOf(err) != fault.Forbidden || !strings.Contains(err.Error(), "key file of the same moment") {
		t.Errorf("got %v", err)
	}
}

// After a rotation the old key opens nothing of the vault as it is now, and
// the new key nothing of a copy from before.
func TestRotate(t *testing.T) {
	store := vaulttest.NewMemory()
	old, next := vault.NewKeyFile(vault.MasterKey{1, 2, 3}), vault.NewKeyFile(vault.MasterKey{4})
	v := newVault(t, store)
	traits := traitsOf(t, v, "p", ann, op(profile.Set, "$email", `"ann@example.test"`))
	before := sealed(t, v, nil, nil, `{"event":"e","properties":{"distinct_id":"u1"}}`)[0].Row.UserID
	if _, err := v.DailySalt(t.Context(), "p", time.Unix(1_795_465_200, 0)); err != nil {
		t.Fatal(err)
	}
	copied := map[string][]byte{}
	if err := store.Secrets(t.Context(), "", func(name string, wrapped []byte) error {
		copied[name] = bytes.Clone(wrapped)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := v.Rotate(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	options := vault.Options{Rand: bytes.NewReader(nil), Now: func() time.Time { return time.Unix(1_795_465_200, 0) }}
	if _, err := vault.Open(t.Context(), store, old, options); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("the old key opened the new vault: %v", err)
	}
	again, err := vault.Open(t.Context(), store, next, options)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*vault.Vault{"as it runs": v, "opened again": again} {
		if got := opened(t, v, "p", []string{ann}, traits); !strings.Contains(got, "ann@") {
			t.Errorf("%s: %q", name, got)
		}
		if after, _, _ := v.Lookup(t.Context(), "p", "user", "u1"); after != before {
			t.Errorf("%s: u1 is %s, was %s", name, after, before)
		}
	}
	if err := store.ReplaceSecrets(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(t.Context(), store, next, options); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("the new key opened a copy from before: %v", err)
	}
}

// Project keys leave memory when their time is over, and the wrapper is asked
// once in that time, not once for each person.
func TestProjectKeysAreBoundedInTime(t *testing.T) {
	now := time.Unix(1_795_465_200, 0)
	asked := &countingWrapper{KeyFile: vault.NewKeyFile(vault.MasterKey{1})}
	v, err := vault.Open(t.Context(), vaulttest.NewMemory(), asked, vault.Options{Rand: random(), Now: func() time.Time { return now }, CacheFor: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	start := asked.unwraps
	for i := range 50 {
		traitsOf(t, v, "p", strings.Repeat("0", 30)+string("0123456789abcdef"[i/16])+string("0123456789abcdef"[i%16]), op(profile.Set, "$email", `"a@b.test"`))
	}
	if asked.unwraps != start+1 {
		t.Errorf("%d calls for 50 people", asked.unwraps-start)
	}
	now = now.Add(61 * time.Second)
	traitsOf(t, v, "p", ann, op(profile.Set, "$email", `"a@b.test"`))
	if asked.unwraps != start+2 {
		t.Errorf("%d calls after a minute more, want 2", asked.unwraps-start)
	}
	// Forget takes them out of memory, so that they are gone even for a clock that
	// runs back.
	now = now.Add(61 * time.Second)
	v.Forget()
	now = now.Add(-61 * time.Second)
	traitsOf(t, v, "p", bob, op(profile.Set, "$email", `"a@b.test"`))
	if asked.unwraps != start+3 {
		t.Errorf("%d calls after they were forgotten, want 3", asked.unwraps-start)
	}
}

// An e-mail leads to nobody in another project.
func TestProjectsShareNothing(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	entry := []vault.Value{{Owner: ann, Value: "ann@example.test"}}
	if err := v.IndexEmail(t.Context(), "p", entry); err != nil {
		t.Fatal(err)
	}
	if ids, err := v.ByEmail(t.Context(), "q", "ann@example.test"); err != nil || len(ids) > 0 {
		t.Errorf("another project finds %v %v", ids, err)
	}
	if ids, err := v.ByEmail(t.Context(), "p", "ann@example.test"); err != nil || len(ids) != 1 {
		t.Errorf("its own project finds %v %v", ids, err)
	}
}

// Whoever makes up people of somebody's e-mail does not keep them from being found;
// beyond all reason it is an error, and not nobody.
func TestNamesakesAreAllFound(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	add := func(from, to int) {
		t.Helper()
		var entries []vault.Value
		for i := from; i < to; i++ {
			entries = append(entries, vault.Value{Owner: fmt.Sprintf("%032x", i+1), Value: "ann@example.test"})
		}
		if err := v.IndexEmail(t.Context(), "p", entries); err != nil {
			t.Fatal(err)
		}
	}
	add(0, 1000)
	if ids, err := v.ByEmail(t.Context(), "p", "ann@example.test"); err != nil || len(ids) != 1000 {
		t.Errorf("%d of 1000 are found, %v", len(ids), err)
	}
	add(1000, 10_001)
	if ids, err := v.ByEmail(t.Context(), "p", "ann@example.test"); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("of 10001 %d are found, %v", len(ids), err)
	}
}

func BenchmarkSealUpdate(b *testing.B) {
	v := newVault(b, vaulttest.NewMemory())
	b.ReportAllocs()
	for b.Loop() {
		u := []profile.Update{{Project: "p", ID: ann, Ops: []profile.Op{
			op(profile.Set, "$email", `"ann@example.test"`), op(profile.Set, "$name", `"Ann Example"`),
			{Kind: profile.Set, Name: "plan", Value: json.RawMessage(`"pro"`)},
		}}}
		if err := v.SealUpdates(b.Context(), u); err != nil {
			b.Fatal(err)
		}
	}
}

// $union and $remove compare sealed values as they compare all others: by value,
// not by spelling.
func TestSealedValuesAreComparedByValue(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	for _, c := range []struct{ set, remove string }{
		{`["Jürgen"]`, `"J\u00fcrgen"`}, {`[5]`, `5.0`}, {`[{"a":1,"b":2}]`, `{"b":2,"a":1}`},
	} {
		traits := traitsOf(t, v, "p", ann, op(profile.Set, "name", c.set), op(profile.Union, "name", "["+c.remove+"]"))
		if got := opened(t, v, "p", []string{ann}, traits); got != "name*="+c.set {
			t.Errorf("%s and %s were united to %s", c.set, c.remove, got)
		}
		traits = traitsOf(t, v, "p", ann, op(profile.Set, "name", c.set), op(profile.Remove, "name", c.remove))
		if got := opened(t, v, "p", []string{ann}, traits); strings.Contains(got, c.set[1:3]) {
			t.Errorf("%s was not removed by %s: %s", c.set, c.remove, got)
		}
	}
}

func TestKeyFileWraps(t *testing.T) {
	vaulttest.RunWrapper(t, vault.NewKeyFile(vault.MasterKey{1}), vault.NewKeyFile(vault.MasterKey{2}))
}

// keyCounter counts the keys that are asked for.
type keyCounter struct {
	vault.Store
	asked int
}

func (k *keyCounter) FindPersonKeys(ctx context.Context, owners []vault.ID) ([][]byte, error) {
	k.asked += len(owners)
	return k.Store.FindPersonKeys(ctx, owners)
}

// Somebody with a hundred thousand devices is opened with the keys of those that
// sealed something, and anybody else's stays shut.
func TestOpeningAsksForFewKeys(t *testing.T) {
	store := &keyCounter{Store: vaulttest.NewMemory()}
	v := newVault(t, store)
	traits := slices.Concat(traitsOf(t, v, "p", ann, op(profile.Set, "$name", `"Ann"`), op(profile.Set, "l", `["a","b"]`)),
		traitsOf(t, v, "p", bob, op(profile.Set, "$email", `"bob@example.com"`)))
	owners := []string{ann}
	for i := range 1000 {
		owners = append(owners, fmt.Sprintf("%032x", i+7))
	}
	v = newVault(t, store) // remembers no key
	store.asked = 0
	if got, want := opened(t, v, "p", owners, traits), `$name*="Ann" l*=["a","b"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if store.asked != 1 {
		t.Errorf("%d keys were asked for", store.asked)
	}
}

// A list that is appended is one item, and opens as one; as do lists whose items
// were sealed each for itself, as $append once did.
func TestSealedLists(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	pair := `["a@example.test","b@example.test"]`
	traits := traitsOf(t, v, "p", ann,
		op(profile.Append, "emails", pair),
		op(profile.Append, "emails", `"c@example.test"`),
		op(profile.Append, "emails", `["d@example.test"]`),
		op(profile.Remove, "emails", `["d@example.test"]`),
	)
	if want, got := `emails*=[`+pair+`,"c@example.test"]`, opened(t, v, "p", []string{ann}, traits); got != want {
		t.Errorf("opened\n got %s\nwant %s", got, want)
	}

	items := traitsOf(t, v, "p", ann, op(profile.Set, "emails", pair))
	others := traitsOf(t, v, "p", bob, op(profile.Set, "emails", pair))
	before := []profile.Trait{{Name: "emails", Value: json.RawMessage(
		`[` + string(items[0].Value) + `,1,` + string(others[0].Value) + `]`)}}
	if want, got := `emails*=[`+pair+`,1]`, opened(t, v, "p", []string{ann}, before); got != want {
		t.Errorf("opened of before\n got %s\nwant %s", got, want)
	}
	if got := opened(t, v, "p", nil, before); got != `emails*=[1]` {
		t.Errorf("opened for nobody: %s", got)
	}
}

// A trait may be personal only since yesterday. What a list holds of it in clear is
// the same to $union and $remove, and is sealed on the way.
func TestListsFromBeforeTheirTraitWasPersonal(t *testing.T) {
	v := newVault(t, vaulttest.NewMemory())
	box := string(traitsOf(t, v, "p", ann, op(profile.Set, "company", `"Acme"`))[0].Value)
	for _, c := range []struct {
		stored string
		op     profile.Op
		want   string
		clear  string // what of it is in clear yet
	}{
		{`["Acme","Beta"]`, op(profile.Union, "company", `["Acm\u0065"]`), `["Acm\u0065","Beta"]`, "Beta"},
		{`["Acme","Beta"]`, op(profile.Union, "company", `"Acme"`), `["Acme","Beta"]`, "Beta"},
		{`["Acme","Beta","Acme"]`, op(profile.Union, "company", `["Acme","Beta","Gamma"]`), `["Acme","Beta","Gamma"]`, ""},
		{`["Acme",` + box + `,"Beta"]`, op(profile.Union, "company", `["Acme"]`), `["Acme","Beta"]`, "Beta"},
		{`["Beta"]`, op(profile.Union, "company", `["Acme"]`), `["Beta","Acme"]`, "Beta"},
		{`["Acme","Beta"]`, op(profile.Remove, "company", `"Acme"`), `["Beta"]`, "Beta"},
		{`["Acme",` + box + `]`, op(profile.Remove, "company", `"Acme"`), ``, ""},
		{`[["Acme"],"Acme"]`, op(profile.Remove, "company", `["Acme"]`), `["Acme"]`, "Acme"},
	} {
		u := []profile.Update{{Project: "p", ID: ann, Ops: []profile.Op{c.op}}}
		if err := v.SealUpdates(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		p := profile.Profile{Project: "p", ID: ann, Traits: []profile.Trait{{Name: "company", Value: json.RawMessage(c.stored)}}}
		if _, refused := profile.Apply(&p, &u[0], 1); refused != nil {
			t.Fatalf("%s: refused: %+v", c.stored, refused)
		}
		got := opened(t, v, "p", []string{ann}, p.Traits)
		_, got, _ = strings.Cut(got, "=")
		if c.want == "" {
			c.want = "[]"
		}
		if got != c.want {
			t.Errorf("$%s %s to %s: %s, want %s", c.op.Kind, c.op.Value, c.stored, got, c.want)
		}
		for _, name := range []string{"Acme", "Beta", "Gamma"} {
			if is := strings.Contains(string(p.Traits[0].Value), name); is != (name == c.clear) {
				t.Errorf("$%s %s to %s leaves %s", c.op.Kind, c.op.Value, c.stored, p.Traits[0].Value)
			}
		}
	}
}
