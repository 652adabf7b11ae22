package sample

// libVersion is the mixpanel-browser release whose requests these are.
const libVersion = "2.83.0"

// event appends one event as mixpanel-browser queues it: first what the page
// and the browser say, then what the SDK remembers, then the event's own
// properties, in the SDK's order.
func (v *visit) event(b []byte, i int) []byte {
	s := &v.steps[i]
	m := v.machine
	b = append(append(append(b, `{"event":"`...), eventNames[s.kind]...), `","properties":{`...)
	b = text(b, "$os", m.os)
	b = text(b, "$browser", m.browser)
	b = v.referrer(b, s)
	b = text(b, "$device", m.device)
	b = append(v.url(append(named(b, "$current_url"), '"'), s), '"')
	b = raw(b, "$browser_version", m.version)
	b = number(b, "$screen_height", int64(v.screen[1]))
	b = number(b, "$screen_width", int64(v.screen[0]))
	b = text(b, "mp_lib", "web")
	b = text(b, "$lib_version", libVersion)
	d := seeded(v.key, tagInsert, uint64(i))
	b = append(d.text36(append(b, `,"$insert_id":"`...), 16), '"')
	b = seconds(append(b, `,"time":`...), s.at)

	if s.entry {
		b = marketing(b, &v.landing)
		if v.landing.click != "" {
			b = text(b, v.landing.source.click, v.landing.click)
		}
	}
	b = v.ids(b, s)
	b = text(b, "$search_engine", v.engine())
	if !s.entry {
		b = marketing(b, &v.carried)
	}
	b = text(b, "$initial_referrer", v.initialReferrer())
	b = text(b, "$initial_referring_domain", v.initialDomain())
	b = text(b, "language", v.person.place.language)
	if s.user {
		b = text(b, "plan", v.plan(s))
		b = text(b, "$user_id", v.userID)
		b = append(append(append(b, `,"company":["`...), v.company...), `"]`...)
	}

	b = v.properties(b, s, i)
	b = text(b, "token", v.g.token)
	if s.kind == signUpCompleted || s.kind == billingCompleted { // timed with time_event
		b = seconds(append(b, `,"$duration":`...), int64(s.lasted)*1000+s.at%1000)
	}
	b = text(b, "mp_sent_by_lib_version", libVersion)
	return append(b, '}', '}')
}

// ids appends who it is.
func (v *visit) ids(b []byte, s *step) []byte {
	if s.user {
		b = text(b, "distinct_id", v.userID)
	} else {
		b = append(append(append(b, `,"distinct_id":"$device:`...), v.deviceID...), '"')
	}
	return text(b, "$device_id", v.deviceID)
}

// referrer appends the browser's document.referrer and its host.
func (v *visit) referrer(b []byte, s *step) []byte {
	if s.external {
		b = text(b, "$referrer", v.landing.source.referrer)
		return text(b, "$referring_domain", v.landing.source.domain)
	}
	from := &pages[s.from]
	b = append(append(named(b, "$referrer"), '"'), from.url...)
	if s.from == pageDocument {
		b = v.person.documentID(b, int(s.document))
	}
	if s.fromEntry {
		b = append(b, v.landing.search...)
	}
	return text(append(b, '"'), "$referring_domain", from.host)
}

// url appends the address of the page.
func (v *visit) url(b []byte, s *step) []byte {
	b = append(b, pages[s.page].url...)
	if s.page == pageDocument {
		b = v.person.documentID(b, int(s.document))
	}
	if s.entry {
		b = append(b, v.landing.search...)
	}
	return b
}

// documentID appends the id of a person's nth document.
func (p *person) documentID(b []byte, n int) []byte {
	d := seeded(p.key, tagDocument, uint64(n))
	return d.text36(b, 9)
}

// marketing appends the utm parameters of a link.
func marketing(b []byte, l *landing) []byte {
	for _, p := range l.source.utm {
		b = text(b, p.name, p.value)
	}
	return b
}

// engine is the search engine that the SDK remembers: the newest.
func (v *visit) engine() string {
	if e := v.landing.source.engine; e != "" {
		return e
	}
	return v.initial.source.engine
}

func (v *visit) initialReferrer() string {
	if r := v.initial.source.referrer; r != "" {
		return r
	}
	return "$direct"
}

func (v *visit) initialDomain() string {
	if d := v.initial.source.domain; d != "" {
		return d
	}
	return "$direct"
}

// plan is what the person pays for at a step.
func (v *visit) plan(s *step) string {
	if v.life.paid || s.paid {
		return plans[v.turn.plan].name
	}
	return plans[0].name
}

// amount is what a payment comes to.
func (v *visit) amount() (amount, seats int) {
	seats = v.g.company(&v.person).seats
	amount = seats * plans[v.turn.plan].price
	if v.turn.yearly {
		amount *= 10
	}
	return amount, seats
}

// pageProperties appends what the SDK's page view event adds.
func (v *visit) pageProperties(b []byte, s *step) []byte {
	p := &pages[s.page]
	b = text(b, "current_page_title", p.title)
	b = text(b, "current_domain", p.host)
	b = append(append(b, `,"current_url_path":"`...), p.path...)
	if s.page == pageDocument {
		b = v.person.documentID(b, int(s.document))
	}
	b = append(b, `","current_url_protocol":"https:"`...)
	if s.entry {
		b = text(b, "current_url_search", v.landing.search)
	}
	return raw(b, "$mp_autocapture", "true")
}
