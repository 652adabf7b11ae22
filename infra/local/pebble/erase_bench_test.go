package pebble

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"loch/shared/profile"
	"loch/shared/vault"
)

// erasePeople is how many people the stores hold when some of them are erased.
const erasePeople = 1_000_000

// BenchmarkErase erases people out of a million, as the function does: vault entry
// of user and device, a key, a blind index and two tokens in the one store, a profile
// in the other. The bytes are out of all files when an erasure ends, which is what
// takes the time.
func BenchmarkErase(b *testing.B) {
	ctx := context.Background()
	v, s := openTestVault(b, b.TempDir(), quietly()), openTestProfiles(b, b.TempDir(), quietly())
	fillVault(b, v, erasePeople)
	fillProfiles(b, s, erasePeople)
	var vaults, profiles []time.Duration
	for n := 0; b.Loop(); n++ {
		at := n * 7919 % erasePeople
		began := time.Now()
		if gone, err := v.Erase(ctx, "", []vault.ID{madeID(at, 0)}, false); err != nil || len(gone) != 4 {
			b.Fatal(len(gone), err)
		}
		between := time.Now()
		if err := s.Erase(ctx, "shop", []string{madeID(at, 0).String()}); err != nil {
			b.Fatal(err)
		}
		vaults, profiles = append(vaults, between.Sub(began)), append(profiles, time.Since(between))
	}
	report := func(list []time.Duration, what string) {
		slices.Sort(list)
		b.ReportMetric(float64(list[len(list)/2].Milliseconds()), what+"-ms-median")
		b.ReportMetric(float64(list[len(list)-1].Milliseconds()), what+"-ms-worst")
	}
	report(vaults, "vault")
	report(profiles, "profile")
}

// madeID is spread like a random id and the same for the same person.
func madeID(person, which int) (id vault.ID) {
	binary.BigEndian.PutUint64(id[:], (uint64(person)*8+uint64(which)+1)*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(id[8:], uint64(person)*0xD1B54A32D192ED03+uint64(which))
	return id
}

func madeKey(person, which int) (k vault.Key) {
	id, other := madeID(person, which), madeID(person, which+4)
	copy(k[:], id[:])
	copy(k[16:], other[:])
	return k
}

// atOnce is how many people are written together.
const atOnce = 5000

// fillVault writes the records themselves: to make a million people one by one, as
// requests do, takes minutes.
func fillVault(b testing.TB, v *Vault, people int) {
	b.Helper()
	for from := 0; from < people; from += atOnce {
		batch := v.peb.NewBatch()
		for at := from; at < from+atOnce; at++ {
			owner := madeID(at, 0)
			for which := range 4 { // a user, a device, two tokens
				k, id := madeKey(at, which), madeID(at, which)
				must(b, batch.Set(idKey(&k), id[:], nil))
				must(b, batch.Set(join(ownedByte, owner[:], k[:]), nil, nil))
			}
			k := madeKey(at, 8)
			must(b, batch.Set(join(keyByte, owner[:]), randomBytes(60), nil))
			must(b, batch.Set(join(indexByte, k[:], owner[:]), nil, nil))
			must(b, batch.Set(join(backByte, owner[:], k[:]), nil, nil))
		}
		must(b, v.apply(batch, false))
		must(b, batch.Close())
	}
	must(b, v.peb.Flush())
}

func fillProfiles(b testing.TB, s *Profiles, people int) {
	b.Helper()
	for from := 0; from < people; from += atOnce {
		batch := s.peb.NewBatch()
		for at := from; at < from+atOnce; at++ {
			who := personOf("shop", madeID(at, 0).String())
			traits := encodeTraits(&profile.Profile{UpdatedMS: 1, Traits: []profile.Trait{
				{Name: "$email", Value: []byte(fmt.Sprintf(`{"$sealed":"%x"}`, randomBytes(60)))},
				{Name: "about", Value: []byte(`"` + strings.Repeat("lorem ipsum ", 22) + `"`)},
			}})
			must(b, batch.Set(who.key(traitsByte), traits, nil))
			must(b, batch.Set(who.key(seenByte), encodeSeen(profile.Seen{FirstMS: 1, LastMS: int64(at)}), nil))
		}
		must(b, s.apply(batch, false))
		must(b, batch.Close())
	}
	must(b, s.peb.Flush())
}
