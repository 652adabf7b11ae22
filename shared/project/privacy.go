package project

import (
	"maps"
	"slices"
)

// Privacy are a project's settings for personal data. The zero value is the
// default, which is the careful one.
type Privacy struct {
	// PersonalTraits are further profile traits to seal, besides e-mail, name,
	// phone and avatar in their usual spellings.
	PersonalTraits []string `json:"personal_traits,omitempty"`
	// Scan maps a rule of shared/privacy (email, phone, card, iban, ip, jwt,
	// api_key, name, secret) to token, drop, keep or reject.
	Scan map[string]string `json:"scan,omitempty"`
	// URLs is "template" (the default): only paths with ids made general and
	// allow-listed parameters are stored; or "keep".
	URLs string `json:"urls,omitempty"`
	// URLParameters are kept in URLs besides UTM's.
	URLParameters []string `json:"url_parameters,omitempty"`
	// Referrers is "host" (the default) or "path": host and path.
	Referrers string `json:"referrers,omitempty"`
	// Consent says what Sec-GPC: 1 and DNT: 1 do: "no_profile" (the default)
	// keeps the events and no profile, "drop" keeps nothing, "ignore" does nothing.
	Consent string `json:"consent,omitempty"`
	// Cookieless replaces device ids by a hash of address, agent and site under a
	// salt that is thrown away each day.
	Cookieless bool `json:"cookieless,omitempty"`
	// MinCell hides segments of fewer persons in reports; 0 shows all.
	MinCell int `json:"min_cell,omitempty"`
}

// Default says that a project chose nothing.
func (p *Privacy) Default() bool {
	return len(p.PersonalTraits) == 0 && len(p.Scan) == 0 && p.URLs == "" && len(p.URLParameters) == 0 &&
		p.Referrers == "" && p.Consent == "" && !p.Cookieless && p.MinCell == 0
}

// Equal tells that two projects chose the same.
func (p *Privacy) Equal(o Privacy) bool {
	return slices.Equal(p.PersonalTraits, o.PersonalTraits) && maps.Equal(p.Scan, o.Scan) && p.URLs == o.URLs &&
		slices.Equal(p.URLParameters, o.URLParameters) && p.Referrers == o.Referrers && p.Consent == o.Consent &&
		p.Cookieless == o.Cookieless && p.MinCell == o.MinCell
}
