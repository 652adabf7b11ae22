package enrich

import (
	"slices"
	"testing"

	"loch/shared/event"
)

// The order is part of what a channel means: Google Analytics' own, with AI
// assistants before the search engines that run some of them.
func TestChannelOrder(t *testing.T) {
	want := []string{
		"Direct", "Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other",
		"Organic Shopping", "Organic Social", "Organic Video", "AI Assistants", "Organic Search", "Referral", "Email",
		"Affiliates", "Audio", "SMS", "Mobile Push Notifications", "Unassigned",
	}
	var got []string
	for _, c := range channels {
		got = append(got, c.name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("order:\n got %q\nwant %q", got, want)
	}
}

func TestChannels(t *testing.T) {
	e := newEnricher(t, Options{})
	const page = "https://www.example.com/"
	tests := []struct {
		url, referrer   string
		channel, source string
	}{
		{page, "", "Direct", "(direct)"},
		{page, "$direct", "Direct", "(direct)"},
		{page + "?utm_source=direct", "", "Direct", "direct"},
		{page + "?utm_source=direct&utm_medium=email", "", "Email", "direct"},

		// Each rule, and what the ones before it take away.
		{page + "?utm_source=google&utm_medium=cpc&utm_campaign=x-cross-network-y", "", "Cross-network", "google"},
		{page + "?utm_source=amazon&utm_medium=cpc", "", "Paid Shopping", "amazon"},
		{page + "?utm_source=google&utm_medium=cpc&utm_campaign=summer-shop", "", "Paid Shopping", "google"},
		{page + "?utm_source=google&utm_medium=cpc&utm_campaign=eshop", "", "Paid Shopping", "google"},
		{page + "?utm_source=google&utm_medium=cpc&utm_campaign=workshop", "", "Paid Search", "google"},
		{page + "?utm_source=google&utm_medium=cpc&utm_campaign=workshop+shopping", "", "Paid Shopping", "google"},
		{page + "?utm_source=google&utm_medium=CPC", "", "Paid Search", "google"},
		{page + "?utm_source=Google&utm_medium=ppc", "", "Paid Search", "google"},
		{page + "?utm_source=bing&utm_medium=cpm", "", "Paid Search", "bing"}, // cpm is paid before it is display
		{page + "?utm_source=facebook&utm_medium=paid-social", "", "Paid Social", "facebook"},
		{page + "?utm_source=ig&utm_medium=retargeting", "", "Paid Social", "ig"},
		{page + "?utm_source=youtube&utm_medium=cpv+cpc", "", "Paid Video", "youtube"},
		{page + "?utm_source=adnet&utm_medium=cpm", "", "Display", "adnet"},
		{page + "?utm_source=adnet&utm_medium=banner", "", "Display", "adnet"},
		{page + "?utm_source=google&utm_medium=display", "", "Display", "google"},
		{page + "?utm_source=adnet&utm_medium=cpa", "", "Paid Other", "adnet"}, // "cpa" holds "cp"
		{page + "?utm_source=adnet&utm_medium=paid", "", "Paid Other", "adnet"},
		{page + "?utm_source=chatgpt.com&utm_medium=cpc", "", "Paid Other", "chatgpt.com"},
		{page + "?utm_source=etsy", "", "Organic Shopping", "etsy"},
		{page + "?utm_source=x-partner&utm_campaign=shopping", "", "Organic Shopping", "x-partner"},
		{page + "?utm_source=adnet&utm_medium=social", "", "Organic Social", "adnet"},
		{page + "?utm_source=linkedin.com&utm_medium=post", "", "Organic Social", "linkedin.com"},
		{page + "?utm_source=adnet&utm_medium=video-ad", "", "Organic Video", "adnet"},
		{page + "?utm_source=chatgpt.com", "", "AI Assistants", "chatgpt.com"},
		{page + "?utm_source=something&utm_medium=ai-assistant", "", "AI Assistants", "something"},
		{page + "?utm_source=something&utm_medium=organic", "", "Organic Search", "something"},
		{page + "?utm_source=partner&utm_medium=referral", "", "Referral", "partner"},
		{page + "?utm_source=partner&utm_medium=app", "", "Referral", "partner"},
		{page + "?utm_source=newsletter&utm_medium=email", "", "Email", "newsletter"},
		{page + "?utm_source=e-mail", "", "Email", "e-mail"},
		{page + "?utm_source=partner&utm_medium=affiliate", "", "Affiliates", "partner"},
		{page + "?utm_source=podcast&utm_medium=audio", "", "Audio", "podcast"},
		{page + "?utm_source=sms", "", "SMS", "sms"},
		{page + "?utm_source=app&utm_medium=web_push", "", "Mobile Push Notifications", "app"},
		{page + "?utm_source=app&utm_medium=mobile-notification", "", "Mobile Push Notifications", "app"},
		{page + "?utm_source=firebase", "", "Mobile Push Notifications", "firebase"},
		{page + "?utm_source=flyer&utm_medium=qr", "", "Unassigned", "flyer"},
		{page + "?utm_medium=email", "", "Email", "(direct)"},

		// By the referrer alone.
		{page, "https://www.google.com/", "Organic Search", "google"},
		{page, "https://www.google.co.uk/", "Organic Search", "google"},
		{page, "https://google.com.br/search?q=x", "Organic Search", "google"},
		{page, "android-app://com.google.android.googlequicksearchbox/", "Organic Search", "google"},
		{page, "https://accounts.google.com/", "Referral", "accounts.google.com"},
		{page, "https://docs.google.com/", "Referral", "docs.google.com"},
		{page, "https://google.evil.example/", "Referral", "google.evil.example"},
		{page, "https://mygoogle.com/", "Referral", "mygoogle.com"},
		{page, "https://duckduckgo.com/", "Organic Search", "duckduckgo"},
		{page, "https://de.search.yahoo.com/x", "Organic Search", "yahoo"},
		{page, "https://mail.yahoo.com/", "Email", "yahoo-mail"},
		{page, "https://search.brave.com/", "Organic Search", "brave"},
		{page, "https://yandex.com.tr/search", "Organic Search", "yandex"},
		{page, "https://l.facebook.com/l.php?u=x", "Organic Social", "facebook"},
		{page, "https://t.co/abc", "Organic Social", "twitter"},
		{page, "https://x.com/", "Organic Social", "twitter"},
		{page, "https://out.reddit.com/", "Organic Social", "reddit"},
		{page, "https://news.ycombinator.com/item?id=1", "Organic Social", "hackernews"},
		{page, "https://www.pinterest.de/pin/1", "Organic Social", "pinterest"},
		{page, "https://m.youtube.com/", "Organic Video", "youtube"},
		{page, "https://www.amazon.de/", "Organic Shopping", "amazon"},
		{page, "https://docs.aws.amazon.com/", "Referral", "docs.aws.amazon.com"},
		{page, "https://mail.google.com/mail/u/0/", "Email", "gmail"},
		{page, "https://chatgpt.com/", "AI Assistants", "chatgpt"},
		{page, "https://gemini.google.com/app", "AI Assistants", "gemini"},
		{page, "https://copilot.microsoft.com/", "AI Assistants", "copilot"},
		{page, "https://www.perplexity.ai/search/x", "AI Assistants", "perplexity"},
		{page, "https://claude.ai/chat", "AI Assistants", "claude"},
		{page, "https://blog.partner.example/post", "Referral", "blog.partner.example"},
		{page + "?utm_medium=cpc", "https://www.bing.com/", "Paid Search", "bing"},

		// From the website itself, and not.
		{page, "https://www.example.com/other", "Direct", "(direct)"},
		{page, "https://docs.example.com/", "Direct", "(direct)"},
		{"https://shop.example.co.uk/", "https://blog.example.co.uk/", "Direct", "(direct)"},
		{"https://one.co.uk/", "https://two.co.uk/", "Referral", "two.co.uk"},
		{"https://one.github.io/", "https://two.github.io/", "Referral", "two.github.io"},
		{"http://localhost:3000/", "http://localhost:3000/a", "Direct", "(direct)"},
		{"http://127.0.0.1:3000/", "http://127.0.0.1:8080/a", "Direct", "(direct)"},
		{"http://192.168.1.1/", "http://192.169.1.1/a", "Referral", "192.169.1.1"},
		{"https://www.google.com/maps", "https://www.google.com/", "Direct", "(direct)"},

		// Click ids: a paid one stands for the medium, a free one yields to the referrer.
		{page + "?gclid=abc", "https://www.google.com/", "Paid Search", "google"},
		{page + "?gclid=abc", "", "Paid Search", "google"},
		{page + "?gclid=abc&utm_source=google", "", "Paid Search", "google"},
		{page + "?gclid=abc&utm_source=google&utm_medium=email", "", "Organic Search", "google"}, // Google's rule: the source comes first
		{page + "?wbraid=abc", "", "Paid Search", "google"},
		{page + "?dclid=abc", "", "Display", "google"},
		{page + "?msclkid=abc", "https://www.bing.com/", "Paid Search", "bing"},
		{page + "?ttclid=abc", "", "Paid Video", "tiktok"},
		{page + "?li_fat_id=abc", "", "Paid Social", "linkedin"},
		{page + "?ScCid=abc", "", "Paid Social", "snapchat"},
		{page + "?irclickid=abc", "https://partner.example/", "Affiliates", "impact"},
		{page + "?mc_eid=abc", "", "Email", "mailchimp"},
		{page + "?fbclid=abc", "", "Organic Social", "facebook"},
		{page + "?fbclid=abc", "https://l.instagram.com/", "Organic Social", "instagram"},
		{page + "?ko_click_id=abc", "", "Referral", "kochava"},
	}
	for _, test := range tests {
		ev := event.Event{Referrer: test.referrer, Row: event.Row{PageURL: test.url}}
		e.Event(&ev, &Surroundings{})
		if ev.Row.Channel != test.channel || ev.Row.Source != test.source {
			t.Errorf("%s from %q:\n got %s, %s\nwant %s, %s", test.url, test.referrer, ev.Row.Channel, ev.Row.Source, test.channel, test.source)
		}
	}
}

// A server's event came by no channel; "Direct" would count it as a visit.
func TestNoChannelWithoutAVisit(t *testing.T) {
	e := newEnricher(t, Options{})
	ev := event.Event{Row: event.Row{Name: "invoice paid"}}
	e.Event(&ev, &Surroundings{})
	if ev.Row.Channel != "" || ev.Row.Source != "" {
		t.Errorf("got %q, %q", ev.Row.Channel, ev.Row.Source)
	}
	ev = event.Event{Row: event.Row{UTMSource: "google", UTMMedium: "cpc"}}
	e.Event(&ev, &Surroundings{})
	if ev.Row.Channel != ChannelPaidSearch {
		t.Errorf("a campaign without a page gave %q", ev.Row.Channel)
	}
}

func TestCampaignOfThePage(t *testing.T) {
	e := newEnricher(t, Options{})
	run := func(r event.Row) event.Row {
		ev := event.Event{Row: r}
		e.Event(&ev, &Surroundings{})
		return ev.Row
	}
	r := run(event.Row{PageURL: "https://example.com/?a=1&utm_source=news+letter&UTM_Medium=e%2Dmail&utm_campaign=caf%C3%A9&utm_term=&utm_term=t&utm_content=c&utm_source=second"})
	if r.UTMSource != "news letter" || r.UTMMedium != "e-mail" || r.UTMCampaign != "café" || r.UTMTerm != "t" || r.UTMContent != "c" {
		t.Errorf("from the query: %+v", r)
	}
	r = run(event.Row{PageURL: "https://example.com/#utm_source=a&utm_medium=b"})
	if r.UTMSource != "a" || r.UTMMedium != "b" {
		t.Errorf("from the fragment: %q, %q", r.UTMSource, r.UTMMedium)
	}
	r = run(event.Row{PageURL: "https://example.com/#/route?utm_source=a&utm_medium=b"})
	if r.UTMSource != "a" || r.UTMMedium != "b" {
		t.Errorf("from an application's address: %q, %q", r.UTMSource, r.UTMMedium)
	}
	// What the client sent wins, and is completed only by the same campaign.
	r = run(event.Row{UTMSource: "kept", PageURL: "https://example.com/?utm_source=other&utm_medium=cpc"})
	if r.UTMSource != "kept" || r.UTMMedium != "" {
		t.Errorf("two campaigns were mixed: %q, %q", r.UTMSource, r.UTMMedium)
	}
	r = run(event.Row{UTMSource: "same", PageURL: "https://example.com/?utm_source=Same&utm_medium=cpc"})
	if r.UTMSource != "same" || r.UTMMedium != "cpc" {
		t.Errorf("the campaign was not completed: %q, %q", r.UTMSource, r.UTMMedium)
	}
	r = run(event.Row{PageURL: "https://example.com/?fbclid=1&gclid=2"})
	if r.ClickIDKind != "gclid" {
		t.Errorf("of two click ids: %q", r.ClickIDKind)
	}
	r = run(event.Row{ClickIDKind: "fbclid", PageURL: "https://example.com/?gclid=2"})
	if r.ClickIDKind != "fbclid" {
		t.Errorf("the client's click id was replaced by %q", r.ClickIDKind)
	}
	if r = run(event.Row{PageURL: "https://example.com/?gclid="}); r.ClickIDKind != "" {
		t.Errorf("an empty click id counts as %q", r.ClickIDKind)
	}
}

// Every host of the table must find its own site: a longer entry, or one that
// stands alone, may not hide it.
func TestKnownSitesFindThemselves(t *testing.T) {
	n := 0
	for host, entry := range sitesByHost {
		n++
		if got := siteAt(host); got != entry.site {
			t.Errorf("%s is found as %+v, not %s", host, got, entry.site.name)
		}
	}
	for brand, entry := range sitesByBrand {
		for _, ending := range []string{".com", ".de", ".co.uk", ".com.br"} {
			n++
			if got := siteAt(brand + ending); got == nil || got.name != entry.site.name {
				t.Errorf("%s%s is not found", brand, ending)
			}
		}
	}
	if n < 250 {
		t.Errorf("only %d hosts", n)
	}
	for _, c := range clickIDs {
		if c.source != "" && c.medium != "affiliate" && c.medium != "email" && kindNamed(c.source) == siteOther &&
			!oneOf(c.source, "taboola", "outbrain", "kochava") {
			t.Errorf("%s names %q, which the table does not know", c.name, c.source)
		}
	}
}
