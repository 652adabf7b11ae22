package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"loch/infra/aws/dynamo"
	"loch/shared/profile"
	"loch/shared/vault"
)

// items are all items of a table, each by the names of its attributes behind its sk.
func items(t *testing.T, api *sdk.Client, table string) (list []string) {
	t.Helper()
	for i := range all(t, api, table) {
		list = append(list, i)
	}
	slices.Sort(list)
	return list
}

func all(t *testing.T, api *sdk.Client, table string) map[string]map[string]types.AttributeValue {
	t.Helper()
	found := map[string]map[string]types.AttributeValue{}
	for pages := sdk.NewScanPaginator(api, &sdk.ScanInput{TableName: aws.String(prefix + "-" + table)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			name := fmt.Sprint(key(i["pk"]), " ", key(i["sk"]), ":")
			for _, attribute := range slices.Sorted(maps.Keys(i)) {
				if attribute != "pk" && attribute != "sk" {
					name += " " + attribute
				}
			}
			found[name] = i
		}
	}
	return found
}

func key(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return fmt.Sprintf("%x", v.(*types.AttributeValueMemberB).Value)
}

func set(name, value string) profile.Op {
	return profile.Op{Kind: profile.Set, Name: name, Value: json.RawMessage(value)}
}

func mustApply(t *testing.T, s *dynamo.Profiles, c profile.Changes) {
	t.Helper()
	if refused, err := s.Apply(t.Context(), c); err != nil || len(refused) != 0 {
		t.Fatal(refused, err)
	}
}

// Names of updates that have no room in the item count all the same, also for whoever
// the id is linked to, and for two weeks at most.
func TestManyNames(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_795_435_200_000)
	o := options()
	o.Now = func() time.Time { return now }
	api := account(t, nil)
	r := rand.New(rand.NewPCG(1, 2))
	send := func(id string, numbers []int) {
		t.Helper()
		s := dynamo.NewProfiles(api, o) // which remembers nothing
		for part := range slices.Chunk(numbers, 1+r.IntN(60)) {
			var c profile.Changes
			for _, n := range part {
				c.Updates = append(c.Updates, profile.Update{
					Project: "shop", ID: id, InsertID: fmt.Sprint(n), TimeMS: now.UnixMilli(),
					Ops: []profile.Op{{Kind: profile.Add, Name: "n", Value: json.RawMessage("1")}},
				})
			}
			mustApply(t, s, c)
		}
	}
	mustCount := func(id, want string) {
		t.Helper()
		p, err := dynamo.NewProfiles(api, o).Get(t.Context(), "shop", id)
		if err != nil || string(p.Traits[len(p.Traits)-1].Value) != want {
			t.Fatalf("%s counts %v, %v; want %s", id, p.Traits, err, want)
		}
	}
	const many = 900
	send("phone", r.Perm(many))
	mustCount("phone", "900")
	send("phone", r.Perm(many))
	mustCount("phone", "900")
	for name, i := range all(t, api, dynamo.ProfilesTable) {
		if names, ok := i[inWeek(now)].(*types.AttributeValueMemberBS); ok && len(names.Value) > 400 {
			t.Errorf("%s holds %d names", name, len(names.Value))
		}
	}

	u := profile.Update{Project: "shop", ID: "ann", TimeMS: 1, Ops: []profile.Op{set("n", "0")}}
	mustApply(t, dynamo.NewProfiles(api, o), profile.Changes{Updates: []profile.Update{u}})
	mustApply(t, dynamo.NewProfiles(api, o), profile.Changes{Links: []profile.Link{{Project: "shop", Device: "phone", User: "ann", TimeMS: 1}}})
	send("phone", r.Perm(many))
	mustCount("ann", "0")
	send("ann", []int{1, 2, 1})
	mustCount("ann", "2")

	now = now.Add(7 * 24 * time.Hour)
	send("phone", r.Perm(many))
	mustCount("ann", "2")
	now = now.Add(8 * 24 * time.Hour)
	send("ann", []int{1, 1, 3})
	mustCount("ann", "4")
}

func inWeek(now time.Time) string { return fmt.Sprint("names", now.UnixMilli()/profile.OnceForMS) }

// Of a large profile nothing is left behind when it is written anew, when it shrinks
// and when it is merged.
func TestPiecesGo(t *testing.T) {
	t.Parallel()
	api := account(t, nil)
	s := dynamo.NewProfiles(api, options())
	write := func(id string, ops ...profile.Op) {
		t.Helper()
		mustApply(t, s, profile.Changes{Updates: []profile.Update{{Project: "shop", ID: id, TimeMS: 1, Ops: ops}}})
	}
	large := `"` + strings.Repeat("x", 200_000) + `"`
	pieces := func(id string, want int) {
		t.Helper()
		n := 0
		for _, name := range items(t, api, dynamo.ProfilesTable) {
			if strings.HasPrefix(name, "shop/"+id+" part#") {
				n++
			}
		}
		if n != want {
			t.Errorf("%d pieces of %s, want %d", n, id, want)
		}
	}
	write("ann", set("a", large), set("b", large), set("c", large), set("d", `1`))
	pieces("ann", 2)
	write("ann", set("d", `2`))
	pieces("ann", 2)
	mustApply(t, s, profile.Changes{Sightings: []profile.Sighting{{Project: "shop", ID: "ann", Seen: profile.SeenAt(200_000, profile.Place{City: "Oslo"}, profile.DeviceInfo{}, profile.Arrival{})}}})
	pieces("ann", 2)
	write("bob", set("e", large), set("f", large))
	pieces("bob", 2)
	if _, err := s.Merge(t.Context(), []profile.Merging{{Project: "shop", Into: profile.Ref{ID: "ann"}, From: profile.Ref{ID: "bob"}}}); err != nil {
		t.Fatal(err)
	}
	pieces("bob", 0)
	pieces("ann", 3)
	p, err := s.Get(t.Context(), "shop", "bob")
	if err != nil || len(p.Traits) != 6 || string(p.Traits[3].Value) != "2" || p.Place.City != "Oslo" {
		t.Errorf("%d traits, %v, %v", len(p.Traits), p.Place, err)
	}
	write("ann", profile.Op{Kind: profile.Unset, Name: "a"}, profile.Op{Kind: profile.Unset, Name: "b"}, profile.Op{Kind: profile.Unset, Name: "c"}, profile.Op{Kind: profile.Unset, Name: "e"})
	pieces("ann", 0)
	write("ann", set("a", large), set("b", large), set("c", large))
	write("ann", profile.Op{Kind: profile.Delete})
	pieces("ann", 0)
}

// brittle lets some calls through and then none.
type brittle struct{ left atomic.Int64 }

func (b *brittle) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.left.Add(-1) < 0 {
		return nil, errDropped
	}
	return transport.RoundTrip(r)
}

// breakOff calls do, whose calls end after the given number of them, and then again
// with nothing in the way.
func breakOff(t *testing.T, b *brittle, calls int64, do func(ctx context.Context) error) (done bool) {
	t.Helper()
	b.left.Store(calls)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond+time.Duration(calls)*50*time.Millisecond)
	done = do(ctx) == nil
	cancel()
	b.left.Store(1 << 40)
	if err := do(t.Context()); err != nil {
		t.Fatal(err)
	}
	return done
}

// An erasure that breaks off anywhere and is carried out again leaves gravestones and
// nothing else.
func TestErasureIsResumed(t *testing.T) {
	t.Parallel()
	for calls := int64(0); ; calls++ {
		b := &brittle{}
		b.left.Store(1 << 40)
		api := account(t, b)
		s := dynamo.NewProfiles(api, options())
		large := `"` + strings.Repeat("x", 200_000) + `"`
		mustApply(t, s, profile.Changes{
			Links: []profile.Link{{Project: "shop", Device: "phone", User: "ann", TimeMS: 1}, {Project: "shop", Device: "tv", User: "ann", TimeMS: 1}, {Project: "shop", Device: "phone2", User: "bob", TimeMS: 1}},
			Updates: []profile.Update{
				{Project: "shop", ID: "ann", TimeMS: 1, InsertID: "x", Ops: []profile.Op{set("a", large), set("b", large)}},
				{Project: "shop", ID: "bob", TimeMS: 1, Ops: []profile.Op{set("a", `1`)}},
			},
		})
		if _, err := s.Merge(t.Context(), []profile.Merging{{Project: "shop", Into: profile.Ref{ID: "ann"}, From: profile.Ref{ID: "bob"}}}); err != nil {
			t.Fatal(err)
		}
		// The television is not erased: it becomes nobody's.
		done := breakOff(t, b, calls, func(ctx context.Context) error {
			return s.Erase(ctx, "shop", []string{"ann", "bob", "phone", "phone2"})
		})
		want := []string{
			"shop/ann profile: dead rev", "shop/bob profile: dead rev", "shop/phone profile: dead rev", "shop/phone2 profile: dead rev", "shop/tv profile: rev",
		}
		if left := items(t, api, dynamo.ProfilesTable); !slices.Equal(left, want) {
			t.Fatalf("after %d calls and again there is\n%s", calls, strings.Join(left, "\n"))
		}
		if done {
			return
		}
	}
}

// So does one in the vault.
func TestForgettingIsResumed(t *testing.T) {
	t.Parallel()
	ann, bob := vault.ID{1}, vault.ID{2}
	for calls := int64(0); ; calls++ {
		b := &brittle{}
		b.left.Store(1 << 40)
		api := account(t, b)
		s := dynamo.NewVault(api, options())
		entries := []vault.Entry{{Key: vault.Key{1}, ID: ann, Owner: ann}, {Key: vault.Key{2}, ID: bob, Owner: bob}}
		for n := range byte(120) {
			entries = append(entries, vault.Entry{Key: vault.Key{3, n}, ID: vault.ID{3, n}, Owner: ann})
		}
		if _, err := s.Create(t.Context(), entries); err != nil {
			t.Fatal(err)
		}
		if err := s.AddIndex(t.Context(), []vault.Owned{{Owner: ann, Key: vault.Key{9}}, {Owner: bob, Key: vault.Key{9}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreatePersonKeys(t.Context(), []vault.PersonKey{{Owner: ann, Wrapped: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
		done := breakOff(t, b, calls, func(ctx context.Context) error {
			_, err := s.Erase(ctx, "", []vault.ID{ann, bob}, false)
			return err
		})
		left := items(t, api, dynamo.VaultTable)
		if len(left) != 2 || !strings.HasSuffix(left[0], ": dead") || !strings.HasSuffix(left[1], ": dead") {
			t.Fatalf("after %d calls and again there is\n%s", calls, strings.Join(left, "\n"))
		}
		if done {
			return
		}
	}
}
