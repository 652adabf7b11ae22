package vault

import (
	"strings"

	"loch/shared/rawjson"
)

// withoutEscapes is JSON text with the escapes of its characters undone, to look for
// texts in: many encoders write é as \u00e9, and some more than that. It is empty where
// there are none.
func withoutEscapes(json string) string {
	if !strings.Contains(json, `\u`) {
		return ""
	}
	b := make([]byte, 0, len(json))
	for at := 0; ; {
		i := strings.IndexByte(json[at:], '\\')
		if i < 0 || at+i+1 >= len(json) {
			return string(append(b, json[at:]...))
		}
		b = append(b, json[at:at+i]...)
		at += i
		end := at + 2
		for json[at+1] == 'u' && end+4 <= len(json) { // also the second half of a pair
			end += 4
			if end+2 > len(json) || json[end] != '\\' || json[end+1] != 'u' {
				break
			}
			end += 2
		}
		b = append(b, rawjson.Text([]byte(`"`+json[at:end]+`"`))...)
		at = end
	}
}

// sweepJSON applies replace to every string of JSON text, names too, and to
// numbers that are an identifier as a whole.
func sweepJSON(in string, found []Hidden) string {
	out := make([]byte, 0, len(in)+64)
	var name string // of the newest member
	for i := 0; i < len(in); {
		switch c := in[i]; {
		case c == '"':
			end := rawjson.StringEnd(in, i)
			quoted := in[i:end]
			text := rawjson.Text([]byte(quoted))
			isName := rawjson.IsName(in, end)
			if isName {
				name = quoted
			}
			if clean := replace(text, found); clean != text && !(isName && isWord(text)) {
				out = rawjson.AppendQuoted(out, clean)
			} else {
				out = append(out, quoted...)
			}
			i = end
		case c == '-' || '0' <= c && c <= '9':
			end := i
			for end < len(in) && strings.IndexByte("+-.eE0123456789", in[end]) >= 0 {
				end++
			}
			out = append(out, number(in[i:end], name, found)...)
			i = end
		default:
			out = append(out, c)
			i++
		}
	}
	return string(out)
}

// minSweepNumber is how many digits a number has that is nobody's amount by chance.
const minSweepNumber = 5

// number is what stands for a number: an identifier's word where it is one as a
// whole. A short one is only where its name speaks of somebody, or every price of 100
// would be the user of that number.
func number(text string, name string, found []Hidden) string {
	for _, h := range found {
		if h.Text == text && (len(text) >= minSweepNumber || namesSomebody(name)) {
			return `"` + h.Word + `"`
		}
	}
	return text
}

// namesSomebody tells names of members whose value says who it is.
func namesSomebody(name string) bool {
	plain := strings.Trim(strings.ToLower(name), `"s_ `)
	if strings.HasSuffix(plain, "id") {
		return true
	}
	for _, word := range []string{"user", "customer", "account", "member", "client", "person", "visitor", "contact", "lead", "subscriber", "device", "who"} {
		if strings.Contains(plain, word) {
			return true
		}
	}
	return false
}
