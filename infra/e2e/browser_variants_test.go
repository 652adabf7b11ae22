package e2e

import (
	"maps"
	"strconv"
	"strings"
	"testing"
)

// TestBrowserVariants drives the SDK's other ways to send. Each must bring the
// same events home, once.
func TestBrowserVariants(t *testing.T) {
	s := start(t, t.TempDir(), "--trust-proxy", "127.0.0.0/8", "--compact-every", "1h")
	site := startSite(t)
	variants := []struct {
		name     string
		settings map[string]any
		fits     func(passage) bool // what its requests look like
	}{
		{"single", map[string]any{"batch_requests": false},
			func(p passage) bool { return p.method == "POST" && strings.HasPrefix(p.body, "data=ey") }},
		{"get", map[string]any{"batch_requests": false, "api_method": "GET"},
			func(p passage) bool { return p.method == "GET" && p.body == "" }},
		{"json", map[string]any{"api_payload_format": "json", "batch_flush_interval_ms": 200},
			func(p passage) bool { return p.method == "POST" && strings.HasPrefix(p.body, "data=%5B%7B") }},
		{"beacon", map[string]any{"batch_requests": false, "api_transport": "sendBeacon"},
			func(p passage) bool { return strings.HasPrefix(p.contentType, "text/plain") }},
		{"renamed", map[string]any{"batch_requests": false, "api_routes": map[string]string{"track": "t", "engage": "e", "groups": "g"}},
			func(p passage) bool { return p.path == "/t" || p.path == "/t/" }},
	}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			s.t = t
			front, tab := startProxy(t, s), openBrowser(t)
			settings := map[string]any{"api_host": front.url, "persistence": "localStorage"}
			maps.Copy(settings, v.settings)
			tab.visit(pageURL(t, site, "/shop", settings))
			tab.eval(`
				for (let i = 1; i <= 3; i++)
					mixpanel.track('` + v.name + ` ' + i, {i, text: 'ü ☕ +/=&? "\\', list: [i, [i / 8]], long: 'x'.repeat(300)});
				mixpanel.identify('someone-` + v.name + `');
				mixpanel.people.set({way: '` + v.name + `'})`)
			await(t, "the events have arrived", func() bool {
				return s.number("select count(*) from events where event like '%s _'", v.name) == 3
			})
			for _, r := range s.sql("select event, properties from events_raw where event like '%s _'", v.name) {
				p := properties(t, r)
				i := canonical(p["i"])
				if r["event"] != v.name+" "+i {
					t.Errorf("%s holds i = %s", r["event"], i)
				}
				if got, want := canonical(p["text"]), canonical(`ü ☕ +/=&? "\`); got != want {
					t.Errorf("text is %s, want %s", got, want)
				}
				if got, want := canonical(p["list"]), map[string]string{"1": "[1,[1/8]]", "2": "[2,[1/4]]", "3": "[3,[3/8]]"}[i]; got != want {
					t.Errorf("list is %s, want %s", got, want)
				}
				if got, want := canonical(p["long"]), canonical(strings.Repeat("x", 255)); got != want {
					t.Errorf("long is %s; the SDK sends 255 characters", got)
				}
			}
			await(t, "the profile is there", func() bool {
				a := s.profile("pii", "someone-"+v.name)
				return a.status == 200 && strings.Contains(string(a.body), v.name)
			})
			if front.count(v.fits) == 0 {
				t.Errorf("no request was of this variant; these passed: %+v", front.passed)
			}
			front.check(t, site)
		})
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
