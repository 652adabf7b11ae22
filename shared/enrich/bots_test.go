package enrich

import (
	"testing"

	"loch/shared/event"
)

func TestBots(t *testing.T) {
	e := newEnricher(t, Options{})
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0.0.0 Safari/537.36": BotHeadless,
		"Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1":        BotHeadless,
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                                      BotCrawler,
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.1; +https://openai.com/gptbot":        BotCrawler,
		"Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)":                           BotCrawler,
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)":                                       BotCrawler,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0 Safari/537.36 PTST/240101": BotMonitor,
		"WhatsApp/2.23.20.0": BotPreview,
		"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": BotPreview,
		"Feedbin feed-id:1 - 3 subscribers":                                         BotFeed,
		"python-requests/2.31.0":                                                    BotLibrary,
		"curl/8.5.0":                                                                BotLibrary,
		"Go-http-client/1.1":                                                        BotLibrary,
		"Wget/1.21.4":                                                               BotLibrary,
		"Java/17.0.9":                                                               BotLibrary,
		"Mozilla/5.0":                                                               BotShape,
		"":                                                                          BotNoAgent,
		"   ":                                                                       BotNoAgent,
	} {
		s := e.Client(event.Client{UserAgent: agent, Browser: true})
		if s.BotReason != want || !s.IsBot {
			t.Errorf("%q: bot %v because of %q, want %q", agent, s.IsBot, s.BotReason, want)
		}
	}
}

// Each pattern of isbot that looks ahead or behind has two sides.
func TestPatternsThatLookAround(t *testing.T) {
	e := newEnricher(t, Options{})
	for _, test := range []struct {
		word, agent string
		want        bool
	}{
		{"bot", "a bot", true},
		{"bot", "bots_x", true},
		{"bot", "bot/2", true},
		{"bot", "; cubot", false},
		{"bot", "; cubot and a bot", true},
		{"bot", "robotics", false},
		{"bot", "botsy", false},
		{"google", "google", true},
		{"google", "google pix", true},
		{"google", "google pixel", false},
		{"google", "googleapp", false},
		{"google", "googlewv", false},
		{"google", "x channel/google", false},
		{"google", "google/google", false},
		{"http", "okhttp", true},
		{"http", "libhttp", false},
		{"java", "java", true},
		{"java", "java; u", false},
		{"java", "java; java", true},
		{"news", "news", true},
		{"news", "gnews", false},
		{"news", "gnews, news", true},
		{"news", "newssapphire", false},
		{"scan", "scanner", true},
		{"scan", "camscanner", false},
	} {
		tried := false
		for i := range e.bots.rules {
			r := &e.bots.rules[i]
			if r.check == nil || r.literal != test.word {
				continue
			}
			tried = true
			if got := r.match(test.agent); got != test.want {
				t.Errorf("%s in %q: %v, want %v", test.word, test.agent, got, test.want)
			}
		}
		if !tried {
			t.Errorf("no rule looks around %q", test.word)
		}
	}
}

// From a server-side SDK a library is the sender one expects, and an empty
// agent or one of the website's own services is nothing strange.
func TestServersAreNotBots(t *testing.T) {
	e := newEnricher(t, Options{})
	for agent, want := range map[string]string{
		"python-requests/2.31.0":    "",
		"mixpanel-node":             "",
		"Go-http-client/2.0":        "",
		"billing-checker/1.0":       "",
		"fraud-detector/3":          "",
		"":                          "",
		"Googlebot/2.1":             BotCrawler,
		"acme-crawler/1.0":          BotCrawler,
		"HeadlessChrome/141.0.0.0":  BotHeadless,
		"Mozilla/5.0 (PhantomJS/2)": BotHeadless,
	} {
		if s := e.Client(event.Client{UserAgent: agent}); s.BotReason != want {
			t.Errorf("%q: reason %q, want %q", agent, s.BotReason, want)
		}
	}
}

// isbot, run by Node on the same two lists, found the same agents, one by one:
// all but 0.5 % of the crawlers and no person.
func TestBotsOfPublicLists(t *testing.T) {
	e := newEnricher(t, Options{})
	all, missed := crawlers(t), 0
	for _, agent := range all {
		if !e.Client(event.Client{UserAgent: agent, Browser: true}).IsBot {
			missed++
		}
	}
	t.Logf("%d of %d crawlers missed", missed, len(all))
	if float64(missed) > 0.01*float64(len(all)) {
		t.Error("more crawlers are missed than before")
	}
	for _, v := range visits(t) {
		if s := e.Client(event.Client{UserAgent: v.UserAgent, Browser: true}); s.IsBot {
			t.Errorf("a person is taken for a bot, %s: %s", s.BotReason, v.UserAgent)
		}
	}
}

func TestReasonsAreAClosedList(t *testing.T) {
	e := newEnricher(t, Options{})
	used := map[string]bool{BotNoAgent: true}
	for i := range e.bots.rules {
		used[e.bots.rules[i].reason] = true
	}
	for _, r := range BotReasons {
		if !used[r] {
			t.Errorf("no rule has the reason %q", r)
		}
		delete(used, r)
	}
	if len(used) > 0 {
		t.Errorf("reasons that are not in the list: %v", used)
	}
}
