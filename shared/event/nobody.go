package event

import "strings"

// NamesNobody tells the values that broken clients send in place of an
// identifier (Mixpanel's import-events page lists them). Taken as identifiers
// they would make one person out of all who are unknown.
func NamesNobody(id string) bool {
	if len(id) > 36 {
		return false
	}
	switch strings.ToLower(id) {
	case "00000000-0000-0000-0000-000000000000", "anon", "anonymous", "nil", "none", "null",
		"n/a", "na", "undefined", "unknown", "<nil>", "0", "-1", "true", "false", "[]", "{}":
		return true
	}
	return false
}
