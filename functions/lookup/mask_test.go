package lookup

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"loch/shared/profile"
)

func TestMasked(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"$email", `"jane.doe@example.com"`, `"j…@e….com"`},
		{"email", `"j@e.co.uk"`, `"j…@e….uk"`},
		{"E-Mail", `"J@localhost"`, `"J…@l…"`},
		{"email", `"jane@[10.0.0.1]"`, `"j…@[…"`},
		{"email", `"jane@doe.averylonglastname"`, `"j…@d…"`},
		{"email", `"a@b@c.com"`, `"a…@b….com"`},
		{"email", `"@example.com"`, `"@…"`},
		{"email", `"Jane Doe"`, `"J…"`},
		{"email", `""`, `"…"`},
		{"$name", `"Ångström"`, `"Å…"`},
		{"$first_name", `"  Åsa"`, `"Å…"`},
		{"firstName", `"A"`, `"A…"`},
		{"Last name", `"\ud83d\ude00x"`, `"😀…"`},
		{"$last_name", `"\ud800x"`, `"…"`},
		{"$phone", `"+46 70 123"`, `"+…"`},
		{"phone", `"0701234567"`, `"…"`},
		{"phone", `46701234567`, `"…"`},
		{"$avatar", `"https://img.example/jane.png"`, `"…"`},
		{"email", `["jane@example.com","x@example.com"]`, `"…"`},
		{"name", `{"first":"Jane"}`, `"…"`},
		{"name", `null`, `null`},
		{"name", `true`, `"…"`},
		{"company_name", `"Acme"`, `"Acme"`},
		{"plan", `"jane"`, `"jane"`},
	} {
		in := []profile.Trait{{Name: c.name, Value: json.RawMessage(c.value)}}
		got := masked(in, nil)
		if string(got[0].Value) != c.want || got[0].Name != c.name {
			t.Errorf("%s %s: got %s, want %s", c.name, c.value, got[0].Value, c.want)
		}
		if string(in[0].Value) != c.value {
			t.Errorf("%s: the profile itself was changed", c.name)
		}
	}
}

// FuzzMask holds that no mask tells more than two letters, a plus and a
// top-level domain, nor the length.
func FuzzMask(f *testing.F) {
	f.Add("jane.doe@example.com", uint8(2))
	f.Add("Ångström", uint8(1))
	f.Add("+4670", uint8(3))
	f.Fuzz(func(t *testing.T, s string, how uint8) {
		got := mask(s, form(how%5))
		if !strings.Contains(got, hidden) || utf8.RuneCountInString(got) > 1+1+1+1+1+1+12 {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

// What lay sealed is masked whatever its name is.
func TestMaskedByContent(t *testing.T) {
	in := []profile.Trait{
		{Name: "contact", Value: json.RawMessage(`"jane@example.com"`)}, {Name: "note", Value: json.RawMessage(`"call jane@example.com"`)},
		{Name: "plan", Value: json.RawMessage(`"pro"`)},
	}
	got := masked(in, []string{"contact", "note"})
	for i, want := range []string{`"j…@e….com"`, `"…"`, `"pro"`} {
		if string(got[i].Value) != want {
			t.Errorf("%s: %s, want %s", got[i].Name, got[i].Value, want)
		}
	}
}
