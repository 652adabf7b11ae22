package audit_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"loch/shared/audit"
	"loch/shared/privacy"
	"loch/shared/project"
)

func scrub(t testing.TB) func(string) string {
	t.Helper()
	policy, err := privacy.NewPolicy(project.Privacy{})
	if err != nil {
		t.Fatal(err)
	}
	return func(text string) string {
		return policy.CleanText(text, func(f privacy.Found) string { return f.Rule.Word() })
	}
}

func TestReasonHoldsNoID(t *testing.T) {
	clean := scrub(t)
	for _, c := range []struct{ id, text, want string }{
		{"jane", "ticket 7 of Jane, by JANE.", "ticket 7 of [id], by [id]."},
		{"jane", "janette asked", "janette asked"},
		{"jane-doe", "xjane-doex", "x[id]x"},
		{"$device:abcde", "device abcde and $device:abcde", "device [id] and [id]"},
		{"a", "a letter and a call", "[id] letter and [id] call"},
		{"Åsa_1", "åsa_1", "[id]"},
		{"x", "two\r\nlines\x1b[2J", "two  lines [2J"},
		{"é", "é", "[id]"},
		{"x", "", ""},
		{"Jane/1 é", "see /api/profiles/Jane%2F1%20%c3%a9?by=id", "see /api/profiles/[id]?by=id"},
		{"$device:ab/cde", "%24device%3Aab%2Fcde", "[id]"},
		{"jane\tdoe99", "of jane\tdoe99", "of [id]"},
		{" janedoe77 ", "janedoe77 wrote", "[id] wrote"},
		{"Jane.Doe@example.com", "jane.doe@EXAMPLE.com wrote, not joe@example.com", "[id] wrote, not [email]"},
		{"jane", "jane@example.com and anna.jane@example.com", "[email] and [email]"},
	} {
		if got := audit.CleanReason(c.text, c.id, clean); got != c.want {
			t.Errorf("%q in %q: %q, want %q", c.id, c.text, got, c.want)
		}
	}
	if got := audit.CleanReason("anything", "x", nil); got != "" {
		t.Errorf("kept %q, though nothing takes personal values out", got)
	}
}

func FuzzReason(f *testing.F) {
	f.Add("jane-doe", "ticket of Jane-Doe")
	f.Add("é", "\xff\u0301é")
	f.Fuzz(func(t *testing.T, id, text string) {
		if !utf8.ValidString(id) || !utf8.ValidString(text) || strings.Contains("[id]", id) {
			return
		}
		got := audit.CleanReason(text, id, func(s string) string { return s })
		if utf8.RuneCountInString(id) >= 5 && !strings.ContainsAny(id, "[]") &&
			strings.TrimSpace(id) == id && strings.Contains(got, id) {
			t.Fatalf("%q is left in %q", id, got)
		}
	})
}
