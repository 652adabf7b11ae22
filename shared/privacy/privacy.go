// Package privacy decides what counts as personal data, and takes it out.
//
// Websites put e-mails, phone numbers, tokens and names where nobody expects
// them: in a property, in an address, in a page's title. Loch looks at every
// value of every event before anything is stored. What a rule recognises is
// replaced: by a token of the vault, so that equal values still group, or by a
// word; or the event is refused, as the project's policy says.
//
// Everything here is pure: text in, text out. Tokens are made by the vault.
package privacy

// Rule names a kind of personal or secret value. The names stand in projects.json
// and in the tokens.
type Rule string

// The rules.
const (
	Email  Rule = "email"
	Phone  Rule = "phone"
	Card   Rule = "card"    // payment card number, by its issuer's range and Luhn's check digit (ISO/IEC 7812)
	IBAN   Rule = "iban"    // bank account, by country, length and mod 97 (ISO 13616)
	IP     Rule = "ip"      // IPv4 and IPv6 address
	JWT    Rule = "jwt"     // JSON web token (RFC 7519)
	APIKey Rule = "api_key" // a secret with a well-known prefix
	Name   Rule = "name"    // the value of a property that names somebody by its own name ("$first_name", "date_of_birth")
	Secret Rule = "secret"  // the value of a parameter or property that is a secret by its name
)

// Rules lists every rule.
var Rules = []Rule{Email, Phone, Card, IBAN, IP, JWT, APIKey, Name, Secret}

// Action is what happens to a value that a rule recognised.
type Action string

// The actions.
const (
	Token  Action = "token"  // a random token of the vault stands for it; equal values have equal tokens
	Drop   Action = "drop"   // a word such as [email] stands for it
	Keep   Action = "keep"   // the rule is not applied
	Reject Action = "reject" // the whole event is refused
)

// Found is a value that a rule recognised, normalised so that two spellings of
// one value are one: e-mails in lower case, cards and phones as digits (a phone
// with its + if it had one), IBANs without spaces, addresses in canonical form.
type Found struct {
	Rule  Rule
	Value string
}

// Word is what stands for a dropped value.
func (r Rule) Word() string { return "[" + string(r) + "]" }
