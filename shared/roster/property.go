package roster

import (
	"slices"
	"strings"

	"loch/shared/filter"
	"loch/shared/profile"
)

// Columns are what Loch itself notes of a profile, by the names that SQL's
// relation profiles has for them.
var Columns = append([]string{"person_id", "first_seen", "last_seen", "updated"}, profile.SeenTexts...)

// Column is the column that a property names. A bare name and one behind
// "profile." mean the column where there is one of that name; "properties." in
// front always means what the website set.
func Column(p filter.Property) (name string, ok bool) {
	return p.Name, p.Space != filter.Properties && slices.Contains(Columns, p.Name)
}

// IsTime tells that a column holds moments.
func IsTime(column string) bool { return strings.HasSuffix(column, "_seen") || column == "updated" }

// Trait is the trait that a property names, where it is no column.
func Trait(p filter.Property) filter.Property {
	return filter.Property{Space: filter.Properties, Name: strings.TrimPrefix(p.Name, "properties.")}
}

// Compile makes a filter on profiles ready.
func Compile(w filter.Where) (*filter.Matcher, error) {
	return filter.Compile(w, func(p filter.Property) filter.Type {
		if name, ok := Column(p); ok && IsTime(name) {
			return filter.Time
		}
		return filter.Any
	})
}

// Fact is a profile's value in a column.
func Fact(p *profile.Profile, column string) filter.Value {
	switch column {
	case "person_id":
		return filter.Text(p.ID)
	case "first_seen":
		return filter.Moment(p.FirstSeenMS)
	case "last_seen":
		return filter.Moment(p.LastSeenMS)
	case "updated":
		return filter.Moment(p.UpdatedMS)
	}
	at := slices.Index(profile.SeenTexts, column)
	if at < 0 {
		return filter.Value{}
	}
	seen := p.Seen()
	return filter.Text(*seen.Texts()[at])
}

// Passes asks one profile. Sealed traits are missing.
func Passes(m *filter.Matcher, p *profile.Profile) bool {
	if m == nil {
		return true
	}
	values := make([]filter.Value, len(m.Properties))
	for i, property := range m.Properties {
		if column, ok := Column(property); ok {
			values[i] = Fact(p, column)
			continue
		}
		values[i] = filter.JSON(Trait(property).Of(func(name string) []byte {
			at := slices.IndexFunc(p.Traits, func(t profile.Trait) bool { return t.Name == name })
			if at < 0 || profile.HoldsSealed(p.Traits[at].Value) {
				return nil
			}
			return p.Traits[at].Value
		}))
	}
	return m.Match(values)
}
