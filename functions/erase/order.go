package erase

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"loch/shared/fault"
	"loch/shared/web"
)

const (
	maxOrder = 16 << 10 // bytes of a body
	maxWhy   = 500      // bytes of a reason
)

// order is what is asked for besides the erasure itself.
type order struct {
	Suppress   bool   // drop what arrives later under the same identifiers
	RemoveRows bool   // remove the rows, too
	All        bool   // of an e-mail that leads to several people
	DryRun     bool   // say what would go, and do nothing
	Why        string // as it came; see audit.CleanReason
}

// options are the members that are true or false.
var options = []struct {
	name string
	at   func(*order) *bool
}{
	{"suppress", func(o *order) *bool { return &o.Suppress }},
	{"remove_rows", func(o *order) *bool { return &o.RemoveRows }},
	{"all", func(o *order) *bool { return &o.All }},
	{"dry_run", func(o *order) *bool { return &o.DryRun }},
}

const theOptions = "there are suppress, remove_rows, all, dry_run and why"

// readOrder reads the body of a DELETE, its parameters and X-Reason. Each thing
// may be said once, and nothing that is not understood is passed over: somebody
// who wrote "suppres" would believe that it was done.
func readOrder(w http.ResponseWriter, r *http.Request, b *web.Budget, parameters map[string]string) (order, error) {
	share := b.Share()
	defer share.Release()
	body, err := web.Body(w, r, share, maxOrder)
	if err != nil {
		return order{}, err
	}
	var o order
	said := map[string]bool{}
	if len(bytes.TrimSpace(body)) > 0 {
		if o, said, err = parseOrder(body); err != nil {
			return o, err
		}
	}
	for _, option := range options {
		text, ok := parameters[option.name]
		if !ok {
			continue
		}
		if said[option.name] {
			return o, twice(option.name)
		}
		if *option.at(&o), err = readBool(text, option.name); err != nil {
			return o, err
		}
	}
	for _, other := range []struct {
		text string
		ok   bool
	}{
		{parameters["why"], parameters["why"] != ""},
		{r.Header.Get("X-Reason"), r.Header.Get("X-Reason") != ""},
	} {
		if !other.ok {
			continue
		}
		if said["why"] {
			return o, twice("why")
		}
		o.Why, said["why"] = other.text, true
	}
	return o, checkWhy(o.Why)
}

func checkWhy(why string) error {
	if len(why) > maxWhy || !utf8.ValidString(why) {
		return fault.Newf(fault.Invalid, "the reason must be UTF-8 of at most %d bytes", maxWhy).At("why")
	}
	return nil
}

func twice(name string) error {
	return fault.New(fault.Invalid, "this is said twice: in the body, in the address or in the header X-Reason").At(name)
}

func readBool(text, name string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, fault.New(fault.Invalid, "must be true or false").At(name)
}

// readParameters reads the query string strictly: only these names, each once, and
// the person's id where the path has none.
func readParameters(r *http.Request, names ...string) (map[string]string, error) {
	if r.PathValue("distinct_id") == "" {
		names = append([]string{web.IDParameter}, names...)
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the query string cannot be read; escape its values (curl: -G --data-urlencode)")
	}
	out := map[string]string{}
	for name, list := range values {
		switch {
		case !slices.Contains(names, name):
			return nil, fault.Newf(fault.Invalid, "unknown parameter; there are %s", strings.Join(names, ", ")).At(shown(name))
		case len(list) > 1:
			return nil, fault.New(fault.Invalid, "the parameter is there twice").At(name)
		}
		out[name] = list[0]
	}
	return out, nil
}

// parseOrder reads a body, and says which members it has.
func parseOrder(body []byte) (o order, said map[string]bool, err error) {
	said = map[string]bool{}
	if !utf8.Valid(body) {
		return o, said, fault.New(fault.Invalid, "the body is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return o, said, notAnOrder(err)
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return o, said, notAnOrder(err)
		}
		name, _ := token.(string) // a member's name is always a string
		if said[name] {
			return o, said, fault.New(fault.Invalid, "the field is there twice").At(shown(name))
		}
		said[name] = true
		if token, err = dec.Token(); err != nil {
			return o, said, notAnOrder(err)
		}
		if err := o.set(name, token); err != nil {
			return o, said, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return o, said, notAnOrder(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return o, said, fault.New(fault.Invalid, "something follows the JSON object")
	}
	return o, said, nil
}

func (o *order) set(name string, value json.Token) error {
	if name == "why" {
		text, ok := value.(string)
		if !ok {
			return fault.New(fault.Invalid, "the reason must be a string").At(name)
		}
		o.Why = text
		return nil
	}
	for _, option := range options {
		if option.name != name {
			continue
		}
		yes, ok := value.(bool)
		if !ok {
			return fault.New(fault.Invalid, "must be true or false").At(name)
		}
		*option.at(o) = yes
		return nil
	}
	return fault.New(fault.Invalid, "unknown field; "+theOptions).At(shown(name))
}

func notAnOrder(err error) error {
	return fault.Wrap(err, fault.Invalid, `the body must be empty or a JSON object such as {"suppress":true,"why":"asked by letter"}`)
}

// shown is a name in an error, if it is a word that somebody misspelt. Anything
// else may be personal data in the wrong place.
func shown(name string) string {
	const most = 24
	if name == "" || len(name) > most || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
		return "(a name of " + strconv.Itoa(len(name)) + " bytes)"
	}
	return name
}
