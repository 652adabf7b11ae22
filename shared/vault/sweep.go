package vault

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"loch/shared/event"
	"loch/shared/rawjson"
)

// Hidden is a text that must not be stored, and the word in its place.
type Hidden struct {
	Text string
	Word string
}

// How short an identifier may be to be looked for outside its own property.
// Shorter ones ("42", "acme") are ordinary words too.
const (
	minSweepWhole = 4 // as a whole value
	minSweepPart  = 8 // inside other text
)

// sweep replaces what identifiers of this event, and the client's address and
// agent, left elsewhere in it: in URLs, in super properties, in the event's
// name. Nearly every event has none; finding that out costs one search each.
func (n *names) sweep(e *event.Event, properties []byte, hide []Hidden) []byte {
	var found []Hidden
	look := func(k *known) {
		if len(k.Value) < minSweepWhole {
			return
		}
		if !k.sought {
			k.sought, k.variant = true, variants(k.Value)
		}
		for _, v := range k.variant {
			if bytes.Contains(properties, []byte(v)) || strings.Contains(e.Row.Name, v) {
				word := k.id.String()
				for _, v := range k.variant {
					found = append(found, Hidden{v, word})
				}
				return
			}
		}
	}
	for _, s := range e.IDSpans {
		look(&n.list[n.find(Identifier{e.Row.Project, s.ID.Kind, s.ID.Value})])
	}
	for _, h := range hide {
		if len(h.Text) >= 3 && bytes.Contains(properties, []byte(h.Text)) {
			found = append(found, h)
		}
	}
	if len(found) == 0 {
		return properties
	}
	for _, c := range event.Columns {
		if c.Str == nil || c.Name == "project" || c.Name == "device_id" || c.Name == "user_id" || c.Name == "groups" {
			continue
		}
		if text := c.Str(&e.Row); *text != "" {
			*text = replace(*text, found)
		}
	}
	return sweepJSON(properties, found)
}

// variants are the forms in which an identifier may stand in other texts: as
// it is, in JSON's escapes, and in a URL's.
func variants(value string) []string {
	forms := []string{value}
	add := func(form string) {
		if !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	quoted := rawjson.AppendQuoted(nil, value)
	add(string(quoted[1 : len(quoted)-1]))
	add(strings.ReplaceAll(value, "/", `\/`))
	add(url.QueryEscape(value))
	add(url.PathEscape(value))
	add(strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
	return forms
}

// replace takes hidden texts out of one text.
func replace(text string, found []Hidden) string {
	for _, h := range found {
		switch {
		case text == h.Text:
			return h.Word
		case len(h.Text) >= minSweepPart || isAddress(h.Text):
			text = replaceBounded(text, h)
		}
	}
	return text
}

// replaceBounded replaces each occurrence; an address only where it is not part
// of a longer number, such as a version.
func replaceBounded(text string, h Hidden) string {
	if !isAddress(h.Text) {
		return strings.ReplaceAll(text, h.Text, h.Word)
	}
	var b strings.Builder
	for {
		i := strings.Index(text, h.Text)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := i + len(h.Text)
		if i > 0 && isAddressByte(text[i-1]) || end < len(text) && isAddressByte(text[end]) && text[end] != '.' {
			b.WriteString(text[:i+1])
			text = text[i+1:]
			continue
		}
		b.WriteString(text[:i])
		b.WriteString(h.Word)
		text = text[end:]
	}
}

func isAddress(s string) bool {
	for i := range len(s) {
		if !isAddressByte(s[i]) {
			return false
		}
	}
	return strings.ContainsAny(s, ".:")
}

func isAddressByte(c byte) bool {
	return '0' <= c && c <= '9' || c == '.' || c == ':' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// sweepJSON applies replace to every string of JSON text, names too, and to
// numbers that are an identifier as a whole.
func sweepJSON(in []byte, found []Hidden) []byte {
	out := make([]byte, 0, len(in)+64)
	for i := 0; i < len(in); {
		switch c := in[i]; {
		case c == '"':
			end := stringEnd(in, i)
			quoted := in[i:end]
			text := rawjson.Text(quoted)
			if clean := replace(text, found); clean != text {
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
			number := string(in[i:end])
			word := number
			for _, h := range found {
				if h.Text == number {
					word = `"` + h.Word + `"`
					break
				}
			}
			out = append(out, word...)
			i = end
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}

// stringEnd is the place after the string that begins at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(b))
}
