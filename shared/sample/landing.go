package sample

// source is where a visit comes from: what the browser gives as referrer, and
// what the link carried.
type source struct {
	first, later int // weight among first and among later visits
	referrer     string
	domain       string // its host, mixpanel-browser's $referring_domain
	engine       string // mixpanel-browser's $search_engine
	utm          []pair // as in the link, in mixpanel-browser's order
	click        string // the name of the click id, if the link carries one
	clickPrefix  string
	docs         int // how many of a thousand land in the documentation
}

type pair struct{ name, value string }

var sources = []source{
	{first: 210, later: 620, docs: 250},
	{first: 270, later: 150, referrer: "https://www.google.com/", domain: "www.google.com", engine: "google", docs: 720},
	{first: 38, later: 20, referrer: "https://www.bing.com/", domain: "www.bing.com", engine: "bing", docs: 650},
	{first: 26, later: 14, referrer: "https://duckduckgo.com/", domain: "duckduckgo.com", engine: "duckduckgo", docs: 700},
	{first: 6, later: 3, referrer: "https://search.yahoo.com/", domain: "search.yahoo.com", engine: "yahoo", docs: 500},
	{first: 14, later: 4, referrer: "https://www.ecosia.org/", domain: "www.ecosia.org", docs: 600},
	{first: 95, later: 12, referrer: "https://www.google.com/", domain: "www.google.com", engine: "google", utm: []pair{{"utm_source", "google"}, {"utm_medium", "cpc"}, {"utm_campaign", "brand-eu"}, {"utm_term", "team documents"}}, click: "gclid", clickPrefix: "EAIaIQobChMI"},
	{first: 16, later: 2, referrer: "https://www.bing.com/", domain: "www.bing.com", engine: "bing", utm: []pair{{"utm_source", "bing"}, {"utm_medium", "cpc"}, {"utm_campaign", "docs-tools"}}, click: "msclkid"},
	{first: 42, later: 6, referrer: "https://l.facebook.com/", domain: "l.facebook.com", utm: []pair{{"utm_source", "facebook"}, {"utm_medium", "paid_social"}, {"utm_campaign", "autumn-launch"}, {"utm_content", "video-b"}}, click: "fbclid", clickPrefix: "IwY2xjaw"},
	{first: 24, later: 5, referrer: "https://www.linkedin.com/", domain: "www.linkedin.com", utm: []pair{{"utm_source", "linkedin"}, {"utm_medium", "paid_social"}, {"utm_campaign", "team-leads"}}, click: "li_fat_id"},
	{first: 20, later: 6, referrer: "https://t.co/", domain: "t.co", docs: 300},
	{first: 22, later: 5, referrer: "https://www.reddit.com/", domain: "www.reddit.com", docs: 400},
	{first: 34, later: 3, referrer: "https://news.ycombinator.com/", domain: "news.ycombinator.com", docs: 150},
	{first: 24, later: 12, referrer: "https://github.com/", domain: "github.com", docs: 850},
	{first: 9, later: 2, referrer: "https://www.youtube.com/", domain: "www.youtube.com", docs: 200},
	{first: 30, later: 95, utm: []pair{{"utm_source", "newsletter"}, {"utm_medium", "email"}, {"utm_campaign", "2026-autumn"}, {"utm_content", "button-top"}}, docs: 300},
	{first: 58, later: 22, referrer: "https://chatgpt.com/", domain: "chatgpt.com", utm: []pair{{"utm_source", "chatgpt.com"}}, docs: 600},
	{first: 17, later: 7, referrer: "https://www.perplexity.ai/", domain: "www.perplexity.ai", docs: 700},
	{first: 13, later: 6, referrer: "https://claude.ai/", domain: "claude.ai", docs: 750},
	{first: 11, later: 3, referrer: "https://gemini.google.com/", domain: "gemini.google.com", engine: "google", docs: 600},
	{first: 7, later: 2, referrer: "https://copilot.microsoft.com/", domain: "copilot.microsoft.com", docs: 600},
	{first: 14, later: 1, referrer: "https://tools-weekly.example/issue-212", domain: "tools-weekly.example", utm: []pair{{"utm_source", "tools-weekly"}, {"utm_medium", "referral"}}},
}

var (
	firstChoice = choose(len(sources), func(i int) int { return sources[i].first })
	laterChoice = choose(len(sources), func(i int) int { return sources[i].later })
)

// landing is the start of one visit: a source and the page it led to, with the
// query of the link.
type landing struct {
	source *source
	page   int
	search string // "?utm_source=…", or empty
	click  string // the click id's value
}

// land draws a landing. A first visit comes from anywhere, a later one is more
// often direct or from the newsletter.
func land(d *dice, first bool) landing {
	c := laterChoice
	if first {
		c = firstChoice
	}
	l := landing{source: &sources[c.draw(d)]}
	if d.chance(l.source.docs) {
		l.page = d.docsPage()
	} else {
		l.page = d.wwwPage()
	}
	l.link(d)
	return l
}

// link fills in what the link carried.
func (l *landing) link(d *dice) {
	if len(l.source.utm) == 0 && l.source.click == "" {
		return
	}
	b := make([]byte, 0, 160)
	for _, p := range l.source.utm {
		b = query(b, p.name, p.value)
	}
	if l.source.click != "" {
		id := d.text36([]byte(l.source.clickPrefix), 40-len(l.source.clickPrefix))
		l.click = string(id)
		b = query(b, l.source.click, l.click)
	}
	l.search = string(b)
}

func query(b []byte, name, value string) []byte {
	if len(b) == 0 {
		b = append(b, '?')
	} else {
		b = append(b, '&')
	}
	b = append(append(b, name...), '=')
	for _, c := range []byte(value) {
		if c == ' ' {
			b = append(b, "%20"...)
		} else {
			b = append(b, c)
		}
	}
	return b
}
