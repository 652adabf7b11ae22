package vault

import (
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

// How short an identifier may be to be looked for outside its own property, and
// from which length on it cannot be an ordinary part of another text.
const (
	minSweep         = 3
	minSweepAnywhere = 8
)

// mostSwept is how many identifiers of a request are looked for in each of its
// events. A request of a thousand people must not cost a million searches.
const mostSwept = 16

// sweep replaces what identifiers of this event, of its request where that has few, and the client's address and
// agent, left elsewhere in it: in URLs, in super properties, in the event's
// name. Nearly every event has none; finding that out costs one search each.
func (n *names) sweep(e *event.Event, properties string, hide []Hidden) string {
	var found []Hidden
	plain := withoutEscapes(properties)
	holds := func(text string) bool {
		return strings.Contains(properties, text) || plain != "" && strings.Contains(plain, text) || strings.Contains(e.Row.Name, text)
	}
	look := func(k *known) {
		if len(k.Value) < minSweep {
			return
		}
		if !k.sought {
			k.sought, k.variant = true, variants(k.Value)
		}
		if slices.ContainsFunc(k.variant, holds) {
			for _, v := range k.variant {
				found = append(found, Hidden{v, k.text})
			}
		}
	}
	if len(n.list) <= mostSwept {
		// Also those of the other events: a page names the user before it identifies
		// them, and friends.
		for i := range n.list {
			if n.list[i].Project == e.Row.Project {
				look(&n.list[i])
			}
		}
	} else {
		for _, s := range e.IDSpans {
			look(&n.list[n.find(Identifier{e.Row.Project, s.ID.Kind, s.ID.Value})])
		}
	}
	if e.Address.IsValid() {
		hide = append(slices.Clip(hide), Hidden{e.Address.String(), "[address]"})
	}
	for _, h := range hide {
		if !said(found, h.Word) && len(h.Text) >= minSweep && holds(h.Text) {
			// Where it is decoded it stands in another of its forms.
			for _, form := range hide {
				if form.Word == h.Word {
					found = append(found, form)
				}
			}
		}
	}
	if len(found) == 0 {
		return properties
	}
	for _, c := range event.SiteTexts {
		if text := c.Str(&e.Row); *text != "" {
			*text = replace(*text, found)
		}
	}
	return sweepJSON(properties, found)
}

// said tells that the texts of a word are to be replaced already.
func said(found []Hidden, word string) bool {
	return slices.ContainsFunc(found, func(h Hidden) bool { return h.Word == word })
}

// spelled adds to texts the other forms in which they may stand, once for a whole
// request.
func spelled(hide []Hidden) []Hidden {
	var all []Hidden
	for _, h := range hide {
		for _, form := range variants(h.Text) {
			all = append(all, Hidden{form, h.Word})
		}
	}
	return all
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

// replace takes hidden texts out of one text: as a whole, and inside it where
// they stand for themselves. A text of letters only ("jane") may be a word, so it
// is looked for inside paths and URLs alone.
func replace(text string, found []Hidden) string {
	for _, h := range found {
		switch {
		case text == h.Text:
			return h.Word
		case isAddress(h.Text):
			text = replaceWhere(text, h, func(before, after string) bool {
				return !endsIn(before, isAddressByte) && !beginsWith(after, func(c byte) bool { return isAddressByte(c) && c != '.' })
			})
		case isWord(h.Text):
			if strings.Contains(text, "/") {
				text = replaceWhere(text, h, aside)
			}
		case len(h.Text) >= minSweepAnywhere:
			text = strings.ReplaceAll(text, h.Text, h.Word)
		default:
			text = replaceWhere(text, h, aside)
		}
	}
	return text
}

// replaceWhere replaces the occurrences that stand as what they are in what is
// before and after them.
func replaceWhere(text string, h Hidden, stands func(before, after string) bool) string {
	var b strings.Builder
	for at := 0; ; {
		i := strings.Index(text[at:], h.Text)
		if i < 0 {
			b.WriteString(text[at:])
			return b.String()
		}
		i += at
		end := i + len(h.Text)
		if !stands(text[:i], text[end:]) {
			b.WriteString(text[at : i+1])
			at = i + 1
			continue
		}
		b.WriteString(text[at:i])
		b.WriteString(h.Word)
		at = end
	}
}

// aside tells that neither neighbour is a letter or a digit.
func aside(before, after string) bool { return !endsIn(before, isAlnum) && !beginsWith(after, isAlnum) }

func endsIn(s string, is func(byte) bool) bool     { return s != "" && is(s[len(s)-1]) }
func beginsWith(s string, is func(byte) bool) bool { return s != "" && is(s[0]) }

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80
}

// isWord tells that s has letters only.
func isWord(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) || '0' <= s[i] && s[i] <= '9' {
			return false
		}
	}
	return true
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
