package profile_test

import (
	"encoding/json"
	"slices"
	"testing"

	"loch/shared/profile"
)

func TestTexts(t *testing.T) {
	for value, want := range map[string][]string{
		`"a"`:                                {"a"},
		`"\u00e9"`:                           {"é"},
		`["a",1,["b",["c"]],{"d":"e"},null]`: {"a", "b", "c"},
		`{"a":"b"}`:                          nil,
		`1`:                                  nil,
		``:                                   nil,
		`["a"`:                               nil,
	} {
		if got := profile.Texts(json.RawMessage(value)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}
