package privacy

// place is what a segment says of the one behind it.
type place uint8

const (
	anywhere    place = iota
	afterOrders       // orders and other things of one person: any number is an id
	afterPeople       // all that is no word of a page is an id: names are chosen by people
	afterLink         // what is no plain word is a secret: /reset-password/hunter2
	aPage             // in pages: a word that is an ordinary page, nothing for the next
)

// longestPlace is the length of the longest word in pages.
const longestPlace = 16

// placeAfter tells what a segment means for the next.
func placeAfter(segment string) place {
	if len(segment) == 0 || len(segment) > longestPlace {
		return anywhere
	}
	if kind, ok := pages[segment]; ok { // nearly always in lower case
		return kind.next()
	}
	return foldedPage(segment).next()
}

// then is placeAfter for a segment that was just written. An empty one changes
// nothing: servers read // as /.
func (after place) then(segment []byte) place {
	if len(segment) == 0 {
		return after
	}
	if len(segment) > longestPlace {
		return anywhere
	}
	return placeAfter(string(segment))
}

func (after place) next() place {
	if after == aPage {
		return anywhere
	}
	return after
}

// foldedPage finds a word in pages by any case, without punctuation:
// "Team-Members". It is anywhere for a word that is not there.
func foldedPage(s string) place {
	var b [longestPlace]byte
	n := 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '-' || c == '_':
			continue
		case c-'A' < 26:
			c |= 0x20
		}
		if n == len(b) {
			return anywhere
		}
		b[n] = c
		n++
	}
	return pages[string(b[:n])]
}

// isPage tells whether every word of a segment is an ordinary page's: "settings",
// "reset-password", "sign_in". Names of people are none.
func isPage(s string) bool {
	start, some := 0, false
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '-' && s[i] != '_' && s[i] != '.' && s[i] != '+' && s[i] != ' ' {
			continue
		}
		if start < i {
			if foldedPage(s[start:i]) == anywhere {
				return false
			}
			some = true
		}
		start = i + 1
	}
	return some
}

// pages are the words that are judged by themselves. Those that come before
// people, orders and links are ordinary pages where they stand behind others.
//
// Plurals of people are in it where a site lists its users; "authors" and "team"
// are not, since what they lead to is published as content. "account" and
// "student" in the singular lead to pages of one's own, so only numbers behind
// them are ids.
var pages = func() map[string]place {
	m := map[string]place{}
	for kind, words := range map[place][]string{
		afterPeople: {
			"users", "user", "u", "usr", "people", "person", "persons", "members", "member", "profiles", "profile",
			"customers", "customer", "clients", "accounts", "contacts", "leads", "subscribers", "visitors", "guests",
			"patients", "patient", "students", "employees", "employee", "candidates", "applicants", "attendees",
			"participants", "players", "player", "followers", "friends", "recipients", "teammembers", "userprofile",
			"userprofiles", "identities", "owners", "drivers", "tenants", "buyers", "sellers", "donors",
		},
		afterOrders: {
			"orders", "order", "invoices", "invoice", "payments", "payment", "transactions", "transaction", "receipts",
			"receipt", "refunds", "refund", "returns", "carts", "cart", "checkouts", "baskets", "basket", "quotes",
			"quote", "bookings", "booking", "reservations", "reservation", "appointments", "appointment", "tickets",
			"ticket", "cases", "claims", "claim", "subscriptions", "subscription", "shipments", "shipment",
			"deliveries", "delivery", "contracts", "contract", "policies", "loans", "transfers", "conversations",
			"messages", "message", "chats", "threads", "applications", "application", "submissions", "responses",
			"sessions", "session", "devices", "device", "cards", "addresses", "account", "student", "client",
			"contact", "organizations", "organisations", "organization", "orgs", "org", "teams", "workspaces",
			"workspace", "companies", "projects", "project", "households", "files", "uploads", "attachments",
		},
		afterLink: {
			"reset", "resetpassword", "passwordreset", "verify", "verification", "verifyemail", "emailverify",
			"confirm", "confirmation", "confirmemail", "activate", "activation", "invite", "invites", "invitation",
			"invitations", "magic", "magiclink", "magiclinks", "unsubscribe", "optout", "token", "tokens", "auth",
			"share", "shared", "join", "otp", "callback", "recover", "recovery",
		},
		aPage: {
			"new", "create", "add", "edit", "update", "delete", "remove", "archive", "archived", "copy", "duplicate",
			"show", "view", "list", "all", "index", "home", "main", "overview", "dashboard", "details", "detail",
			"summary", "info", "about", "search", "find", "filter", "browse", "explore", "discover", "export",
			"import", "download", "upload", "print", "report", "reports", "stats", "statistics", "analytics",
			"insights", "activity", "history", "log", "logs", "audit", "feed", "timeline", "notifications",
			"notification", "alerts", "inbox", "settings", "setting", "preferences", "options", "configuration",
			"config", "me", "my", "self", "current", "own", "default", "login", "logout", "signin", "signout",
			"signup", "sign", "in", "on", "off", "out", "up", "to", "of", "and", "the", "for", "by", "with", "your",
			"register", "registration", "onboarding", "welcome", "start", "started", "get", "getting", "setup",
			"password", "passwords", "forgot", "forgotten", "forgotpassword", "lost", "change", "changes", "email",
			"emails", "phone", "security", "privacy", "mfa", "2fa", "two", "factor", "authentication", "sso", "oauth",
			"saml", "keys", "key", "api", "apikeys", "webhooks", "integrations", "apps", "billing", "plan", "plans",
			"pricing", "upgrade", "downgrade", "cancel", "renew", "trial", "credits", "usage", "limits", "balance",
			"wallet", "methods", "method", "shipping", "address", "wishlist", "wishlists", "favorites", "favourites",
			"likes", "saved", "bookmarks", "reviews", "review", "ratings", "comments", "comment", "posts", "post",
			"articles", "article", "photos", "photo", "pictures", "videos", "video", "media", "documents", "document",
			"events", "event", "groups", "group", "roles", "role", "permissions", "access", "admin", "admins",
			"administration", "manage", "management", "bulk", "batch", "merge", "active", "inactive", "online",
			"pending", "approved", "blocked", "banned", "deleted", "disabled", "enabled", "verified", "public",
			"private", "recent", "latest", "popular", "top", "following", "directory", "map", "calendar", "schedule",
			"tasks", "task", "notes", "note", "tags", "tag", "segments", "segment", "lists", "types", "type",
			"status", "step", "steps", "success", "successful", "complete", "completed", "done", "error", "errors",
			"failed", "failure", "expired", "thanks", "thank", "you", "help", "support", "faq", "docs", "guide",
			"guides", "terms", "legal", "roster", "count", "page", "pages", "portal", "personal", "general",
			"basic", "advanced", "language", "languages", "avatar", "image", "images", "bio", "name", "username",
			"stories", "story", "testimonials", "loyalty", "rewards", "points", "referrals", "feedback", "survey",
			"surveys", "html", "htm", "php", "json", "xml", "js", "css",
		},
	} {
		for _, word := range words {
			m[word] = kind
		}
	}
	return m
}()
