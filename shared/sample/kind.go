package sample

// kind is what a step is.
type kind uint8

const (
	pageView kind = iota
	landingSeen
	docsRead
	docsSearched
	signUpBegun
	signUpCompleted
	identified
	loggedIn
	documentCreated
	documentOpened
	documentShared
	commentAdded
	searched
	exportStarted
	inviteSent
	integrationConnected
	templateUsed
	errorShown
	cardFailed // an Error Shown too, of the card form
	billingOpen
	planChosen
	cardAdded
	billingCompleted

	// sent by the product's server
	exportFinished
	subscriptionStarted
	invoicePaid

	// updates of a person's profile
	setFirst
	setPerson
	setCompany
	setPlan
	addDocuments
	appendCharge

	// updates of a company's profile
	setGroup
)

// eventNames are the events' names; updates have none.
var eventNames = [...]string{
	pageView:             "$mp_web_page_view",
	landingSeen:          "Landing",
	docsRead:             "Docs Page Read",
	docsSearched:         "Docs Searched",
	signUpBegun:          "Sign Up Started",
	signUpCompleted:      "Sign Up Completed",
	identified:           "$identify",
	loggedIn:             "Logged In",
	documentCreated:      "Document Created",
	documentOpened:       "Document Opened",
	documentShared:       "Document Shared",
	commentAdded:         "Comment Added",
	searched:             "Search Performed",
	exportStarted:        "Export Started",
	inviteSent:           "Invite Sent",
	integrationConnected: "Integration Connected",
	templateUsed:         "Template Used",
	errorShown:           "Error Shown",
	cardFailed:           "Error Shown",
	billingOpen:          "Billing Opened",
	planChosen:           "Plan Chosen",
	cardAdded:            "Card Added",
	billingCompleted:     "Billing Completed",
	exportFinished:       "Export Finished",
	subscriptionStarted:  "Subscription Started",
	invoicePaid:          "Invoice Paid",
}

// route is where the SDK, or the server, sends a step of this kind.
func (k kind) route() route {
	switch {
	case k < exportFinished:
		return toTrack
	case k < setFirst:
		return toServer
	case k < setGroup:
		return toEngage
	default:
		return toGroups
	}
}

func (k kind) event() bool { return k < setFirst }
