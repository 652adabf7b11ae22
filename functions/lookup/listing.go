package lookup

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"loch/shared/event"
	"loch/shared/fault"
	"loch/shared/filter"
	"loch/shared/project"
	"loch/shared/roster"
)

// byName sorts by what people are called, for keys of scope pii.
const byName roster.Order = "name"

var listParameters = []string{"where", "cohort", "order", "limit", "cursor", "group_key", "personal", reasonParameter}

// readListing reads the parameters strictly: one that was passed over would give
// the answer to another question.
func readListing(r *http.Request, key project.Key) (*listing, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the query string cannot be read; escape its values (curl: -G --data-urlencode)")
	}
	for name, list := range values {
		switch {
		case !slices.Contains(listParameters, name):
			return nil, fault.Newf(fault.Invalid, "there is an unknown parameter; a list has %v", listParameters)
		case len(list) > 1:
			return nil, fault.New(fault.Invalid, "the parameter is there twice").At(name)
		case list[0] == "" && (name == "where" || name == "cohort"):
			// A script whose filter came out empty must not be told of everybody.
			return nil, fault.New(fault.Invalid, "the parameter is empty; to list everybody, leave it out").At(name)
		}
	}
	l := &listing{key: key, groupKey: values.Get("group_key"), order: roster.LastSeen, limit: usualLimit, clear: key.Scope.Allows(project.PII)}
	if l.said, err = saidReason(r); err != nil {
		return nil, err
	}
	if len(l.groupKey) > event.MaxIDBytes || !utf8.ValidString(l.groupKey) {
		return nil, fault.New(fault.Invalid, "the group key is too long or not UTF-8").At("group_key")
	}
	if l.policy, err = policyOf(key); err != nil {
		return nil, err
	}
	if err := l.mayCount(); err != nil {
		return nil, err
	}
	switch text := values.Get("personal"); text {
	case "", "true":
		if text == "true" && !l.clear {
			return nil, fault.New(fault.Forbidden, "personal traits are shown to keys of scope pii only").At("personal")
		}
	case "false":
		l.clear = false
	default:
		return nil, fault.New(fault.Invalid, "it is true or false").At("personal")
	}
	if text := values.Get("limit"); text != "" {
		if l.limit, err = strconv.Atoi(text); err != nil || l.limit < 1 || l.limit > mostLimit {
			return nil, fault.Newf(fault.Invalid, "the limit is a whole number from 1 to %d", mostLimit).At("limit")
		}
	}
	if text := values.Get("order"); text != "" {
		l.order = roster.Order(text)
	}
	switch l.order {
	case roster.LastSeen, roster.FirstSeen, roster.PersonID:
	case byName:
		if !key.Scope.Allows(project.PII) {
			return nil, personalAt("order", "sorted")
		}
	default:
		return nil, fault.New(fault.Invalid, "lists are sorted by last_seen, first_seen, person_id or, with a key of scope pii, name").At("order")
	}
	if text := values.Get("cursor"); text != "" {
		if l.after, err = readCursor(text, l.order); err != nil {
			return nil, err
		}
	}
	if text := values.Get("cohort"); text != "" {
		did, err := filter.ParseCohort([]byte(text), "cohort")
		if err != nil {
			return nil, err
		}
		l.cohort = &did
	}
	if text := values.Get("where"); text != "" {
		where, err := filter.Parse([]byte(text), "where")
		if err != nil {
			return nil, err
		}
		return l, l.split(where)
	}
	return l, nil
}

// mayCount keeps lists from those who may not see small groups of people: a list
// counts any group.
func (l *listing) mayCount() error {
	if n := l.key.Project.Settings.Privacy.MinCell; n > 1 && !l.key.Scope.Allows(project.PII) {
		return fault.Newf(fault.Forbidden, "this project hides groups of fewer than %d people, and a list could count any; use a key of scope pii, or a report", n)
	}
	return nil
}

// split parts what a roster can ask from what needs opened traits.
func (l *listing) split(where filter.Where) error {
	for i := range where {
		f := &where[i]
		if !l.asksPersonal(f) {
			l.where = append(l.where, *f)
			continue
		}
		if !l.key.Scope.Allows(project.PII) {
			return personalAt(f.Place(), "filtered")
		}
		l.personal = append(l.personal, *f)
	}
	return nil
}

func personalAt(place, done string) error {
	return fault.Newf(fault.Forbidden, "people are %s by personal traits with a key of scope pii only, since the answer tells what they are", done).At(place)
}

// asksPersonal tells a filter that looks at a personal trait anywhere in it.
func (l *listing) asksPersonal(f *filter.Filter) bool {
	return slices.ContainsFunc(f.Properties(), func(p filter.Property) bool {
		if _, ok := roster.Column(p); ok {
			return false
		}
		trait := roster.Trait(p)
		root, _ := trait.Root()
		return formOf(trait.Name) != 0 || formOf(root) != 0 || l.policy.PersonalPath(trait.Name)
	})
}

// cursor is where a page ended. It names nobody: an id of the lake, and a time.
type cursor struct {
	Order  roster.Order `json:"o"`
	TimeMS int64        `json:"t"`
	ID     string       `json:"i"`
}

// String is the cursor as an answer has it.
func (c cursor) String() string {
	text, _ := json.Marshal(c) //nolint:errchkjson // two texts and a number always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

func readCursor(text string, order roster.Order) (*cursor, error) {
	var c cursor
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(plain, &c) != nil || c.ID == "" {
		return nil, fault.New(fault.Invalid, "this is no cursor; take it from next of the page before").At("cursor")
	}
	if c.Order != order {
		return nil, fault.New(fault.Invalid, "the cursor is of a list in another order; begin at the first page").At("cursor")
	}
	return &c, nil
}
