package lookup

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"loch/shared/expression"
	"loch/shared/fault"
	"loch/shared/filter"
	"loch/shared/profile"
	"loch/shared/roster"
	"loch/shared/web"
)

// noted are the properties that Mixpanel's servers add to a profile, and the columns in
// which they are here.
var noted = map[string]string{"$last_seen": "last_seen", "$city": "city", "$region": "region", "$country_code": "country", "$timezone": "timezone"}

// ofProfiles is how an expression about profiles is read. There properties and user
// mean the same.
var ofProfiles = expression.Reading{
	Named: func(of *expression.Property, at int) (string, error) {
		switch of.Name {
		case "":
			return "", expression.Wrong("the property at byte %d has no name", at)
		case "$distinct_id", "distinct_id":
			return "", expression.Wrong(`the property at byte %d is an identifier, which is not kept in clear; ask for people with distinct_id or distinct_ids`, at)
		}
		return "properties." + of.Name, nil
	},
	Else: func(of *expression.Property, constant any) (string, any) {
		column := noted[of.Name]
		if text, ok := constant.(string); ok && roster.IsTime(column) {
			if t, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(text, "Z")); err == nil {
				constant = t.Format(time.RFC3339) // UTC, as Mixpanel's is
			}
		}
		return column, constant
	},
	Dates: true,
}

// readWhere reads the expression, which old scripts call selector.
func readWhere(p *web.Parameters) (filter.Where, error) {
	text := p.Text("where")
	if old := p.Text("selector"); old != "" {
		if text != "" {
			return nil, fault.New(fault.Invalid, "ask with where or with selector").At("selector")
		}
		text = old
	}
	if text == "" {
		return nil, nil
	}
	c, err := expression.Parse(text)
	if err != nil {
		return nil, err
	}
	list, err := ofProfiles.Filters(c)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	where, err := filter.Parse(body, "where")
	return where, asWhere(err)
}

// asWhere says of an error about the filters that were made of an expression that it is
// about the expression.
func asWhere(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && strings.HasPrefix(f.Field, "where[") {
		return f.At("where")
	}
	return err
}

// wants says whether a property was asked for.
func (e *engagement) wants(name string) bool {
	return e.output == nil || slices.Contains(e.output, name)
}

// withNoted adds what Mixpanel's servers note, where the website did not set it.
func (e *engagement) withNoted(traits profile.ShownTraits, p *profile.Profile) profile.ShownTraits {
	lastSeen := ""
	if p.LastSeenMS != 0 {
		lastSeen = time.UnixMilli(p.LastSeenMS).UTC().Format("2006-01-02T15:04:05")
	}
	for _, n := range []struct{ name, value string }{
		{"$last_seen", lastSeen}, {"$city", p.Place.City}, {"$region", p.Place.Region},
		{"$country_code", p.Place.Country}, {"$timezone", p.Place.Timezone},
	} {
		set := slices.ContainsFunc(p.Traits, func(t profile.Trait) bool { return t.Name == n.name })
		if n.value == "" || set || !e.wants(n.name) {
			continue
		}
		value, err := json.Marshal(n.value)
		if err == nil { // texts always encode
			traits = append(traits, profile.Trait{Name: n.name, Value: value})
		}
	}
	return traits
}
