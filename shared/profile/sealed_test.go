package profile_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"loch/shared/profile"
)

const owner = "000102030405060708090a0b0c0d0e0f"

func sealed(tag byte, box string) json.RawMessage {
	return profile.Sealed{Owner: owner, Version: 1, Tag: bytes.Repeat([]byte{tag}, 16), Box: []byte(box)}.Append(nil)
}

// Operators work on values that nobody can read: two are equal where their tags
// are, whatever their ciphertexts.
func TestOperatorsOnSealedValues(t *testing.T) {
	a1, a2, b := sealed(1, "one"), sealed(1, "two"), sealed(2, "three")
	list := func(items ...json.RawMessage) json.RawMessage {
		return json.RawMessage("[" + string(bytes.Join(func() (l [][]byte) {
			for _, i := range items {
				l = append(l, i)
			}
			return l
		}(), []byte(","))) + "]")
	}
	p := profile.Profile{}
	apply := func(kind profile.OpKind, value json.RawMessage) *profile.Refusal {
		_, refused := profile.Apply(&p, &profile.Update{Ops: []profile.Op{{Kind: kind, Name: "x", Value: value}}}, 1)
		return refused
	}
	apply(profile.Append, a1)
	apply(profile.Union, list(a2, b))
	if got := string(p.Traits[0].Value); got != string(list(a1, b)) {
		t.Errorf("a union holds %s", got)
	}
	apply(profile.Remove, a2)
	if got := string(p.Traits[0].Value); got != string(list(b)) {
		t.Errorf("after a removal %s", got)
	}
	apply(profile.Remove, json.RawMessage(`"three"`))
	if got := string(p.Traits[0].Value); got != string(list(b)) {
		t.Errorf("a value in clear took a sealed one away: %s", got)
	}
	apply(profile.Set, a1)
	if apply(profile.Add, json.RawMessage(`1`)) == nil || apply(profile.Add, a1) == nil {
		t.Error("something was added to what nobody can read")
	}
}

// A value that may be as large as any is not refused for being sealed.
func TestSealedValuesHaveRoom(t *testing.T) {
	p := profile.Profile{}
	value := sealed(1, strings.Repeat("x", profile.MaxValueBytes+28))
	if _, refused := profile.Apply(&p, &profile.Update{Ops: []profile.Op{{Kind: profile.Set, Name: "x", Value: value}}}, 1); refused != nil {
		t.Errorf("refused: %+v", refused)
	}
}

// FuzzParseSealed holds that only what Append writes is taken for sealed.
func FuzzParseSealed(f *testing.F) {
	f.Add([]byte(sealed(1, "x")))
	f.Add([]byte(`{"$sealed":"1.a.b.c"}`))
	f.Add([]byte(`{"$sealed":"01.` + owner + `.AQEBAQEBAQEBAQEBAQEBAQ.eA"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, ok := profile.ParseSealed(text); ok && string(s.Append(nil)) != string(text) {
			t.Errorf("%q is written as %q", text, s.Append(nil))
		}
	})
}
