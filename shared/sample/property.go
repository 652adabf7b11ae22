package sample

var (
	signUpWays   = list("email", "google", "github")
	shareWays    = list("team", "link", "guest")
	templates    = list("meeting-notes", "roadmap", "handbook", "retrospective", "blank", "project-brief")
	formats      = list("pdf", "docx", "markdown")
	integrations = list("slack", "github", "calendar", "linear")
	roles        = list("editor", "viewer", "admin")
	billingDoors = list("settings", "limit-reached", "trial-banner")
	cardBrands   = list("visa", "mastercard", "amex")

	// the errors that people are shown, most frequent first
	errorCodes    = list("save_conflict", "network_offline", "upload_too_large", "session_expired", "export_failed")
	errorMessages = list("Somebody else changed this paragraph", "No connection: changes are kept on this device", "The file is larger than 25 MB", "Please log in again", "The export could not be finished")
)

func (d *dice) of(words []string) string  { return words[d.below(len(words))] }
func (d *dice) top(words []string) string { return words[d.lean(len(words))] }

// properties appends what the site's own code says about an event.
func (v *visit) properties(b []byte, s *step, i int) []byte {
	d := seeded(v.key, tagStep, uint64(i))
	switch s.kind {
	case pageView:
		return v.pageProperties(b, s)
	case landingSeen:
		b = text(b, "landing_page", pages[s.page].path)
		return text(b, "variant", variants[v.person.key&1])
	case docsRead:
		p := &pages[s.page]
		b = text(b, "page", p.path)
		b = text(b, "section", p.section)
		b = number(b, "seconds", int64(s.lasted))
		b = number(b, "scrolled_percent", int64(min(100, 25+d.below(60)+int(s.lasted)/3)))
		if d.chance(60) {
			b = truth(b, "helpful", d.chance(810))
		}
	case docsSearched, searched:
		b = number(b, "query_length", int64(d.between(3, 24)))
		b = number(b, "results", int64(d.lean(40)))
		if s.kind == searched && d.chance(250) {
			b = raw(b, "filters", `["author","last-month"]`)
		}
	case signUpBegun, signUpCompleted, loggedIn:
		own := seeded(v.person.key, tagName, 2) // the same way each time
		b = text(b, "method", own.top(signUpWays))
	case identified:
		b = append(append(append(b, `,"$anon_distinct_id":"$device:`...), v.deviceID...), '"')
	case documentCreated:
		b = v.document(b, s)
		b = text(b, "template", d.top(templates))
		b = number(b, "blocks", d.spread(14))
	case documentOpened:
		b = v.document(b, s)
		b = number(b, "age_days", d.spread(6))
		b = truth(b, "own", d.chance(640))
	case documentShared:
		b = text(b, "with", d.top(shareWays))
		b = number(b, "people", 1+int64(d.lean(12)))
	case commentAdded:
		b = number(b, "length", d.spread(60))
		b = number(b, "mentions", int64(d.lean(4)))
	case exportStarted, exportFinished:
		b = text(b, "format", d.top(formats))
		b = number(b, "pages", 1+d.spread(3))
	case inviteSent:
		b = text(b, "role", d.top(roles))
		b = number(b, "count", 1+int64(d.lean(5)))
	case integrationConnected:
		b = text(b, "name", d.top(integrations))
	case templateUsed:
		b = text(b, "template", d.top(templates))
	case errorShown:
		e := d.lean(len(errorCodes))
		b = text(b, "code", errorCodes[e])
		b = text(b, "message", errorMessages[e])
	case cardFailed:
		b = text(b, "code", "card_form")
		b = text(b, "message", "Please fill in the card number")
		b = text(b, "field", "card_number")
	case billingOpen:
		b = text(b, "opened_from", d.of(billingDoors))
	case planChosen, billingCompleted:
		_, seats := v.amount()
		b = text(b, "chosen_plan", plans[v.turn.plan].name)
		b = text(b, "interval", v.interval())
		b = number(b, "seats", int64(seats))
	case cardAdded:
		b = text(b, "brand", d.top(cardBrands))
	default: // those that the server sends, and updates
	}
	return b
}

// variants are the two sides of the home page's experiment.
var variants = [2]string{"a", "b"}

func (v *visit) document(b []byte, s *step) []byte {
	b = v.person.documentID(append(b, `,"document":"`...), int(s.document))
	return append(b, '"')
}

func (v *visit) interval() string {
	if v.turn.yearly {
		return "yearly"
	}
	return "monthly"
}
