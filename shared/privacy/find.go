package privacy

import (
	"slices"
	"strings"

	"loch/shared/rawjson"
)

// Find appends what the rules recognise in the JSON text of one event, each value
// once: in strings, in numbers, in names, however deep. A look at the text as a
// whole would be faster, and see other things than the look at each value does.
func (p *Policy) Find(dst []Found, json string) []Found {
	p.walk(json, func(_ string, spans []span) string {
		for _, s := range spans {
			if !slices.Contains(dst, s.Found) {
				dst = append(dst, s.Found)
			}
		}
		return ""
	})
	return dst
}

// FindText does the same for a plain text.
func (p *Policy) FindText(dst []Found, text string) []Found {
	for _, s := range p.scanText(nil, text, nameOfAnything) {
		if !slices.Contains(dst, s.Found) {
			dst = append(dst, s.Found)
		}
	}
	return dst
}

// Clean replaces all that Find finds. stand gives the text in place of a value
// whose action is token; others become their rule's word. A number becomes a
// string.
func (p *Policy) Clean(json string, stand func(Found) string) string {
	var out strings.Builder
	last := 0
	p.walk(json, func(text string, spans []span) string { return p.replace(text, spans, stand) }, func(start, end int, quoted []byte) {
		out.WriteString(json[last:start])
		out.Write(quoted)
		last = end
	})
	if last == 0 {
		return json
	}
	out.WriteString(json[last:])
	return out.String()
}

// CleanText does the same for a plain text.
func (p *Policy) CleanText(text string, stand func(Found) string) string {
	return p.CleanTextOf("", text, stand)
}

// CleanTextOf does the same for a text under a name, which tells a version from an
// address as it does in JSON.
func (p *Policy) CleanTextOf(name, text string, stand func(Found) string) string {
	spans := p.scanText(nil, text, hintOf(name))
	if len(spans) == 0 {
		return text
	}
	return p.replace(text, spans, stand)
}

func (p *Policy) replace(text string, spans []span, stand func(Found) string) string {
	var b strings.Builder
	last := 0
	for _, s := range spans {
		b.WriteString(text[last:s.start])
		if p.actions[s.Rule] == Token {
			b.WriteString(stand(s.Found))
		} else {
			b.WriteString(s.Rule.Word())
		}
		last = s.end
	}
	b.WriteString(text[last:])
	return b.String()
}

// walk goes through all names, strings and numbers of JSON text and hands on those
// in which something is found, decoded. What put gets takes the place of the
// value in the text.
func (p *Policy) walk(json string, found func(text string, spans []span) string, put ...func(start, end int, quoted []byte)) {
	hint := nameOfAnything
	var hints []nameHint // of the members around the place
	var spans []span
	for i := 0; i < len(json); {
		switch c := json[i]; {
		case c == '"':
			end := rawjson.StringEnd(json, i)
			text := json[i+1 : max(i+1, end-1)]
			if strings.IndexByte(text, '\\') >= 0 {
				text = rawjson.Text([]byte(json[i:end]))
			}
			isName := rawjson.IsName(json, end)
			now := hint
			if isName {
				now = nameOfAnything
			}
			spans = p.scanValue(spans[:0], text, now)
			if isName {
				hint = hintOf(text)
			}
			if len(spans) > 0 {
				if clean := found(text, spans); len(put) > 0 {
					put[0](i, end, rawjson.AppendQuoted(nil, clean))
				}
			}
			i = end
		case c == '-' || isDigit(c):
			end := i + 1
			for end < len(json) && strings.IndexByte("+-.eE0123456789", json[end]) >= 0 {
				end++
			}
			spans = p.scanNumber(spans[:0], json[i:end], hint)
			if len(spans) > 0 {
				if clean := found(json[i:end], spans); len(put) > 0 {
					put[0](i, end, rawjson.AppendQuoted(nil, clean))
				}
			}
			i = end
		case c == '{' || c == '[':
			hints = append(hints, hint)
			i++
		case c == '}' || c == ']':
			if n := len(hints); n > 0 {
				hint, hints = hints[n-1], hints[:n-1]
			}
			i++
		default:
			i++
		}
	}
}

// scanValue scans a string. The whole value of a secret's name is one.
func (p *Policy) scanValue(spans []span, text string, name nameHint) []span {
	if text != "" && text[0] != '[' && !isToken(text) {
		switch {
		case name == nameOfSecret && p.actions[Secret] != Keep:
			return append(spans, span{0, len(text), Found{Secret, text}})
		case name == nameOfPerson && p.actions[Name] != Keep:
			return append(spans, span{0, len(text), Found{Name, text}})
		}
	}
	return p.scanText(spans, text, name)
}

// scanNumber judges a number: it may be a card, or what its name says.
func (p *Policy) scanNumber(spans []span, text string, name nameHint) []span {
	whole := strings.Trim(text, digits) == ""
	switch {
	case name == nameOfSecret && p.actions[Secret] != Keep:
		return append(spans, span{0, len(text), Found{Secret, text}})
	case name == nameOfPerson && p.actions[Name] != Keep:
		return append(spans, span{0, len(text), Found{Name, text}})
	case name == nameOfPhone && p.actions[Phone] != Keep && whole && len(text) >= minPhone && len(text) <= maxPhone:
		return append(spans, span{0, len(text), Found{Phone, text}})
	case name != nameOfNumber && p.actions[Card] != Keep && whole && len(text) >= 13 && len(text) <= 19 && isCard(text):
		return append(spans, span{0, len(text), Found{Card, text}})
	}
	return spans
}
