package privacy

import (
	"strings"

	"loch/shared/rawjson"
)

// minOpaque is how long text must be to be an identifier by its looks alone.
const minOpaque = 16

// HoldsID tells whether a string anywhere in a JSON value looks like an identifier
// that a machine made: a UUID, a hash, a token, a device's id. On a profile such a
// value leads to one person, and nobody groups by it. Numbers and words do not look
// like one, whatever they name.
func HoldsID(json []byte) bool {
	text := string(json)
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		end, seen := quoteAfter(text, i+1)
		if end < 0 {
			return false
		}
		s := text[i+1 : end]
		if seen&escapes != 0 {
			s = rawjson.Text(json[i : end+1])
		}
		if isOpaque(s) {
			return true
		}
		i = end
	}
	return false
}

func isOpaque(s string) bool {
	s = strings.TrimPrefix(s, "$device:")
	if len(s) < minOpaque || isTokenText(s) {
		return false
	}
	for i := range len(s) {
		if !isLatin(s[i]) && s[i]-'0' > 9 && s[i] != '-' && s[i] != '_' && s[i] != '$' {
			return false
		}
	}
	if isScrambled(s) {
		return true
	}
	for rest := s; rest != ""; {
		at := rest
		var w word
		w, rest = nextWord(rest)
		if uuidLength(at[len(w.skipped):]) > 0 || w.letters > 0 && w.isID("", false) {
			return true
		}
	}
	return false
}
