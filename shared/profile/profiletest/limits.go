package profiletest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loch/shared/profile"
)

func testAtomic(t *testing.T, open Opener) {
	s := open(t)

	t.Run("one operator that does not fit undoes the whole update", func(t *testing.T) {
		applied(t, s, update("u1", `$set name "text"; $set n 1`))
		before := get(t, s, "u1")
		u := update("u1", `$set n 2; $append list 1; $unset name; $set name "x"; $add name 1; $set after 1`)
		u.TimeMS = noon + 1000
		if got := apply(t, s, profile.Changes{Updates: []profile.Update{u}}); len(got) != 1 || got[0].Field != "$add" {
			t.Fatalf("refusals %+v, want one of $add", got)
		}
		if after := get(t, s, "u1"); describe(after) != describe(before) {
			t.Errorf("the profile became\n  %s\nfrom\n  %s", describe(after), describe(before))
		}
	})

	t.Run("a $delete is undone, too", func(t *testing.T) {
		applied(t, s, update("u2", `$set name "text"`))
		u := update("u2", `$delete; $set name "x"; $add name 1`)
		if got := apply(t, s, profile.Changes{Updates: []profile.Update{u}}); len(got) != 1 {
			t.Fatalf("refusals %+v, want one", got)
		}
		mustHold(t, s, "u2", `name "text"`)
	})

	t.Run("the others of the request are applied, and refusals name their places", func(t *testing.T) {
		updates := []profile.Update{
			update("u3", `$set a "text"`),
			update("u3", `$add a 1`),
			update("u3", `$set b 1`),
			update("u4", `$append a 1`),
			update("u3", `$append b 1`),
			update("u4", `$append a 2`),
		}
		for i := range updates {
			updates[i].Index = 10 + i
		}
		var places []int
		for _, r := range apply(t, s, profile.Changes{Updates: updates}) {
			places = append(places, r.Index)
		}
		if !slices.Equal(places, []int{11, 14}) {
			t.Errorf("refused %v, want 11 and 14", places)
		}
		mustHold(t, s, "u3", `a "text"; b 1`)
		mustHold(t, s, "u4", `a [1,2]`)
	})

	t.Run("a request that was given up changes nothing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := s.Apply(ctx, profile.Changes{Updates: []profile.Update{update("u5", `$set a 1`)}}); err == nil {
			t.Error("Apply with an ended context returned nil")
		}
		mustBeUnknown(t, s, home, "u5")
	})
}

func testLimits(t *testing.T, open Opener) {
	s := open(t)

	refused := func(t *testing.T, line profile.Update, why string) {
		t.Helper()
		got := apply(t, s, profile.Changes{Updates: []profile.Update{line}})
		if len(got) != 1 {
			t.Fatalf("refusals %+v, want one", got)
		}
		if !strings.Contains(got[0].Reason, why) {
			t.Errorf("the reason is %q; it should say %q", got[0].Reason, why)
		}
	}
	text := func(bytes int) string { return `"` + strings.Repeat("x", bytes-2) + `"` }
	set := func(id, name, value string) profile.Update {
		u := update(id, "")
		u.Ops = []profile.Op{{Kind: profile.Set, Name: name, Value: json.RawMessage(value)}}
		return u
	}

	t.Run("a value of 256 KB fits, a byte more does not", func(t *testing.T) {
		value := text(profile.MaxValueBytes)
		applied(t, s, set("v1", "a", value))
		mustHold(t, s, "v1", "a "+value)
		refused(t, set("v1", "a", text(profile.MaxValueBytes+1)), "256 KB")
		mustHold(t, s, "v1", "a "+value)
	})

	t.Run("a list cannot grow beyond 256 KB", func(t *testing.T) {
		list := `[` + text(profile.MaxValueBytes-2) + `]`
		applied(t, s, set("v2", "a", list))
		refused(t, update("v2", `$append a 1`), "256 KB")
		refused(t, update("v2", `$union a 1`), "256 KB")
		mustHold(t, s, "v2", "a "+list)
	})

	t.Run("a profile has 2000 properties, not 2001", func(t *testing.T) {
		u := update("v3", "")
		for i := range profile.MaxTraits {
			u.Ops = append(u.Ops, profile.Op{Kind: profile.Set, Name: fmt.Sprintf("p%d", i), Value: json.RawMessage("1")})
		}
		applied(t, s, u)
		refused(t, update("v3", `$set one_more 1`), "2000 properties")
		if n := len(get(t, s, "v3").Traits); n != profile.MaxTraits {
			t.Errorf("the profile has %d properties", n)
		}
		applied(t, s, update("v3", `$unset p7; $set one_more 1`))
		applied(t, s, update("v3", `$set p8 2`))
		all := get(t, s, "v3").Traits
		if last := all[len(all)-1]; len(all) != profile.MaxTraits || last.Name != "one_more" {
			t.Errorf("the profile has %d properties, the last is %s", len(all), last.Name)
		}
	})

	t.Run("a profile holds 1 MB", func(t *testing.T) {
		for _, name := range []string{"a", "b", "c"} {
			applied(t, s, set("v4", name, text(profile.MaxValueBytes)))
		}
		room := profile.MaxProfileBytes - 3*(profile.MaxValueBytes+1) - len("d")
		refused(t, set("v4", "d", text(room+1)), "1 MB")
		applied(t, s, set("v4", "d", text(room)))
		refused(t, update("v4", `$set e 1`), "1 MB")
		applied(t, s, set("v4", "d", `1`), update("v4", `$set e 1`))
	})
}

// testEffort holds that list operators beyond what one request may cost are refused,
// those alone, and that the next request begins anew.
func testEffort(t *testing.T, open Opener) {
	s := open(t)
	const items = 30_000 // some 200 KB
	list := make([]string, items)
	for i := range list {
		list[i] = strconv.Itoa(100_000 + i)
	}
	applied(t, s, update("u", "$set big ["+strings.Join(list, ",")+"]"))
	var c profile.Changes
	for n := range profile.MaxListBytes/(7*items) + 3 { // three go over
		u := update("u", "$union big "+strconv.Itoa(n))
		u.Index = n
		c.Updates = append(c.Updates, u)
	}
	last := len(c.Updates)
	plain := update("u", "$add visits 1")
	plain.Index = last
	c.Updates = append(c.Updates, plain)
	refused, err := s.Apply(context.Background(), c)
	if err != nil || len(refused) < 1 || len(refused) > 5 || refused[0].Index < last-5 || refused[len(refused)-1].Index != last-1 {
		t.Fatalf("%v %v", refused, err)
	}
	p := get(t, s, "u")
	var kept []int
	for i := range p.Traits {
		if p.Traits[i].Name == "big" {
			if err := json.Unmarshal(p.Traits[i].Value, &kept); err != nil {
				t.Fatal(err)
			}
		} else if string(p.Traits[i].Value) != "1" {
			t.Errorf("%s", p.Traits[i].Value)
		}
	}
	if len(kept) != items+last-len(refused) {
		t.Errorf("%d items after %d unions of which %d were refused", len(kept), last, len(refused))
	}
	applied(t, s, update("u", "$union big 1; $remove big 100000"))
}

func testIsolation(t *testing.T, open Opener) {
	s := open(t)
	in := func(project, id, line string) profile.Update {
		u := update(id, line)
		u.Project = project
		return u
	}
	applied(t, s, in("one", "u1", `$set a 1`), in("two", "u1", `$set a 2`), in("on", "eu1", `$set a 3`))
	apply(t, s, profile.Changes{Links: []profile.Link{{Project: "one", Device: "d1", User: "u1", TimeMS: noon}}})

	for project, want := range map[string]string{"one": "a 1", "two": "a 2"} {
		p, err := s.Get(context.Background(), project, "u1")
		if err != nil || traits(p) != want || p.Project != project || p.ID != "u1" {
			t.Errorf("project %s: %s, %v; want %s", project, describe(p), err, want)
		}
	}
	mustBeUnknown(t, s, "three", "u1")
	mustBeUnknown(t, s, "two", "d1")
	applied(t, s, in("one", "u1", `$delete`))
	mustBeUnknown(t, s, "one", "u1")
	if p, err := s.Get(context.Background(), "two", "u1"); err != nil || traits(p) != "a 2" {
		t.Errorf("after a $delete in another project: %s, %v", describe(p), err)
	}

	t.Run("a group's profile knows its kind", func(t *testing.T) {
		g := update("g1", `$set seats 20; $union plans ["pro"]`)
		g.GroupKey = "company"
		applied(t, s, g)
		if p := get(t, s, "g1"); p.GroupKey != "company" || traits(p) != `seats 20; plans ["pro"]` {
			t.Errorf("the group is %s", describe(p))
		}
		applied(t, s, update("u9", `$set a 1`))
		if p := get(t, s, "u9"); p.GroupKey != "" {
			t.Errorf("a person has the group key %q", p.GroupKey)
		}
	})
	t.Run("a person stays a person, and a group of its kind", func(t *testing.T) {
		as := func(kind, id, ops string) profile.Update {
			u := update(id, ops)
			u.GroupKey = kind
			return u
		}
		applied(t, s, as("company", "g2", `$set seats 1`), update("u10", `$set a 1`))
		apply(t, s, sighted("u11", noon))
		for range 2 { // the second time the store may have them at hand
			for _, wrong := range []profile.Update{
				as("", "g2", `$set seats 2`), as("team", "g2", `$set seats 2`), as("company", "u10", `$set a 2`), as("company", "u11", ``),
			} {
				// A right one beside it is applied.
				right := as(map[string]string{"g2": "company"}[wrong.ID], wrong.ID, `$set b 1`)
				right.Index = 1
				refusals := apply(t, s, profile.Changes{Updates: []profile.Update{wrong, right}})
				if len(refusals) != 1 || refusals[0].Index != 0 || refusals[0].Field != profile.FieldGroupKey {
					t.Errorf("%s as a %q: %+v", wrong.ID, wrong.GroupKey, refusals)
				}
			}
			applied(t, s, as("company", "g2", `$set seats 1`), update("u10", `$set a 1`))
		}
		for id, want := range map[string]string{"g2": "company: seats 1; b 1", "u10": ": a 1; b 1", "u11": ": b 1"} {
			if p := get(t, s, id); p.GroupKey+": "+traits(p) != want {
				t.Errorf("%s is %s, want %s", id, describe(p), want)
			}
		}
		applied(t, s, as("company", "u10", `$delete`), as("company", "u10", `$set a 3`)) // nobody is left
		if p := get(t, s, "u10"); p.GroupKey != "company" || traits(p) != "a 3" {
			t.Errorf("u10 is %s", describe(p))
		}
	})
}
