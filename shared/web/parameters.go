package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"loch/shared/fault"
	"loch/shared/project"
)

// What handlers of Mixpanel's query API do alike: they know accounts, take parameters
// in the query or in a form, and answer errors in its shape.

// Account finds who asks as Mixpanel's tools do: by API key, or by a service account as
// Basic, which may read. A service account reads its own project, whatever project_id
// says, since that is Mixpanel's number and not ours.
func Account(r *http.Request, reg project.Registry) (project.Key, error) {
	if user, secret, ok := r.BasicAuth(); ok && user != "" && secret != "" {
		p, err := reg.ByServiceAccount(r.Context(), user, secret)
		if err == nil {
			return project.Key{Project: p, Scope: project.Read, Name: "service account"}, nil
		}
		if fault.CodeOf(err) != fault.Unauthorized {
			return project.Key{}, err
		}
	}
	return Authorize(r, reg, project.Read)
}

// WriteMixpanelError answers with an error as Mixpanel's query API does.
func WriteMixpanelError(w http.ResponseWriter, r *http.Request, err error) {
	WriteErrorAs(w, r, err, func(f *fault.Error) any {
		return map[string]string{"status": "error", "error": f.Error()}
	})
}

// Parameters are those of a call. Each that is read is noted, so that one which
// nobody knows can be refused: it would give an answer to another question.
type Parameters struct {
	values url.Values
	read   map[string]bool
}

// maxForm is how many bytes the parameters of a call may have.
const maxForm = 256 << 10

// ignored are parameters without a meaning here: which project it is follows from
// the key.
var ignored = []string{"project_id", "workspace_id", "api_key", "verbose", "strict"}

// ReadParameters reads the query, and a form if there is one, whatever type it says it
// is of.
func ReadParameters(w http.ResponseWriter, r *http.Request, share *Share) (*Parameters, error) {
	if len(r.URL.RawQuery) > maxForm {
		return nil, fault.Newf(fault.TooLarge, "the parameters have more than %d bytes", maxForm)
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the query string cannot be read; escape its values (curl: -G --data-urlencode)")
	}
	if r.Method == http.MethodPost {
		body, err := Body(w, r, share, maxForm)
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "the form cannot be read; send it as application/x-www-form-urlencoded")
		}
		for name, list := range form {
			values[name] = append(values[name], list...)
		}
	}
	p := &Parameters{values: values, read: map[string]bool{}}
	for name, list := range values {
		if len(list) > 1 {
			return nil, fault.New(fault.Invalid, "the parameter is there twice").At(shownName(name))
		}
		if !utf8.ValidString(list[0]) || strings.IndexByte(list[0], 0) >= 0 {
			return nil, fault.New(fault.Invalid, "it is not valid UTF-8 or holds a NUL character").At(shownName(name))
		}
	}
	for _, name := range ignored {
		p.read[name] = true
	}
	if format := p.Text("format"); format != "" && format != "json" {
		return nil, fault.New(fault.Invalid, "answers are JSON").At("format")
	}
	return p, nil
}

// Text is a parameter, "" without it.
func (p *Parameters) Text(name string) string {
	p.read[name] = true
	return p.values.Get(name)
}

// Has says whether a parameter was sent, maybe empty.
func (p *Parameters) Has(name string) bool { return p.values.Has(name) }

// Done refuses what no one has read.
func (p *Parameters) Done() error {
	for name := range p.values {
		if !p.read[name] {
			return fault.New(fault.Invalid, "this parameter is not supported here").At(shownName(name))
		}
	}
	return nil
}

// Word is one of some words, the first where there is none.
func (p *Parameters) Word(name string, words ...string) (string, error) {
	text := p.Text(name)
	if text == "" {
		return words[0], nil
	}
	if slices.Contains(words, text) {
		return text, nil
	}
	return "", fault.New(fault.Invalid, "it must be one of "+strings.Join(words, ", ")).At(name)
}

// Whole is a number from least to most.
func (p *Parameters) Whole(name string, least, most, usual int) (int, error) {
	text := p.Text(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fault.Newf(fault.Invalid, "it must be a whole number from %d to %d", least, most).At(name)
	}
	return n, nil
}

// shownName is a name that a client made up, as an error may repeat it.
func shownName(name string) string {
	const most = 40
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most]) + "…"
	}
	return strconv.Quote(name)
}
