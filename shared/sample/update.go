package sample

import "time"

// update appends one profile update as mixpanel-browser sends it.
func (v *visit) update(b []byte, i int) []byte {
	s := &v.steps[i]
	if s.kind == setGroup {
		return v.group(b, s)
	}
	switch s.kind {
	case setFirst:
		b = v.initialCampaign(append(b, `{"$set_once":{`...))
	case setPerson:
		name, email := v.person.name(v.company)
		b = v.browserTraits(append(b, `{"$set":{`...))
		b = text(b, "$name", name)
		b = text(b, "$email", email)
		joined := s.at
		if v.life.signedUp {
			joined = v.life.joined*dayMS + int64(v.person.key%dayMS)
		}
		b = append(v.date(append(b, `,"$created":"`...), joined), '"')
		b = text(b, "plan", v.plan(s))
		b = text(b, "language", v.person.place.language)
	case setCompany:
		b = v.browserTraits(append(b, `{"$set":{`...))
		b = append(append(append(b, `,"company":["`...), v.company...), `"]`...)
	case setPlan:
		_, seats := v.amount()
		b = v.browserTraits(append(b, `{"$set":{`...))
		b = text(b, "plan", plans[v.turn.plan].name)
		b = number(b, "seats", int64(seats))
	case addDocuments:
		b = number(append(b, `{"$add":{`...), "documents_created", int64(v.turn.writes))
	case appendCharge:
		amount, _ := v.amount()
		b = number(append(b, `{"$append":{"$transactions":{`...), "$amount", int64(amount))
		b = append(v.date(append(b, `,"$time":"`...), s.at), '"', '}')
	default: // events, which are no updates
	}
	b = append(b, '}')
	b = text(b, "$token", v.g.token)
	b = text(b, "$distinct_id", v.userID)
	b = text(b, "$device_id", v.deviceID)
	b = text(b, "$user_id", v.userID)
	return append(b, '}')
}

// browserTraits appends what people.set adds by itself.
func (v *visit) browserTraits(b []byte) []byte {
	b = text(b, "$os", v.machine.os)
	b = text(b, "$browser", v.machine.browser)
	return raw(b, "$browser_version", v.machine.version)
}

// campaignNames are the parameters that the SDK keeps as initial_…, in order.
var campaignNames = list("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "utm_id", "utm_source_platform", "utm_campaign_id", "utm_creative_format", "utm_marketing_tactic")

// initialCampaign appends the first touch. The SDK sends every parameter, with
// null for those that were not there, so that a later campaign cannot fill the
// gaps. It sends none at all when the first link carried none.
func (v *visit) initialCampaign(b []byte) []byte {
	if len(v.initial.source.utm) > 0 {
		for _, name := range campaignNames {
			value := ""
			for _, p := range v.initial.source.utm {
				if p.name == name {
					value = p.value
				}
			}
			b = named(b, "initial_"+name)
			if value == "" {
				b = append(b, "null"...)
			} else {
				b = append(append(append(b, '"'), value...), '"')
			}
		}
	}
	b = text(b, "$initial_referrer", v.initialReferrer())
	b = text(b, "$initial_referring_domain", v.initialDomain())
	return b
}

// group appends an update of the company's profile.
func (v *visit) group(b []byte, s *step) []byte {
	c := v.g.company(&v.person)
	b = text(append(b, `{"$set":{`...), "$name", c.name)
	b = text(b, "industry", c.industry)
	b = number(b, "seats", int64(c.seats))
	if s.paid {
		b = text(b, "plan", v.plan(s))
	}
	b = append(b, '}')
	b = text(b, "$group_key", "company")
	b = text(b, "$group_id", c.id)
	b = text(b, "$token", v.g.token)
	return append(b, '}')
}

// date appends a time as the SDK writes dates: to the second, UTC, no zone.
func (v *visit) date(b []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(b, "2006-01-02T15:04:05")
}

// serverEvent appends one event as the Go library of the product's server
// sends it: sorted names, integer milliseconds, the person's address as a
// property, because the request's own is the server's.
func (v *visit) serverEvent(b []byte, i int) []byte {
	s := &v.steps[i]
	b = append(append(append(b, `{"event":"`...), eventNames[s.kind]...), `","properties":{"$insert_id":"`...)
	d := seeded(v.key, tagInsert, uint64(i))
	b = append(d.uuid(b), `","$lib_version":"v2.0.0"`...)
	b = text(b, "company", v.company)
	if s.kind != exportFinished {
		b = text(b, "currency", v.person.place.currency)
	}
	b = text(b, "distinct_id", v.userID)
	b = append(append(append(b, `,"ip":"`...), v.address.String()...), '"')
	b = text(b, "mp_lib", "go")
	if s.kind == exportFinished {
		b = v.properties(b, s, i-1) // the same as the browser said of the start
		b = number(b, "took_seconds", int64(s.lasted))
	} else {
		amount, seats := v.amount()
		b = text(b, "plan", plans[v.turn.plan].name)
		b = number(b, "revenue", int64(amount))
		b = number(b, "seats", int64(seats))
	}
	b = number(b, "time", s.at)
	b = text(b, "token", v.g.token)
	return append(b, '}', '}')
}
