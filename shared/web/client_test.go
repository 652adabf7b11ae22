package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"loch/shared/fault"
	"loch/shared/web"
)

func TestClientAddress(t *testing.T) {
	for _, c := range []struct {
		name    string
		trusted []string
		remote  string
		xff     []string
		want    string // "" for unknown
	}{
		{"no proxy is trusted: the connection counts", nil, "203.0.113.9:4711", []string{"1.2.3.4"}, "203.0.113.9"},
		{"another trusted proxy changes nothing", []string{"10.0.0.0/8"}, "203.0.113.9:4711", []string{"1.2.3.4"}, "203.0.113.9"},
		{"one trusted proxy", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{"198.51.100.7"}, "198.51.100.7"},
		{"the client's own invention on the left is not read", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{"1.2.3.4, 198.51.100.7"}, "198.51.100.7"},
		{"an invented trusted address on the left neither", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{"10.9.9.9, 198.51.100.7"}, "198.51.100.7"},
		{"an invention in a line of its own neither", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{"1.2.3.4", "198.51.100.7"}, "198.51.100.7"},
		{"past two trusted proxies", []string{"10.0.0.0/8", "192.0.2.1"}, "10.0.0.1:80", []string{"1.2.3.4, 198.51.100.7, 192.0.2.1, 10.0.0.2"}, "198.51.100.7"},
		{"past trusted proxies over lines", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{"198.51.100.7", "10.0.0.3,10.0.0.2"}, "198.51.100.7"},
		{"everybody is trusted: an inner client, the left-most", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{"10.0.0.7, 10.0.0.2"}, "10.0.0.7"},
		{"a trusted proxy without the header", []string{"10.0.0.0/8"}, "10.0.0.1:80", nil, "10.0.0.1"},
		{"an empty header", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{" , "}, "10.0.0.1"},
		{"with a port", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{"198.51.100.7:5555"}, "198.51.100.7"},
		{"version 6 in brackets", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{"[2001:db8::7]"}, "2001:db8::7"},
		{"version 6 in brackets with a port", []string{"fd00::/8"}, "[fd00::1]:80", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		{"version 4 inside version 6 is version 4", []string{"10.0.0.0/8"}, "[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"a proxy that says unknown", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{"1.2.3.4, unknown"}, ""},
		{"a proxy that says nonsense", []string{"10.0.0.0/8"}, "10.0.0.1:80", []string{"1.2.3.4, 300.1.1.1"}, ""},
		{"a zone is dropped", nil, "[fe80::1%eth0]:80", nil, "fe80::1"},
		{"a connection without an address", []string{"10.0.0.0/8"}, "@", []string{"1.2.3.4"}, ""},
		{"a prefix written as 4 in 6", []string{"::ffff:10.0.0.0/104"}, "10.0.0.1:80", []string{"198.51.100.7"}, "198.51.100.7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trusted, err := web.ParseProxies(c.trusted)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPost, "/track", nil)
			r.RemoteAddr = c.remote
			for _, line := range c.xff {
				r.Header.Add("X-Forwarded-For", line)
			}
			r.Header.Set("X-Real-Ip", "1.2.3.4")
			r.Header.Set("Forwarded", "for=1.2.3.4")
			got := ""
			if a := web.ClientOf(r, trusted).Address; a.IsValid() {
				got = a.String()
			}
			if got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestParseProxiesRefuses(t *testing.T) {
	for _, list := range [][]string{{"10.0.0.0/8", "proxy.example"}, {"0.0.0.0/0"}, {"::/0"}, {"::ffff:0.0.0.0/96"}, {""}, {"10.0.0.0/33"}} {
		_, err := web.ParseProxies(list)
		if fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q: got %v, want a refusal", list, err)
		}
	}
}

func TestClientBrowser(t *testing.T) {
	const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	for _, c := range []struct {
		name, agent string
		header      map[string]string
		want        bool
	}{
		{"a page's request", chrome, map[string]string{"Origin": "https://shop.example"}, true},
		{"a navigation or image", chrome, nil, true},
		{"a beacon without an agent", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, true},
		{"a page in a sandbox", "", map[string]string{"Origin": "null"}, true},
		{"a bot that opens pages", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", nil, true},
		{"Go", "Go-http-client/1.1", nil, false},
		{"Python", "python-requests/2.32", nil, false},
		{"no agent", "", nil, false},
		{"Node's fetch", "node", map[string]string{"Sec-Fetch-Mode": "cors"}, false},
		{"PowerShell", "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041", nil, false},
		{"WinHTTP", "Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/track", nil)
			r.Header.Set("User-Agent", c.agent)
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			if got := web.ClientOf(r, nil).Browser; got != c.want {
				t.Fatalf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestClientHints(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/track", nil)
	for k, v := range map[string]string{
		"User-Agent": "Mozilla/5.0", "Sec-CH-UA": `"Chromium";v="156"`, "Sec-CH-UA-Full-Version-List": `"Chromium";v="156.0.1"`,
		"Sec-CH-UA-Platform": `"Android"`, "Sec-CH-UA-Platform-Version": `"14"`, "Sec-CH-UA-Model": `"Pixel 9"`, "Sec-CH-UA-Mobile": "?1",
	} {
		r.Header.Set(k, v)
	}
	got := web.ClientOf(r, nil)
	h := got.Hints
	if got.UserAgent != "Mozilla/5.0" || h.Brands != `"Chromium";v="156"` || h.FullVersionList != `"Chromium";v="156.0.1"` ||
		h.Platform != `"Android"` || h.PlatformVersion != `"14"` || h.Model != `"Pixel 9"` || h.Mobile != "?1" {
		t.Fatalf("got %+v", got)
	}
	r.Header.Set("User-Agent", strings.Repeat("A", 1<<20))
	r.Header.Set("Sec-CH-UA-Model", strings.Repeat("B", 1<<20))
	if got = web.ClientOf(r, nil); len(got.UserAgent) > 2048 || len(got.Hints.Model) > 2048 {
		t.Fatalf("handed on %d and %d bytes", len(got.UserAgent), len(got.Hints.Model))
	}
}
