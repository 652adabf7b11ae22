package privacy

import (
	"maps"
	"slices"
	"strings"

	"loch/shared/fault"
	"loch/shared/project"
)

// Policy is what one project wants done, checked and ready for use. It may be
// used from many goroutines.
type Policy struct {
	actions        map[Rule]Action
	personalTraits map[string]bool // by plain spelling, see plainName
	groupKeys      []string        // kinds of group, exactly as spelt
	parameters     map[string]bool // of URLs, kept; lower case
	keepURLs       bool
	referrerPath   bool
	keepReferrers  bool // URLs are kept, and nothing is said of referrers
	minCell        int

	looks                 uint32 // pairs that the scanner looks at closely
	card, iban, phone, ip bool   // rules that are on
}

// defaults are the actions of a project that says nothing. Nobody groups by a
// secret, so its word is enough and the vault stays small.
var defaults = map[Rule]Action{
	Email: Token, Phone: Token, Card: Token, IBAN: Token, IP: Token, Name: Token, JWT: Drop, APIKey: Drop, Secret: Drop,
}

var defaultPolicy = (&Policy{actions: defaults}).prepare()

// NewPolicy checks a project's privacy settings. It returns fault.Invalid, with
// the place in the settings, for a rule or an action that does not exist.
func NewPolicy(s project.Privacy) (*Policy, error) {
	if s.Default() {
		return defaultPolicy, nil
	}
	p := &Policy{actions: maps.Clone(defaults), personalTraits: map[string]bool{}, parameters: map[string]bool{}, minCell: s.MinCell}
	for rule, action := range s.Scan {
		if !slices.Contains(Rules, Rule(rule)) {
			return nil, fault.Newf(fault.Invalid, "there is no privacy rule of this name; the rules are %v", Rules).At("privacy.scan")
		}
		switch Action(action) {
		case Token, Drop, Keep, Reject:
			p.actions[Rule(rule)] = Action(action)
		default:
			return nil, fault.New(fault.Invalid, "a privacy rule's action is token, drop, keep or reject").At("privacy.scan." + rule)
		}
	}
	for _, name := range s.PersonalTraits {
		p.personalTraits[plainName(name)] = true
	}
	for _, name := range s.URLParameters {
		p.parameters[strings.ToLower(name)] = true
	}
	switch s.URLs {
	case "", "template":
	case "keep":
		p.keepURLs = true
	default:
		return nil, fault.New(fault.Invalid, "URLs are kept as template or keep").At("privacy.urls")
	}
	switch s.Referrers {
	case "":
		p.keepReferrers = p.keepURLs
	case "host":
	case "path":
		p.referrerPath = true
	default:
		return nil, fault.New(fault.Invalid, "referrers are kept as host or path").At("privacy.referrers")
	}
	switch s.Consent {
	case "", "no_profile", "drop", "ignore":
	default:
		return nil, fault.New(fault.Invalid, "consent is no_profile, drop or ignore").At("privacy.consent")
	}
	if s.MinCell < 0 {
		return nil, fault.New(fault.Invalid, "min_cell is a number of people, 0 or more").At("privacy.min_cell")
	}
	return p.prepare(), nil
}

// Action says what happens to values that a rule recognises.
func (p *Policy) Action(r Rule) Action { return p.actions[r] }

// plainName is a name without its case and punctuation: "$first_name",
// "firstName" and "First name" are one.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '$', '_', '-', ' ', '.':
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// WithGroups is the policy for traits where there are these kinds of group: a trait
// that is called as one names a group that somebody belongs to.
func (p *Policy) WithGroups(groupKeys []string) *Policy {
	with := *p
	with.groupKeys = groupKeys
	return &with
}
