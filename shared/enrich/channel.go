package enrich

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"loch/shared/event"
)

// The words of the channel column: Google Analytics 4's default channel groups,
// and AI assistants.
const (
	ChannelDirect          = "Direct"
	ChannelCrossNetwork    = "Cross-network"
	ChannelPaidShopping    = "Paid Shopping"
	ChannelPaidSearch      = "Paid Search"
	ChannelPaidSocial      = "Paid Social"
	ChannelPaidVideo       = "Paid Video"
	ChannelDisplay         = "Display"
	ChannelPaidOther       = "Paid Other"
	ChannelOrganicShopping = "Organic Shopping"
	ChannelOrganicSocial   = "Organic Social"
	ChannelOrganicVideo    = "Organic Video"
	ChannelAI              = "AI Assistants"
	ChannelOrganicSearch   = "Organic Search"
	ChannelReferral        = "Referral"
	ChannelEmail           = "Email"
	ChannelAffiliates      = "Affiliates"
	ChannelAudio           = "Audio"
	ChannelSMS             = "SMS"
	ChannelPush            = "Mobile Push Notifications"
	ChannelUnassigned      = "Unassigned"
)

// The stand-ins for a visit that nothing sent, as Google Analytics writes them.
const (
	directSource = "(direct)"
	noMedium     = "(none)"
)

// arrival is how a visitor came to a page, in lower case.
type arrival struct {
	kind                     siteKind // of the source
	source, medium, campaign string
}

// channels are the rules in their order: the first that fits names the channel.
// The order matters: "cpm" is both display and paid, a shopping campaign on a
// search engine is shopping.
var channels = []struct {
	name string
	fits func(a arrival) bool
}{
	{ChannelDirect, func(a arrival) bool {
		return (a.source == directSource || a.source == "direct") && (a.medium == "" || a.medium == noMedium || a.medium == "(not set)")
	}},
	{ChannelCrossNetwork, func(a arrival) bool { return strings.Contains(a.campaign, "cross-network") }},
	{ChannelPaidShopping, func(a arrival) bool { return a.paid() && (a.kind == siteShopping || a.shopCampaign()) }},
	{ChannelPaidSearch, func(a arrival) bool { return a.paid() && a.kind == siteSearch }},
	{ChannelPaidSocial, func(a arrival) bool { return a.paid() && a.kind == siteSocial }},
	{ChannelPaidVideo, func(a arrival) bool { return a.paid() && a.kind == siteVideo }},
	{ChannelDisplay, func(a arrival) bool {
		return oneOf(a.medium, "display", "banner", "expandable", "interstitial", "cpm")
	}},
	{ChannelPaidOther, arrival.paid},
	{ChannelOrganicShopping, func(a arrival) bool { return a.kind == siteShopping || a.shopCampaign() }},
	{ChannelOrganicSocial, func(a arrival) bool {
		return a.kind == siteSocial ||
			oneOf(a.medium, "social", "social-network", "social-media", "sm", "social network", "social media")
	}},
	{ChannelOrganicVideo, func(a arrival) bool { return a.kind == siteVideo || strings.Contains(a.medium, "video") }},
	{ChannelAI, func(a arrival) bool { return a.kind == siteAI || a.medium == "ai-assistant" }},
	{ChannelOrganicSearch, func(a arrival) bool { return a.kind == siteSearch || a.medium == "organic" }},
	{ChannelReferral, func(a arrival) bool { return oneOf(a.medium, "referral", "app", "link") }},
	{ChannelEmail, func(a arrival) bool { return a.kind == siteEmail || isEmail(a.source) || isEmail(a.medium) }},
	{ChannelAffiliates, func(a arrival) bool { return oneOf(a.medium, "affiliate", "affiliates") }},
	{ChannelAudio, func(a arrival) bool { return a.medium == "audio" }},
	{ChannelSMS, func(a arrival) bool { return a.source == "sms" || a.medium == "sms" }},
	{ChannelPush, func(a arrival) bool {
		return strings.HasSuffix(a.medium, "push") || strings.Contains(a.medium, "mobile") ||
			strings.Contains(a.medium, "notification") || a.source == "firebase"
	}},
	{ChannelUnassigned, func(arrival) bool { return true }},
}

// paid is Google's ^(.*cp.*|ppc|retargeting|paid.*)$ of the medium.
func (a arrival) paid() bool {
	return strings.Contains(a.medium, "cp") || a.medium == "ppc" || a.medium == "retargeting" ||
		strings.HasPrefix(a.medium, "paid")
}

// shopCampaign is Google's ^(.*(([^a-df-z]|^)shop|shopping).*)$ of the campaign:
// "eshop" and "summer-shop" shop, "workshop" does not.
func (a arrival) shopCampaign() bool {
	for from := 0; ; {
		i := strings.Index(a.campaign[from:], "shop")
		if i < 0 {
			return false
		}
		i += from
		if i == 0 || a.campaign[i-1] == 'e' || a.campaign[i-1] < 'a' || a.campaign[i-1] > 'z' ||
			strings.HasPrefix(a.campaign[i:], "shopping") {
			return true
		}
		from = i + 1
	}
}

func isEmail(s string) bool { return oneOf(s, "email", "e-mail", "e_mail", "e mail") }

func oneOf(s string, words ...string) bool { return slices.Contains(words, s) }

func (a arrival) channel() string {
	for i := range channels {
		if channels[i].fits(a) {
			return channels[i].name
		}
	}
	return ChannelUnassigned
}

// fillArrival adds page, campaign, referrer, source and channel. An event that
// tells of no page, referrer or campaign, such as a server's, came by no channel.
func fillArrival(r *event.Row, referrer string) {
	var page address
	if r.PageURL != "" {
		page = splitAddress(r.PageURL)
		fill(&r.PageHost, page.host)
		fill(&r.PagePath, page.path)
		fillCampaign(r, &page)
	}
	if r.ReferrerHost == "$direct" {
		r.ReferrerHost = ""
	}
	fill(&r.ReferrerHost, referrerHost(referrer))
	if r.PageURL == "" && r.ReferrerHost == "" && r.UTMSource == "" && r.UTMMedium == "" &&
		r.UTMCampaign == "" && r.ClickIDKind == "" {
		return
	}
	a := arrive(r)
	fill(&r.Source, a.source)
	fill(&r.Channel, a.channel())
}

// arrive decides source and medium: by the campaign's parameters, else by the
// click id of a paid link, else by the referrer, else by any click id; else
// nothing sent the visitor.
func arrive(r *event.Row) arrival {
	a := arrival{source: lower(r.UTMSource), medium: lower(r.UTMMedium), campaign: lower(r.UTMCampaign)}
	click, clicked := clickIDOf(r.ClickIDKind)
	switch {
	case a.source != "":
		a.kind = kindNamed(a.source)
		fill(&a.medium, click.medium)
	case clicked && click.medium != "":
		a.source, a.kind = click.source, kindNamed(click.source)
		fill(&a.medium, click.medium)
	case r.ReferrerHost != "" && !sameSite(r.ReferrerHost, r.PageHost):
		a.source = r.ReferrerHost
		if s := siteAt(r.ReferrerHost); s != nil {
			a.source, a.kind = s.name, s.kind
		}
		fill(&a.medium, a.kind.medium())
	case clicked:
		a.source, a.kind = click.source, kindNamed(click.source)
		fill(&a.medium, a.kind.medium())
	default:
		a.source = directSource
	}
	return a
}

// sameSite reports whether a referrer is the website's own: the same host, or
// one under the same registrable domain ("docs.example.co.uk" and
// "example.co.uk", but not two customers of github.io).
func sameSite(referrer, page string) bool {
	page = strings.TrimPrefix(page, "www.")
	if page == "" || referrer == "" {
		return false
	}
	if referrer == page {
		return true
	}
	// A registrable domain has two labels at least; most referrers differ there,
	// and the list of public suffixes need not be asked.
	if lastLabels(referrer) != lastLabels(page) {
		return false
	}
	one, err := publicsuffix.EffectiveTLDPlusOne(referrer)
	if err != nil {
		return false
	}
	two, err := publicsuffix.EffectiveTLDPlusOne(page)
	return err == nil && one == two
}

func lastLabels(host string) string {
	i := strings.LastIndexByte(host, '.')
	if i < 0 {
		return host
	}
	return host[strings.LastIndexByte(host[:i], '.')+1:]
}
