package enrich

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"unsafe"

	"loch/shared/event"
)

const (
	chromeOnWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
	chromeOnAndroid = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36"
	safariOnPhone   = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1"
	webViewAndroid  = "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.6367.82 Mobile Safari/537.36"
)

func TestAgents(t *testing.T) {
	e := newEnricher(t, Options{})
	// The names are those that Mixpanel's browser library sends, where it has one.
	tests := []struct{ agent, browser, os, device string }{
		{chromeOnWindows, "Chrome 141", "Windows 10", "desktop"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", "Chrome 141", "Mac OS X 10.15.7", "desktop Apple Mac"},
		{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", "Chrome 141", "Linux", "desktop"},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", "Chrome 141", "Chrome OS 14541.0.0", "desktop"},
		{chromeOnAndroid, "Chrome 141", "Android 10", "mobile"},
		{"Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36", "Chrome 124", "Android 14", "mobile Samsung SM-S918B"},
		{"Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36", "Chrome 124", "Android 13", "tablet Samsung SM-X906C"},
		{"Mozilla/5.0 (Linux; Android 14; Pixel 8 Pro) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36", "Chrome 124", "Android 14", "mobile Google Pixel 8 Pro"},
		{webViewAndroid, "Chrome 124", "Android 14", "mobile Samsung SM-S918B"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/124.0.6367.88 Mobile/15E148 Safari/604.1", "Chrome iOS 124", "iOS 17.4", "mobile Apple iPhone"},
		{safariOnPhone, "Mobile Safari 17.4", "iOS 17.4.1", "mobile Apple iPhone"},
		{"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1", "Mobile Safari 16.6", "iOS 16.6", "tablet Apple iPad"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "Mobile Safari", "iOS 17.4.1", "mobile Apple iPhone"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15", "Safari 17.4", "Mac OS X 10.15.7", "desktop Apple Mac"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0", "Firefox 125", "Windows 10", "desktop"},
		{"Mozilla/5.0 (Android 14; Mobile; rv:125.0) Gecko/125.0 Firefox/125.0", "Firefox 125", "Android 14", "mobile"},
		{"Mozilla/5.0 (Android 14; Tablet; rv:125.0) Gecko/125.0 Firefox/125.0", "Firefox 125", "Android 14", "tablet"},
		{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/119.0", "Firefox 119", "Linux", "desktop"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/125.0 Mobile/15E148 Safari/605.1.15", "Firefox iOS 125", "iOS 17.4", "mobile Apple iPhone"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 Edg/124.0.2478.51", "Microsoft Edge 124", "Windows 10", "desktop"},
		{"Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.6367.82 Mobile Safari/537.36 EdgA/124.0.2478.62", "Microsoft Edge 124", "Android 10", "mobile OnePlus HD1913"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/123.0.0.0 Safari/537.36 OPR/109.0.0.0", "Opera 109", "Windows 10", "desktop"},
		{"Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16", "Opera Mini 36.2", "Android", "mobile"},
		{"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36", "Samsung Internet 24", "Android 14", "mobile Samsung SM-S911B"},
		{"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer 11", "Windows 7", "desktop"},
		{"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; Tablet PC 2.0)", "Internet Explorer 8", "Windows 7", "desktop"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Whale/3.25.232.19 Safari/537.36", "Whale Browser 3.25", "Windows 10", "desktop"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21E236 [FBAN/FBIOS;FBAV/460.0.0.32.109;FBDV/iPhone15,2;FBMD/iPhone]", "Facebook Mobile 460", "iOS 17.4.1", "mobile Apple iPhone15,2"},
		{"Mozilla/5.0 (PlayStation; PlayStation 5/8.20) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15", "", "", "console Sony PlayStation 5"},
		{"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/538.1 (KHTML, like Gecko) Version/6.0 TV Safari/538.1", "", "Tizen 6.0", "tv"},
		{"Mozilla/5.0 (Linux; Android 9; AFTKA Build/PS7633; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/112.0.5615.197 Mobile Safari/537.36", "Chrome 112", "Android 9", "tv"},
		{"Mozilla/5.0 (X11; Linux x86_64; Quest 2) AppleWebKit/537.36 (KHTML, like Gecko) OculusBrowser/32.0.0.4.49 SamsungBrowser/4.0 Chrome/122.0.6261.119 VR Safari/537.36", "", "Android", "wearable"},
	}
	for _, test := range tests {
		a := e.agent(&event.Client{UserAgent: test.agent, Browser: true})
		if got := join(a.browser, a.browserVersion); test.browser != "" && got != test.browser {
			t.Errorf("%s\nbrowser %q, want %q", test.agent, got, test.browser)
		}
		if got := join(a.os, a.osVersion); test.os != "" && got != test.os {
			t.Errorf("%s\nsystem %q, want %q", test.agent, got, test.os)
		}
		if got := join(a.kind, a.brand, a.model); !strings.HasPrefix(got, test.device) {
			t.Errorf("%s\ndevice %q, want %q", test.agent, got, test.device)
		}
		if a.botReason != "" {
			t.Errorf("%s\nis taken for a bot: %s", test.agent, a.botReason)
		}
	}
}

func join(words ...string) string { return strings.TrimSpace(strings.Join(words, " ")) }

// A server's agent describes the server: nothing of it may reach the columns.
func TestServersAgentGivesNoDevice(t *testing.T) {
	e := newEnricher(t, Options{})
	s := e.Client(event.Client{UserAgent: chromeOnWindows, Hints: desktopChrome.Hints})
	if s != (Surroundings{}) {
		t.Errorf("got %+v", s)
	}
	// The cache must keep the two apart.
	if s := e.Client(event.Client{UserAgent: chromeOnWindows, Browser: true}); s.Device.Browser != "Chrome" {
		t.Errorf("the same agent from a browser: %+v", s)
	}
	if s := e.Client(event.Client{UserAgent: chromeOnWindows}); s != (Surroundings{}) {
		t.Errorf("and from a server again: %+v", s)
	}
}

// visits are 10,000 visits of people as a public package recorded them, with
// what their browsers said of the platform and the kind of device.
func visits(t *testing.T) []visit {
	t.Helper()
	var v []visit
	readPackage(t, "user-agents/dist/user-agents.json", &v)
	if len(v) < 1000 {
		t.Fatalf("only %d visits", len(v))
	}
	return v
}

type visit struct {
	UserAgent      string `json:"userAgent"`
	Platform       string `json:"platform"`
	DeviceCategory string `json:"deviceCategory"`
}

// crawlers are the agents of crawlers that a public list has collected.
func crawlers(t *testing.T) []string {
	t.Helper()
	var list []struct {
		Instances []string `json:"instances"`
	}
	readPackage(t, "crawler-user-agents/crawler-user-agents.json", &list)
	var agents []string
	for _, c := range list {
		agents = append(agents, c.Instances...)
	}
	if len(agents) < 1000 {
		t.Fatalf("only %d crawlers", len(agents))
	}
	return agents
}

func readPackage(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("data/node_modules/" + name)
	if err != nil {
		t.Fatalf("%v; `make data` installs the test data", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// The floors are what was measured when they were set, less half a percent.
func TestAccuracyOnRealVisits(t *testing.T) {
	e := newEnricher(t, Options{})
	all := visits(t)
	var kind, system, browser int
	for _, v := range all {
		a := e.agent(&event.Client{UserAgent: v.UserAgent, Browser: true})
		if a.kind == v.DeviceCategory {
			kind++
		}
		if fitsPlatform(a.os, v) {
			system++
		}
		if a.browser != "" && a.browserVersion != "" {
			browser++
		}
	}
	percent := func(n int) float64 { return 100 * float64(n) / float64(len(all)) }
	t.Logf("%d visits: device type %.2f%%, system %.2f%%, browser with version %.2f%%", len(all), percent(kind), percent(system), percent(browser))
	if percent(kind) < 99.5 || percent(system) < 99.4 || percent(browser) < 99.4 {
		t.Error("less accurate than before")
	}
}

// fitsPlatform compares with navigator.platform, which is coarse, and says
// Linux for an emulated phone.
func fitsPlatform(system string, v visit) bool {
	switch {
	case strings.HasPrefix(v.Platform, "Win"):
		return system == "Windows"
	case v.Platform == "MacIntel":
		return system == "Mac OS X" || system == "iOS"
	case v.Platform == "iPhone" || v.Platform == "iPad":
		return system == "iOS"
	default:
		return system == "Android" || system == "Linux" || system == "Chrome OS" || system == "iOS" || system == "Mac OS X" || system == "Windows"
	}
}

// The filter by literals must never change what the rules say: here every rule
// is tried in its order, as a plain reading of uap-core would.
func TestLiteralsLoseNoMatch(t *testing.T) {
	e := newEnricher(t, Options{})
	rules := e.agents
	compiled := make([]*regexp.Regexp, len(rules.rules))
	for i := range rules.rules {
		compiled[i] = regexp.MustCompile(rules.rules[i].expr) // all of them must compile
	}
	// Of two thousand different agents every seventh: each is tried on each rule.
	every := 7
	if testing.Short() {
		every = 70
	}
	seen := map[string]bool{}
	var agents []string
	for _, v := range visits(t) {
		if !seen[v.UserAgent] {
			seen[v.UserAgent] = true
			agents = append(agents, v.UserAgent)
		}
	}
	agents = append(agents, crawlers(t)...)
	plain := func(from, end int, text string) *agentRule {
		for i := from; i < end; i++ {
			if compiled[i].MatchString(text) {
				return &rules.rules[i]
			}
		}
		return nil
	}
	for i, text := range agents {
		if i%every != 0 {
			continue
		}
		text = plainAgent(text)
		var found ruleSet
		rules.needles.find(lower(text), &found)
		for _, part := range [][2]int{{0, rules.systems}, {rules.systems, rules.devices}, {rules.devices, len(rules.rules)}} {
			got, _ := rules.first(&found, part[0], part[1], text)
			if want := plain(part[0], part[1], text); got != want {
				t.Errorf("%s: the filter changed the rule that matches", text)
			}
		}
	}
}

func TestCacheChangesNothing(t *testing.T) {
	e := newEnricher(t, Options{AgentCache: 2})
	for range 3 {
		for _, c := range []event.Client{
			{UserAgent: safariOnPhone, Browser: true},
			{UserAgent: chromeOnWindows, Browser: true},
			{UserAgent: chromeOnAndroid, Browser: true},
		} {
			first, second := e.Client(c), e.Client(c)
			if first != second {
				t.Errorf("read: %+v, from the cache: %+v", first, second)
			}
			if len(e.recent.entries) > 2 {
				t.Errorf("the cache holds %d agents", len(e.recent.entries))
			}
		}
	}
}

// A cached field that were a piece of the agent would keep all of it in memory.
func TestCacheHoldsNoAgent(t *testing.T) {
	e := newEnricher(t, Options{})
	text := strings.Clone(webViewAndroid)
	a := e.agent(&event.Client{UserAgent: text, Browser: true})
	start := uintptr(unsafe.Pointer(unsafe.StringData(text)))
	for _, field := range []string{a.browser, a.browserVersion, a.os, a.osVersion, a.brand, a.model} {
		at := uintptr(unsafe.Pointer(unsafe.StringData(field)))
		if field == "" || at >= start && at < start+uintptr(len(text)) {
			t.Errorf("%q is a piece of the agent, or empty", field)
		}
	}
}

func TestRecentKeepsTheNewest(t *testing.T) {
	r := newRecent(3)
	key := func(i uint64) agentKey { return agentKey{i, i} }
	for i := range uint64(3) {
		r.put(key(i), agent{browser: string(rune('a' + i))})
	}
	if _, ok := r.get(key(0)); !ok { // now 1 is the oldest
		t.Fatal("0 is gone")
	}
	r.put(key(3), agent{})
	r.put(key(3), agent{browser: "again"})
	for i, want := range []bool{true, false, true, true} {
		if _, ok := r.get(key(uint64(i))); ok != want {
			t.Errorf("%d is there: %v, want %v", i, ok, want)
		}
	}
	one := newRecent(1)
	for i := range uint64(5) {
		one.put(key(i), agent{})
		if _, ok := one.get(key(i)); !ok || len(one.entries) != 1 {
			t.Fatalf("a cache of one holds %d", len(one.entries))
		}
	}
}

func FuzzAgent(f *testing.F) {
	e := newEnricher(f, Options{AgentCache: 16})
	for _, s := range []string{"", chromeOnWindows, chromeOnAndroid, safariOnPhone, webViewAndroid, "Googlebot/2.1 (+http://www.google.com/bot.html)", "\x00\xff; K)", "Cubot bots_ Cubot"} {
		f.Add(s, `"Google Chrome";v="141"`, `"Windows"`, `"15.0.0"`, `"Pixel 8"`, "?1", true)
	}
	f.Fuzz(func(t *testing.T, ua, brands, platform, version, model, mobile string, browser bool) {
		c := event.Client{UserAgent: ua, Browser: browser, Hints: event.Hints{
			Brands: brands, Platform: platform, PlatformVersion: version, Model: model, Mobile: mobile,
		}}
		s := e.Client(c)
		if s != e.Client(c) {
			t.Error("the second look differs")
		}
		if s.IsBot != (s.BotReason != "") || s.IsBot && !oneOf(s.BotReason, BotReasons...) {
			t.Errorf("bot %v because of %q", s.IsBot, s.BotReason)
		}
		if !oneOf(s.Device.DeviceType, "", Desktop, Mobile, Tablet, TV, Console, Wearable) {
			t.Errorf("device type %q", s.Device.DeviceType)
		}
		if !browser && (s.Device.Browser != "" || s.Device.OS != "" || s.BrowserVersion != "") {
			t.Errorf("a server's agent gave %+v", s)
		}
	})
}
