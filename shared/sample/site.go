package sample

// The made-up product is Quillmark, shared documents for small teams: a
// marketing site, documentation and the application, on three hosts under one
// cookie. The names under .example belong to nobody (RFC 2606).
const (
	wwwHost  = "www.quillmark.example"
	docsHost = "docs.quillmark.example"
	appHost  = "app.quillmark.example"
)

// page is one page of the site. The table is the site map.
type page struct {
	host, path, title string
	section           string // of the documentation; empty elsewhere
	weight            int    // how often it is read, against its neighbours
	url               string // filled in by init
}

// Places in the page table that journeys go to by name.
const (
	pageHome = iota
	pagePricing
	pageFeatures
	pageCustomers
	pageSecurity
	pageBlogCosts
	pageBlogTeams
	pageBlogRelease
	pageSignUp
	pageLogin
	pageWelcome
	pageApp
	pageDocument // its path ends in the document's id
	pageSearch
	pageTeam
	pageIntegrations
	pageBilling
	pagePlans
	pageCard
	pageDocs // the first of the documentation; all others follow
)

var pages = []page{
	{host: wwwHost, path: "/", title: "Quillmark – Documents your team will read", weight: 40},
	{host: wwwHost, path: "/pricing", title: "Pricing – Quillmark", weight: 22},
	{host: wwwHost, path: "/features", title: "Features – Quillmark", weight: 14},
	{host: wwwHost, path: "/customers", title: "Customers – Quillmark", weight: 6},
	{host: wwwHost, path: "/security", title: "Security – Quillmark", weight: 4},
	{host: wwwHost, path: "/blog/what-meetings-cost", title: "What meetings cost – Quillmark blog", weight: 18},
	{host: wwwHost, path: "/blog/writing-in-small-teams", title: "Writing in small teams – Quillmark blog", weight: 9},
	{host: wwwHost, path: "/blog/autumn-release", title: "The autumn release – Quillmark blog", weight: 7},
	{host: appHost, path: "/signup", title: "Sign up – Quillmark"},
	{host: appHost, path: "/login", title: "Log in – Quillmark"},
	{host: appHost, path: "/welcome", title: "Welcome – Quillmark"},
	{host: appHost, path: "/home", title: "Home – Quillmark"},
	{host: appHost, path: "/d/", title: "Document – Quillmark"},
	{host: appHost, path: "/search", title: "Search – Quillmark"},
	{host: appHost, path: "/settings/team", title: "Team – Quillmark"},
	{host: appHost, path: "/settings/integrations", title: "Integrations – Quillmark"},
	{host: appHost, path: "/settings/billing", title: "Billing – Quillmark"},
	{host: appHost, path: "/settings/billing/plan", title: "Choose a plan – Quillmark"},
	{host: appHost, path: "/settings/billing/card", title: "Add a card – Quillmark"},
	doc("", "Quillmark documentation", "Start", 60),
	doc("start/first-document", "Your first document", "Start", 100),
	doc("start/invite-your-team", "Invite your team", "Start", 62),
	doc("start/import", "Import from other tools", "Start", 55),
	doc("start/keyboard-shortcuts", "Keyboard shortcuts", "Start", 33),
	doc("write/templates", "Templates", "Write", 48),
	doc("write/comments", "Comments and mentions", "Write", 24),
	doc("write/tables", "Tables", "Write", 41),
	doc("write/markdown", "Markdown", "Write", 78),
	doc("write/version-history", "Version history", "Write", 19),
	doc("write/offline", "Working offline", "Write", 12),
	doc("share/links", "Sharing by link", "Share", 29),
	doc("share/guests", "Guests", "Share", 17),
	doc("share/permissions", "Permissions", "Share", 36),
	doc("share/publish", "Publish to the web", "Share", 14),
	doc("share/export-pdf", "Export to PDF and Word", "Share", 44),
	doc("team/roles", "Roles", "Team", 15),
	doc("team/sso", "Single sign-on", "Team", 26),
	doc("team/scim", "User provisioning", "Team", 8),
	doc("team/audit-log", "Audit log", "Team", 6),
	doc("billing/plans", "Plans and limits", "Billing", 31),
	doc("billing/change-card", "Change your card", "Billing", 38),
	doc("billing/invoices", "Invoices", "Billing", 13),
	doc("billing/cancel", "Cancel or pause", "Billing", 16),
	doc("integrations/slack", "Slack", "Integrations", 27),
	doc("integrations/github", "GitHub", "Integrations", 21),
	doc("integrations/calendar", "Calendars", "Integrations", 10),
	doc("api/overview", "API overview", "API", 34),
	doc("api/authentication", "API authentication", "API", 52),
	doc("api/documents", "Documents API", "API", 28),
	doc("api/webhooks", "Webhooks", "API", 23),
	doc("api/rate-limits", "Rate limits", "API", 18),
	doc("api/errors", "API errors", "API", 20),
	doc("help/slow-editor", "The editor is slow", "Help", 9),
	doc("help/lost-changes", "Recover lost changes", "Help", 11),
	doc("help/contact", "Contact us", "Help", 7),
}

func doc(path, title, section string, weight int) page {
	return page{host: docsHost, path: "/" + path, title: title + " – Quillmark Docs", section: section, weight: weight}
}

var (
	docsChoice = choose(len(pages)-pageDocs, func(i int) int { return pages[pageDocs+i].weight })
	wwwChoice  = choose(pageSignUp, func(i int) int { return pages[i].weight })
)

func init() {
	for i := range pages {
		pages[i].url = "https://" + pages[i].host + pages[i].path
	}
}

func (d *dice) docsPage() int { return pageDocs + docsChoice.draw(d) }
func (d *dice) wwwPage() int  { return wwwChoice.draw(d) }
