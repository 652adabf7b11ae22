package mixpanel

import (
	"cmp"
	"strings"

	"loch/shared/event"
)

// resolveMerge finds which two identifiers an identity event calls one person
// (reference/create-identity, identity-create-alias and identity-merge of
// Mixpanel's documentation). The browser's SDK spells $identify with distinct_id
// and $anon_distinct_id, the reference with $identified_id and $anon_id. A $merge
// is taken on /import alone, as there, and does something only with a service
// account's secret. The others come with the token that stands in every page, so
// they may name a new identifier only, and $identify a visitor's: a version 4 UUID,
// as the reference asks for.
func (p *propertyReader) resolveMerge() {
	var into, from string
	onlyNew := true
	switch p.e.Row.Name {
	case "$identify":
		into, from = cmp.Or(p.identified, p.distinctID, p.userID), p.anon
	case "$create_alias":
		into, from = p.distinctID, p.alias
	case "$merge":
		if len(p.pair) != 2 || p.control.Route != Import {
			return
		}
		into, from, onlyNew = p.pair[0], p.pair[1], false
	default:
		return
	}
	m := event.Merge{Into: p.idOf(into), From: p.idOf(from), OnlyNew: onlyNew}
	m.OrVisitor = p.e.Row.Name == "$identify" && isRandomUUID(m.From.Value)
	if m.Into.Value == "" || m.From.Value == "" || m.Into == m.From || event.NamesNobody(m.Into.Value) || event.NamesNobody(m.From.Value) {
		return
	}
	p.e.Merge = &m
}

// idOf tells a device's identifier from a user's, as resolveIDs does for the
// places in the properties.
func (p *propertyReader) idOf(text string) event.ID {
	if device, ok := strings.CutPrefix(text, devicePrefix); ok {
		return event.ID{Kind: event.IDDevice, Value: device}
	}
	if text != "" && text == p.e.IDs.Device {
		return event.ID{Kind: event.IDDevice, Value: text}
	}
	return event.ID{Kind: event.IDUser, Value: text}
}

// isRandomUUID tells a version 4 UUID in its usual spelling: 32 hexadecimal digits in
// groups of 8, 4, 4, 4 and 12, of which the third begins with 4 and the fourth with 8,
// 9, a or b (RFC 9562, 5.4). SDKs write it in either case.
func isRandomUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		allowed := "0123456789abcdefABCDEF"
		switch i {
		case 8, 13, 18, 23:
			allowed = "-"
		case 14:
			allowed = "4"
		case 19:
			allowed = "89abAB"
		}
		if strings.IndexByte(allowed, text[i]) < 0 {
			return false
		}
	}
	return true
}
