package enrich

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSplitAddress(t *testing.T) {
	for _, test := range []struct {
		in   string
		want address
	}{
		{"https://Example.COM/a/b?x=1#top", address{"example.com", "/a/b", "x=1", "top"}},
		{"https://example.com", address{"example.com", "/", "", ""}},
		{"https://example.com?x=1", address{"example.com", "/", "x=1", ""}},
		{"https://www.example.com:8443/", address{"www.example.com", "/", "", ""}},
		{"https://user:pass@example.com/p", address{"example.com", "/p", "", ""}},
		{"http://[2001:DB8::1]:8080/p", address{"[2001:db8::1]", "/p", "", ""}},
		{"http://example.com./p", address{"example.com", "/p", "", ""}},
		{"//cdn.example.com/x.js", address{"cdn.example.com", "/x.js", "", ""}},
		{"/docs/start?x=1", address{"", "/docs/start", "x=1", ""}},
		{"https://app.example.com/#/billing?plan=pro", address{"app.example.com", "/", "", "/billing?plan=pro"}},
		{"file:///home/me/page.html", address{"", "/home/me/page.html", "", ""}},
		{"chrome-extension://abcdef/popup.html", address{"abcdef", "/popup.html", "", ""}},
		{"android-app://com.google.android.gm/", address{"com.google.android.gm", "/", "", ""}},
		{"about:blank", address{}},
		{"data:text/html,hi", address{}},
		{"page.html", address{}},
		{"", address{}},
		{"  https://example.com/ ", address{"example.com", "/", "", ""}},
		{"https://exa mple.com/p", address{"", "/p", "", ""}},
		{"https://[::1", address{}},
		{"/go?to=https://other.example/", address{"", "/go", "to=https://other.example/", ""}},
		{"https://example.com/a?to=https://b/?c", address{"example.com", "/a", "to=https://b/?c", ""}},
	} {
		if got := splitAddress(test.in); got != test.want {
			t.Errorf("%q:\n got %+v\nwant %+v", test.in, got, test.want)
		}
	}
}

func TestReferrerHost(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"$direct":                         "",
		"https://www.Google.com/search":   "google.com",
		"https://m.facebook.com:443/":     "m.facebook.com",
		"http://user@www2.example.com/":   "www2.example.com",
		"news.ycombinator.com":            "news.ycombinator.com",
		"www.google.com/search?q=x":       "google.com",
		"android-app://com.slack/":        "com.slack",
		"about:blank":                     "",
		"localhost":                       "",
		"/internal/page":                  "",
		"someone wrote: see example.com.": "",
	} {
		if got := referrerHost(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestParameterText(t *testing.T) {
	for in, want := range map[string]string{
		"spring":                 "spring",
		"spring+sale%202026":     "spring sale 2026",
		"caf%C3%A9":              "café",
		"50%":                    "50%",
		"50%zz%4":                "50%zz%4",
		"%ff%fe":                 "",
		"a%00b%0Ac":              "abc",
		"%20padded%20":           "padded",
		strings.Repeat("x", 9e3): strings.Repeat("x", maxParameter),
	} {
		if got := parameterText(in); got != want {
			t.Errorf("%.40q: got %.40q, want %.40q", in, got, want)
		}
	}
}

// Where net/url takes an address, the splitter must see the same in it.
func FuzzSplitAddress(f *testing.F) {
	for _, s := range []string{
		"https://user:pass@Example.com:8080/a/b?utm_source=x&y=%20#frag", "//h/p", "/p?q", "http://[::1]:80/", "https://a?b#c?d", "a:b@c://d", "http://a@b@c/", "http:///x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a := splitAddress(s)
		readCampaign(a.query, &campaign{click: -1})
		if text := parameterText(s); !utf8.ValidString(text) || len(text) > maxParameter {
			t.Errorf("a parameter became %q", text)
		}
		if strings.ContainsAny(a.host, "/?#@ ") {
			t.Errorf("the host %q holds what is not of a host", a.host)
		}
		u, err := url.Parse(s)
		if err != nil || strings.TrimSpace(s) != s || u.Opaque != "" || strings.HasPrefix(u.Host, "[") || strings.Contains(a.host, "%") || strings.HasPrefix(s, ":") {
			return
		}
		if !strings.HasPrefix(s, "/") && !strings.Contains(s, "://") {
			return // a relative path, which is nothing here
		}
		if u.Scheme != "" || strings.HasPrefix(s, "//") {
			if want := lower(strings.TrimSuffix(u.Hostname(), ".")); strings.Trim(a.host, "[]") != want && !strings.ContainsAny(want, " \"<>\\:[]") {
				t.Errorf("host %q, net/url says %q", a.host, want)
			}
		}
		if a.query != u.RawQuery {
			t.Errorf("query %q, net/url says %q", a.query, u.RawQuery)
		}
	})
}
