package lookup

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"loch/shared/profile"
)

// hidden stands for what a mask leaves out. It is one character whatever the
// length, since a length narrows a name down.
const hidden = "…"

// form says what a mask may leave of a value.
type form uint8

const (
	formName  form = iota + 1 // the first letter
	formEmail                 // first letters and the top-level domain
	formPhone                 // whether it is international
	formOther                 // nothing
)

// personal are the traits that name a person, by their plain spelling.
// Mixpanel's begin with a dollar, Segment's are in camel case.
var personal = map[string]form{
	"email": formEmail, "emailaddress": formEmail,
	"name": formName, "fullname": formName, "firstname": formName, "lastname": formName, "username": formName,
	"phone": formPhone, "phonenumber": formPhone, "mobile": formPhone, "mobilephone": formPhone,
	"avatar": formOther,
}

// formOf finds how a trait is masked, however its name is spelt: "$first_name",
// "firstName" and "First name" are one. It is 0 for a trait that is shown.
func formOf(name string) form {
	plain := strings.Map(func(r rune) rune {
		switch r {
		case '$', '_', '-', ' ', '.':
			return -1
		}
		return r
	}, strings.ToLower(name))
	return personal[plain]
}

// masked returns the traits with personal ones in a form that lets support
// recognise a person whom they already know, and nobody find out who it is.
// Personal are those named, as open names them, and those whose name says so.
func masked(in []profile.Trait, personal []string) []profile.Trait {
	out := make([]profile.Trait, len(in))
	for i, t := range in {
		f := formOf(t.Name)
		if f == 0 && slices.Contains(personal, t.Name) {
			f = formOfValue(t.Value)
		}
		if f != 0 {
			t.Value = maskJSON(t.Value, f)
		}
		out[i] = t
	}
	return out
}

// formOfValue finds how a value is masked that is personal for what it is: an
// e-mail as one, all else entirely.
func formOfValue(value json.RawMessage) form {
	var s string
	if json.Unmarshal(value, &s) == nil && strings.Contains(s, "@") && !strings.ContainsAny(s, " \t/") {
		return formEmail
	}
	return formOther
}

// maskJSON masks a trait's value. Only null, which tells nothing, stays; a
// number, a list or an object leaves nothing of itself.
func maskJSON(value json.RawMessage, f form) json.RawMessage {
	var s *string
	shown := hidden
	if err := json.Unmarshal(value, &s); err == nil {
		if s == nil {
			return value
		}
		shown = mask(*s, f)
	}
	out, err := json.Marshal(shown)
	if err != nil {
		return json.RawMessage(`"` + hidden + `"`) // cannot be: text always encodes
	}
	return out
}

func mask(s string, f form) string {
	switch f {
	case formEmail:
		if local, domain, ok := strings.Cut(s, "@"); ok && local != "" {
			return initial(local) + "@" + maskDomain(domain)
		}
		return initial(s)
	case formName:
		return initial(s)
	case formPhone:
		if strings.HasPrefix(s, "+") {
			return "+" + hidden
		}
	case formOther:
	}
	return hidden
}

// initial keeps the first letter.
func initial(s string) string {
	s = strings.TrimSpace(s)
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || r == utf8.RuneError {
		return hidden
	}
	return s[:n] + hidden
}

// maskDomain keeps the first letter and the top-level domain, if it looks like
// one: letters only, and no longer than those in use are.
func maskDomain(domain string) string {
	const longest = 12
	dot := strings.LastIndexByte(domain, '.')
	if dot <= 0 {
		return initial(domain)
	}
	top := domain[dot+1:]
	if top == "" || len(top) > longest || strings.Trim(strings.ToLower(top), "abcdefghijklmnopqrstuvwxyz") != "" {
		return initial(domain)
	}
	return initial(domain) + "." + top
}
