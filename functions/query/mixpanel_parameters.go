package query

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"loch/shared/fault"
	"loch/shared/web"
)

// parameters are those of a call. Each that is read is noted, so that one which
// nobody knows can be refused: it would give an answer to another question.
type parameters struct {
	values url.Values
	read   map[string]bool
}

// ignored are parameters without a meaning here: which project it is follows from
// the key.
var ignored = []string{"project_id", "workspace_id", "api_key", "verbose", "strict"}

// readParameters reads the query, and a form if there is one.
func readParameters(w http.ResponseWriter, r *http.Request, share *web.Share) (*parameters, error) {
	if len(r.URL.RawQuery) > maxForm {
		return nil, fault.Newf(fault.TooLarge, "the parameters have more than %d bytes", maxForm)
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the query string cannot be read; escape its values (curl: -G --data-urlencode)")
	}
	if r.Method == http.MethodPost {
		body, err := web.Body(w, r, share, maxForm)
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
	p := &parameters{values: values, read: map[string]bool{}}
	for name, list := range values {
		if len(list) > 1 {
			return nil, fault.New(fault.Invalid, "the parameter is there twice").At(shown(name))
		}
		if !utf8.ValidString(list[0]) || strings.IndexByte(list[0], 0) >= 0 {
			return nil, fault.New(fault.Invalid, "it is not valid UTF-8 or holds a NUL character").At(shown(name))
		}
	}
	for _, name := range ignored {
		p.read[name] = true
	}
	if format := p.text("format"); format != "" && format != "json" {
		return nil, fault.New(fault.Invalid, "answers are JSON").At("format")
	}
	return p, nil
}

// text is a parameter, "" without it.
func (p *parameters) text(name string) string {
	p.read[name] = true
	return p.values.Get(name)
}

// done refuses what no one has read.
func (p *parameters) done() error {
	for name := range p.values {
		if !p.read[name] {
			return fault.New(fault.Invalid, "this parameter is not supported here").At(shown(name))
		}
	}
	return nil
}

// word is one of some words, the first where there is none.
func (p *parameters) word(name string, words ...string) (string, error) {
	text := p.text(name)
	if text == "" {
		return words[0], nil
	}
	if slices.Contains(words, text) {
		return text, nil
	}
	return "", fault.New(fault.Invalid, "it must be one of "+strings.Join(words, ", ")).At(name)
}

// whole is a number from least to most.
func (p *parameters) whole(name string, least, most, usual int) (int, error) {
	text := p.text(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fault.Newf(fault.Invalid, "it must be a whole number from %d to %d", least, most).At(name)
	}
	return n, nil
}

// days are from_date and to_date.
func (p *parameters) days() (from, to time.Time, err error) {
	for name, day := range map[string]*time.Time{"from_date": &from, "to_date": &to} {
		if *day, err = time.Parse(time.DateOnly, p.text(name)); err != nil || day.Year() < 1971 || day.Year() > 2200 {
			return from, to, fault.Wrap(err, fault.Invalid, "it must be a date such as 2026-11-23").At(name)
		}
	}
	if to.Before(from) || to.Sub(from) >= maxExportDays*24*time.Hour {
		return from, to, fault.Newf(fault.Invalid, "the dates must be in order and span at most %d days", maxExportDays).At("to_date")
	}
	return from, to, nil
}

// event is an event's name that must be there.
func (p *parameters) event(name string) (string, error) {
	text := p.text(name)
	switch {
	case text == "" || len(text) > maxEventName:
		return "", fault.Newf(fault.Invalid, "it must be an event's name, of 1 to %d bytes", maxEventName).At(name)
	case strings.HasPrefix(text, "$custom_event:"):
		return "", fault.New(fault.Invalid, "there are no custom events; name the events themselves").At(name)
	case text == "*":
		return "", fault.New(fault.Invalid, "it must be one event's name").At(name)
	}
	return text, nil
}

// common are the fields that all specs have of the days.
func common(from, to time.Time) map[string]any {
	return map[string]any{"from": from.Format(time.DateOnly), "to": to.Format(time.DateOnly)}
}
