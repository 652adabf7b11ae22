package schema

import (
	"regexp"
	"slices"

	"loch/shared/privacy"
)

// Identifying is what a value's JSON text must not hold, as an expression that all
// engines read: long runs of hexadecimal digits, as lake ids, tokens and hashes
// have, and of digits, as numbers of orders, of cards and of telephones have. So
// stores leave such values out before they count them.
const Identifying = `[0-9a-fA-F]{16}|[0-9]{7}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-`

var identifying = regexp.MustCompile(Identifying)

// Plain tells whether a value may be shown, by its JSON text.
func Plain(value string) bool {
	return len(value) <= MaxValueBytes && value != "" && value[0] != '[' && value[0] != '{' &&
		!identifying.MatchString(value) && !privacy.HoldsID([]byte(value))
}

// The words for why a property's values are not listed.
const (
	ManyValues  = "many"       // more different ones than are worth listing, or nearly each one another
	Identifiers = "identifier" // values by which somebody or something would be known again
	FewPersons  = "min_cell"   // so few people have them that the project hides them
)

const (
	// fewValues is how many different values may be listed whatever their share.
	fewValues = 20
	// oddShare: a property of which more than one value in so many is no plain one
	// names things.
	oddShare = 10
)

// withheld says why a property's values are not listed, or "".
func (p *property) withheld() string {
	if p.space == Sent && slices.Contains(Named, p.name) || p.odd*oddShare > p.count {
		return Identifiers
	}
	if p.distinct > MaxDistinct || p.distinct > fewValues && p.distinct*2 > p.listed {
		return ManyValues
	}
	return ""
}
