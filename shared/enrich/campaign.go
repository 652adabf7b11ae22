package enrich

import (
	"strings"

	"loch/shared/event"
)

// clickID is a parameter that an advertising network adds to the address of the
// page it sends a visitor to. Its value points at one click of one person and is
// never stored in a column; its name tells who sent the visitor and, where only
// paid links carry it, that the link was paid.
type clickID struct {
	name   string // as the click_id_kind column has it
	source string
	medium string // the utm_medium that it stands for; empty where free links carry it too
}

// clickIDs are the known parameters. An address that has several counts as the
// first of this order: those of paid links come before those of any link.
var clickIDs = []clickID{
	{"gclid", "google", "cpc"}, // Google Ads
	{"gbraid", "google", "cpc"},
	{"wbraid", "google", "cpc"},
	{"dclid", "google", "display"}, // Display & Video 360
	{"msclkid", "bing", "cpc"},     // Microsoft Advertising
	{"yclid", "yandex", "cpc"},
	{"ttclid", "tiktok", "paid"},
	{"twclid", "twitter", "paid"},
	{"li_fat_id", "linkedin", "paid"},
	{"sccid", "snapchat", "paid"},
	{"rdt_cid", "reddit", "paid"},
	{"qclid", "quora", "paid"},
	{"tblci", "taboola", "cpc"},
	{"obclid", "outbrain", "cpc"},
	{"irclickid", "impact", "affiliate"},
	{"awc", "awin", "affiliate"},
	{"cjevent", "cj", "affiliate"},
	{"ranmid", "rakuten", "affiliate"},
	{"ko_click_id", "kochava", ""},
	{"fbclid", "facebook", ""},
	{"igshid", "instagram", ""},
	{"epik", "pinterest", ""},
	{"ysclid", "yandex", "organic"},
	{"srsltid", "google", "organic"}, // Google's free product listings
	{"mc_eid", "mailchimp", "email"},
	{"mc_cid", "mailchimp", "email"},
	{"_hsenc", "hubspot", "email"},
	{"mkt_tok", "marketo", "email"},
	{"vero_id", "vero", "email"},
	{"_kx", "klaviyo", "email"},
}

// clickIDAt finds a click id's place in clickIDs by a parameter's name.
var clickIDAt = func() map[string]int {
	m := map[string]int{}
	for i, c := range clickIDs {
		m[c.name] = i
	}
	m["ScCid"], m["ranMID"] = m["sccid"], m["ranmid"] // as those networks write them
	return m
}()

func clickIDOf(kind string) (clickID, bool) {
	if kind == "" {
		return clickID{}, false
	}
	i, ok := clickIDAt[kind]
	if !ok {
		return clickID{}, false
	}
	return clickIDs[i], true
}

// campaign is what the parameters of one address say.
type campaign struct {
	source, medium, name, term, content string
	click                               int // place in clickIDs, or -1
}

// readCampaign reads the parameters of a query. The first of each name counts.
func readCampaign(query string, c *campaign) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		if value == "" {
			continue
		}
		if len(key) > 4 && equalFold(key[:4], "utm_") {
			if f := c.field(key[4:]); f != nil && *f == "" {
				*f = parameterText(value)
			}
			continue
		}
		if len(key) > len("ko_click_id") {
			continue
		}
		if i, ok := clickIDAt[key]; ok && (c.click < 0 || i < c.click) {
			c.click = i
		}
	}
}

func (c *campaign) field(key string) *string {
	switch {
	case equalFold(key, "source"):
		return &c.source
	case equalFold(key, "medium"):
		return &c.medium
	case equalFold(key, "campaign"):
		return &c.name
	case equalFold(key, "term"):
		return &c.term
	case equalFold(key, "content"):
		return &c.content
	}
	return nil
}

// fillCampaign adds what the page's address says to what the client sent. If
// they speak of different campaigns the client's stands alone: libraries carry
// the first campaign of a visitor from page to page.
func fillCampaign(r *event.Row, page *address) {
	if page.query == "" && page.fragment == "" {
		return
	}
	c := campaign{click: -1}
	readCampaign(page.query, &c)
	if c.source == "" && strings.Contains(page.fragment, "utm_") {
		// "#utm_source=…", or an application that keeps its address after the hash.
		_, query, ok := strings.Cut(page.fragment, "?")
		if !ok {
			query = page.fragment
		}
		readCampaign(query, &c)
	}
	if c.click >= 0 {
		fill(&r.ClickIDKind, clickIDs[c.click].name)
	}
	if !agrees(r.UTMSource, c.source) && c.source != "" {
		return
	}
	fill(&r.UTMSource, c.source)
	fill(&r.UTMMedium, c.medium)
	fill(&r.UTMCampaign, c.name)
	fill(&r.UTMTerm, c.term)
	fill(&r.UTMContent, c.content)
}
